from __future__ import annotations

from collections.abc import Callable

import pytest

from chatdouble import Reply, ScriptError, ToolCall, Usage, call, refusal
from chatdouble.answers import reply_of


def test_a_call_writes_its_arguments_as_compact_json() -> None:
    assert call("f", city="Zürich", n=1) == ToolCall("f", '{"city":"Zürich","n":1}')
    assert call("f") == ToolCall("f", "{}")


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_arguments_that_json_does_not_know_are_refused(value: object) -> None:
    with pytest.raises(ScriptError, match="the arguments of the call of 'f' cannot be written"):
        call("f", value=value)


def test_parts_become_one_reply() -> None:
    made = reply_of(("Let me ", "see.", call("f"), call("g")), finish_reason="length")
    assert made == Reply("Let me see.", (call("f"), call("g")), finish_reason="length")
    assert reply_of((call("f"),)).content is None
    assert reply_of((refusal("I can't."),)).refusal == "I can't."
    assert reply_of(("",)).content == ""


def test_a_whole_reply_is_taken_as_it_is() -> None:
    whole = Reply("Hi.", usage=Usage(3, 4))
    assert reply_of((whole,)) is whole
    with pytest.raises(ScriptError, match="a whole Reply already has its own"):
        reply_of((whole,), finish_reason="stop")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ToolCall("a b"), "a tool's name is made of letters, digits, _ and -"),
        (lambda: ToolCall("f", {"a": 1}), "a ToolCall's arguments are the text that is sent"),  # type: ignore[arg-type]
        (lambda: ToolCall("f", "{}", 7), "a tool call's id is a text, got 7"),  # type: ignore[arg-type]
        (lambda: Reply(5), "a reply's content is a text, got 5"),  # type: ignore[arg-type]
        (lambda: Reply(tool_calls=[call("f")]), "tool_calls are a tuple of ToolCalls"),  # type: ignore[arg-type]
        (lambda: Reply("x", usage={}), "a reply's usage is a Usage, got {}"),  # type: ignore[arg-type]
        (lambda: Reply("x", finish_reason="lenght"), "finish_reason is one of stop, length"),
        (lambda: Usage(-1), "prompt_tokens is a whole number, 0 or more, got -1"),
        (lambda: Usage(1, True), "completion_tokens is a whole number, 0 or more, got True"),
    ],
)
def test_values_that_cannot_be_sent_are_refused_where_they_are_made(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ScriptError) as caught:
        make()
    assert message in str(caught.value)


def test_replies_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ScriptError, match="a reply needs something to say"):
        reply_of(())
    with pytest.raises(ScriptError, match="a refusal stands alone"):
        reply_of(("No.", refusal("I can't.")))
    with pytest.raises(ScriptError, match=r"made of texts, call\(\.\.\.\) and refusal.*not of 7"):
        reply_of((7,))  # type: ignore[arg-type]
