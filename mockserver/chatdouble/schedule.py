"""When bytes leave: frames become timed pieces."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

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


class AsRecorded(Struct, frozen=True):
    """The pace at which an answer was recorded.

    Attributes:
        pieces: when each piece of the body leaves, in seconds behind the headers, and its size in
            bytes.
        before: seconds before the headers.
    """

    pieces: tuple[tuple[float, int], ...]
    before: float = 0.0


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

    def over(self, own: Ending | None) -> Ending:
        """How an answer ends that has an ending of its own beside this one."""
        if own is None:
            return self
        way = own.way if self.way == "end" else self.way
        return replace(self, way=way, delay=self.delay + own.delay)


def ending(pace: Pace | AsRecorded | None, *, cut: bool) -> Ending | None:
    """How an answer begins and ends of itself; None if it begins at once and ends as usual.

    Args:
        pace: the answer's pace.
        cut: whether its connection ended before it did.
    """
    delay = pace.before if isinstance(pace, AsRecorded) else 0.0
    if not delay and not cut:
        return None
    return Ending("close" if cut else "end", delay=delay)


def timetable(frames: tuple[bytes, ...], pace: Pace | AsRecorded | None) -> tuple[Piece, ...]:
    """Give every frame its time; frames that leave at once leave as one piece.

    Times are absolute, so that a late write does not delay the ones behind it.
    """
    if isinstance(pace, AsRecorded):
        return _as_recorded(b"".join(frames), pace)
    if pace is None or (not pace.first and not pace.each):
        return (Piece(0.0, frames[0] if len(frames) == 1 else b"".join(frames)),)
    if not pace.each:
        return (Piece(pace.first, b"".join(frames)),)
    return spread(frames, pace)


def spread(frames: tuple[bytes, ...], pace: Pace | AsRecorded | None) -> tuple[Piece, ...]:
    """Give every frame its time, each as a piece of its own.

    At a recorded pace that is the time of the frame's last byte.
    """
    if isinstance(pace, AsRecorded):
        ends = tuple(accumulate(size for _, size in pace.pieces))
        times = (*(at for at, _ in pace.pieces), pace.pieces[-1][0])
        lasts = accumulate(map(len, frames))
        return tuple(
            Piece(times[bisect_left(ends, last)], frame)
            for last, frame in zip(lasts, frames, strict=True)
        )
    first, each = (0.0, 0.0) if pace is None else (pace.first, pace.each)
    return tuple(Piece(first + number * each, frame) for number, frame in enumerate(frames))


def _as_recorded(body: bytes, pace: AsRecorded) -> tuple[Piece, ...]:
    found = []
    begin = 0
    for at, size in pace.pieces:
        if size:
            found.append(Piece(at, body[begin : begin + size]))
        begin += size
    return tuple(found) or (Piece(0.0, b""),)


def joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Put pieces that follow each other at the same time into one."""
    together: list[tuple[float, list[bytes]]] = []
    for piece in pieces:
        if not together or together[-1][0] != piece.at:
            together.append((piece.at, []))
        together[-1][1].append(piece.data)
    return tuple(Piece(at, b"".join(parts)) for at, parts in together)
