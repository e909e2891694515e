"""When bytes leave: frames become timed pieces."""

from __future__ import annotations

import math

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


def timetable(frames: tuple[bytes, ...], pace: Pace | None) -> tuple[Piece, ...]:
    """Give every frame its time; frames that leave at once leave as one piece.

    Times are absolute, so that a late write does not delay the ones behind it.
    """
    if pace is None or (not pace.first and not pace.each):
        return (Piece(0.0, frames[0] if len(frames) == 1 else b"".join(frames)),)
    if not pace.each:
        return (Piece(pace.first, b"".join(frames)),)
    return tuple(
        Piece(pace.first + number * pace.each, frame) for number, frame in enumerate(frames)
    )
