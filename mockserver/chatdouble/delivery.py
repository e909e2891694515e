"""Sending an answer: every piece at its time, and nothing more once the client has left."""

from __future__ import annotations

import asyncio
import time

from starlette.types import Receive, Send

from chatdouble.journal import Exchange, Journal


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

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Send the answer. Ends early, without an error, when the client leaves."""
        exchange = self._exchange
        complete = False
        try:
            await send(self._start())
            complete = await self._body(receive, send)
        finally:
            self._journal.close(
                exchange, complete=complete, seconds=time.perf_counter() - self._started
            )

    def _start(self) -> dict[str, object]:
        exchange = self._exchange
        headers = list(exchange.response.headers)
        if exchange.response.length:
            size = sum(len(piece.data) for piece in exchange.pieces)
            headers.append((b"content-length", b"%d" % size))
        return {
            "type": "http.response.start",
            "status": exchange.response.status,
            "headers": headers,
        }

    async def _body(self, receive: Receive, send: Send) -> bool:
        exchange = self._exchange
        ready = time.perf_counter()
        left: asyncio.Task[None] | None = None
        try:
            last = len(exchange.pieces) - 1
            for number, piece in enumerate(exchange.pieces):
                if piece.at:
                    left = left or asyncio.create_task(_leaving(receive))
                    wait = ready + piece.at - time.perf_counter()
                    await asyncio.wait({left}, timeout=max(wait, 0))
                    if left.done():
                        return False
                await send(
                    {
                        "type": "http.response.body",
                        "body": piece.data,
                        "more_body": number < last,
                    }
                )
                exchange.sent += len(piece.data)
            return True
        finally:
            if left is not None:
                left.cancel()


async def _leaving(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
