"""Regular expressions of strangers: texts that match them, and whether a text does.

Written here because what there is on PyPI does not do (looked at in 2026): rstr's texts depend on
the order of sets and so on the process, exrex is under the AGPL, sre_yield has had no release since
2019, greenery builds automata that grow without bound, and hypothesis promises no sameness between
its versions. None takes a length, and none but greenery can fit two patterns at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatdouble.sources.fitting.patterns import backtrack
from chatdouble.sources.fitting.patterns.match import found_in
from chatdouble.sources.fitting.patterns.nodes import Node
from chatdouble.sources.fitting.patterns.parse import PatternError, parse, properties
from chatdouble.sources.fitting.patterns.sample import Below, NoTextError, sample
from chatdouble.sources.fitting.work import TooMuchError, Work

# steps: to look at a text at all, at most for one, and to look up what a Unicode property holds
_A_TEXT = 6
_PROPERTY = 15_000
_MOST_AT_ONCE = 40_000
_MOST_ATTEMPTS = 60
# or looks as if it did
_REFERS_BACK = re.compile(r"\\[1-9k]|\(\?P=")
_USUAL_LENGTH = 4


class Patterns:
    """The patterns of one schema, each read once."""

    def __init__(self, below: Below, work: Work) -> None:
        self._below = below
        self._work = work
        self._read: dict[str, Node | None] = {}
        self._properties: set[str] = set()

    def known(self, pattern: str) -> Node | None:
        """The pattern as it was read; None if it cannot be, or if too much was read before."""
        if pattern not in self._read:
            self._read[pattern] = self._new(pattern)
        return self._read[pattern]

    def _new(self, pattern: str) -> Node | None:
        fresh = properties(pattern) - self._properties
        if not self._work.spend(2 * len(pattern) + len(fresh) * _PROPERTY):
            return None
        self._properties |= fresh
        try:
            return parse(pattern)
        except PatternError:
            return None

    def found_in(self, pattern: str, text: str) -> bool:
        """Whether the pattern matches somewhere in the text; a pattern that is none always does."""
        node = self.known(pattern)
        if node is None:
            return True
        work = self._some()
        try:
            return self._found(pattern, node, text, work)
        except TooMuchError:
            return False
        finally:
            self._done(work)

    def text(self, patterns: Sequence[str], fewest: int, most: int) -> str | None:
        """A text that all patterns match, not shorter or longer than that; None if none was found.

        Patterns that are none are left out.
        """
        known = {one: node for one in patterns if (node := self.known(one)) is not None}
        nodes = list(known.values())
        low = max(fewest, *(node.least for node in nodes), 0)
        if not nodes or low > most:
            return None
        # as long as a match can be, so that nothing has to stand around it
        natural = min(most, max(low, min(node.most for node in nodes)))
        usual = min(natural, max(low, _USUAL_LENGTH))
        work = self._some()
        for attempt in range(_MOST_ATTEMPTS):
            if attempt % 2 == 0:
                length = usual + self._below(min(natural - usual, 6) + 1)
            else:
                length = low + self._below(min(most - low, attempt) + 1)
            try:
                text = sample(nodes, length, self._below, work)
                if fewest <= len(text) <= most and all(
                    self._found(one, node, text, work) for one, node in known.items()
                ):
                    self._done(work)
                    return text
            except NoTextError:
                continue
            except TooMuchError:
                break
        self._done(work)
        return None

    def _found(self, pattern: str, node: Node, text: str, work: Work) -> bool:
        find = backtrack.found_in if _REFERS_BACK.search(pattern) else found_in
        return find(node, text, work)

    def _some(self) -> Work:
        """Work for one text, so that a bad pattern does not use up what others need."""
        self._work.spend(_A_TEXT)
        return Work(max(min(self._work.left, _MOST_AT_ONCE), 0))

    def _done(self, work: Work) -> None:
        self._work.spend(work.given - work.left)
