"""Sending an answer: every piece at its time, and nothing more once the client has left."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time

from starlette.types import Message, Receive, Send

from chatdouble import onewrite
from chatdouble.journal import Exchange, Journal, Outcome
from chatdouble.schedule import Ending, Piece

# seconds between two looks at whether everything is written
_FLUSHING = 0.01

# bytes that are written at once: what a slow reader leaves unread waits in the answer, which is
# there in any case, and not copied in the connection's buffer
_PORTION = 64 * 1024


class Delivery:
    """Sends one exchange's answer and closes its exchange in the journal.

    Args:
        journal: where its exchange is closed.
        exchange: what is sent.
        started: ``time.perf_counter()`` when the request came.
    """

    def __init__(self, journal: Journal, exchange: Exchange, started: float) -> None:
        self._journal = journal
        self._exchange = exchange
        self._started = started
        # what the pieces' times count from
        self._began = started + exchange.waited
        self._left: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: tuple[Piece, ...] = ()

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Send the answer. Ends early, without an error, when the client leaves."""
        exchange = self._exchange
        outcome: Outcome = "client left"
        try:
            if exchange.ending is None and self._at_once(send):
                outcome = "complete"
                return
            self._pieces = exchange.pieces
            if exchange.ending is not None:
                outcome = await self._broken(exchange.ending, receive, send)
            elif not exchange.headers_at or not await self._leaves(receive, exchange.headers_at):
                await send(self._start(None))
                if await self._body(receive, send, ends=True):
                    outcome = "complete"
        finally:
            if self._left is not None:
                self._left.cancel()
            self._journal.close(
                exchange, outcome=outcome, seconds=time.perf_counter() - self._started
            )

    def _at_once(self, send: Send) -> bool:
        """Write all of it if all is due now and can be written so."""
        exchange = self._exchange
        sent = None if exchange.timed is not None else onewrite.write(send, exchange.response)
        if sent is None:
            return False
        exchange.first, exchange.sent = time.perf_counter() - self._started, sent
        return True

    def _start(self, length: int | None) -> dict[str, object]:
        exchange = self._exchange
        headers = list(exchange.response.headers)
        if length is not None:
            headers.append((b"content-length", b"%d" % length))
        elif exchange.response.length:
            size = sum(len(piece.data) for piece in self._pieces)
            headers.append((b"content-length", b"%d" % size))
        return {
            "type": "http.response.start",
            "status": exchange.response.status,
            "headers": headers,
        }

    async def _body(self, receive: Receive, send: Send, *, ends: bool) -> bool:
        """Send the pieces, False if the client left before the last one.

        Args:
            ends: whether the answer ends with the last piece.
        """
        last = len(self._pieces) - 1
        for number, piece in enumerate(self._pieces):
            if piece.at and await self._leaves(receive, piece.at):
                return False
            more = number < last or not ends
            if len(piece.data) <= _PORTION:
                await send({"type": "http.response.body", "body": piece.data, "more_body": more})
                self._note(piece.data)
            elif not await self._portions(piece.data, receive, send, more=more):
                return False
        return True

    def _note(self, data: bytes) -> None:
        exchange = self._exchange
        if not exchange.sent:
            exchange.first = time.perf_counter() - self._started
        exchange.sent += len(data)

    async def _portions(self, data: bytes, receive: Receive, send: Send, *, more: bool) -> bool:
        """Send a large piece as fast as the client reads it, False if the client left."""
        left = self._listen(receive)
        for start in range(0, len(data), _PORTION):
            portion = data[start : start + _PORTION]
            behind = start + _PORTION < len(data)
            await send({"type": "http.response.body", "body": portion, "more_body": more or behind})
            self._note(portion)
            if behind:
                # nothing else lets it see that the client left while this waited for its reading
                await asyncio.sleep(0)
                if left.done():
                    return False
        return True

    async def _broken(self, ending: Ending, receive: Receive, send: Send) -> Outcome:
        """Send what a fault left of the answer, and end as it says."""
        before = ending.delay + self._exchange.headers_at
        if before and await self._leaves(receive, before):
            return "client left"
        self._began += ending.delay
        if ending.headers:
            await send(self._start(ending.length))
            body = send if ending.length is None else _Overflowing(send, ending.length)
            if not await self._body(receive, body, ends=ending.way == "end"):
                return "client left"
        if ending.way == "end":
            return "complete"
        if ending.way == "close":
            transport_of(send).close()
        elif ending.way == "reset":
            await _reset(transport_of(send))
        await self._leaves(receive, None)
        return "cut on purpose"

    async def _leaves(self, receive: Receive, at: float | None) -> bool:
        """Whether the client leaves before this moment; None waits until it does.

        Args:
            at: seconds after the request came, or had its place, so that no lateness adds up.
        """
        loop = asyncio.get_running_loop()
        left = self._listen(receive)
        if not left.done():
            # for each piece one timer and one future: asyncio.wait() makes more of both
            self._waiter = loop.create_future()
            timer = None
            if at is not None:
                # not call_at(): uvloop's own clock stands still while it calls back
                delay = max(self._began + at - time.perf_counter(), 0.0)
                timer = loop.call_later(delay, self._wake)
            try:
                await self._waiter
            finally:
                if timer is not None:
                    timer.cancel()
        return left.done()

    def _listen(self, receive: Receive) -> asyncio.Task[None]:
        """The task that is done when the client leaves."""
        if self._left is None:
            self._left = asyncio.create_task(leaving(receive))
            self._left.add_done_callback(self._wake)
        return self._left

    def _wake(self, _: object = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Overflowing:
    """Sends more than the announced length, which uvicorn itself refuses to do."""

    def __init__(self, send: Send, length: int) -> None:
        self._send = send
        self._room = length

    async def __call__(self, message: Message) -> None:
        body = message["body"]
        fitting, behind = body[: self._room], body[self._room :]
        self._room -= len(fitting)
        if fitting:
            await self._send({**message, "body": fitting})
        if behind:
            transport_of(self._send).write(behind)


def transport_of(send: Send) -> asyncio.Transport:
    """The connection behind uvicorn's ``send``, of either implementation.

    ASGI has no message for closing or resetting a connection, but both of uvicorn's request cycles
    keep their transport, and ``send`` is their method.
    """
    return send.__self__.transport  # type: ignore[attr-defined, no-any-return]


async def _reset(transport: asyncio.Transport) -> None:
    """End the connection with RST in place of FIN, behind the bytes that were written."""
    # nobody is told when everything is written
    while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(_FLUSHING)
    await asyncio.sleep(_FLUSHING)
    if transport.is_closing():
        return  # the client was quicker
    # lingering for 0 seconds: the kernel drops the connection when the socket is closed
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


async def leaving(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
