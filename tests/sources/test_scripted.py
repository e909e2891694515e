from __future__ import annotations

import asyncio

from chatdouble import Reply, call
from chatdouble.answers import ToolCall
from chatdouble.calls import Call, ToolResult, View
from chatdouble.match import When, when
from chatdouble.rules import Rule, Step
from chatdouble.sources.scripted import Scripted


def rule(asked: When, *answers: Reply, origin: str = "rule") -> Rule:
    return Rule(asked, tuple(Step(answer) for answer in answers), origin)


def ask(source: Scripted, **view: object) -> Reply | None:
    made = Call(method="POST", path="/v1/chat/completions", view=View(**{"model": "m", **view}))  # type: ignore[arg-type]
    choice = asyncio.run(source.answer(made))
    if choice is None:
        return None
    assert isinstance(choice.answer, Reply)
    return choice.answer


A, B, C = Reply("a"), Reply("b"), Reply("c")


def test_the_first_rule_that_matches_answers() -> None:
    source = Scripted((rule(when(user="x"), A), rule(When(), B), rule(When(), C)))
    assert ask(source, user="x") == A
    assert ask(source, user="y") == B


def test_no_rule_no_answer() -> None:
    assert ask(Scripted((rule(when(user="x"), A),)), user="y") is None
    assert Scripted().why_not(Call(method="POST", path="/")).reasons == ("there are no rules",)


def test_each_rule_counts_the_calls_that_it_answered() -> None:
    source = Scripted((rule(when(user="x"), A, B), rule(When(), C, A)))
    assert [ask(source, user=user) for user in ("x", "y", "x", "y", "x", "y")] == [A, C, B, A, B, A]


def test_a_rule_that_grows_keeps_its_place_and_its_count() -> None:
    source = Scripted()
    first = rule(When(), A)
    source.put(None, first)
    source.put(None, rule(When(), C))
    assert ask(source) == A
    source.put(first, rule(When(), A, B))
    assert ask(source) == B


WEATHER = call("get_weather", city="Paris")
AGAIN = {
    "user": "weather?",
    "tool_results": (ToolResult("get_weather", "call_1", "18"),),
    "answered": (ToolCall("get_weather", '{"city":"Paris"}', "call_1"),),
}


def test_a_rule_does_not_repeat_tool_calls_that_have_their_results() -> None:
    """Two rules in the natural order must not loop: the second gets its turn."""
    calls = Reply(tool_calls=(WEATHER,))
    source = Scripted(
        (rule(when(user="weather?"), calls), rule(when(tool_result="get_weather"), B))
    )
    assert ask(source, user="weather?") == calls
    assert ask(source, **AGAIN) == B
    assert ask(source, user="weather?") == calls


def test_the_miss_says_that_a_rule_would_only_repeat_itself() -> None:
    source = Scripted((rule(when(user="weather?"), Reply(tool_calls=(WEATHER,)), origin="rule 1"),))
    assert ask(source, **AGAIN) is None
    made = Call(method="POST", path="/", view=View(model="m", **AGAIN))  # type: ignore[arg-type]
    assert source.why_not(made).reasons == (
        "rule 1: it would only repeat tool calls whose results this request already brings",
    )


def test_a_sequence_goes_on_after_a_tool_result() -> None:
    calls = Reply(tool_calls=(WEATHER,))
    source = Scripted((rule(when(user="weather?"), calls, calls, B),))
    assert ask(source, user="weather?") == calls
    assert ask(source, **AGAIN) == calls
    assert ask(source, **AGAIN) == B


def test_a_rule_that_asks_for_the_tool_result_may_call_again() -> None:
    source = Scripted((rule(when(tool_result="get_weather"), Reply(tool_calls=(WEATHER,))),))
    assert ask(source, **AGAIN) is not None
