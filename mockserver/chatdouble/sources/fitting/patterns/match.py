"""Whether a text holds a match of a pattern, in a bounded number of steps.

All places that a match can have got to are followed at once, as the bits of one number, so that no
pattern is worse than others; a backtracking engine would need a clock to be stopped, and then the
answer would depend on the machine.
"""

from __future__ import annotations

from chatdouble.sources.fitting.patterns.characters import WORD, Ranges, holds
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
from chatdouble.sources.fitting.work import Work


def found_in(node: Node, text: str, work: Work) -> bool:
    """Whether the pattern, which has no Back, matches anywhere in the text.

    Raises:
        TooMuchError: there was not work enough left to tell.
    """
    work.take(len(text) >> 3)
    run = _Run(text, work)
    return run.through(node, run.everywhere) != 0


class _Run:
    """Bit n of a number is the place before the text's character n."""

    def __init__(self, text: str, work: Work) -> None:
        self._length = len(text)
        self.everywhere = (1 << (len(text) + 1)) - 1
        self._work = work
        self._step = 1 + (len(text) >> 9)
        self._places: dict[int, int] = {}
        for at, one in enumerate(text):
            self._places[ord(one)] = self._places.get(ord(one), 0) | (1 << at)
        self._sets: dict[Ranges, int] = {}
        self._looks: dict[Look, int] = {}

    def through(self, node: Node, places: int, *, back: bool = False) -> int:
        """Where matches end that begin at these places; where they begin if ``back``."""
        self._work.take(self._step)
        match node:
            case Character(ranges=ranges):
                held = self._held(ranges)
                return (places >> 1) & held if back else (places & held) << 1
            case Sequence(items=items):
                for item in reversed(items) if back else items:
                    places = self.through(item, places, back=back)
                    if not places:
                        break
                return places
            case Choice(options=options):
                found = 0
                for option in options:
                    found |= self.through(option, places, back=back)
                return found
            case Group(item=item):
                return self.through(item, places, back=back)
            case Back():
                raise ValueError("what a group has matched is only known to backtrack")
            case Repeat():
                return self._repeated(node, places, back=back)
            case Look():
                return places & self._seen(node)
            case Edge(kind=kind):
                return places & self._edges(kind)

    def _repeated(self, node: Repeat, places: int, *, back: bool) -> int:
        times = 0
        while times < node.low and places:
            after = self.through(node.item, places, back=back)
            times += 1
            if after == places:
                times = node.low
            places = after
        found, fresh = places, places
        while fresh and times < node.high:
            fresh = self.through(node.item, fresh, back=back) & ~found
            found |= fresh
            times += 1
        return found

    def _held(self, ranges: Ranges) -> int:
        found = self._sets.get(ranges)
        if found is None:
            self._work.take(len(self._places) >> 3)
            found = 0
            for code, places in self._places.items():
                if holds(ranges, code):
                    found |= places
            self._sets[ranges] = found
        return found

    def _seen(self, node: Look) -> int:
        found = self._looks.get(node)
        if found is None:
            found = self.through(node.item, self.everywhere, back=node.ahead)
            if node.negative:
                found = self.everywhere & ~found
            self._looks[node] = found
        return found

    def _edges(self, kind: str) -> int:
        if kind == "start":
            return 1
        if kind == "end":
            return 1 << self._length
        word = self._held(WORD)
        edges = (word ^ (word << 1)) & self.everywhere
        return edges if kind == "word" else self.everywhere & ~edges
