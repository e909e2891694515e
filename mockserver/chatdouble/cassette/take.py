"""One exchange with an upstream server, as it went over the wire."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

Headers: TypeAlias = tuple[tuple[str, str], ...]


class Take(Struct, frozen=True, kw_only=True):
    """A request that was sent to an upstream server, and what came back, with nothing hidden yet.

    It may hold keys, so it is never written: what is written is made of it by redaction.

    Attributes:
        method: the request's method, in capitals.
        uri: the absolute URI that the request was sent to.
        request_headers: (name, value) pairs as they were sent, a repeated name once for each value.
        request_body: the request's body, with any compression undone.
        status: the response's status.
        reason: the words behind it, for example ``OK``.
        headers: the response's headers, as the request's.
        pieces: the response's body, with any compression undone, as (seconds since the request was
            sent, bytes) in the order in which they came.
        cut: whether the response ended before it was whole.
        recorded: when the request was sent, in seconds since 1970.
    """

    method: str
    uri: str
    request_headers: Headers = ()
    request_body: bytes = b""
    status: int
    reason: str = ""
    headers: Headers = ()
    pieces: tuple[tuple[float, bytes], ...] = ()
    cut: bool = False
    recorded: int = 0

    @property
    def body(self) -> bytes:
        """The response's body."""
        return b"".join(data for _, data in self.pieces)
