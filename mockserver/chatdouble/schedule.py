"""When bytes leave: frames become timed pieces."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

from chatdouble.errors import ScriptError


class Pace(Struct, frozen=True):
    """How a streamed answer is spread over time.

    Attributes:
        first: seconds before the first frame.
        each: seconds before every further frame.

    Raises:
        ScriptError: a figure is negative or no finite number.
    """

    first: float = 0.0
    each: float = 0.0

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            seconds = getattr(self, field)
            if (
                isinstance(seconds, bool)
                or not isinstance(seconds, int | float)
                or not math.isfinite(seconds)
                or seconds < 0
            ):
                raise ScriptError(f"{field} is a number of seconds, 0 or more, got {seconds!r}")


class Piece(Struct, frozen=True, gc=False):
    """Bytes that leave in one write, ``at`` seconds after the answer was ready."""

    at: float
    data: bytes


Way: TypeAlias = Literal["end", "close", "reset", "hang"]


class Ending(Struct, frozen=True, gc=False):
    """How an answer that is broken on purpose begins and ends.

    Attributes:
        way: what comes behind the last piece: the answer's ``end``, or without it a ``close`` or a
            ``reset`` of the connection, or nothing until the client leaves (``hang``).
        headers: whether the status and the headers are sent at all.
        delay: seconds before them.
        length: the content-length that is announced; None means that of the body, if any.
    """

    way: Way
    headers: bool = True
    delay: float = 0.0
    length: int | None = None


def timetable(frames: tuple[bytes, ...], pace: Pace | None) -> tuple[Piece, ...]:
    """Give every frame its time; frames that leave at once leave as one piece.

    Times are absolute, so that a late write does not delay the ones behind it.
    """
    if pace is None or (not pace.first and not pace.each):
        return (Piece(0.0, frames[0] if len(frames) == 1 else b"".join(frames)),)
    if not pace.each:
        return (Piece(pace.first, b"".join(frames)),)
    return spread(frames, pace)


def spread(frames: tuple[bytes, ...], pace: Pace | None) -> tuple[Piece, ...]:
    """Give every frame its time, each as a piece of its own."""
    first, each = (0.0, 0.0) if pace is None else (pace.first, pace.each)
    return tuple(Piece(first + number * each, frame) for number, frame in enumerate(frames))


def joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Put pieces that follow each other at the same time into one."""
    together: list[tuple[float, list[bytes]]] = []
    for piece in pieces:
        if not together or together[-1][0] != piece.at:
            together.append((piece.at, []))
        together[-1][1].append(piece.data)
    return tuple(Piece(at, b"".join(parts)) for at, parts in together)
