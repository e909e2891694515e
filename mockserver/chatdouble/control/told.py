"""What the control API tells: rules and exchanges as JSON."""

from __future__ import annotations

import base64
from typing import Any

from chatdouble.answers import ApiError, Reply
from chatdouble.engine import Session
from chatdouble.faults import faults_of
from chatdouble.journal import Exchange
from chatdouble.rules import printed
from chatdouble.sources.scripted import Numbered

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
    return [rule(numbered) for numbered in one.numbered_rules]


def rule(one: Numbered) -> dict[str, Any]:
    """A rule as a script says it, with its id and how many calls it answered."""
    return {
        "id": one.number,
        "origin": one.rule.origin,
        "when": one.rule.when.data(),
        "words": str(one.rule),
        "answered": one.answered,
        "rule": printed.data(one.rule),
    }


def defaults(one: Session) -> dict[str, Any]:
    """What a session does where neither its rules nor the requests say something else."""
    return printed.defaults(one.pace, faults_of(one.fault))


def exchange(number: int, one: Exchange, *, body: bool = False) -> dict[str, Any]:
    """An exchange; keys in its headers are replaced by a placeholder.

    Args:
        number: its number in the journal, from 1.
        one: the exchange.
        body: whether the raw body of the request is told, too.
    """
    call = one.call
    raw = {"body": base64.b64encode(call.body).decode()} if body else {}
    return raw | {
        "number": number,
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "headers": dict(call.headers),
        "model": call.model,
        "user": call.user,
        "stream": call.stream,
        "readable": call.view is not None,
        "request": call.json,
        "source": one.source,
        "why": one.why,
        "status": one.response.status,
        "response_headers": [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in one.response.headers
        ],
        "answer": _answer(one),
        "response": b"".join(piece.data for piece in one.pieces).decode("utf-8", "replace")[
            :_MOST_LETTERS
        ],
        "outcome": one.outcome,
        "cut": one.cut,
        "faults": list(one.faults),
        "sent": one.sent,
        "began": one.began,
        "seconds": one.seconds,
        "lasts": one.lasts,
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
