"""The control API as a Starlette app: one function for each thing that can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatdouble import __version__, masking, script
from chatdouble.answers import own_error
from chatdouble.calls import Call
from chatdouble.control import asked, told
from chatdouble.control.access import has_token, refused
from chatdouble.control.openapi import DOCUMENT
from chatdouble.engine import Hub, Session
from chatdouble.errors import ChatdoubleError, ScriptError
from chatdouble.match import When
from chatdouble.modes import sources
from chatdouble.report import problems
from chatdouble.settings import Settings
from chatdouble.sources.source import Source

# the name of the session at /v1
_DEFAULT = "default"

Open = Callable[[str | None, tuple[Source, ...]], Session]
_T = TypeVar("_T")


def control_app(hub: Hub, settings: Settings, open_session: Open) -> ASGIApp:
    """Make the app.

    Args:
        hub: the server's sessions.
        settings: which folder scripts and cassettes may be named in, and where the server listens.
        open_session: opens a session with these sources.
    """
    control = _Control(hub, settings, open_session)
    routes = [
        Route("/health", control.health),
        Route("/openapi.json", control.openapi),
        Route("/sessions", control.sessions),
        Route("/sessions", control.create, methods=["POST"]),
        Route("/sessions/{id}", control.session),
        Route("/sessions/{id}", control.end, methods=["DELETE"]),
        Route("/sessions/{id}/rules", control.rules),
        Route("/sessions/{id}/rules", control.add_rules, methods=["POST"]),
        Route("/sessions/{id}/rules", control.remove_rules, methods=["DELETE"]),
        Route("/sessions/{id}/journal", control.journal),
        Route("/sessions/{id}/journal", control.clear_journal, methods=["DELETE"]),
        Route("/sessions/{id}/wait", control.wait, methods=["POST"]),
        Route("/sessions/{id}/reset", control.reset, methods=["POST"]),
        Route("/sessions/{id}/report", control.report),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _http_error, ChatdoubleError: _our_error},
    )
    app.router.redirect_slashes = False
    return _Guarded(app, settings)


class _Guarded:
    """Refuses what a web page could send before anything is done."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(method=scope["method"], path=scope["path"], raw_headers=scope["headers"])
        await (self._refusal(call) or self._app)(scope, receive, send)

    def _refusal(self, call: Call) -> ASGIApp | None:
        why = refused(call, self._settings)
        if why is not None:
            return _error(403, why, "refused")
        token = self._settings.control_token
        if token is not None and not has_token(call, token):
            why = "the control API wants the token that the server was started with"
            return _error(401, f"{why} (Authorization: Bearer TOKEN)", "no_token")
        return None


class _Control:
    def __init__(self, hub: Hub, settings: Settings, open_session: Open) -> None:
        self._hub = hub
        self._folder = settings.control_folder
        self._body_limit = settings.body_limit
        self._open = open_session

    async def health(self, request: Request) -> Response:
        return _json({"status": "ok", "version": __version__})

    async def openapi(self, request: Request) -> Response:
        return _json(DOCUMENT)

    async def sessions(self, request: Request) -> Response:
        return _json({"sessions": [told.session(one) for one in self._hub.sessions]})

    async def create(self, request: Request) -> Response:
        wanted = await self._asked(request, asked.NewSession)
        made = sources(
            self._named(wanted.script),
            self._named(wanted.cassette),
            generated=wanted.unmatched == "generated",
        )
        return _json(told.session(self._open(wanted.id, made)), 201)

    async def session(self, request: Request) -> Response:
        return _json(told.session(self._session(request)))

    async def end(self, request: Request) -> Response:
        self._hub.drop(self._session(request))
        return Response(status_code=204)

    async def rules(self, request: Request) -> Response:
        return _json({"rules": told.rules(self._session(request))})

    async def add_rules(self, request: Request) -> Response:
        session = self._session(request)
        body = await self._body(request)
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise ScriptError(f"is not UTF-8 (byte {error.start})", file="request") from None
        session.add(*script.parse(text, "request"))
        return _json({"rules": told.rules(session)}, 201)

    async def remove_rules(self, request: Request) -> Response:
        self._session(request).clear_rules()
        return Response(status_code=204)

    async def journal(self, request: Request) -> Response:
        return _json({"exchanges": _exchanges(self._session(request), When())})

    async def clear_journal(self, request: Request) -> Response:
        self._session(request).journal.clear()
        return Response(status_code=204)

    async def wait(self, request: Request) -> Response:
        session = self._session(request)
        waiting = await self._asked(request, asked.Waiting)
        when = script.parse_when(waiting.when)

        def enough() -> bool:
            found = (one for one in session.journal if one.outcome != "open")
            return sum(when.matches(one.call) for one in found) >= waiting.calls

        if not await asyncio.to_thread(session.journal.wait, enough, waiting.timeout):
            raise HTTPException(408, f"there were not {waiting.calls} such calls in time")
        return _json({"exchanges": _exchanges(session, when)})

    async def reset(self, request: Request) -> Response:
        self._session(request).reset()
        return Response(status_code=204)

    async def report(self, request: Request) -> Response:
        return _json({"problems": problems(self._session(request))})

    def _session(self, request: Request) -> Session:
        id = request.path_params["id"]  # noqa: A001 - what it is
        found = self._hub.session("" if id == _DEFAULT else id)
        if found is None:
            raise HTTPException(404, f"there is no session {id!r}")
        return found

    def _named(self, name: str | None) -> Path | None:
        """The file or folder of this name in the configured folder."""
        if name is None:
            return None
        if self._folder is None:
            raise ChatdoubleError(
                "scripts and cassettes can be named only when a folder is configured "
                "(chatdouble serve --control-folder)"
            )
        folder = self._folder.resolve()
        found = (folder / name).resolve()
        if not found.is_relative_to(folder) or not found.exists():
            raise ChatdoubleError(f"there is no {name!r} in the configured folder")
        return found

    async def _asked(self, request: Request, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(await self._body(request) or b"{}", type=kind)
        except (ValueError, RecursionError) as error:
            raise ChatdoubleError(f"the body is not what is asked for: {error}") from None

    async def _body(self, request: Request) -> bytes:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._body_limit:
                raise HTTPException(413, f"the body is larger than {self._body_limit} bytes")
        return body


def _exchanges(session: Session, when: When) -> list[dict[str, Any]]:
    return [
        told.exchange(number, one)
        for number, one in enumerate(session.journal, start=1)
        if not when.parts or when.matches(one.call)
    ]


class _Masked(JSONResponse):
    """JSON without what looks like an API key: users of the control API need not know any."""

    def render(self, content: Any) -> bytes:
        return masking.hidden(super().render(content).decode("utf-8")).encode()


def _json(content: Any, status: int = 200) -> Response:
    return _Masked(content, status)


def _error(status: int, message: str, code: str) -> Response:
    error = own_error(status, message, code)
    envelope = {"message": error.message, "type": error.type, "param": None, "code": error.code}
    return _json({"error": envelope}, status)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return _error(error.status_code, str(error.detail), "control")


async def _our_error(request: Request, error: Exception) -> Response:
    return _error(400, str(error), "control")
