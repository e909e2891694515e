"""The index of many rules: the same rule answers as when each is looked at in turn."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chatdouble import Reply
from chatdouble.calls import Call, View
from chatdouble.match import When, contains, one_of, regex, when
from chatdouble.rules import Rule, Step
from chatdouble.rules.index import Index
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Choice

TEXTS = st.text("abc d", max_size=8)
PARTS = TEXTS.filter(bool)
ASKED = st.one_of(
    TEXTS,
    PARTS.map(contains),
    st.tuples(TEXTS, TEXTS).map(lambda two: one_of(*two)),
    st.tuples(PARTS, TEXTS).map(lambda two: contains(two[0]) | one_of(two[1])),
    st.tuples(PARTS, PARTS).map(lambda two: contains(two[0]) & contains(two[1])),
    st.tuples(PARTS, PARTS).map(lambda two: contains(two[0]) & ~contains(two[1])),
    st.sampled_from(["a", "b."]).map(regex),
)
WHENS = st.builds(
    lambda user, model, stream: when(user=user, model=model, stream=stream),
    st.none() | ASKED,
    st.none() | st.sampled_from(["gpt-4o", contains("gpt"), ~contains("mini")]),
    st.none() | st.booleans(),
)


def call(user: str | None, model: str = "gpt-4o") -> Call:
    return Call(method="POST", path="/", view=View(model=model, user=user))


def rule(number: int, asked: When) -> Rule:
    return Rule(asked, (Step(Reply(str(number))),), f"rule {number}")


def answered(rules: Scripted, asking: Call) -> Any:
    choice = asyncio.run(rules.answer(asking))
    return choice.answer if isinstance(choice, Choice) else None


@settings(max_examples=300, deadline=None)
@given(st.lists(WHENS, min_size=20, max_size=30), TEXTS | st.none())
def test_the_first_rule_that_matches_answers_however_many_there_are(
    whens: list[When], user: str | None
) -> None:
    asking = call(user)
    first = next((number for number, asked in enumerate(whens) if asked.matches(asking)), None)
    rules = Scripted(tuple(rule(number, asked) for number, asked in enumerate(whens)))
    assert answered(rules, asking) == (None if first is None else Reply(str(first)))


def test_few_of_many_alike_rules_are_looked_at() -> None:
    equal = [when(user=f"question {number}") for number in range(1000)]
    assert Index(equal).candidates(call("question 700")) == [700]
    holding = [when(user=contains(f"about question {number}!")) for number in range(1000)]
    found = Index(holding).candidates(call("Tell me about question 700! Thanks."))
    assert 700 in found
    assert len(found) < 20


def test_a_very_long_message_finds_its_rule() -> None:
    holding = [when(user=contains(f"question {number}!")) for number in range(100)]
    assert 70 in Index(holding).candidates(call("x" * 30_000 + "question 70!"))


def test_rules_that_come_later_are_found() -> None:
    rules = Scripted(tuple(rule(number, when(user=str(number))) for number in range(50)))
    assert answered(rules, call("new")) is None
    rules.put(None, rule(50, when(user="new")))
    assert answered(rules, call("new")) == Reply("50")
    rules.clear()
    assert answered(rules, call("new")) is None
