"""Makes a text that several patterns match."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Several

from chatdouble.sources.fitting.patterns.characters import ANY, Ranges, common, pick
from chatdouble.sources.fitting.patterns.nodes import (
    WIDEST,
    Back,
    Character,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
    choice,
    repeat,
    sequence,
)
from chatdouble.sources.fitting.work import Work

# what stands around a match that is shorter than the text has to be
_PADS: tuple[Ranges, ...] = (((97, 122),), ((32, 32),), ANY)

Below = Callable[[int], int]


class NoTextError(Exception):
    """Raised when an attempt came to nothing; another may succeed."""


def sample(nodes: Several[Node], length: int, below: Below, work: Work) -> str:
    """An attempt at a text of about this length that each of the patterns matches.

    The caller looks whether it came out right: what a negative look forbids and where words end
    is not seen to.

    Raises:
        NoTextError: two of them want different things of one character.
        TooMuchError: there was not work enough left.
    """
    first, *others = nodes
    sketch = _Sketch(below, work)
    if first.least <= length <= first.most:
        sketch.lay(first, length)
    else:
        sketch.lay(_searched(first, ANY if others else _PADS[below(len(_PADS))]), length)
    sketch.look()
    for other in others:
        sketch.overlay(_searched(other, ANY), 0, len(sketch.cells))
    return sketch.text()


class _Cell:
    """A character that is still to be chosen; a back reference holds the same cell twice."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Ranges) -> None:
        self.ranges = ranges


class _Sketch:
    def __init__(self, below: Below, work: Work) -> None:
        self._below = below
        self._work = work
        self.cells: list[_Cell] = []
        self._looks: list[tuple[int, Look]] = []
        self._groups: dict[Group, list[_Cell]] = {}

    def text(self) -> str:
        chosen: dict[_Cell, str] = {}
        for cell in self.cells:
            if cell not in chosen:
                one = pick(cell.ranges, self._below)
                if one is None:
                    raise NoTextError
                chosen[cell] = one
        return "".join(chosen[cell] for cell in self.cells)

    def lay(self, node: Node, length: int) -> None:
        """Add cells for the node, as many as ``length`` if it can be that long."""
        self._work.take()
        match node:
            case Character(ranges=ranges):
                self.cells.append(_Cell(ranges))
            case Sequence(items=items):
                self._lay_all(items, length)
            case Choice(options=options):
                self.lay(self._option(options, length), length)
            case Group(item=item):
                start = len(self.cells)
                self.lay(item, length)
                self._groups[node] = self.cells[start:]
            case Back(group=group):
                self.cells += self._groups.get(group, ())
            case Repeat(item=item):
                times = self._times(node, length)
                self._work.take(times)
                self._lay_all((item,) * times, length)
            case Look(negative=False):
                self._looks.append((len(self.cells), node))
            case _:
                pass

    def _lay_all(self, items: tuple[Node, ...], length: int) -> None:
        least = sum(item.least for item in items)
        stretching = sum(1 for item in items if item.most > item.least)
        end = len(self.cells) + length
        for item in items:
            least -= item.least
            spare = max(end - len(self.cells) - least - item.least, 0)
            room = min(item.most - item.least, spare)
            if room:
                stretching -= 1
                # the last one that can takes all that is left, so that the length comes out right
                room = room if not stretching else self._below(room + 1)
            self.lay(item, item.least + room)

    def _option(self, options: tuple[Node, ...], length: int) -> Node:
        fine = [option for option in options if option.least <= length <= option.most]
        fine = fine or [option for option in options if option.least <= length] or list(options)
        return fine[self._below(len(fine))]

    def _times(self, node: Repeat, length: int) -> int:
        least, most = node.item.least, node.item.most
        if not most:
            return min(node.low, 1)
        low = -(-length // most)
        if least:
            low, high = max(node.low, low), min(node.high, length // least)
        else:
            # the times that are missing match nothing at all
            return min(node.high, low + self._below(max(length - low, 0) + 1))
        if low >= high:
            return max(min(low, node.high), node.low)
        return low + self._below(high - low + 1)

    def look(self) -> None:
        """Narrow the cells to what positive looks want."""
        looks, self._looks = self._looks, []
        for at, look in looks:
            room = len(self.cells) - at if look.ahead else at
            if look.item.least > room:
                raise NoTextError
            most = min(look.item.most, room)
            length = look.item.least + self._below(most - look.item.least + 1)
            if _ends(look.item):
                length = most
            self.overlay(look.item, at if look.ahead else at - length, length)

    def overlay(self, node: Node, start: int, length: int) -> None:
        """Narrow the cells from ``start`` on to what the node matches."""
        other = _Sketch(self._below, self._work)
        other.lay(node, length)
        other.look()
        if len(other.cells) != length:
            raise NoTextError
        for cell, wanted in zip(self.cells[start:], other.cells, strict=False):
            cell.ranges = common(cell.ranges, wanted.ranges)
            if not cell.ranges:
                raise NoTextError


def _ends(node: Node) -> bool:
    """Whether the node is tied to the end of the text."""
    match node:
        case Edge(kind="end"):
            return True
        case Sequence(items=items):
            return bool(items) and _ends(items[-1])
        case Group(item=item):
            return _ends(item)
        case _:
            return False


def _starts(node: Node) -> bool:
    match node:
        case Edge(kind="start"):
            return True
        case Sequence(items=items):
            return bool(items) and _starts(items[0])
        case Group(item=item):
            return _starts(item)
        case _:
            return False


def _searched(node: Node, pad: Ranges) -> Node:
    """The node with anything before and after it, where it is not tied to an end of the text."""
    if isinstance(node, Choice):
        return choice([_searched(option, pad) for option in node.options])
    around = repeat(Character(pad), 0, WIDEST)
    items: list[Node] = [] if _starts(node) else [around]
    items.append(node)
    return sequence(items if _ends(node) else [*items, around])
