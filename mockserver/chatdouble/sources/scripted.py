"""Answers that rules give."""

from __future__ import annotations

import threading
from typing import NamedTuple

from chatdouble.answers import Reply
from chatdouble.calls import Call
from chatdouble.rules import Rule, Step
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
        self._rules = [_Entry(key, rule, str(rule)) for key, rule in enumerate(rules)]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are tried."""
        return tuple(entry.rule for entry in self._rules)

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
            rule = entry.rule
            if not rule.when.matches(call):
                continue
            with self._lock:
                uses = self._uses.get(entry.key, 0)
                step, last = rule.step(uses)
                if last and _repeats_itself(rule, step, call):
                    continue
                self._uses[entry.key] = uses + 1
            return Choice(step.answer, f"{entry.words}, answer {uses + 1}", step.pace)
        return None

    def why_not(self, call: Call) -> Miss:
        """One line for each rule."""
        if not self._rules:
            return Miss(("there are no rules",))
        return Miss(
            tuple(f"{rule.origin}: {rule.when.why_not(call) or _REPEATS}" for rule in self.rules)
        )


def _repeats_itself(rule: Rule, step: Step, call: Call) -> bool:
    """Whether the step would call tools that already gave their results to these very calls.

    An agent that gets the same calls again after each result never ends, so a rule that does not
    ask for a tool result is passed over then, and the rules behind it get their chance.
    """
    if call.view is None or not call.view.tool_results or rule.when.tool_result is not None:
        return False
    if not isinstance(step.answer, Reply) or not step.answer.tool_calls:
        return False
    answered = {(made.name, made.arguments) for made in call.view.answered}
    return all((made.name, made.arguments) in answered for made in step.answer.tool_calls)
