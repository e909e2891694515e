"""Answers that rules give."""

from __future__ import annotations

import itertools
import threading
from typing import NamedTuple

from msgspec.structs import replace

from chatdouble.answers import Answer, ApiError, Recording, Reply, own_error
from chatdouble.calls import Call
from chatdouble.errors import ScriptError
from chatdouble.faults import Chance
from chatdouble.rules import STARTED, Maker, Rule, Step
from chatdouble.rules.explaining import NotAnswering, looked_at, nearest_first, suggestion
from chatdouble.rules.index import Index
from chatdouble.sources.source import Choice, Miss, Overlay

# answers that are there already; to ask whether one is a Maker, a protocol, takes a while
_GIVEN = (Reply, ApiError, Recording)

# with fewer rules it is quicker to look at each
_FEW = 16

_REPEATS = "it would only repeat tool calls whose results this request already brings"
_PASSES = "it passes the call on, with its faults"
_LATER = "it is fulfilled, too, but comes later"


class _Entry(NamedTuple):
    """A rule with its number, which its count goes by, and its words.

    It is ``plain`` if it has one answer, which it gives again and again.
    """

    key: int
    rule: Rule
    words: str
    plain: bool


def _entry(key: int, rule: Rule) -> _Entry:
    plain = len(rule.steps) == 1 and rule.used_up == "repeat" and rule.scenario is None
    return _Entry(key, rule, str(rule), plain)


class Numbered(NamedTuple):
    """A rule, its number, which it keeps, and how many calls it answered."""

    number: int
    rule: Rule
    answered: int


class Explanation(NamedTuple):
    """Which rule answers a call with which step, if one does, and the others as they are tried."""

    rule: Rule | None
    step: Step | None
    others: tuple[NotAnswering, ...]


class Scripted:
    """The first rule that matches answers; each rule counts the calls that it answered.

    Rules may be added from any thread while the server answers.
    """

    name = "scripted"

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self._lock = threading.Lock()
        # a rule's number -> the calls that it answered; rules themselves are frozen
        self._uses: dict[int, int] = {}
        self._states: dict[str, str] = {}
        self._numbers = itertools.count(1)
        # never changed, but replaced by another list, so that an index knows which it is for
        self._rules = [self._entry(rule) for rule in rules]
        self._index: tuple[list[_Entry], Index] = ([], Index(()))

    def _entry(self, rule: Rule) -> _Entry:
        return _entry(next(self._numbers), rule)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are tried."""
        return tuple(entry.rule for entry in self._rules)

    @property
    def uses(self) -> tuple[tuple[Rule, int], ...]:
        """The rules in their order, and how many calls each answered."""
        return tuple((entry.rule, self._uses.get(entry.key, 0)) for entry in self._rules)

    @property
    def numbered(self) -> tuple[Numbered, ...]:
        """The rules in their order, each with its number and how many calls it answered."""
        return tuple(Numbered(e.key, e.rule, self._uses.get(e.key, 0)) for e in self._rules)

    def clear(self) -> None:
        """Forget all rules, counts and states."""
        with self._lock:
            self._rules = []
        self.reset()

    def reset(self) -> None:
        """Begin anew: no rule has answered yet, and every scenario is in its first state."""
        with self._lock:
            self._uses.clear()
            self._states.clear()

    def put(self, old: Rule | None, new: Rule) -> int:
        """Add a rule behind the others, or put it in the place of an older form of itself.

        Returns:
            Its number.
        """
        with self._lock:
            rules = list(self._rules)
            before = (at for at, e in enumerate(rules) if old is not None and e.rule is old)
            at = next(before, len(rules))
            if at < len(rules):
                rules[at] = _entry(rules[at].key, new)
            else:
                rules.append(self._entry(new))
            self._rules = rules
            return rules[at].key

    def renew(self, number: int, rule: Rule) -> bool:
        """Put a rule in the place of the one of this number, False if there is none.

        It has the number and the count of the other one.
        """
        with self._lock:
            rules = [_entry(number, rule) if e.key == number else e for e in self._rules]
            found = any(entry.key == number for entry in rules)
            self._rules = rules
        return found

    def remove(self, number: int) -> bool:
        """Forget the rule of this number, False if there is none."""
        with self._lock:
            rules = [entry for entry in self._rules if entry.key != number]
            found = len(rules) < len(self._rules)
            self._rules = rules
            self._uses.pop(number, None)
        return found

    def replace(self, old: tuple[Rule, ...], new: tuple[Rule, ...]) -> None:
        """Put new rules in the place of old ones, at once and before all others.

        A rule that stands among both, wherever it was written, keeps the count of the calls that
        it answered; scenarios stay in their states.
        """
        going = {id(rule) for rule in old}
        with self._lock:
            before: dict[str, list[_Entry]] = {}
            others: list[_Entry] = []
            for entry in self._rules:
                if id(entry.rule) in going:
                    before.setdefault(str(entry.rule.when), []).append(entry)
                else:
                    others.append(entry)
            self._rules = [*(self._renewed(rule, before) for rule in new), *others]
            kept = {entry.key for entry in self._rules}
            self._uses = {key: uses for key, uses in self._uses.items() if key in kept}

    def _renewed(self, rule: Rule, before: dict[str, list[_Entry]]) -> _Entry:
        """The rule with the number that it had, if it was there."""
        alike = before.get(str(rule.when), [])
        for at, entry in enumerate(alike):
            if replace(entry.rule, origin=rule.origin) == rule:
                del alike[at]
                return _entry(entry.key, rule)
        return self._entry(rule)

    async def answer(self, call: Call) -> Choice | Overlay | None:
        """The due step of the first rule that matches, with the faults of those that pass it on."""
        if call.view is None:
            return None
        passed: tuple[str, ...] = ()
        faults: tuple[Chance, ...] = ()
        rules = self._rules
        for entry in rules if len(rules) < _FEW else self._likely(rules, call):
            if not entry.rule.when.matches(call):
                continue
            step, uses = self._take(entry, call)
            if step is None:
                continue
            faults += step.faults
            given = step.answer
            if given is None:
                passed += (f"{entry.words} passes call {uses + 1} on",)
                continue
            because = f"{entry.words}, answer {uses + 1}"
            answer: Answer
            if isinstance(given, _GIVEN):
                answer = given
            else:
                answer = await _made(given, entry.rule, call, uses + 1)
                because = f"{because} ({given})"
            if passed:
                because = "; ".join((*passed, because))
            return Choice(answer, because, step.pace, faults)
        return Overlay("; ".join(passed), faults) if passed else None

    def _likely(self, rules: list[_Entry], call: Call) -> list[_Entry]:
        """The rules whose conditions may hold for the call, in their order."""
        indexed, index = self._index
        if indexed is not rules:
            index = Index([entry.rule.when for entry in rules])
            self._index = (rules, index)
        return [rules[number] for number in index.candidates(call)]

    def _take(self, entry: _Entry, call: Call) -> tuple[Step | None, int]:
        """The rule's due step, which is used with that; None if it does not answer this call."""
        rule = entry.rule
        with self._lock:
            uses = self._uses.get(entry.key, 0)
            if entry.plain and not call.tool_results:
                self._uses[entry.key] = uses + 1
                return rule.steps[0], uses
            step = self._due(entry, call)
            if step is None or (rule.used_up != "repeat" and uses >= rule.answers):
                return step, uses
            self._uses[entry.key] = uses + 1
            if rule.scenario is not None and rule.scenario.sets is not None:
                self._states[rule.scenario.name] = rule.scenario.sets
            return step, uses

    def _due(self, entry: _Entry, call: Call) -> Step | None:
        """The step that the rule would answer the call with; None if it does not answer it."""
        rule = entry.rule
        uses = self._uses.get(entry.key, 0)
        if self._state_refuses(rule) is not None:
            return None
        if rule.used_up != "repeat" and uses >= rule.answers:
            return None if rule.used_up == "next" else Step(_used_up(rule))
        step, last = rule.step(uses)
        return None if last and _repeats_itself(rule, step, call) else step

    def _state_refuses(self, rule: Rule) -> str | None:
        scenario = rule.scenario
        if scenario is None or scenario.wants is None:
            return None
        state = self._states.get(scenario.name, STARTED)
        if state == scenario.wants:
            return None
        return f"wants scenario {scenario.name!r} in state {scenario.wants!r}, it is in {state!r}"

    def why_not(self, call: Call) -> Miss:
        """Why each rule does not answer, the nearest first, and what would make one answer."""
        rules = self.rules
        if not rules:
            return Miss(("there are no rules",), suggestion=suggestion(call, rules))
        reasons = [
            NotAnswering(rule, self._reason(key, rule, call)) for key, rule, *_ in self._rules
        ]
        return Miss(
            nearest_first(call, reasons),
            looked_at=looked_at(call, rules),
            suggestion=suggestion(call, rules),
        )

    def explain(self, call: Call) -> Explanation:
        """Which rule would answer the call if it came next, and why each other one would not."""
        answering: Rule | None = None
        due: Step | None = None
        others: list[NotAnswering] = []
        for entry in self._rules:
            rule = entry.rule
            if rule.when.matches(call) and answering is None:
                due = self._due(entry, call)
                if due is not None and due.answer is None:
                    others.append(NotAnswering(rule, _PASSES))
                    continue
                if due is not None:
                    answering = rule
                    continue
            if answering is None:
                reason = self._reason(entry.key, rule, call)
            else:
                reason = rule.when.why_not(call) or self._state_refuses(rule) or _LATER
            others.append(NotAnswering(rule, reason))
        return Explanation(answering, due, tuple(others))

    def _reason(self, key: int, rule: Rule, call: Call) -> str:
        reason = rule.when.why_not(call) or self._state_refuses(rule)
        if reason is None and rule.used_up == "next" and self._uses.get(key, 0) >= rule.answers:
            reason = f"its {rule.answers} answers are used up"
        return reason or _REPEATS


async def _made(maker: Maker, rule: Rule, call: Call, count: int) -> Answer:
    try:
        return await maker.make(call, count)
    except ScriptError as error:
        return own_error(500, f"{rule.origin}: {error.problem}", "broken_rule")


def _used_up(rule: Rule) -> ApiError:
    message = (
        f"{rule.origin} has no answer left: it had {rule.answers}, and used_up is 'fail'. "
        "Add a step, or let it repeat its last one."
    )
    return own_error(404, message, "used_up")


def _repeats_itself(rule: Rule, step: Step, call: Call) -> bool:
    """Whether the step would call tools that already gave their results to these very calls.

    An agent that gets the same calls again after each result never ends, so a rule that does not
    ask for a tool result is passed over then, and the rules behind it get their chance.
    """
    if call.view is None or not call.view.tool_results or rule.when.asks_for("tool_result"):
        return False
    if not isinstance(step.answer, Reply) or not step.answer.tool_calls:
        return False
    answered = {(made.name, made.arguments) for made in call.view.answered}
    return all((made.name, made.arguments) in answered for made in step.answer.tool_calls)
