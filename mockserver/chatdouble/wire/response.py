"""A response before its ids and figures are filled in, and what fills them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

Header = tuple[bytes, bytes]

HEAD = b"\0head\0"

_REQUEST_ID = b"x-request-id"
_FRAMING = frozenset((b"connection", b"content-length", b"transfer-encoding"))

# of what the names of headers are made, and what may stand in their lines
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_PRINTED = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TO_BASE62 = bytes(BASE62[value % 62] for value in range(256))


class Stamp(Struct, frozen=True, gc=False):
    """What tells one answer from another of the same words: its time and its share of chance.

    Attributes:
        created: seconds since 1970, from the session's clock.
        digest: 64 bytes made from seed, session, request and its ordinal, never from ``random``.
    """

    created: int
    digest: bytes

    def letters(self, start: int, length: int) -> bytes:
        """``length`` letters of the ids' alphabet, made from the digest's bytes from ``start``."""
        return self.digest[start : start + length].translate(_TO_BASE62)

    def hex(self, start: int, length: int) -> str:
        """``length`` hexadecimal digits, made from the digest's bytes from ``start``."""
        return self.digest[start : start + (length + 1) // 2].hex()[:length]

    def uuid(self, start: int) -> str:
        """A UUID (version 4), made from 16 of the digest's bytes from ``start``."""
        return str(UUID(bytes=self.digest[start : start + 16], version=4))


class Template(Struct, frozen=True, dict=True):
    """A body as frames (one for JSON, one per event for a stream) with holes left open.

    What tells one answer from the next stands in every frame: it is the hole ``HEAD``. Holes that
    stand once in a body are named by the response. All begin with a NUL byte, which no JSON has.

    Attributes:
        parts: the frames, or the one body that is cut into them.
        cut: cuts it, when it is asked for the frames.
    """

    parts: tuple[bytes, ...]
    cut: Callable[[bytes], tuple[bytes, ...]] | None = None

    @cached_property
    def frames(self) -> tuple[bytes, ...]:
        """The body, frame by frame."""
        return self.parts if self.cut is None else self.cut(b"".join(self.parts))

    @cached_property
    def between(self) -> tuple[bytes, ...]:
        """The whole body, cut at each ``HEAD``."""
        return tuple(b"".join(self.parts).split(HEAD))

    @cached_property
    def size(self) -> int:
        """How many bytes there are between the ``HEAD``s."""
        return sum(map(len, self.between))


def lines(headers: tuple[Header, ...]) -> bytes | None:
    """The headers as they are sent, a line each.

    None if one of them cannot be sent, or says how the body is framed, which the server has to
    decide.
    """
    said = b"".join([b"%b: %b\r\n" % header for header in headers])
    if said.translate(None, _PRINTED) != b"\r\n" * len(headers):
        return None
    for name, _ in headers:
        if not name or name.translate(None, _TOKEN) or name in _FRAMING:
            return None
    return said


class Shared(Struct, frozen=True, gc=False):
    """Headers that many responses have in common, with the lines that say them, made once."""

    headers: tuple[Header, ...] = ()
    lines: bytes | None = b""


_NOTHING_SHARED = Shared()


class Response(Struct, frozen=True, gc=False):
    """An HTTP response: status, headers, and a body with what fills its holes.

    Attributes:
        status: the HTTP status.
        own: its (name, value) pairs, names in lower case, behind those that it shares.
        template: the body with its holes.
        head: what fills ``HEAD``.
        holes: further (placeholder, filling) pairs; each placeholder stands once in the template.
        length: whether a content-length is announced; a stream is sent chunked.
        shared: the headers that others have, too.
        request_id: what ``x-request-id`` says between the two; b"" leaves it out.
    """

    status: int
    own: tuple[Header, ...]
    template: Template
    head: bytes = HEAD
    holes: tuple[tuple[bytes, bytes], ...] = ()
    length: bool = True
    shared: Shared = _NOTHING_SHARED
    request_id: bytes = b""

    @property
    def headers(self) -> tuple[Header, ...]:
        """All headers: (name, value) pairs, names in lower case."""
        id = ((_REQUEST_ID, self.request_id),) if self.request_id else ()  # noqa: A001
        return self.shared.headers + id + self.own

    def saying(self, headers: tuple[Header, ...]) -> Response:
        """This response with these headers."""
        return replace(self, own=headers, shared=_NOTHING_SHARED, request_id=b"")

    def header_lines(self) -> bytes | None:
        """The headers as they are sent, None if ``lines()`` gives none of one of them."""
        shared, own = self.shared.lines, self.own
        said = lines(own) if own else b""
        if shared is None or said is None:
            return None
        if not self.request_id:
            return shared + said
        return b"%b%b: %b\r\n%b" % (shared, _REQUEST_ID, self.request_id, said)

    @property
    def size(self) -> int:
        """How many bytes the body has."""
        template = self.template
        size = template.size + len(self.head) * (len(template.between) - 1)
        for hole, filling in self.holes:
            size += len(filling) - len(hole)
        return size

    def whole(self) -> bytes:
        """The body's bytes."""
        return self._filled(self.head.join(self.template.between))

    def frames(self) -> tuple[bytes, ...]:
        """The body's bytes, frame by frame."""
        return tuple(self._filled(frame.replace(HEAD, self.head)) for frame in self.template.frames)

    def _filled(self, part: bytes) -> bytes:
        for hole, filling in self.holes:
            part = part.replace(hole, filling)
        return part
