"""What the tests of the recorder share: an upstream server of raw bytes, and a shelf for takes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple

from chatdouble import Server
from chatdouble.cassette.take import Take
from chatdouble.engine import Session
from chatdouble.journal import Exchange
from chatdouble.settings import Settings
from chatdouble.sources.source import Choice, Miss
from chatdouble.sources.upstream import Upstream

BODY = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'
STREAMED = BODY[:-1] + b', "stream": true}'


class Came(NamedTuple):
    """A request as an upstream server got it."""

    head: bytes
    body: bytes


Answering = Callable[[socket.socket, Came], None]


class RawUpstream:
    """An upstream server that answers with exactly the bytes that a test writes."""

    def __init__(self, answering: Answering) -> None:
        self.came: list[Came] = []
        self._answering = answering
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> RawUpstream:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for one in self._open:
            one.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.settimeout(10)
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                while came := _request(lines):
                    self.came.append(came)
                    self._answering(connection, came)
        except OSError:
            pass


def _request(lines: Any) -> Came | None:
    head = b""
    while line := lines.readline():
        head += line
        if line == b"\r\n":
            length = 0
            for header in head.split(b"\r\n"):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            return Came(head, lines.read(length))
    return None


def says(*parts: bytes) -> Answering:
    """Answer every request with these bytes."""
    return lambda connection, _: connection.sendall(b"".join(parts))


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"


class Fixed:
    """A source that answers everything with one answer."""

    name = "fixed"

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def answer(self, call: Any) -> Choice:
        return Choice(self._answer, "fixed")

    def why_not(self, call: Any) -> Miss:
        return Miss()


class Shelf:
    """Keeps takes in memory, or refuses to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.takes: list[Take] = []
        self._error = error

    def append(self, take: Take) -> None:
        if self._error is not None:
            raise self._error
        self.takes.append(take)


class Recorder:
    """A server with a session that records."""

    def __init__(self, upstream: str, shelf: Any = None, **options: Any) -> None:
        self.shelf = shelf or Shelf()
        self._server = Server(Settings(clock=None))
        self._sources = (Upstream(upstream, store=self.shelf, **options),)

    def __enter__(self) -> Recorder:
        self._server.__enter__()
        self.session: Session = self._server.session("", self._sources)
        self.port = int(self._server.url.rpartition(":")[2])
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.__exit__(*error)

    @property
    def exchange(self) -> Exchange:
        """The last exchange, when it is over."""
        journal = self.session.journal
        assert journal.wait(lambda: any(one.outcome != "open" for one in journal.exchanges[-1:]), 5)
        return journal.exchanges[-1]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def ask(
        self, target: bytes = b"/v1/x", *headers: bytes, method: bytes = b"GET", body: bytes = b""
    ) -> tuple[bytes, bytes]:
        """Send a request line as it is, and read the answer until the connection's end."""
        with self.connect() as connection:
            given = b"".join(header + b"\r\n" for header in headers)
            host = b"" if b"Host:" in given else b"Host: 127.0.0.1\r\n"
            connection.sendall(
                b"%b %b HTTP/1.1\r\n%b%bContent-Length: %d\r\nConnection: close\r\n\r\n%b"
                % (method, target, host, given, len(body), body)
            )
            got = b""
            while data := connection.recv(65536):
                got += data
        head, _, rest = got.partition(b"\r\n\r\n")
        return head, rest
