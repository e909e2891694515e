"""An upstream server's answer while it comes: sent on at once, but for an end that waits until the
answer is kept.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from chatdouble.cassette.take import Headers, Take
from chatdouble.live import BrokenError, Live

if TYPE_CHECKING:
    import httpx2

_DONE = re.compile(rb"(?:\A|(?<=[\r\n]))data: ?\[DONE\]")
_LONGEST_DONE = 13

# seconds that a stream may stay open behind its last event before it is taken for whole
_AFTER_DONE = 1.0

# answers of more bytes are passed on, but not recorded
_LARGEST_BODY = 128 * 1024 * 1024

# the codings that can be undone
_CODINGS = frozenset({"gzip", "deflate", "identity"})

# takes what was exchanged, and says what became of it
Keeping = Callable[[Take], Awaitable[str]]


class Tee:
    """One answer of an upstream server.

    Args:
        response: what it has begun to send.
        take: the exchange so far, without the body.
        began: ``time.perf_counter()`` when the request was sent.
        keep: called when the answer is over, before the client gets the end of it.
        secret: what the client must not see, b"" for nothing.
    """

    def __init__(
        self, response: httpx2.Response, take: Take, began: float, keep: Keeping, secret: bytes
    ) -> None:
        self._response = response
        self._masking = Masking(secret)
        self._packed, headers = _unpacked(self._masking.headers(take.headers), take)
        self._take = replace(take, headers=headers)
        self._began = began
        self._keep = keep
        self._keeping: asyncio.Task[str] | None = None
        self._pieces: list[tuple[float, bytes]] = []
        self._size = 0
        self._holding = Holding(_length(headers), _is_stream(headers))
        self.live = Live(
            status=take.status,
            reason=take.reason,
            headers=headers,
            body=self._body(),
            give_up=self._give_up,
        )

    @property
    def bodiless(self) -> bool:
        """Whether the head alone is the whole answer, so that it has to be kept before it."""
        take = self._take
        return take.method == "HEAD" or take.status in (204, 304) or _length(take.headers) == 0

    async def read(self) -> None:
        """Take the whole answer at once, before any of it is sent on."""
        pieces = [data async for data in self.live.body]
        self.live.body = _again(pieces)

    async def _body(self) -> AsyncGenerator[bytes, None]:
        broken = ""
        came = self._response.aiter_bytes() if self._packed else self._response.aiter_raw()
        try:
            async with aclosing(self._masking.masked(came)) as pieces:
                while data := await self._next(pieces):
                    ready = self._holding.take(data)
                    if ready:
                        yield ready
        except _errors() as error:
            broken = f"the upstream server broke off: {_why(error)}"
        self._keeping = asyncio.create_task(self._kept(cut=bool(broken)))
        # who leaves now leaves what is being written behind
        note = await asyncio.shield(self._keeping)
        if self._holding.held:
            yield self._holding.held
        if broken:
            self.live.note = f"{broken}; {note}"
            raise BrokenError(broken)

    async def _next(self, pieces: AsyncGenerator[bytes, None]) -> bytes:
        """The next piece, b"" at the end."""
        wait = _AFTER_DONE if self._holding.done else None
        try:
            data = await asyncio.wait_for(anext(pieces, b""), wait)
        except TimeoutError:
            return b""
        self._size += len(data)
        if self._size > _LARGEST_BODY:
            self._pieces.clear()
        elif data:
            self._pieces.append((time.perf_counter() - self._began, data))
        return data

    async def _kept(self, *, cut: bool) -> str:
        if self._size > _LARGEST_BODY:
            return f"not recorded: the answer is larger than {_LARGEST_BODY} bytes"
        take = replace(self._take, pieces=tuple(self._pieces), cut=cut)
        self._pieces.clear()
        return await self._keep(take)

    async def _give_up(self) -> None:
        await self.live.body.aclose()
        await self._response.aclose()
        if self._keeping is None:
            self.live.note = "not recorded: the client left before the end"
        elif not self.live.note:
            self.live.note = await self._keeping


class Holding:
    """What of a body is held back: its last byte, and what begins the last event of a stream.

    Args:
        length: how many bytes the body has, None if that is not known.
        streamed: whether it is a stream of events that ``[DONE]`` ends.
    """

    def __init__(self, length: int | None, streamed: bool) -> None:
        self.held = b""
        self.done = False
        self._left = length
        self._streamed = streamed
        self._tail = b""

    def take(self, data: bytes) -> bytes:
        """What of the next piece need not be held back."""
        start = 0 if self.done else self._free(data)
        self.held += data[start:]
        return data[:start]

    def _free(self, data: bytes) -> int:
        """How many bytes stand before the end."""
        free = len(data)
        if self._left is not None:
            self._left -= len(data)
            free -= self._left <= 0
        if self._streamed:
            found = _DONE.search(self._tail + data)
            if found:
                self.done = True
                return min(free, max(found.start() - len(self._tail), 0))
            self._tail = (self._tail + data)[-_LONGEST_DONE:]
        return free


class Masking:
    """Puts asterisks in the place of a secret, wherever it is repeated and however it is split.

    Args:
        secret: what must not be seen, b"" for nothing.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def headers(self, headers: Headers) -> Headers:
        """The headers without the secret."""
        if not self._secret:
            return headers
        secret = self._secret.decode()
        return tuple((name, value.replace(secret, "*" * len(secret))) for name, value in headers)

    async def masked(self, came: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The pieces without the secret; as many bytes as came."""
        secret, held = self._secret, b""
        async with aclosing(came):
            try:
                async for data in came:
                    seen = (held + data).replace(secret, b"*" * len(secret)) if secret else data
                    held = seen[len(seen) - self._begun(seen) :]
                    if len(seen) > len(held):
                        yield seen[: len(seen) - len(held)]
            except _errors():
                if held:
                    yield held
                raise
        if held:
            yield held

    def _begun(self, data: bytes) -> int:
        """How many bytes at the end may be the secret's beginning."""
        longest = min(len(self._secret) - 1, len(data))
        return next((n for n in range(longest, 0, -1) if data.endswith(self._secret[:n])), 0)


def _why(error: Exception) -> str:
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        return "it was silent for too long"
    return str(error) or type(error).__name__


def _errors() -> tuple[type[Exception], ...]:
    import httpx2

    return (httpx2.TransportError, httpx2.DecodingError)


async def _again(pieces: list[bytes]) -> AsyncGenerator[bytes, None]:
    for data in pieces:
        yield data


def _unpacked(headers: Headers, take: Take) -> tuple[bool, Headers]:
    """Whether the body is packed in a way that can be undone, and the headers that it has then."""
    values = (value for name, value in headers if name.lower() == "content-encoding")
    if any(name.lower() == "transfer-encoding" for name, _ in headers):
        # which says more about the length (RFC 9112, section 6.3)
        headers = _without(headers, "content-length")
    codings = {coding.strip().lower() for value in values for coding in value.split(",")}
    if not codings or not codings <= _CODINGS or take.method == "HEAD":
        return False, headers
    return True, _without(headers, "content-encoding", "content-length")


def _without(headers: Headers, *names: str) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() not in names)


def _length(headers: Headers) -> int | None:
    values = (value for name, value in headers if name.lower() == "content-length")
    return next((int(value) for value in values), None)


def _is_stream(headers: Headers) -> bool:
    return any(
        name.lower() == "content-type" and value.lower().startswith("text/event-stream")
        for name, value in headers
    )
