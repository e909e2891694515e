from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from chatdouble import Reply, call
from chatdouble.answers import ApiError, ToolCall
from chatdouble.calls import Call, ToolResult, View
from chatdouble.faults import faults_of
from chatdouble.match import When, when
from chatdouble.rules import Made, Rule, Step, Templated, scenario_of, unreachable
from chatdouble.sources.making import generated
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Choice, Overlay
from chatdouble.wire import dialects


def rule(asked: When, *answers: Reply, origin: str = "rule") -> Rule:
    return Rule(asked, tuple(Step(answer) for answer in answers), origin)


def ask(source: Scripted, **view: object) -> Reply | None:
    made = Call(method="POST", path="/v1/chat/completions", view=View(**{"model": "m", **view}))  # type: ignore[arg-type]
    choice = asyncio.run(source.answer(made))
    if choice is None:
        return None
    assert isinstance(choice, Choice)
    assert isinstance(choice.answer, Reply)
    return choice.answer


A, B, C = Reply("a"), Reply("b"), Reply("c")


def test_the_first_rule_that_matches_answers() -> None:
    source = Scripted((rule(when(user="x"), A), rule(When(), B), rule(When(), C)))
    assert ask(source, user="x") == A
    assert ask(source, user="y") == B


def test_explaining_uses_nothing_up() -> None:
    source = Scripted((rule(when(user="y"), C), rule(When(), A, B), rule(when(user="x"), C)))
    asked = Call(method="POST", path="/v1/chat/completions", view=View(model="m", user="x"))
    for _ in range(2):
        found = source.explain(asked)
        assert (found.rule, found.step) == (source.rules[1], Step(A))
        assert [one.reason for one in found.others] == [
            "wants user equals 'y', got 'x'",
            "it is fulfilled, too, but comes later",
        ]
    assert ask(source, user="x") == A
    assert source.explain(asked).step == Step(B)


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


def test_after_the_last_answer_a_rule_repeats_fails_or_leaves_it_to_the_next() -> None:
    for used_up, expected in (("repeat", [A, B, B]), ("next", [A, B, C])):
        source = Scripted((replace(rule(When(), A, B), used_up=used_up), rule(When(), C)))
        assert [ask(source) for _ in range(3)] == expected
    source = Scripted((replace(rule(When(), A, origin="rule 7"), used_up="fail"),))
    assert ask(source) == A
    error = answer(source)
    assert isinstance(error, ApiError)
    assert (error.status, error.code) == (404, "used_up")
    assert error.message.startswith("rule 7 has no answer left: it had 1")


def answer(source: Scripted, **view: object) -> object:
    made = Call(method="POST", path="/v1/chat/completions", view=View(**{"model": "m", **view}))  # type: ignore[arg-type]
    choice = asyncio.run(source.answer(made))
    assert isinstance(choice, Choice)
    return choice.answer


def test_a_scenario_goes_from_state_to_state() -> None:
    source = Scripted(
        (
            replace(rule(when(user="pay"), A), scenario=scenario_of("shop", "started", "paid")),
            replace(rule(when(user="ship"), B), scenario=scenario_of("shop", "paid", None)),
            rule(When(), C),
        )
    )
    assert [ask(source, user=user) for user in ("ship", "pay", "ship", "pay")] == [C, A, B, C]
    made = Call(method="POST", path="/", view=View(model="m", user="pay"))
    assert source.why_not(made).reasons[0] == (
        "rule: wants scenario 'shop' in state 'started', it is in 'paid'"
    )


def test_parallel_calls_share_out_a_sequence_exactly_once() -> None:
    steps = tuple(Step(Reply(str(number))) for number in range(200))
    source = Scripted((Rule(When(), steps, "rule"),))
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: ask(source), range(200)))
    assert {reply.content for reply in said if reply} == {str(number) for number in range(200)}


def made_by(function: Callable[[Call], object], **view: object) -> object:
    source = Scripted((Rule(When(), (Step(Made(function)),), "rule 1"),))
    return answer(source, **view)


def test_a_function_of_the_call_may_answer() -> None:
    assert made_by(lambda asked: f"You said {asked.user}.", user="Hi") == Reply("You said Hi.")
    assert made_by(lambda _: ("Let me see.", call("f"))) == Reply("Let me see.", (call("f"),))
    assert made_by(lambda _: ApiError(429, "Slow.")) == ApiError(429, "Slow.")

    async def later(asked: Call) -> str:
        await asyncio.sleep(0)
        return "later"

    assert made_by(later) == Reply("later")


def test_a_function_that_fails_says_so_to_the_client() -> None:
    def broken(asked: Call) -> str:
        raise KeyError("city")

    error = made_by(broken)
    assert isinstance(error, ApiError)
    assert (error.status, error.type) == (500, "chatdouble_error")
    assert error.message == "rule 1: broken(call) raised KeyError: 'city'"
    error = made_by(lambda _: 7)
    assert isinstance(error, ApiError)
    assert "returned no reply" in error.message


def test_a_template_is_filled_in_from_the_call() -> None:
    reply = Reply(
        "${count}: ${user} $${user} $5 ${result} ${args.city} ${args.days}",
        (call("f", text='"${user}"', deep=[{"x": "${model}"}]), ToolCall("g", "raw ${user}")),
    )
    source = Scripted((Rule(when(tool_result="f"), (Step(Templated(reply)),), "rule 1"),))
    view = {
        "user": 'Say "hi"',
        "tool_results": (ToolResult("f", "call_1", "sunny"),),
        "answered": (ToolCall("f", '{"city": "Rome", "days": 2}', "call_1"),),
    }
    said = answer(source, **view)
    assert isinstance(said, Reply)
    assert said.content == '1: Say "hi" ${user} $5 sunny Rome 2'
    first, second = said.tool_calls
    assert json.loads(first.arguments) == {"text": '"Say "hi""', "deep": [{"x": "m"}]}
    assert second.arguments == 'raw Say "hi"'


def test_a_name_without_a_value_in_this_call_is_an_error_that_says_so() -> None:
    source = Scripted((Rule(When(), (Step(Templated(Reply("${result}"))),), "rule 1"),))
    error = answer(source)
    assert isinstance(error, ApiError)
    assert error.message == "rule 1: the template's ${result} has no value in this call"


def test_an_answer_may_be_made_up_or_one_word_of_a_kind() -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
    for maker in (generated(), generated("email")):
        source = Scripted((Rule(When(), (Step(maker),), "rule 1"),))
        made = Call(method="POST", path="/v1/chat/completions", body=body)
        dialects.read(made)
        choice = asyncio.run(source.answer(made))
        assert isinstance(choice, Choice)
        assert isinstance(choice.answer, Reply)
        assert choice.answer.content
        assert f"({maker})" in choice.because


def test_a_step_that_passes_on_leaves_its_faults_with_what_answers_behind_it() -> None:
    late, broken = faults_of("delay=1"), faults_of("cut=3")
    passing = Rule(When(), (Step(None, faults=late), Step(C)), "rule 1", used_up="next")
    source = Scripted((passing, Rule(when(user="x"), (Step(A, faults=broken),), "rule 2")))

    def choose(user: str) -> object:
        call = Call(method="POST", path="/v1/chat/completions", view=View(model="m", user=user))
        return asyncio.run(source.answer(call))

    first = choose("x")
    assert isinstance(first, Choice)
    assert (first.answer, first.faults) == (A, late + broken)
    assert first.because.startswith("rule 1 (any call) passes call 1 on; rule 2 ")
    second = choose("y")
    assert isinstance(second, Choice)
    assert second.answer == C
    source.reset()
    assert choose("y") == Overlay("rule 1 (any call) passes call 1 on", late)
    assert list(unreachable(source.rules)) == []


def test_how_often_each_rule_answered_is_known_until_it_is_reset() -> None:
    used, unused = rule(when(user="x"), A), rule(When(), B)
    source = Scripted((used, unused))
    ask(source, user="x")
    assert list(source.uses) == [(used, 1), (unused, 0)]
    source.reset()
    assert list(source.uses) == [(used, 0), (unused, 0)]
    source.clear()
    assert list(source.uses) == []
