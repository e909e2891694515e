"""The load: some connections, each with one request on its way at any time.

The generator never sleeps: it asks for answers again and again. Waking up a client that sleeps is
dear, above all in a virtual machine, the server's core pays for it, and a slower server pays more
often; none of that is the server's doing.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle
from typing import NamedTuple, cast

from benchmarks.processes import Server

CONNECTIONS = 24

_HEAD_END = b"\r\n\r\n"
_STREAM_END = b"\r\n0\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


class Load(NamedTuple):
    """What was answered in how long.

    Attributes:
        answers: how many answers came.
        seconds: how long that took.
        server_busy: the server's processor time, as a share of that; 1 where it is not known.
        generator_busy: the share of that in which the load generator had answers to read; near 1
            it is the generator that is measured.
    """

    answers: int
    seconds: float
    server_busy: float
    generator_busy: float

    @property
    def rate(self) -> float:
        """Answers in a second of the server's processor time.

        A server that is busy all the time gives as many a second. One that had to wait, because
        something else ran on its core or on the load's, is not taken for a slow one.
        """
        return self.answers / (self.seconds * self.server_busy)


def post(port: int, body: bytes) -> bytes:
    """A request for a chat completion, as few bytes as a client can send."""
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"Authorization: Bearer any\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: %d\r\n"
        b"\r\n%b"
    ) % (port, len(body), body)


def drive(server: Server, requests: Sequence[bytes], seconds: float) -> Load:
    """Send the requests in turn, again and again, over all connections, and count the answers.

    Raises:
        RuntimeError: an answer is no 200, or the server closes a connection.
        TimeoutError: an answer does not end.
    """
    loop = event_loop()
    gc.disable()
    try:
        return loop.run_until_complete(_drive(server, requests, seconds))
    finally:
        gc.enable()
        loop.close()


async def _drive(server: Server, requests: Sequence[bytes], seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    watch = _Watch(loop)
    client = partial(_Client, cycle(requests), watch)
    connect = partial(loop.create_connection, client, "127.0.0.1", server.port)
    clients = [(await connect())[1] for _ in range(CONNECTIONS)]
    started, used = time.perf_counter(), server.processor_time()
    for one in clients:
        one.send()
    watch.start()
    await asyncio.sleep(seconds)
    elapsed, now = time.perf_counter() - started, server.processor_time()
    answers, idle = watch.answers, watch.idle
    for one in clients:
        one.last = True
    await asyncio.wait_for(asyncio.gather(*(one.done for one in clients)), timeout=30)
    watch.stop()
    served = elapsed if used is None or now is None else now - used
    return Load(answers, elapsed, served / elapsed, 1 - idle / elapsed)


class _Watch:
    """Counts, keeps the loop awake, and sums up the time in which nothing was there to read."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answers = 0
        self.reads = 0
        self.idle = 0.0
        self._loop = loop
        self._stopped = False
        self._seen = 0
        self._last = 0.0

    def start(self) -> None:
        self._last = time.perf_counter()
        self._turn()

    def stop(self) -> None:
        self._stopped = True

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._seen == self.reads:
            self.idle += now - self._last
        self._seen, self._last = self.reads, now
        if not self._stopped:
            self._loop.call_soon(self._turn)


class _Client(asyncio.Protocol):
    """One connection: sends the next request, waits for the whole answer, and so on."""

    def __init__(self, requests: Iterator[bytes], watch: _Watch) -> None:
        self.last = False
        self._watch = watch
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._transport: asyncio.WriteTransport
        # the answer's bytes while its head is not complete, then only as many as its end has
        self._seen = b""
        # bytes of the body that are still to come; None while the head is not complete
        self._missing: int | None = None
        self._chunked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is of no such class

    def send(self) -> None:
        self._seen, self._missing, self._chunked = b"", None, False
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._watch.reads += 1
        if self._chunked:
            self._end_of_stream(data)
        elif self._missing is not None:
            self._missing -= len(data)
            if not self._missing:
                self._answered()
        else:
            self._head(self._seen + data if self._seen else data)

    def _head(self, data: bytes) -> None:
        end = data.find(_HEAD_END)
        if end < 0:
            self._seen = data
            return
        if not data.startswith(b"HTTP/1.1 200 "):
            self._fail(f"the server answered {data[:400]!r}")
            return
        length = data[:end].lower().find(_LENGTH)
        if length < 0:
            self._chunked = True
            self._end_of_stream(data[end:])
            return
        start = length + len(_LENGTH)
        announced = int(data[start : data.index(b"\r\n", start)])
        self._missing = end + len(_HEAD_END) + announced - len(data)
        if not self._missing:
            self._answered()

    def _end_of_stream(self, data: bytes) -> None:
        if len(data) < len(_STREAM_END):
            data = self._seen + data
        self._seen = data[-len(_STREAM_END) :]
        if self._seen == _STREAM_END:
            self._answered()

    def _answered(self) -> None:
        self._watch.answers += 1
        if self.last:
            self._transport.close()
            self.done.set_result(None)
        else:
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("the server closed the connection")

    def _fail(self, problem: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(problem))


def event_loop() -> asyncio.AbstractEventLoop:
    """The quickest event loop that is installed."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
