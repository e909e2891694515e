"""What a family of recording files has to know to be read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from chatdouble.cassette.families.place import Place
from chatdouble.cassette.redact import Redacted
from chatdouble.cassette.take import Take


class Left(Struct, frozen=True):
    """What of a recording could not be carried over.

    Attributes:
        words: what it is.
        number: the interaction that it is of, counted from 1; None if it is of the whole file.
    """

    words: str
    number: int | None = None


class Written(Struct, frozen=True):
    """A file in another tool's format, and what it could not hold.

    Attributes:
        data: the file's bytes.
        left: what of the recordings is not in them.
    """

    data: bytes
    left: tuple[Left, ...] = ()


# a line names no more interactions than this
_MOST_NAMED = 10

Found: TypeAlias = Iterator[Take | Left]


class Family(Struct, frozen=True):
    """One tool's recording files.

    Attributes:
        name: what ``--format`` calls it.
        title: what people call it.
        ending: how its files end.
        claims: whether a document is of this family; it may be anything.
        read: the takes of a document, and what of it is left out. Beside the document it gets the
            file's bytes, and the URL that a path without a host is below.
        write: the takes as a file; None where that cannot be done honestly.
    """

    name: str
    title: str
    ending: str
    claims: Callable[[Any], bool]
    read: Callable[[Place, bytes, str], Found]
    write: Callable[[Sequence[Redacted]], Written] | None = None


def grouped(left: Iterable[Left]) -> tuple[str, ...]:
    """What is left out, in words, a line for each kind of thing."""
    numbers: dict[str, list[int]] = {}
    for one in left:
        numbers.setdefault(one.words, []).extend(() if one.number is None else (one.number,))
    return tuple(f"{_listed(found)}{words}" for words, found in numbers.items())


def _listed(numbers: list[int]) -> str:
    if not numbers:
        return ""
    shown = ", ".join(map(str, numbers[:_MOST_NAMED]))
    more = f" and {len(numbers) - _MOST_NAMED} more" if len(numbers) > _MOST_NAMED else ""
    return f"interaction{'s' * (len(numbers) > 1)} {shown}{more}: "


def untold(takes: Iterable[Redacted], *, recorded: bool = False) -> Iterator[Left]:
    """What of the takes is lost in a family that keeps no times of pieces and no cuts.

    Args:
        takes: the takes that are written.
        recorded: whether it keeps no time of recording either.
    """
    for number, take in enumerate(takes, 1):
        if len(take.pieces) > 1:
            yield Left("when each piece of the response came", number)
        if take.cut:
            yield Left("that the response was cut off", number)
        if recorded and take.recorded:
            yield Left("when it was recorded", number)
