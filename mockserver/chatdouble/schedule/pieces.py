"""Frames and a pace become timed pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

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
    pace: Pace | None,
    dice: Dice,
    *,
    tokens: int | None = None,
    slower: float = 1.0,
    wait: float = 0.0,
) -> Timetable:
    """Give every frame its time, each as a piece of its own, as ``timetable()`` does."""
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
