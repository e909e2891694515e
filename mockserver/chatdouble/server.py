"""The app on a socket: as the process, or in a thread beside the tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING

import uvicorn
import uvicorn.config
import uvicorn.importer
from starlette.types import ASGIApp

from chatdouble import connections, modes, tokens
from chatdouble.app import create_app
from chatdouble.engine import Session, is_session_id
from chatdouble.errors import ListenError
from chatdouble.hub import Hub
from chatdouble.journal import Exchange
from chatdouble.schedule import Timing
from chatdouble.serving import Serving
from chatdouble.settings import Settings
from chatdouble.sockets import bind
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract, Source
from chatdouble.sources.stored import Stored

if TYPE_CHECKING:
    from chatdouble.metrics import Metrics

# sessions that requests may open by naming them
_MOST_SESSIONS = 10_000


class Server:
    """A server with its sessions.

    As a context manager it runs in a thread of its own on a free port::

        with Server() as server:
            session = server.session()
            session.on(user="Hello").reply("Hi.")
            client = openai.OpenAI(base_url=session.base_url, api_key="any")

    Args:
        settings: how it behaves; the default listens on a free loopback port and its clock stands
            still.
        listener: called with each exchange when its answer ended.
        on_demand: the sources of a session that a request names and nobody has opened; None opens
            no such session. It is given the session's id.

    Raises:
        ChatdoubleError: metrics are wanted, and prometheus-client is not installed.
        ListenError: when it is started and its address is taken or not ours.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        listener: Callable[[Exchange], None] | None = None,
        on_demand: Callable[[str], tuple[Source, ...]] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._on_demand = on_demand
        self._hub = Hub(self._demanded)
        self._metrics = _metrics(self._hub) if self.settings.metrics else None
        self._listener = listener if self._metrics is None else self._metrics.beside(listener)
        self._made = 0
        self._socket: socket.socket | None = None
        self._address: tuple[str, int] | None = None
        self._thread: threading.Thread | None = None
        self._uvicorn: Serving | None = None

    @property
    def url(self) -> str:
        """The address that it listens on, without ``/v1``.

        Raises:
            ListenError: it does not listen yet.
        """
        if self._address is None:
            raise ListenError("the server does not listen yet")
        host, port = self._address
        # "any address" is none that a client could use
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only compared
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def session(
        self,
        id: str | None = None,  # noqa: A002 - what it is
        sources: tuple[Source, ...] | None = None,
        *,
        pace: Timing = None,
    ) -> Session:
        """Open a session.

        Args:
            id: its name in ``/s/<id>/v1``; empty for the default session at ``/v1``, None for a
                name of its own.
            sources: who answers, in this order; by default the rules of ``session.on()``, and
                what they stored.
            pace: how its answers are spread over time, unless a rule or a request says otherwise;
                None takes that of the settings.

        Raises:
            ScriptError: the pace is none.
            ChatdoubleError: there is a session of this id already.
        """
        if id is None:
            self._made += 1
            while self._hub.session(str(self._made)) is not None:
                self._made += 1
            id = str(self._made)  # noqa: A001 - what it is
        prefix = f"{self.url}/s/{id}" if id else self.url
        return self._hub.add(
            Session(
                id,
                self.settings,
                sources if sources is not None else (Contract(), Stored(), Scripted()),
                base_url=f"{prefix}/v1",
                listener=self._listener,
                upstream=modes.passing_on(self.settings),
                pace=pace,
                refusing=self.refusing,
            )
        )

    def _demanded(self, id: str) -> Session | None:  # noqa: A002 - what it is
        if self._on_demand is None or len(self._hub.sessions) >= _MOST_SESSIONS:
            return None
        if not is_session_id(id):
            return None
        return self.session(id, self._on_demand(id))

    def drop(self, session: Session) -> None:
        """Close a session and forget everything in it."""
        self._hub.drop(session)
        if self._uvicorn is not None:
            self._uvicorn.close(session)

    def listen(self, listening: socket.socket | None = None) -> None:
        """Take the address, so that ``url`` is known and connections queue.

        Args:
            listening: a socket that listens already, to be used instead of the settings' address.

        Raises:
            ListenError: it is taken or not ours.
        """
        if self._socket is None:
            self._socket = listening or bind(self.settings.host, self.settings.port)
            self._address = self._socket.getsockname()[:2]

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until ``stop()``, or in the main thread until SIGINT or SIGTERM.

        Args:
            ready: called once connections are accepted.

        Raises:
            ListenError: the address is taken or not ours.
        """
        self.listen()
        config = uvicorn.Config(
            create_app(self._hub, self.settings, self._listener, self._control(), self._metrics),
            lifespan="off",
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            log_config=None,
            access_log=False,
            loop=_installed("uvloop", "asyncio"),
            http=connections.bounded(_implementation(_installed("httptools", "h11"))),
        )
        self._uvicorn = Serving(
            config, ready, self.settings.request_timeout, self._hub, self._socket
        )
        try:
            self._uvicorn.run(sockets=[self._socket] if self._socket else None)
        finally:
            self._uvicorn = None
            self.close()

    def _control(self) -> ASGIApp | None:
        if not self.settings.control:
            return None
        from chatdouble.control.app import control_app

        return control_app(self._hub, self.settings, self.session, self._refuse_for)

    async def _refuse_for(self, seconds: float) -> None:
        if self._uvicorn is not None:
            await self._uvicorn.refuse_for(seconds)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse connections while a block runs, as a server does that is down.

        The port stays taken, so that nobody else gets it. Connections that nothing is asked on are
        closed; answers that are on their way arrive. It holds for all sessions, which share the
        address. Call it from another thread than the server's.

        Raises:
            ListenError: the server does not run, or this is its thread.
        """
        running = self._uvicorn
        if running is None or not running.do(running.refuse()):
            raise ListenError("the server does not run, so it refuses all connections")
        try:
            yield
        finally:
            running.do(running.accept())

    def close(self) -> None:
        """Give the address back; what ``run()`` does when it ends."""
        if self._socket is not None:
            self._socket.close()
            self._socket = self._address = None

    def stop(self) -> None:
        """Ask ``run()`` to end; open answers are cut off."""
        if self._uvicorn is not None:
            self._uvicorn.stop()

    def __enter__(self) -> Server:
        self.listen()
        started = threading.Event()
        self._thread = threading.Thread(
            target=self.run, args=(started.set,), name="chatdouble", daemon=True
        )
        self._thread.start()
        if not started.wait(timeout=30):
            raise ListenError("the server did not start within 30 seconds")
        # it takes the interpreter for itself while it loads, so the start does not wait for it
        threading.Thread(target=tokens.encoding, name="chatdouble-tokens", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None


def _metrics(hub: Hub) -> Metrics:
    from chatdouble.metrics import Metrics

    return Metrics(lambda: sum(session.journal.streaming for session in hub.sessions))


def _installed(wanted: str, otherwise: str) -> str:
    """The quicker of two of uvicorn's implementations, if what it needs is installed."""
    return wanted if find_spec(wanted) else otherwise


def _implementation(name: str) -> type[asyncio.Protocol]:
    """uvicorn's protocol class of this name."""
    found: type[asyncio.Protocol] = uvicorn.importer.import_from_string(
        uvicorn.config.HTTP_PROTOCOLS[name]
    )
    return found
