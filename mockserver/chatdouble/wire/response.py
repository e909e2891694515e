"""A response before its ids and figures are filled in, and what fills them."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

Header = tuple[bytes, bytes]

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TO_BASE62 = bytes(BASE62[value % 62] for value in range(256))


class Stamp(Struct, frozen=True):
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


class Template(Struct, frozen=True, dict=True):
    """A body as frames (one for JSON, one per event for a stream) with holes left open."""

    frames: tuple[bytes, ...]

    @cached_property
    def whole(self) -> bytes:
        """All frames in one."""
        return self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)


class Response(Struct, frozen=True):
    """An HTTP response: status, headers, and a body whose holes are named with their filling.

    Attributes:
        status: the HTTP status.
        headers: (name, value) pairs, names in lower case.
        template: the body with its holes.
        holes: (placeholder, filling) pairs; a placeholder begins with a NUL byte, which occurs in
            no JSON text.
        length: whether a content-length is announced; a stream is sent chunked.
    """

    status: int
    headers: tuple[Header, ...]
    template: Template
    holes: tuple[tuple[bytes, bytes], ...] = ()
    length: bool = True

    def whole(self) -> bytes:
        """The body's bytes."""
        body = self.template.whole
        for hole, filling in self.holes:
            body = body.replace(hole, filling)
        return body

    def frames(self) -> tuple[bytes, ...]:
        """The body's bytes, frame by frame."""
        frames = self.template.frames
        for hole, filling in self.holes:
            frames = tuple(frame.replace(hole, filling) for frame in frames)
        return frames
