from __future__ import annotations

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
    with pytest.raises(ScriptError, match="a whole Reply already has its finish_reason"):
        reply_of((whole,), finish_reason="stop")


def test_replies_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ScriptError, match="a reply needs something to say"):
        reply_of(())
    with pytest.raises(ScriptError, match="a refusal stands alone"):
        reply_of(("No.", refusal("I can't.")))
    with pytest.raises(ScriptError, match=r"made of texts, call\(\.\.\.\) and refusal.*not of 7"):
        reply_of((7,))  # type: ignore[arg-type]
