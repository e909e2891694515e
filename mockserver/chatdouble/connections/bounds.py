"""The bounds that both implementations share."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chatdouble.answers import ApiError
from chatdouble.wire import plain

# bytes of a request's line and headers from which they are too many, and how many are looked at
# before they are counted
LARGEST_HEAD = 64 * 1024
_STEP = 4 * 1024

# seconds after which a connection is closed that nothing is asked on: longer than httpx and undici
# keep those that they may use again, so that it is they who close them, but not so long that what
# tests leave open adds up to all the descriptors that a process may have
LONGEST_IDLE = 20.0

# seconds in which a client may still send what nobody reads, so that it gets to its refusal
_LINGERING = 2.0

_NO_HTTP = ApiError(400, "We could not parse your request: it is not valid HTTP.")
_LARGE_HEAD = ApiError(431, f"The request's headers are larger than {LARGEST_HEAD} bytes.")
_LATE = ApiError(408, "The request did not come whole in time.")


if TYPE_CHECKING:

    class _Base(asyncio.Protocol):
        """What both of uvicorn's implementations have, as far as it is used here."""

        transport: asyncio.Transport
        loop: asyncio.AbstractEventLoop
        flow: Any
        cycle: Any

        def on_response_complete(self) -> None:
            """Called when an answer is sent."""
else:
    _Base = object


class Bounded(_Base):
    """The bounds that both implementations share.

    Attributes:
        began: when the request began that is not whole yet; None between requests.
        fed: bytes that came since the request was last seen to get on.
        given: what the parser is given while it looks at it.
        deaf: whether what comes is dropped.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called with each new connection."""
        super().connection_made(transport)
        self.loop = _Untimed(self.loop)  # type: ignore[assignment]
        # uvicorn logs if anybody listens to the root logger, as pytest does, whatever it is told
        self.access_log = False
        self.began: float | None = self.loop.time()
        # the last request, once it was seen to be answered, and when that was
        self._idle: tuple[Any, float] = (None, 0.0)
        self.fed = 0
        self.given = b""
        self.deaf = False
        self._refusal: ApiError | None = None

    def data_received(self, data: bytes) -> None:
        """Called with what the client sends, which is fed to the parser bit by bit in a head."""
        at = 0
        while len(data) - at > _STEP and self.in_head() and not self._is_over():
            self.feed(data[at : at + _STEP])
            at += _STEP
        if not self._is_over():
            self.feed(data[at:] if at else data)

    def _is_over(self) -> bool:
        return self.deaf or self.transport.is_closing()

    def feed(self, data: bytes) -> None:
        """Give the parser what came."""
        self.fed += len(data)
        self.given = data
        super().data_received(data)
        self.given = b""
        if self.fed > LARGEST_HEAD - _STEP:
            self.refuse(_LARGE_HEAD)

    def in_head(self) -> bool:
        """Whether what comes next is a request's line or its headers."""
        raise NotImplementedError

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what is no HTTP."""
        error = sys.exc_info()[1]
        large = getattr(error, "error_status_hint", 400) == _LARGE_HEAD.status
        self.refuse(_LARGE_HEAD if large else _NO_HTTP)

    def refuse(self, error: ApiError) -> None:
        """Answer with an error, behind the answers that are still due, and hear no more."""
        if self._is_over():
            return
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._end(error)
        elif not cycle.more_body:
            self.deaf, self._refusal = True, error
        else:
            # its request is what is refused: nobody may wait for the rest of it
            waiting = getattr(self, "pipeline", None) or cycle.response_started
            cycle.disconnected = True
            cycle.message_event.set()
            if waiting:
                self.transport.close()
            else:
                self._end(error)

    def on_response_complete(self) -> None:
        """Called when an answer is sent."""
        super().on_response_complete()
        if self._refusal is not None and self.cycle.response_complete:
            self._end(self._refusal)

    def _end(self, error: ApiError) -> None:
        if self.transport.is_closing():
            return
        self.deaf, self._refusal = True, None
        self.began = self.loop.time()
        self.transport.write(_written(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def look_at_the_clock(self, now: float, timeout: float) -> None:
        """Close the connection if it is due."""
        if self._refusal is not None:
            return
        if self.began is None:
            self._look_whether_idle(now)
            return
        if self.flow.read_paused:
            # it is not the client who lets the other wait
            self.began = now
        elif self.deaf:
            if now - self.began > _LINGERING:
                self.transport.abort()
        elif now - self.began > timeout:
            if self.cycle is None and not self.fed:
                # it never said anything, and may be a browser that connects in advance
                self.transport.close()
            else:
                self.refuse(_LATE)

    def is_idle(self) -> bool:
        """Whether no request is on its way, and no answer due."""
        asked = self.began is not None and bool(self.fed)
        return not asked and (self.cycle is None or self.cycle.response_complete)

    def _look_whether_idle(self, now: float) -> None:
        if not self.is_idle():
            return
        seen, since = self._idle
        if seen is not self.cycle:
            self._idle = (self.cycle, now)
        elif now - since > LONGEST_IDLE:
            self.transport.close()


class _Untimed:
    """The event loop as uvicorn uses it in a connection, but for the timer behind each answer.

    It would close the connection some time later, and be stopped by the next request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.create_task = loop.create_task
        self.time = loop.time

    def call_later(self, delay: float, callback: Callable[[], object]) -> None:
        """Start no timer."""


def _written(error: ApiError) -> bytes:
    response = plain.error(error)
    body = b"".join(response.template.frames)
    headers = b"".join(b"%b: %b\r\n" % header for header in response.headers)
    status = HTTPStatus(error.status)
    return b"HTTP/1.1 %d %b\r\n%bcontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
        status,
        status.phrase.encode(),
        headers,
        len(body),
        body,
    )
