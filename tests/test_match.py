from __future__ import annotations

import json
from typing import Any

import pytest

from chatdouble import ScriptError, contains, equals, regex
from chatdouble.calls import Call, ToolResult, View
from chatdouble.match import (
    When,
    above,
    at_least,
    at_most,
    below,
    fits,
    glob,
    like,
    one_of,
    when,
)
from chatdouble.match.matchers import Matcher, matcher
from chatdouble.script import parse
from chatdouble.wire import dialects


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


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        (equals(2), 2.0, True),
        (equals(True), 1, False),
        (equals([1, {"a": 2}]), [1, {"a": 2.0}], True),
        (equals({"a": 1}), {"a": 1, "b": 2}, False),
        (contains("b"), ["a", "b"], True),
        (contains("b"), {"b": 1}, True),
        (contains("b"), 7, False),
        (glob("gpt-4*"), "gpt-4o-mini", True),
        (glob("gpt-4?"), "gpt-4o-mini", False),
        (one_of("a", "b"), "b", True),
        (one_of("a", "b"), "ab", False),
        (like({"a": {"b": 1}}), {"a": {"b": 1, "c": 2}, "d": 3}, True),
        (like({"a": [1, 2]}), {"a": [1, 2, 3]}, False),
        (like({"city": "Paris"}), '{"city": "Paris", "days": 2}', True),
        (like({"city": "Paris"}), "no JSON", False),
        (fits({"type": "object", "required": ["a"]}), {"a": 1}, True),
        (fits({"type": "object", "required": ["a"]}), '{"b": 1}', False),
        (fits({"$ref": "http://example.org/schema"}), 1, False),
        (above(1), 1.5, True),
        (above(1), 1, False),
        (below(1), 0, True),
        (at_least(1), 1, True),
        (at_most(1), 2, False),
        (at_most(1), "0", False),
        (above(0), True, False),
        (contains("a") & contains("b"), "ab", True),
        (contains("a") & contains("b"), "a", False),
        (contains("a") | contains("b"), "b", True),
        (~contains("a"), "b", True),
        (~contains("a"), "a", False),
        (contains("a") & ~regex("^b") | equals("c"), "c", True),
    ],
)
def test_a_condition_on_a_value(condition: Matcher, value: Any, holds: bool) -> None:
    assert condition.test(value) is holds
    assert (~condition).test(value) is not holds
    assert str(condition)


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
    with pytest.raises(ScriptError, match=r"user expects a text or a matcher of one, got 7"):
        when(user=7)
    with pytest.raises(ScriptError, match=r"turns expects a number or a matcher of one, got '2'"):
        when(turns=one_of(1, "2"))
    with pytest.raises(ScriptError, match=r"stream expects a boolean or a matcher of one, got 1"):
        when(stream=1)
    with pytest.raises(ScriptError, match="there is no field 'usr'; fields are user, any_user"):
        when(usr="x")


BODY: dict[str, Any] = {
    "model": "gpt-4o",
    "temperature": 0.5,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "First"},
        {"role": "assistant", "content": "An answer"},
        {"role": "user", "content": [{"type": "text", "text": "Second"}]},
    ],
    "tools": [
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "function", "function": {"name": "search"}},
    ],
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}},
}


def a_real_call(**fields: Any) -> Call:
    call = Call(
        method="POST",
        path="/v1/chat/completions",
        raw_headers=[(b"x-tenant", b"acme"), (b"authorization", b"Bearer sk-secret")],
        body=json.dumps({**BODY, **fields}).encode(),
    )
    dialects.read(call)
    assert call.settled is None, call.settled
    return call


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({"user": "Second"}, True),
        ({"user": "First"}, False),
        ({"any_user": "First"}, True),
        ({"system": contains("brief")}, True),
        ({"assistant": contains("answer")}, True),
        ({"assistant": ~contains("answer")}, False),
        ({"conversation": regex("(?s)First.*Second")}, True),
        ({"turns": 2}, True),
        ({"turns": at_least(3)}, False),
        ({"model": glob("gpt-*")}, True),
        ({"stream": False}, True),
        ({"tools": "search"}, True),
        ({"tools": ~equals("search")}, False),
        ({"tools": ~equals("other")}, True),
        ({"tools": contains("x") | contains("sear")}, True),
        ({"tool_choice": "auto"}, True),
        ({"response_format": "json_schema"}, True),
        ({"response_format": "answer"}, True),
        ({"response_format": "json_object"}, False),
        ({"field": {"temperature": below(1)}}, True),
        ({"field": {"messages[-1].content[0].text": "Second"}}, True),
        ({"field": {"messages[9].role": "user"}}, False),
        ({"field": {"tools[*].function.name": contains("sea")}}, True),
        ({"field": {"messages[0]": like({"role": "system"})}}, True),
        ({"field": {"seed": 1}}, False),
        ({"header": {"X-Tenant": "acme"}}, True),
        ({"header": {"x-other": "acme"}}, False),
        ({"where": lambda call: len(call.messages) == 4}, True),
        ({"where": lambda call: None}, False),
        ({"any_of": [{"user": "x"}, {"turns": 2}]}, True),
        ({"any_of": [{"user": "x"}, {"turns": 3}]}, False),
        ({"all_of": [{"user": "Second"}, {"turns": 2}]}, True),
        ({"not_": {"user": "Second", "turns": 3}}, True),
        ({"not_": {"user": "Second"}}, False),
    ],
)
def test_every_field_can_be_asked(asked: dict[str, Any], holds: bool) -> None:
    condition = when(**asked)
    call = a_real_call()
    assert condition.matches(call) is holds
    assert (condition.why_not(call) is None) is holds
    assert str(condition)


def test_a_tool_result_is_asked_by_name_id_and_content_together() -> None:
    results = (ToolResult("f", "call_1", "sunny"), ToolResult("g", "call_2", "rain"))
    call = a_call(tool_results=results)
    assert when(tool_result={"name": "f", "content": contains("sun")}).matches(call)
    assert not when(tool_result={"name": "g", "content": contains("sun")}).matches(call)
    assert when(tool_result={"call_id": "call_2"}).matches(call)
    assert when(tool_result={"name": "g", "content": "sun"}).why_not(call) == (
        "wants tool_result name equals 'g' and content equals 'sun', got f: 'sunny', g: 'rain'"
    )
    with pytest.raises(ScriptError, match="tool_result has name, call_id and content, not "):
        when(tool_result={"nme": "f"})


def test_an_explanation_never_shows_a_key() -> None:
    asked = when(header={"authorization": "Bearer sk-other"})
    reason = asked.why_not(a_real_call()) or ""
    assert "sk-" not in reason + str(asked)
    assert reason.endswith("got another value")
    assert when(header={"authorization": "Bearer sk-secret"}).matches(a_real_call())


@pytest.mark.parametrize("path", ["", "a..b", "a.", "[x]", "a[1", ".a"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ScriptError, match="is no path of a field"):
        when(field={path: 1})


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(ScriptError, match="it is no JSON Schema: 'nonsense' is not valid"):
        fits({"type": "nonsense"})


@pytest.mark.parametrize(
    ("general", "special"),
    [
        ({}, {"user": "x"}),
        ({"user": contains("a")}, {"user": contains("ab")}),
        ({"user": regex("^a")}, {"user": "abc", "model": "m"}),
        ({"model": glob("gpt*")}, {"model": one_of("gpt-4", "gpt-5")}),
        ({"turns": above(1)}, {"turns": 2}),
        ({"field": {"seed": 1}}, {"field": {"seed": 1}, "user": "x"}),
    ],
)
def test_a_condition_knows_which_it_covers(
    general: dict[str, Any], special: dict[str, Any]
) -> None:
    assert when(**general).covers(when(**special))
    assert not when(**special).covers(when(**general))


WRITTEN = [
    when(user="Hello"),
    when(user=contains("a") & ~regex("b"), model=one_of("x", "y")),
    when(turns=at_least(2), stream=True, tools=~equals("f")),
    when(field={"temperature": below(1), "messages[0]": like({"role": "user"})}),
    when(header={"x-a": glob("b*")}, not_={"user": "x"}),
    when(any_of=[{"user": "x"}, {"system": contains("y")}], all_of=[{"turns": 1}]),
    when(tool_result={"name": "f", "content": fits({"type": "object"})}),
    when(tool_result="f", response_format="answer", tool_choice="auto"),
]


@pytest.mark.parametrize("asked", WRITTEN, ids=str)
def test_what_a_condition_prints_is_read_as_the_same_condition(asked: When) -> None:
    script = json.dumps([{"when": asked.data(), "reply": "x"}])
    (rule,) = parse(script)
    assert rule.when == asked
    assert eval(f"when({asked.python()})") == asked


def test_bare_values_are_conditions_in_combinations_too() -> None:
    assert (contains("a") | "b").test("b")
    assert matcher("b") == equals("b")


def test_conditions_that_are_grouped_or_ordered_otherwise_are_equal() -> None:
    a, b, c = contains("a"), contains("b"), contains("c")
    assert (a & b) & c == a & (b & c)
    assert (a | b) | c == a | (b | c)
    assert (a & b) | c != a & (b | c)
    assert when(user=a, model=b) == when(model=b, user=a)
    (written,) = parse("- {when: {model: {contains: b}, user: {contains: a}}, reply: x}")
    assert written.when == when(user=a, model=b)


def test_one_of_no_conditions_never_holds() -> None:
    assert not when(any_of=[]).matches(a_call())
    assert not when(not_={}).matches(a_call())
    with pytest.raises(ScriptError, match="any expects at least one condition"):
        parse("- {when: {user: {any: []}}, reply: x}")


def test_a_function_that_raises_does_not_match_and_says_so() -> None:
    def third(call: Call) -> bool:
        return bool(call.messages[2])

    asked = when(where=third)
    call = a_call(user="x")
    assert not asked.matches(call)
    assert asked.why_not(call) == (
        "wants where third(call), which raised IndexError: list index out of range"
    )
