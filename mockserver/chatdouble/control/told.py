"""What the control API tells: rules and exchanges as JSON."""

from __future__ import annotations

from typing import Any

from chatdouble.answers import ApiError, Reply
from chatdouble.engine import Session
from chatdouble.journal import Exchange

# letters of a body that are told
_MOST_LETTERS = 200_000


def session(one: Session) -> dict[str, Any]:
    """A session."""
    return {
        "id": one.id,
        "base_url": one.base_url,
        "rules": len(one.rules),
        "exchanges": len(one.journal),
    }


def rules(one: Session) -> list[dict[str, Any]]:
    """A session's rules in the order in which they are tried, and how many calls each answered."""
    return [
        {
            "origin": rule.origin,
            "when": rule.when.data(),
            "words": str(rule),
            "answered": answered,
        }
        for rule, answered in one.rule_uses
    ]


def exchange(number: int, one: Exchange) -> dict[str, Any]:
    """An exchange; keys in its headers are replaced by a placeholder."""
    call = one.call
    return {
        "number": number,
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "headers": dict(call.headers),
        "model": call.model,
        "user": call.user,
        "stream": call.stream,
        "request": call.json,
        "source": one.source,
        "why": one.why,
        "status": one.response.status,
        "answer": _answer(one),
        "response": b"".join(piece.data for piece in one.pieces).decode("utf-8", "replace")[
            :_MOST_LETTERS
        ],
        "outcome": one.outcome,
        "faults": list(one.faults),
        "sent": one.sent,
        "seconds": one.seconds,
    }


def _answer(one: Exchange) -> dict[str, Any] | None:
    match one.answer:
        case Reply() as reply:
            calls = [{"name": made.name, "arguments": made.arguments} for made in reply.tool_calls]
            return {"content": reply.content, "refusal": reply.refusal, "tool_calls": calls}
        case ApiError() as error:
            return {"error": error.message, "type": error.type, "code": error.code}
        case _:
            return None
