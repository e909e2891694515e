"""Frames and a pace become timed pieces."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from chatdouble.dice import Dice
from chatdouble.schedule.pace import Pace


class Piece(Struct, frozen=True, gc=False):
    """Bytes that leave in one write, ``at`` seconds after the request came."""

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

    def behind(self, other: Ending) -> Ending:
        """This one, but that it ends as the other one does where it ends as usual."""
        return replace(self, way=other.way) if self.way == "end" else self


# how an answer ends whose connection was lost before it was whole
CUT = Ending("close")


class AsRecorded(Struct, frozen=True):
    """The pace at which an answer was recorded.

    Attributes:
        pieces: when each piece of the body leaves, in seconds after the answer was ready, and its
            size in bytes; the headers leave with the first one.
    """

    pieces: tuple[tuple[float, int], ...]

    def spread(
        self, frames: tuple[bytes, ...], slower: float, wait: float, *, apart: bool
    ) -> Timetable:
        """The pieces of a body with these frames: the recorded ones, or whole frames, each when its
        last byte came.
        """
        moments = [wait + slower * at for at, _ in self.pieces]
        ends = list(accumulate(size for _, size in self.pieces))
        body = b"".join(frames)
        if apart:
            lasts = accumulate(map(len, frames))
            found = [
                Piece(moments[min(bisect_left(ends, last), len(ends) - 1)], frame)
                for last, frame in zip(lasts, frames, strict=True)
            ]
        else:
            found = [
                Piece(at, body[end - size : end])
                for at, end, (_, size) in zip(moments, ends, self.pieces, strict=True)
                if size
            ]
        return Timetable(moments[0], tuple(found) or (Piece(moments[0], b""),))


class Timetable(Struct, frozen=True, gc=False):
    """When an answer leaves: its status and headers, then its pieces."""

    headers: float
    pieces: tuple[Piece, ...]


def timetable(
    frames: tuple[bytes, ...],
    pace: Pace,
    dice: Dice,
    *,
    tokens: int | None = None,
    slower: float = 1.0,
    wait: float = 0.0,
) -> Timetable:
    """Give every frame its time; frames that leave at once leave as one piece.

    Times are absolute, so that a late write does not delay the ones behind it.

    Args:
        frames: the events of a stream, or one body.
        pace: the figures.
        dice: what chance there is in them.
        tokens: how many tokens a body says, which leaves when it is whole; None for a stream.
        slower: by what all times are multiplied.
        wait: seconds before anything else.
    """
    table = spread(frames, pace, dice, tokens=tokens, slower=slower, wait=wait)
    return Timetable(table.headers, joined(table.pieces))


def spread(
    frames: tuple[bytes, ...],
    pace: Pace | AsRecorded | None,
    dice: Dice,
    *,
    tokens: int | None = None,
    slower: float = 1.0,
    wait: float = 0.0,
    apart: bool = True,
) -> Timetable:
    """Give every frame its time, each as a piece of its own, as ``timetable()`` does.

    With a recorded pace, frames that need not be ``apart`` become the recorded pieces.
    """
    if isinstance(pace, AsRecorded):
        return pace.spread(frames, slower, wait, apart=apart)
    if pace is None:
        return Timetable(wait, tuple(Piece(wait, frame) for frame in frames))
    if tokens is not None:
        whole = wait + slower * pace.last(tokens, dice)
        return Timetable(whole, tuple(Piece(whole, frame) for frame in frames))
    headers, moments = pace.moments(len(frames), dice)
    return Timetable(
        wait + slower * headers,
        tuple(
            Piece(wait + slower * moment, frame)
            for moment, frame in zip(moments, frames, strict=True)
        ),
    )


def joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Put pieces that follow each other at the same time into one."""
    together: list[tuple[float, list[bytes]]] = []
    for piece in pieces:
        if not together or together[-1][0] != piece.at:
            together.append((piece.at, []))
        together[-1][1].append(piece.data)
    return tuple(Piece(at, b"".join(parts)) for at, parts in together)
