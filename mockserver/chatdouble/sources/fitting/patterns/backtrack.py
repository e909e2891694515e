"""Whether a short text holds a match of a pattern that refers back to its groups.

Tried one way after the other, as only that knows what a group has matched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from chatdouble.sources.fitting.patterns.characters import WORD, holds
from chatdouble.sources.fitting.patterns.nodes import (
    Back,
    Character,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
)
from chatdouble.sources.fitting.work import TooMuchError, Work

# a text of this length nests about twice as many generators
_LONGEST = 100

Held: TypeAlias = dict[Group, str]
Ends: TypeAlias = Iterator[tuple[int, Held]]


def found_in(node: Node, text: str, work: Work) -> bool:
    """Whether the pattern matches anywhere in the text.

    Raises:
        TooMuchError: the text is too long, or there was not work enough left to tell.
    """
    if len(text) > _LONGEST:
        raise TooMuchError
    walk = _Walk(text, work)
    return any(True for at in range(len(text) + 1) for _ in walk.ends(node, at, {}))


class _Walk:
    def __init__(self, text: str, work: Work) -> None:
        self._text = text
        self._work = work

    def ends(self, node: Node, at: int, held: Held) -> Ends:
        """Where matches that begin here end, each with what its groups hold."""
        self._work.take()
        match node:
            case Character(ranges=ranges):
                if at < len(self._text) and holds(ranges, ord(self._text[at])):
                    yield at + 1, held
            case Sequence(items=items):
                yield from self._all(items, at, held)
            case Choice(options=options):
                for option in options:
                    yield from self.ends(option, at, held)
            case Group(item=item):
                for end, inside in self.ends(item, at, held):
                    yield end, {**inside, node: self._text[at:end]}
            case Back(group=group):
                said = held.get(group)
                if said is not None and self._text.startswith(said, at):
                    yield at + len(said), held
            case Repeat():
                yield from self._times(node, 0, at, held)
            case Look():
                if self._sees(node, at, held) is not node.negative:
                    yield at, held
            case Edge():
                if self._is_edge(node, at):
                    yield at, held

    def _all(self, items: tuple[Node, ...], at: int, held: Held) -> Ends:
        if not items:
            yield at, held
            return
        for end, inside in self.ends(items[0], at, held):
            yield from self._all(items[1:], end, inside)

    def _times(self, node: Repeat, count: int, at: int, held: Held) -> Ends:
        if count < node.high:
            for end, inside in self.ends(node.item, at, held):
                if end > at:
                    yield from self._times(node, count + 1, end, inside)
                elif count < node.low:
                    # nothing is matched as often as need be
                    yield from self._times(node, node.low, end, inside)
        if count >= node.low:
            yield at, held

    def _sees(self, node: Look, at: int, held: Held) -> bool:
        if node.ahead:
            return any(True for _ in self.ends(node.item, at, held))
        return any(
            end == at for start in range(at + 1) for end, _ in self.ends(node.item, start, held)
        )

    def _is_edge(self, node: Edge, at: int) -> bool:
        if node.kind == "start":
            return at == 0
        if node.kind == "end":
            return at == len(self._text)
        beside = [self._text[at - 1 : at] if at else "", self._text[at : at + 1]]
        word = [bool(one) and holds(WORD, ord(one)) for one in beside]
        return (word[0] != word[1]) is (node.kind == "word")
