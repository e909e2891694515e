"""Why no rule answers a call, and what to write to make one answer: for people to read."""

from __future__ import annotations

import json

from msgspec import Struct

from chatdouble.calls import Call
from chatdouble.match import When, contains, shorten, when
from chatdouble.rules.rule import Rule

# so many rules are listed, and so many of them with a diff
_MOST_RULES = 20
_MOST_DIFFS = 3
_MOST_COMPARED = 200

# longer texts are suggested by their beginning
_LONG_TEXT = 120


class NotAnswering(Struct, frozen=True):
    """A rule, and why it does not answer a call."""

    rule: Rule
    reason: str


def nearest_first(call: Call, rules: list[NotAnswering]) -> tuple[str, ...]:
    """Why each rule does not answer, the nearest ones first, and how they differ."""
    by_distance = sorted(rules[:_MOST_COMPARED], key=lambda one: one.rule.when.distance(call))
    lines: list[str] = []
    for number, one in enumerate(by_distance[:_MOST_RULES]):
        diff = one.rule.when.difference(call) if number < _MOST_DIFFS else []
        lines.append("\n".join((f"{one.rule.origin}: {one.reason}", *(f"    {d}" for d in diff))))
    more = len(rules) - len(lines)
    if more:
        lines.append(f"and {more} more rules")
    return tuple(lines)


def looked_at(call: Call, rules: tuple[Rule, ...]) -> dict[str, str]:
    """What came, as far as some rule looks at it."""
    view = call.view
    if view is None:
        return {}
    shown = {"model": shorten(view.model), "user": shorten(view.user or "")}
    for rule in rules:
        shown |= rule.when.shown(call)
    return shown


def suggestion(call: Call, rules: tuple[Rule, ...]) -> str:
    """The rule that would answer the call: as a script if all rules are of scripts, else Python."""
    view = call.view
    if view is None:
        return ""
    asked = When()
    if view.tool_results and view.tool_results[-1].name:
        asked = when(tool_result=view.tool_results[-1].name)
    elif view.user is not None:
        long = len(view.user) > _LONG_TEXT
        asked = when(user=contains(view.user[:_LONG_TEXT]) if long else view.user)
    if rules and not any(rule.origin.startswith("rule ") for rule in rules):
        return f"- when: {json.dumps(asked.data(), ensure_ascii=False)}\n  reply: …"
    return f"chatdouble.on({asked.python()}).reply(…)"
