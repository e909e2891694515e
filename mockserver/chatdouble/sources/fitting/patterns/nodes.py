"""What a regular expression is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chatdouble.sources.fitting.patterns.characters import Ranges

# wider than any text that is made
WIDEST = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Character:
    """One character of a set."""

    ranges: Ranges
    least: int = 1
    most: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """All items, one after the other.

    ``least`` and ``most``, here and in the others, are the lengths of the texts it matches.
    """

    items: tuple[Node, ...]
    least: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of the options."""

    options: tuple[Node, ...]
    least: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """The item, from ``low`` to ``high`` times; ``high`` is WIDEST for any number."""

    item: Node
    low: int
    high: int
    least: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The item, which a Back may name."""

    item: Node
    least: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Back:
    """The text that the group matched, once more."""

    group: Group
    least: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The item must (or must not) match ahead of here, or end here; takes no character."""

    item: Node
    ahead: bool
    negative: bool
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A place in the text; takes no character."""

    kind: Literal["start", "end", "word", "inside"]
    least: int = 0
    most: int = 0


Node: TypeAlias = Character | Sequence | Choice | Repeat | Group | Back | Look | Edge


def sequence(items: list[Node]) -> Node:
    """These items in a row."""
    if len(items) == 1:
        return items[0]
    return Sequence(
        tuple(items),
        min(sum(item.least for item in items), WIDEST),
        min(sum(item.most for item in items), WIDEST),
    )


def choice(options: list[Node]) -> Node:
    """One of these options."""
    if len(options) == 1:
        return options[0]
    least = min(option.least for option in options)
    return Choice(tuple(options), least, max(option.most for option in options))


def repeat(item: Node, low: int, high: int) -> Node:
    """This item, so many times."""
    low, high = min(low, WIDEST), min(high, WIDEST)
    return Repeat(item, low, high, min(item.least * low, WIDEST), min(item.most * high, WIDEST))
