"""The control API as a Starlette app: one function for each thing that can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatdouble import __version__, masking, script
from chatdouble.answers import own_error
from chatdouble.calls import Call
from chatdouble.control import asked, told
from chatdouble.control.access import has_token, refused
from chatdouble.control.openapi import DOCUMENT
from chatdouble.engine import Session
from chatdouble.errors import ChatdoubleError, ScriptError
from chatdouble.faults import written
from chatdouble.hub import Hub
from chatdouble.match import When
from chatdouble.modes import sources, with_recordings
from chatdouble.plainyaml import of_json
from chatdouble.rules import Rule
from chatdouble.settings import Settings
from chatdouble.sources.source import Source

# the name of the session at /v1
_DEFAULT = "default"

# letters of what rules are called
_LONGEST_ORIGIN = 200

Open = Callable[[str | None, tuple[Source, ...]], Session]
Refuse = Callable[[float], Awaitable[None]]
_T = TypeVar("_T")


def control_app(hub: Hub, settings: Settings, open_session: Open, refuse: Refuse) -> ASGIApp:
    """Make the app.

    Args:
        hub: the server's sessions.
        settings: which folder scripts and cassettes may be named in, and where the server listens.
        open_session: opens a session with these sources.
        refuse: lets the server refuse connections for so many seconds.
    """
    control = _Control(hub, settings, open_session, refuse)
    routes = [
        Route("/health", control.health),
        Route("/openapi.json", control.openapi),
        Route("/refuse", control.refuse, methods=["POST"]),
        Route("/sessions", control.sessions),
        Route("/sessions", control.create, methods=["POST"]),
        Route("/sessions/{id}", control.session),
        Route("/sessions/{id}", control.end, methods=["DELETE"]),
        Route("/sessions/{id}/rules", control.rules),
        Route("/sessions/{id}/rules", control.add_rules, methods=["POST"]),
        Route("/sessions/{id}/rules", control.remove_rules, methods=["DELETE"]),
        Route("/sessions/{id}/rules/{rule:int}", control.rule),
        Route("/sessions/{id}/rules/{rule:int}", control.replace_rule, methods=["PUT"]),
        Route("/sessions/{id}/rules/{rule:int}", control.remove_rule, methods=["DELETE"]),
        Route("/sessions/{id}/defaults", control.defaults),
        Route("/sessions/{id}/defaults", control.set_defaults, methods=["PUT"]),
        Route("/sessions/{id}/load", control.load, methods=["POST"]),
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
    def __init__(self, hub: Hub, settings: Settings, open_session: Open, refuse: Refuse) -> None:
        self._hub = hub
        self._settings = settings
        self._folder = settings.control_folder
        self._body_limit = settings.body_limit
        self._open = open_session
        self._refuse = refuse

    async def health(self, request: Request) -> Response:
        return _json({"status": "ok", "version": __version__})

    async def openapi(self, request: Request) -> Response:
        return _json(DOCUMENT)

    async def refuse(self, request: Request) -> Response:
        wanted = await self._asked(request, asked.Refusing)
        await self._refuse(wanted.seconds)
        return Response(status_code=204, headers={"connection": "close"})

    async def sessions(self, request: Request) -> Response:
        return _json({"sessions": [told.session(one) for one in self._hub.sessions]})

    async def create(self, request: Request) -> Response:
        wanted = await self._asked(request, asked.NewSession)
        made = sources(
            self._named(wanted.script),
            self._named(wanted.cassette),
            unmatched=wanted.unmatched,
            settings=self._settings,
        )
        return _json(told.session(self._open(wanted.id, made)), 201)

    async def session(self, request: Request) -> Response:
        return _json(told.session(self._session(request)))

    async def end(self, request: Request) -> Response:
        session = self._session(request)
        self._hub.drop(session)
        await session.aclose()
        return Response(status_code=204)

    async def rules(self, request: Request) -> Response:
        return _json({"rules": told.rules(self._session(request))})

    async def add_rules(self, request: Request) -> Response:
        session = self._session(request)
        rules = _named(script.parse(await self._text(request), "request"), request)
        added = session.add(*rules)
        return _json({"rules": told.rules(session), "added": list(added)}, 201)

    async def remove_rules(self, request: Request) -> Response:
        self._session(request).clear_rules()
        return Response(status_code=204)

    async def rule(self, request: Request) -> Response:
        for one in self._session(request).numbered_rules:
            if one.number == request.path_params["rule"]:
                return _json(told.rule(one))
        raise _no_rule(request)

    async def replace_rule(self, request: Request) -> Response:
        session = self._session(request)
        (rule,) = _named((script.parse_rule(await self._text(request), "request"),), request)
        if not session.replace_rule(request.path_params["rule"], rule):
            raise _no_rule(request)
        return await self.rule(request)

    async def remove_rule(self, request: Request) -> Response:
        if not self._session(request).remove_rule(request.path_params["rule"]):
            raise _no_rule(request)
        return Response(status_code=204)

    async def defaults(self, request: Request) -> Response:
        return _json(told.defaults(self._session(request)))

    async def set_defaults(self, request: Request) -> Response:
        session = self._session(request)
        pace, faults = script.parse_defaults(await self._text(request), "request")
        session.pace, session.fault = pace, written(faults) or None
        return _json(told.defaults(session))

    async def load(self, request: Request) -> Response:
        session = self._session(request)
        wanted = await self._asked(request, asked.Loading)
        scripts, cassette = self._named(wanted.script), self._named(wanted.cassette)
        rules = script.load((scripts,)) if scripts else ()
        found = with_recordings(session.sources, cassette) if cassette else session.sources
        # nothing is changed before all of it is read
        session.add(*rules)
        session.sources = found
        return _json(told.session(session))

    async def journal(self, request: Request) -> Response:
        body = _flag(request, "body", usual=False)
        return _json({"exchanges": _exchanges(self._session(request), When(), body=body)})

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
        session = self._session(request)
        matched, used = (_flag(request, name, usual=True) for name in ("matched", "used"))
        return _json(
            {
                "problems": session.report(matched=matched, used=used),
                "conversation": session.conversation,
                "notes": session.notes,
            }
        )

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

    async def _text(self, request: Request) -> str:
        try:
            text = (await self._body(request)).decode()
        except UnicodeDecodeError as error:
            raise ScriptError(f"is not UTF-8 (byte {error.start})", file="request") from None
        is_json = request.headers["content-type"].lower().startswith("application/json")
        return of_json(text) if is_json else text

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


def _named(rules: tuple[Rule, ...], request: Request) -> tuple[Rule, ...]:
    """The rules, called in explanations as the request wants it."""
    origin = request.query_params.get("origin", "")[:_LONGEST_ORIGIN]
    return tuple(replace(rule, origin=origin) for rule in rules) if origin else rules


def _no_rule(request: Request) -> HTTPException:
    return HTTPException(404, f"there is no rule {request.path_params['rule']} in this session")


def _flag(request: Request, name: str, *, usual: bool) -> bool:
    said = request.query_params.get(name)
    if said not in (None, "true", "false"):
        raise HTTPException(400, f"{name} is true or false, got {said!r}")
    return usual if said is None else said == "true"


def _exchanges(session: Session, when: When, *, body: bool = False) -> list[dict[str, Any]]:
    return [
        told.exchange(number, one, body=body)
        for number, one in enumerate(session.journal, start=1)
        if not when.parts or when.matches(one.call)
    ]


def _json(content: Any, status: int = 200) -> Response:
    # YAML and Python know numbers that JSON does not: they are null. Users of the control API need
    # not know any key.
    hidden = masking.hidden(msgspec.json.encode(content).decode())
    return Response(hidden.encode(), status, media_type="application/json")


def _error(status: int, message: str, code: str) -> Response:
    error = own_error(status, message, code)
    envelope = {"message": error.message, "type": error.type, "param": None, "code": error.code}
    return _json({"error": envelope}, status)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return _error(error.status_code, str(error.detail), "control")


async def _our_error(request: Request, error: Exception) -> Response:
    return _error(400, str(error), "control")
