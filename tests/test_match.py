from __future__ import annotations

from typing import Any

import pytest

from chatdouble import ScriptError, contains, equals, regex
from chatdouble.calls import Call, ToolResult, View
from chatdouble.match import When, when


def a_call(**view: Any) -> Call:
    fields: dict[str, Any] = {"model": "gpt-4o", **view}
    return Call(method="POST", path="/v1/chat/completions", view=View(**fields))


@pytest.mark.parametrize(
    ("condition", "text", "holds"),
    [
        (equals("Hello"), "Hello", True),
        (equals("Hello"), "Hello!", False),
        (contains("ell"), "Hello", True),
        (contains("ELL"), "Hello", False),
        (regex(r"^\d+ apples"), "12 apples", True),
        (regex(r"^\d+ apples"), "I have 12 apples", False),
        (regex(r"(?i)hello"), "oh HELLO", True),
    ],
)
def test_a_text_condition(condition: object, text: str, holds: bool) -> None:
    asked = when(user=condition)  # type: ignore[arg-type]
    assert asked.matches(a_call(user=text)) is holds
    assert (asked.why_not(a_call(user=text)) is None) is holds


def test_a_bare_string_means_equals() -> None:
    assert when(user="Hello") == when(user=equals("Hello"))


def test_everything_that_is_asked_must_hold() -> None:
    asked = when(user=contains("weather"), model=regex("^gpt-4"))
    assert asked.matches(a_call(user="the weather"))
    assert not asked.matches(a_call(user="the weather", model="o3"))
    assert not asked.matches(a_call(user="the news"))


def test_nothing_asked_matches_any_call_that_can_be_read() -> None:
    assert When().matches(a_call())
    assert not When().matches(Call(method="POST", path="/v1/chat/completions"))


def test_a_tool_result_is_asked_by_the_tools_name() -> None:
    result = ToolResult("get_weather", "call_1", "18 degrees")
    asked = when(tool_result="get_weather")
    assert asked.matches(a_call(tool_results=(result,)))
    assert not asked.matches(a_call())
    assert asked.why_not(a_call()) == (
        "wants tool_result equals 'get_weather', the last message is no tool result"
    )
    other = ToolResult("get_time", "call_2", "noon")
    assert asked.why_not(a_call(tool_results=(other,))) == (
        "wants tool_result equals 'get_weather', got 'get_time'"
    )


def test_a_condition_says_why_it_does_not_hold() -> None:
    assert when(user=contains("weather")).why_not(a_call(user="Hello")) == (
        "wants user contains 'weather', got 'Hello'"
    )
    assert when(user="x").why_not(a_call()) == "wants user equals 'x', there is no user message"
    assert when(model="o3").why_not(a_call()) == "wants model equals 'o3', got 'gpt-4o'"


def test_a_condition_describes_itself() -> None:
    assert str(when(user=contains("a"), model="o3")) == "user contains 'a', model equals 'o3'"
    assert str(When()) == "any call"


def test_a_broken_regular_expression_is_refused_where_it_is_written() -> None:
    with pytest.raises(ScriptError, match=r"'\(' is not a regular expression: missing \)"):
        regex("(")


def test_a_condition_of_another_type_is_refused() -> None:
    with pytest.raises(ScriptError, match=r"user expects a text, equals.*, got 7"):
        when(user=7)  # type: ignore[arg-type]
    with pytest.raises(ScriptError, match="contains expects a text, got 7"):
        contains(7)  # type: ignore[arg-type]
