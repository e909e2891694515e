"""Answers that rules give."""

from __future__ import annotations

import threading
from typing import NamedTuple

from chatdouble.answers import Answer, ApiError, Reply, own_error
from chatdouble.calls import Call
from chatdouble.errors import ScriptError
from chatdouble.rules import STARTED, Maker, Rule, Step
from chatdouble.rules.explaining import NotAnswering, looked_at, nearest_first, suggestion
from chatdouble.sources.source import Choice, Miss

_REPEATS = "it would only repeat tool calls whose results this request already brings"


class _Entry(NamedTuple):
    """A rule with its number, which its count goes by, and its words."""

    key: int
    rule: Rule
    words: str


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
        self._rules = [_Entry(key, rule, str(rule)) for key, rule in enumerate(rules)]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are tried."""
        return tuple(entry.rule for entry in self._rules)

    @property
    def uses(self) -> tuple[tuple[Rule, int], ...]:
        """The rules in their order, and how many calls each answered."""
        return tuple((entry.rule, self._uses.get(entry.key, 0)) for entry in self._rules)

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

    def put(self, old: Rule | None, new: Rule) -> None:
        """Add a rule behind the others, or put it in the place of an older form of itself."""
        with self._lock:
            rules = list(self._rules)
            at = next((e.key for e in rules if old is not None and e.rule is old), len(rules))
            rules[at : at + 1] = [_Entry(at, new, str(new))]
            self._rules = rules

    async def answer(self, call: Call) -> Choice | None:
        """The due step of the first rule that matches."""
        if call.view is None:
            return None
        for entry in self._rules:
            if not entry.rule.when.matches(call):
                continue
            step, uses = self._take(entry, call)
            if step is not None:
                because = f"{entry.words}, answer {uses + 1}"
                if not isinstance(step.answer, Maker):
                    return Choice(step.answer, because, step.pace, step.faults)
                made = await _made(step.answer, entry.rule, call, uses + 1)
                return Choice(made, f"{because} ({step.answer})", step.pace, step.faults)
        return None

    def _take(self, entry: _Entry, call: Call) -> tuple[Step | None, int]:
        """The rule's due step, which is used with that; None if it does not answer this call."""
        rule = entry.rule
        with self._lock:
            uses = self._uses.get(entry.key, 0)
            if self._state_refuses(rule) is not None:
                return None, uses
            if rule.used_up != "repeat" and uses >= rule.answers:
                return (None if rule.used_up == "next" else Step(_used_up(rule))), uses
            step, last = rule.step(uses)
            if last and _repeats_itself(rule, step, call):
                return None, uses
            self._uses[entry.key] = uses + 1
            if rule.scenario is not None and rule.scenario.sets is not None:
                self._states[rule.scenario.name] = rule.scenario.sets
            return step, uses

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
            NotAnswering(rule, self._reason(key, rule, call)) for key, rule, _ in self._rules
        ]
        return Miss(
            nearest_first(call, reasons),
            looked_at=looked_at(call, rules),
            suggestion=suggestion(call, rules),
        )

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
