"""The app: the one handler behind all endpoints, and what is served beside it."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from chatdouble import bodies
from chatdouble.answers import ApiError
from chatdouble.calls import Call
from chatdouble.delivery import Delivery, leaving
from chatdouble.forwarding import Forwarding
from chatdouble.hub import Hub
from chatdouble.journal import Exchange, Journal
from chatdouble.live import Live
from chatdouble.settings import Settings
from chatdouble.wire import dialects, pages
from chatdouble.wire.response import Stamp

CONTROL_PREFIX = "/_chatdouble"
METRICS_PATH = "/metrics"

_log = logging.getLogger("chatdouble")

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
    metrics: ASGIApp | None = None,
) -> ASGIApp:
    """Make the app that serves the hub's sessions: the default at ``/``, others at ``/s/<id>``.

    The listener is told of what comes for no session; ``control`` serves ``/_chatdouble``, and
    ``metrics`` serves ``/metrics``.
    """
    handler = Handler(hub, settings, listener)
    routes: list[BaseRoute] = []
    if control is not None:
        routes.append(Mount(CONTROL_PREFIX, control))
    if metrics is not None:
        routes.append(Route(METRICS_PATH, metrics, methods=["GET"]))
    if not routes:
        return handler
    return _Beside(handler, Router(routes, default=handler, redirect_slashes=False))


class _Beside:
    """Leads what begins like the paths of routes to the router, and all else past it.

    The router looks at its routes for each request, which takes longer than to find a rule.
    """

    def __init__(self, handler: ASGIApp, router: ASGIApp) -> None:
        self._handler = handler
        self._router = router

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """What answers the request, to be awaited."""
        ours = scope["path"].startswith((CONTROL_PREFIX, METRICS_PATH))
        return (self._router if ours else self._handler)(scope, receive, send)


class Handler:
    """Answers every request to every endpoint of every session."""

    def __init__(self, hub: Hub, settings: Settings, listener: Listener | None) -> None:
        self._hub = hub
        self._settings = settings
        # what comes for no session is told to the listener and kept nowhere
        self._journal = Journal(0, listener=listener)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, let its session respond, deliver the answer."""
        started = time.perf_counter()
        id, path = _session_and_path(scope["path"])  # noqa: A001 - what it is
        call = Call(
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode("latin-1"),
            raw_path=_without_session(scope.get("raw_path", b""), id),
            raw_headers=scope["headers"],
        )
        session = self._hub.session(id)
        journal = self._journal if session is None else session.journal
        body = await bodies.read(receive, call, self._settings.body_limit)
        if body is None:
            return
        if isinstance(body, ApiError):
            await self._refuse(call, body, journal, started)(receive, send)
            return
        call.body = body
        allowed = pages.preflight(call) if call.method == "OPTIONS" else None
        if allowed is not None:
            # a browser's question is no call: nobody is told of it
            await send({"type": "http.response.start", "status": 204, "headers": list(allowed)})
            await send({"type": "http.response.body"})
            return
        if session is None:
            await self._refuse(call, _no_session(id), journal, started)(receive, send)
            return
        if session.passes_on:
            call.left = partial(leaving, receive)
        try:
            exchange = await session.respond(call)
        except Exception:
            _log.exception("chatdouble failed to answer %r", call)
            await self._refuse(call, _OUR_FAULT, journal, started)(receive, send)
            return
        finally:
            # the journal keeps the call, which must not keep the connection
            call.left = None
        if isinstance(exchange.answer, Live):
            await Forwarding(journal, exchange, exchange.answer, started)(receive, send)
        else:
            await Delivery(journal, exchange, started)(receive, send)

    def _refuse(self, call: Call, error: ApiError, journal: Journal, started: float) -> Delivery:
        """The delivery of what no session gets to answer."""
        response = dialects.render(call, error, Stamp(self._settings.now(), bytes(64)))
        exchange = Exchange(
            call=call,
            source="server",
            why=error.code or error.message,
            answer=error,
            response=response,
        )
        return Delivery(journal, journal.open(exchange), started)


def _session_and_path(path: str) -> tuple[str, str]:
    if not path.startswith("/s/"):
        return "", path
    id, _, rest = path[3:].partition("/")  # noqa: A001 - what it is
    return id, f"/{rest}"


def _without_session(raw_path: bytes, id: str) -> bytes:  # noqa: A002 - what it is
    """The path as it was sent, b"" if the session's part of it was quoted in an odd way."""
    if raw_path.startswith(b"/s/"):
        return raw_path[3 + len(id) :] if raw_path.startswith(b"/s/%b/" % id.encode()) else b""
    return raw_path


def _no_session(id: str) -> ApiError:  # noqa: A002 - what it is
    return ApiError(
        404,
        f"There is no chatdouble session {id!r}: the test that made it is over, or its base URL "
        "is of another run.",
        type="chatdouble_error",
        code="no_session",
        headers=(("x-should-retry", "false"),),
    )
