"""A rule: when it answers, and with what, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from chatdouble.answers import ApiError, Recording, Reply
from chatdouble.errors import ScriptError
from chatdouble.faults import Chance
from chatdouble.match import When
from chatdouble.rules.makers import Maker
from chatdouble.schedule import Pace

UsedUp = Literal["repeat", "fail", "next"]
USED_UP: tuple[UsedUp, ...] = ("repeat", "fail", "next")

# the state in which every scenario begins
STARTED = "started"


class Step(Struct, frozen=True):
    """One answer of a rule, given ``times`` times in a row, at its pace, with its faults.

    Without an answer the call is passed on: the rules and sources behind answer it, and the faults
    break what they say.
    """

    answer: Reply | ApiError | Recording | Maker | None
    times: int = 1
    pace: Pace | None = None
    faults: tuple[Chance, ...] = ()

    def __post_init__(self) -> None:
        check_times(self.times)
        if not isinstance(self.pace, Pace | None):
            raise ScriptError(f"pace is a Pace(first=..., each=...), got {self.pace!r}")


class Scenario(Struct, frozen=True):
    """A state that several rules share: a rule may want one, and may bring one about.

    Attributes:
        name: the scenario's name; each session keeps one state for it, ``started`` at first.
        wants: the state in which the rule answers; None answers in any.
        sets: the state that its answer brings about; None leaves it as it is.
    """

    name: str
    wants: str | None = None
    sets: str | None = None


def scenario_of(name: str | None, wants: str | None, sets: str | None) -> Scenario | None:
    """The scenario of a rule, None if it names none.

    Raises:
        ScriptError: a state is given without a scenario, or a scenario without a state.
    """
    if name is None and wants is None and sets is None:
        return None
    if name is None or (wants is None and sets is None):
        raise ScriptError("a scenario goes with in_state or to_state, and they with a scenario")
    for field, text in (("scenario", name), ("in_state", wants), ("to_state", sets)):
        if not isinstance(text, str | None):
            raise ScriptError(f"{field} is a text, got {text!r}")
    return Scenario(name, wants, sets)


class Rule(Struct, frozen=True):
    """A condition and the steps that answer the calls that fulfil it.

    The n-th call that the rule answers gets the n-th step.

    Attributes:
        when: what a call must fulfil.
        steps: the answers in order, at least one.
        origin: where the rule was written, for explanations: a file and line, or its number.
        used_up: what comes after the last step: ``repeat`` it, ``fail``, or leave the call to the
            ``next`` rules.
        scenario: the state that it wants and sets, None without one.
        optional: whether it may stay unused without that being reported.
    """

    when: When
    steps: tuple[Step, ...]
    origin: str
    used_up: UsedUp = "repeat"
    scenario: Scenario | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        if self.used_up not in USED_UP:
            raise ScriptError(f"used_up is one of {', '.join(USED_UP)}, got {self.used_up!r}")

    def step(self, uses: int) -> tuple[Step, bool]:
        """The step due when ``uses`` calls were answered before, and whether it is the last."""
        for step in self.steps:
            if uses < step.times:
                return step, step is self.steps[-1]
            uses -= step.times
        return self.steps[-1], True

    @property
    def answers(self) -> int:
        """How many calls it answers before it is used up."""
        return sum(step.times for step in self.steps)

    def __str__(self) -> str:
        return f"{self.origin} ({self.when})"


def unreachable(rules: tuple[Rule, ...]) -> Iterator[tuple[Rule, Rule]]:
    """Rules that never answer, each with the one before it that answers all of its calls."""
    taking: list[Rule] = []
    for rule in rules:
        before = next((one for one in taking if one.when.covers(rule.when)), None)
        if before is not None:
            yield rule, before
        if _takes_all(rule):
            taking.append(rule)


def _takes_all(rule: Rule) -> bool:
    """Whether no call that fulfils its condition is left to the rules behind it."""
    if rule.used_up == "next" or rule.scenario is not None:
        return False
    if any(step.answer is None for step in rule.steps):
        return False
    last = rule.steps[-1].answer
    # it steps aside for calls that bring the results of its own
    return not (isinstance(last, Reply) and last.tool_calls)


def check_times(times: object) -> None:
    """Refuse a repetition count that is no whole number from 1.

    Raises:
        ScriptError: it is not.
    """
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise ScriptError(f"times is a whole number from 1, got {times!r}")
