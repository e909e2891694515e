"""What happened: the exchanges of a session, in the order in which they began."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from chatdouble.answers import Answer
from chatdouble.calls import Call
from chatdouble.schedule import Ending, Piece
from chatdouble.wire.response import Response

# seconds
_LONGEST_WAIT = 0.05

Outcome = Literal["open", "complete", "client left", "cut on purpose", "upstream broke"]


class Exchange(Struct, kw_only=True, gc=False):
    """One call and what became of it.

    Attributes:
        call: the request.
        source: the source that answered, for example ``scripted``; ``unmatched`` if none did.
        why: which rule, recording or decision it was, or why no source had an answer.
        answer: what was answered.
        response: the answer as the endpoint says it.
        timed: the parts of the body that leave at times of their own; of a live answer, as they
            left; None if it leaves whole and at once.
        began: ``time.perf_counter()`` when it was opened.
        size: how many bytes the journal counts for it, those of the request's and answer's body.
        sent: how many bytes of the body were handed to the connection.
        first: from the request's arrival to the body's first bytes, in seconds; 0.0 without any.
        seconds: from the request's arrival to the answer's end.
        outcome: ``open`` until the answer ended, then ``complete``, ``client left``,
            ``cut on purpose`` when a fault ended it, or ``upstream broke`` when the upstream server
            that it came from did.
        ended: called when the answer ended, to give back what it holds.
        waited: how many seconds it waited for a place; the times of its answer count from then.
        headers_at: when its headers leave, in seconds, as the pieces' times.
        ending: how a fault lets it begin and end; None without such a fault.
        faults: what each fault did, and at which byte of the body.
    """

    call: Call
    source: str
    why: str
    answer: Answer
    response: Response
    timed: tuple[Piece, ...] | None = None
    began: float = 0.0
    size: int = 0
    sent: int = 0
    first: float = 0.0
    seconds: float = 0.0
    outcome: Outcome = "open"
    ended: Callable[[], None] | None = None
    waited: float = 0.0
    headers_at: float = 0.0
    ending: Ending | None = None
    faults: tuple[str, ...] = ()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The body as it leaves, with its times."""
        # one that leaves at once is not kept, but made again for whoever asks
        return (Piece(0.0, self.response.whole()),) if self.timed is None else self.timed

    @property
    def cut(self) -> bool:
        """Whether the connection ends before the answer is over, by a fault or from upstream."""
        broken = self.ending is not None and self.ending.way != "end"
        return broken or self.outcome == "upstream broke"

    @property
    def lasts(self) -> float:
        """Seconds from its beginning until the client could have all of the answer, at the least.

        If the client left, or was left without an end, until it did.
        """
        if self.ending is not None and self.ending.way == "hang":
            return self.seconds
        delay = 0.0 if self.ending is None else self.ending.delay
        return min(self.seconds, delay + (self.timed[-1].at if self.timed else 0.0))

    @property
    def delivered(self) -> bytes:
        """The answer's body as far as it was handed to the connection."""
        return b"".join(piece.data for piece in self.pieces)[: self.sent]

    def measured(self) -> int:
        """How many bytes the request's and the answer's body have."""
        size = len(self.call.body)
        if self.timed is None:
            return size + self.response.size
        return size + sum(len(piece.data) for piece in self.timed)


class Journal:
    """The exchanges that a session remembers.

    Attributes:
        streaming: how many streams are under way, remembered or not.

    Args:
        limit: how many; None means all.
        byte_limit: how many bytes their bodies may have together; None means any number.
        listener: called with each exchange when it is closed, for example to log it.
    """

    def __init__(
        self,
        limit: int | None = None,
        byte_limit: int | None = None,
        listener: Callable[[Exchange], None] | None = None,
    ) -> None:
        self._exchanges: deque[Exchange] = deque()
        self._limit = math.inf if limit is None else limit
        self.byte_limit = math.inf if byte_limit is None else byte_limit
        self._is_bounded = limit is not None or byte_limit is not None
        self._bytes = 0
        self.streaming = 0
        self._listener = listener
        self._closed = threading.Condition()
        self._waiting = 0

    def open(self, exchange: Exchange) -> Exchange:
        """Remember an exchange whose answer is about to leave."""
        exchange.began = time.perf_counter()
        self.streaming += exchange.call.stream
        self._exchanges.append(exchange)
        if self._is_bounded:
            exchange.size = exchange.measured()
            self._bytes += exchange.size
            self._forget()
        return exchange

    def _forget(self) -> None:
        while len(self._exchanges) > self._limit or self._bytes > self.byte_limit:
            self._bytes -= self._exchanges.popleft().size

    def sent(self, exchange: Exchange, pieces: tuple[Piece, ...]) -> None:
        """Note the body of a live answer, which is known only when it is over."""
        exchange.timed = pieces
        if self._is_bounded and any(one is exchange for one in self._exchanges):
            before, exchange.size = exchange.size, exchange.measured()
            self._bytes += exchange.size - before
            self._forget()

    def close(self, exchange: Exchange, *, outcome: Outcome, seconds: float) -> None:
        """Note how an exchange ended."""
        self.streaming -= exchange.call.stream
        exchange.outcome = outcome
        exchange.seconds = seconds
        if exchange.ended is not None:
            exchange.ended()
        if self._listener is not None:
            self._listener(exchange)
        if self._waiting:
            with self._closed:
                self._closed.notify_all()

    def wait(self, enough: Callable[[], bool], timeout: float) -> bool:
        """Wait, in a thread other than the server's, until an exchange that ends makes it true.

        Args:
            enough: asked whenever an exchange ended.
            timeout: seconds.
        """
        with self._closed:
            self._waiting += 1
            try:
                # asked now and then in any case: an exchange may end just before we wait
                end = time.monotonic() + timeout
                while not enough():
                    left = end - time.monotonic()
                    if left <= 0:
                        return False
                    self._closed.wait(min(left, _LONGEST_WAIT))
                return True
            finally:
                self._waiting -= 1

    def clear(self) -> None:
        """Forget the exchanges."""
        self._exchanges.clear()
        self._bytes = 0

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges, oldest first."""
        return tuple(self._exchanges)

    @property
    def calls(self) -> list[Call]:
        """The requests, oldest first."""
        return [exchange.call for exchange in self.exchanges]

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __len__(self) -> int:
        return len(self._exchanges)
