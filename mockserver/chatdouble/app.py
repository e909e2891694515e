"""The app: a Starlette router, and the one handler behind all endpoints."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeAlias

from starlette.routing import Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from chatdouble.answers import ApiError
from chatdouble.calls import Call
from chatdouble.delivery import Delivery
from chatdouble.engine import Hub
from chatdouble.journal import Exchange, Journal
from chatdouble.schedule import Piece
from chatdouble.settings import Settings
from chatdouble.wire import plain
from chatdouble.wire.response import Stamp

CONTROL_PREFIX = "/_chatdouble"

_log = logging.getLogger("chatdouble")

_NOWHERE = Stamp(0, bytes(64))
_OUR_FAULT = ApiError(
    500,
    "chatdouble itself failed on this request; its log says more. Please report it.",
    type="chatdouble_error",
    code="internal_error",
    headers=(("x-should-retry", "false"),),
)


Listener: TypeAlias = Callable[[Exchange], None]


def create_app(
    hub: Hub,
    settings: Settings,
    listener: Listener | None = None,
    control: ASGIApp | None = None,
) -> Router:
    """Make the app that serves the hub's sessions: the default at ``/``, others at ``/s/<id>``.

    The listener is told of what no session could answer; ``control`` serves ``/_chatdouble``.
    """
    routes = [] if control is None else [Mount(CONTROL_PREFIX, control)]
    return Router(routes, default=Handler(hub, settings, listener), redirect_slashes=False)


class Handler:
    """Answers every request to every endpoint of every session."""

    def __init__(self, hub: Hub, settings: Settings, listener: Listener | None) -> None:
        self._hub = hub
        self._body_limit = settings.body_limit
        # what no session can answer is told to the listener and kept nowhere
        self._journal = Journal(0, listener=listener)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, let its session respond, deliver the answer."""
        started = time.perf_counter()
        id, path = _session_and_path(scope["path"])  # noqa: A001 - what it is
        call = Call(
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode("latin-1"),
            raw_headers=scope["headers"],
        )
        session = self._hub.session(id)
        if session is None:
            await self._refuse(call, _no_session(id), started)(receive, send)
            return
        body = await _body(receive, self._body_limit)
        if body is None:
            return
        if len(body) > self._body_limit:
            await self._refuse(call, _too_large(self._body_limit), started)(receive, send)
            return
        call.body = body
        try:
            exchange = await session.respond(call)
        except Exception:
            _log.exception("chatdouble failed to answer %r", call)
            await self._refuse(call, _OUR_FAULT, started)(receive, send)
            return
        await Delivery(session.journal, exchange, started)(receive, send)

    def _refuse(self, call: Call, error: ApiError, started: float) -> Delivery:
        """The delivery of what no session can answer."""
        response = plain.error(error, _NOWHERE)
        exchange = Exchange(
            call=call,
            source="server",
            why=error.code or error.message,
            answer=error,
            response=response,
            pieces=(Piece(0.0, response.whole()),),
        )
        return Delivery(self._journal, self._journal.open(exchange), started)


def _session_and_path(path: str) -> tuple[str, str]:
    if not path.startswith("/s/"):
        return "", path
    id, _, rest = path[3:].partition("/")  # noqa: A001 - what it is
    return id, f"/{rest}"


async def _body(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None if the client left, and more than the limit if it is too large."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return message.get("body", b"")  # type: ignore[no-any-return]
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit or not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


def _no_session(id: str) -> ApiError:  # noqa: A002 - what it is
    return ApiError(
        404,
        f"There is no chatdouble session {id!r}: the test that made it is over, or its base URL "
        "is of another run.",
        type="chatdouble_error",
        code="no_session",
        headers=(("x-should-retry", "false"),),
    )


def _too_large(limit: int) -> ApiError:
    return ApiError(
        413, f"The request's body is larger than {limit} bytes.", headers=(("connection", "close"),)
    )
