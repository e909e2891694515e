"""Passing a live answer on: every piece as it comes, until its end or until the client leaves."""

from __future__ import annotations

import asyncio
import time

from starlette.types import Receive, Send

from chatdouble.delivery import leaving, transport_of
from chatdouble.journal import Exchange, Journal, Outcome
from chatdouble.live import BrokenError, Live
from chatdouble.schedule import Piece


class Forwarding:
    """Sends one exchange's live answer and closes its exchange in the journal.

    Args:
        journal: where its exchange is closed.
        exchange: whose answer it is.
        live: the answer.
        started: ``time.perf_counter()`` when the request came.
    """

    def __init__(self, journal: Journal, exchange: Exchange, live: Live, started: float) -> None:
        self._journal = journal
        self._exchange = exchange
        self._live = live
        self._started = started
        self._pieces: list[Piece] = []

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Send the answer. Gives it up, without an error, when the client leaves."""
        exchange = self._exchange
        outcome: Outcome = "client left"
        sending = asyncio.create_task(self._send(send))
        left = asyncio.create_task(leaving(receive))
        try:
            await asyncio.wait({sending, left}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                outcome = sending.result()
                if outcome == "upstream broke":
                    # the client must not take what it has for the whole
                    transport_of(send).close()
                    await left
        finally:
            for task in (sending, left):
                task.cancel()
            await asyncio.wait({sending, left})
            await self._live.give_up()
            if self._live.note:
                exchange.why += f"; {self._live.note}"
            self._journal.sent(exchange, tuple(self._pieces))
            self._journal.close(
                exchange, outcome=outcome, seconds=time.perf_counter() - self._started
            )

    async def _send(self, send: Send) -> Outcome:
        exchange = self._exchange
        limit = self._journal.byte_limit
        begun = time.perf_counter()
        await send(
            {
                "type": "http.response.start",
                "status": exchange.response.status,
                "headers": list(exchange.response.headers),
            }
        )
        try:
            async for data in self._live.body:
                await send({"type": "http.response.body", "body": data, "more_body": True})
                exchange.sent += len(data)
                if limit is None or exchange.sent <= limit:
                    self._pieces.append(Piece(time.perf_counter() - begun, data))
        except BrokenError:
            return "upstream broke"
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return "complete"
