from __future__ import annotations

from typing import Any

import pytest

from chatdouble import ApiError, Pace, Reply, ScriptError, call
from chatdouble.match import When, contains, when
from chatdouble.rules import (
    FAILURES,
    Rule,
    RuleBuilder,
    Step,
    Templated,
    api_error,
    scenario_of,
    unreachable,
)


def built() -> tuple[RuleBuilder, list[Rule]]:
    rules: list[Rule] = []

    def put(old: Rule | None, new: Rule) -> None:
        if old is not None:
            rules.remove(old)
        rules.append(new)

    return RuleBuilder(Rule(When(), (), "rule 1"), put), rules


def test_each_reply_and_fail_adds_a_step() -> None:
    builder, rules = built()
    assert rules == []
    builder.fail(429, retry_after=1, times=2).reply("Hello.", pace=Pace(0.1, 0.02))
    (rule,) = rules
    assert [type(step.answer) for step in rule.steps] == [ApiError, Reply]
    assert rule.steps[0].times == 2
    assert rule.steps[1].pace == Pace(0.1, 0.02)


def test_the_due_step_follows_the_calls_answered_and_the_last_repeats() -> None:
    a, b = Step(Reply("a"), times=2), Step(Reply("b"))
    rule = Rule(When(), (a, b), "rule 1")
    assert [rule.step(uses) for uses in range(5)] == [
        (a, False),
        (a, False),
        (b, True),
        (b, True),
        (b, True),
    ]


def test_an_error_says_what_the_api_usually_says() -> None:
    assert api_error(429, retry_after=1.5) == ApiError(
        429,
        "Rate limit reached.",
        "requests",
        code="rate_limit_exceeded",
        headers=(("retry-after", "1.5"),),
    )
    assert api_error(418).type == "invalid_request_error"
    assert api_error(502).type == "server_error"
    assert api_error(429, "Slow down.").message == "Slow down."
    assert api_error(429, "Slow down.").code is None


@pytest.mark.parametrize("status", [200, 399, 600, True, 429.0])
def test_a_status_out_of_range_is_refused(status: object) -> None:
    with pytest.raises(ScriptError, match="an error's status is a whole number from 400 to 599"):
        api_error(status)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [(1, "1"), (0, "0"), (1.5, "1.5"), (1234567, "1234567"), (0.00001, "0.00001")],
)
def test_a_wait_is_sent_as_a_plain_number(seconds: float, sent: str) -> None:
    assert api_error(429, retry_after=seconds).headers == (("retry-after", sent),)


def test_an_error_or_a_pace_of_other_values_is_refused() -> None:
    builder, rules = built()
    with pytest.raises(ScriptError, match="an error's message is a text, got 5"):
        builder.fail(429, 5)  # type: ignore[arg-type]
    with pytest.raises(
        ScriptError, match=r"pace is a Pace\(first=\.\.\., each=\.\.\.\), .* got 0\.1"
    ):
        builder.reply("x", pace=0.1)  # type: ignore[arg-type]
    assert rules == []


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), True, "1"])
def test_a_wait_out_of_range_is_refused(seconds: object) -> None:
    with pytest.raises(ScriptError, match="retry_after is a number of seconds, 0 or more"):
        api_error(429, retry_after=seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [0, -1, True, 1.5, "2"])
def test_a_repetition_count_out_of_range_is_refused(times: object) -> None:
    builder, rules = built()
    with pytest.raises(ScriptError, match="times is a whole number from 1"):
        builder.reply("x", times=times)  # type: ignore[arg-type]
    assert rules == []


@pytest.mark.parametrize("name", FAILURES)
def test_the_usual_errors_have_names(name: str) -> None:
    error = api_error(name)
    assert 400 <= error.status <= 599
    assert error.message
    assert error.type


def test_a_rate_limit_by_its_name_says_when_to_come_again() -> None:
    assert api_error("rate_limit", retry_after=2).headers == (
        ("retry-after", "2"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "2s"),
    )
    assert dict(api_error("rate_limit").headers)["retry-after"] == "1"
    assert api_error("quota").code == "insufficient_quota"
    with pytest.raises(ScriptError, match="an error is one of bad_request, context_length"):
        api_error("rate limit")
    with pytest.raises(ScriptError, match="got 'rate_limits'; did you mean 'rate_limit'"):
        api_error("rate_limits")


def test_a_whole_reply_brings_its_own_fields() -> None:
    builder, rules = built()
    builder.reply("Hi", model="m", reasoning_content="Hm.", extra={"provider": {"a": 1}})
    answer = rules[0].steps[0].answer
    assert isinstance(answer, Reply)
    assert (answer.model, answer.reasoning_content) == ("m", "Hm.")
    assert answer.extra == (("provider", '{"a": 1}'),)
    wrong: list[tuple[Any, dict[str, Any]]] = [
        (Reply("x"), {"model": "m"}),
        ("x", {"modle": "m"}),
        ("x", {"extra": {"a": object()}}),
        (str, {"finish_reason": "stop"}),
        ("${nobody}", {"template": True}),
    ]
    for said, fields in wrong:
        with pytest.raises(ScriptError):
            builder.reply(said, **fields)


def test_rules_that_never_answer_are_found() -> None:
    def rule(asked: When, origin: str, **fields: object) -> Rule:
        return Rule(asked, (Step(Reply("x")),), origin, **fields)  # type: ignore[arg-type]

    rules = (
        rule(when(user=contains("a")), "1"),
        rule(when(user="abc"), "2"),
        rule(when(user="xyz"), "3", used_up="next"),
        rule(when(user="xyz"), "4"),
        rule(When(), "5"),
        rule(when(model="m"), "6"),
    )
    found = [(later.origin, earlier.origin) for later, earlier in unreachable(rules)]
    assert found == [("2", "1"), ("6", "5")]


def test_a_scenario_has_a_name_and_a_state() -> None:
    states: list[Any] = [("s", None, None), (None, "a", None), (None, None, "b"), ("s", 1, None)]
    for wrong in states:
        with pytest.raises(ScriptError):
            scenario_of(*wrong)
    with pytest.raises(ScriptError, match="used_up is one of repeat, fail, next, got 'stop'"):
        Rule(When(), (), "1", "stop")  # type: ignore[arg-type]


def test_a_template_knows_its_names_before_a_call_comes() -> None:
    Templated(Reply("${user} ${model} ${system} ${count} ${result} ${args.city} $${x} $5"))
    with pytest.raises(ScriptError, match=r"knows user, .* got \$\{usr\}"):
        Templated(Reply("${usr}"))
    with pytest.raises(ScriptError, match=r"got \$\{__class__\}"):
        Templated(Reply(tool_calls=(call("f", a="${__class__}"),)))
