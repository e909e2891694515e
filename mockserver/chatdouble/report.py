"""What a test's report says of its session: unanswered calls, unused rules, what was said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeGuard

from chatdouble.answers import Answer, ApiError, Document, Recording, Reply
from chatdouble.journal import Exchange
from chatdouble.live import Live
from chatdouble.match import shorten
from chatdouble.rules import Rule, unreachable
from chatdouble.wire import dialects

if TYPE_CHECKING:
    from chatdouble.engine import Session

_MOST_EXCHANGES = 50
# the sources that choose an answer, and say why
_DECIDING = ("scripted", "generated")


def problems(session: Session, *, matched: bool = True, used: bool = True) -> str:
    """What is wrong with the session at the test's end, "" if nothing is.

    Args:
        session: the test's session.
        matched: whether calls without an answer are reported.
        used: whether rules that answered no call are reported, but for optional ones.
    """
    parts: list[str] = []
    if matched:
        answers = (exchange.answer for exchange in session.journal)
        parts += [answer.message for answer in answers if _is_own_error(answer)]
    if used:
        unused = [rule for rule in session.unused_rules if not rule.optional]
        if unused:
            lines = [_unused(session, rule) for rule in unused]
            parts.append("\n".join((f"chatdouble: {_rules(len(unused))} never used:", *lines)))
    return "\n\n".join(parts)


def conversation(session: Session) -> str:
    """What was asked and answered and by which rule, a few lines for each exchange, and the rules
    that can never be reached.
    """
    exchanges = session.journal.exchanges
    lines = [line for one in exchanges[-_MOST_EXCHANGES:] for line in _told(one)]
    more = len(exchanges) - _MOST_EXCHANGES
    if lines:
        lines += [_hidden(late, before) for late, before in unreachable(session.rules)]
    return "\n".join(([f"({more} earlier exchanges)"] if more > 0 else []) + lines)


def _is_own_error(answer: Answer) -> TypeGuard[ApiError]:
    return isinstance(answer, ApiError) and answer.type == "chatdouble_error"


def _rules(count: int) -> str:
    return "1 rule was" if count == 1 else f"{count} rules were"


def _unused(session: Session, rule: Rule) -> str:
    before = next((one for late, one in unreachable(session.rules) if late is rule), None)
    if before is not None:
        return f"  {_hidden(rule, before)}"
    calls = [call for call in session.journal.calls if call.view is not None]
    if not calls:
        return f"  {rule}: no call came that could be read"
    nearest = min(calls, key=lambda call: rule.when.distance(call))
    reason = rule.when.why_not(nearest) or "other rules answered all of its calls"
    diff = rule.when.difference(nearest)
    return "\n".join((f"  {rule}: {reason}", *(f"      {line}" for line in diff)))


def _hidden(rule: Rule, before: Rule) -> str:
    return f"{rule}: {before.origin} answers all of its calls; put it before that one"


def _told(exchange: Exchange) -> Iterator[str]:
    call = exchange.call
    yield f"-> {call.method} {call.path}{' (stream)' if call.stream else ''} model={call.model}"
    if call.view is not None:
        for said in call.view.conversation[-3:]:
            yield f"   {said.role}: {shorten(said.text, 300)}"
            yield from (f"     calls {made.name} {made.arguments}" for made in said.tool_calls)
    ended = "" if exchange.outcome == "complete" else f" ({exchange.outcome})"
    yield f"<- {exchange.response.status} {exchange.source}{ended}: {_answer(exchange)}"
    if exchange.source in _DECIDING and not _is_own_error(exchange.answer):
        yield f"   {exchange.why}"
    yield from _strange_calls(exchange)
    yield from (f"   fault {fault}" for fault in exchange.faults)


def _strange_calls(exchange: Exchange) -> Iterator[str]:
    """The tools that an answer calls though the request does not offer them."""
    answer, view = exchange.answer, exchange.call.view
    if view is None or not isinstance(answer, Reply):
        return
    offered = [tool.name for tool in view.tools]
    for name in dict.fromkeys(made.name for made in answer.tool_calls):
        if name not in offered:
            yield f"   {name} is no tool of the request; it offers {', '.join(offered) or 'none'}"


def _answer(exchange: Exchange) -> str:
    answer = exchange.answer
    if isinstance(answer, Live):
        body = b"".join(piece.data for piece in exchange.pieces)
        answer = dialects.parse(exchange.call, body) or answer
    match answer:
        case Reply() as reply:
            said = [] if reply.content is None else [shorten(reply.content, 300)]
            said += [f"calls {made.name} {made.arguments}" for made in reply.tool_calls]
            said += [] if reply.refusal is None else [f"refuses: {shorten(reply.refusal, 300)}"]
            return ", ".join(said) or "nothing"
        case ApiError() as error:
            return error.message.splitlines()[0]
        case Recording() | Document() | Live():
            return exchange.why
