"""Where a value goes, and that there is none for it."""

from __future__ import annotations

from typing import NamedTuple

# from here on what may be left out is, and what ends is preferred to what goes on
_DEEP = 4


class ImpossibleError(Exception):
    """Raised when no value is found."""


class Place(NamedTuple):
    """Where a value goes.

    Attributes:
        name: the name of the nearest property.
        depth: how many objects and arrays it is in.
        turn: which of the possible values to take, None for any.
        at: its place in an array.
        optional: whether it might be left out.
    """

    name: str = ""
    depth: int = 0
    turn: int | None = None
    at: int = 0
    optional: bool = False

    @property
    def deep(self) -> bool:
        """Whether to come to an end."""
        return self.depth >= _DEEP
