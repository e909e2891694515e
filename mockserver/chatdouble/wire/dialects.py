"""The endpoints there are, and the two questions that the engine asks them."""

from __future__ import annotations

from chatdouble.answers import Answer, ApiError, Document, Recording, Reply
from chatdouble.calls import Call
from chatdouble.wire import plain
from chatdouble.wire.chat import ChatCompletions
from chatdouble.wire.dialect import Dialect
from chatdouble.wire.models import Models
from chatdouble.wire.response import Response, Stamp
from chatdouble.wire.stored import StoredCompletions

DIALECTS: tuple[Dialect, ...] = (ChatCompletions(), StoredCompletions(), Models())

_BY_ROUTE = {route: dialect for dialect in DIALECTS for route in dialect.routes}
_BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
_PATHS = frozenset(path for _, path in _BY_ROUTE)


def read(call: Call) -> None:
    """Let the endpoint of the call's path read it; an unknown path or method settles it."""
    path = _route(call.path)
    dialect = _BY_ROUTE.get((call.method, path))
    if dialect is not None:
        call.endpoint = dialect.name
        dialect.read(call)
    elif path in _PATHS:
        hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
        call.settle(
            ApiError(405, f"Not allowed to {call.method} on {call.path}. {hint}"),
            "the path does not know this method",
        )
    else:
        call.settle(
            ApiError(404, f"Invalid URL ({call.method} {call.path})"), "there is no such path"
        )


def _route(path: str) -> str:
    """The path itself, or with ``{id}`` for its last part or the one before, as a route says."""
    if path in _PATHS:
        return path
    parent, _, last = path.rpartition("/")
    above, _, middle = parent.rpartition("/")
    if last and f"{parent}/{{id}}" in _PATHS:
        return f"{parent}/{{id}}"
    if middle and f"{above}/{{id}}/{last}" in _PATHS:
        return f"{above}/{{id}}/{last}"
    return path


def parse(call: Call, body: bytes) -> Reply | None:
    """What a recorded answer of the call's endpoint says, None if it is no whole reply."""
    dialect = _BY_NAME.get(call.endpoint)
    return dialect.parse(body) if dialect else None


def render(call: Call, answer: Answer, stamp: Stamp) -> Response:
    """The answer as a response: errors, documents and recordings alike everywhere, replies in the
    endpoint's dialect.
    """
    match answer:
        case Reply():
            return _BY_NAME[call.endpoint].render(call, answer, stamp)
        case ApiError():
            return plain.error(answer, stamp)
        case Recording():
            return plain.recording(answer)
        case Document():
            return plain.document(answer, stamp)
