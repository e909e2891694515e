"""Which answers depend on how many calls came before, so that one process has to give them all."""

from __future__ import annotations

from collections.abc import Iterable

from chatdouble.answers import Reply
from chatdouble.cassette.format import Interaction
from chatdouble.errors import ScriptError
from chatdouble.rules import Rule, Templated
from chatdouble.sources.making import Replayed
from chatdouble.sources.recorded import Recorded
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Source

_HELP = "only one process can count that; leave out --workers, or change the rule"


def check(sources: Iterable[Source]) -> None:
    """Refuse sources whose answers depend on how many calls came before.

    Raises:
        ScriptError: there are such; the error names one and says what it counts.
    """
    for source in sources:
        if isinstance(source, Scripted):
            check_rules(source.rules)
        elif isinstance(source, Recorded):
            check_recordings(one for one, _ in source.uses)


def check_rules(rules: Iterable[Rule]) -> None:
    """Refuse rules that count the calls they answer.

    Raises:
        ScriptError: one does; the error names it and says what it counts.
    """
    for rule in rules:
        counted = _counted(rule)
        if counted is not None:
            raise ScriptError(f"{rule.origin}: {counted}; {_HELP}")


def _counted(rule: Rule) -> str | None:
    if len(rule.steps) > 1:
        return f"the rule has {len(rule.steps)} answers in turn"
    if rule.scenario is not None:
        return f"the rule has a part in the scenario {rule.scenario.name!r}"
    if rule.used_up != "repeat":
        return f"the rule is used up after {rule.answers} answers"
    for step in rule.steps:
        if isinstance(step.answer, Templated) and _says_count(step.answer.reply):
            return "the rule's template says ${count}"
        if isinstance(step.answer, Replayed) and len(step.answer.interactions) > 1:
            return f"the rule gives {len(step.answer.interactions)} recorded answers in turn"
    return None


def _says_count(reply: Reply) -> bool:
    texts = [reply.content, reply.refusal, reply.reasoning_content]
    texts += [made.arguments for made in reply.tool_calls]
    return any("${count}" in text for text in texts if text) or any(map(_says_count, reply.others))


def check_recordings(interactions: Iterable[Interaction]) -> None:
    """Refuse recordings that answer the same request in one way first and in another later.

    Raises:
        ScriptError: there are such; the error names the second one.
    """
    first: dict[tuple[str, str, str, bytes], Interaction] = {}
    for one in interactions:
        before = first.setdefault((one.method, one.path, one.query, one.body), one)
        if (before.status, before.response) != (one.status, one.response):
            raise ScriptError(
                f"{one.origin}: the request of {before.origin} has another answer here, which "
                "comes in turn; only one process can count that, so leave out --workers"
            )
