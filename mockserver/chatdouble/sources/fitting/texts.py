"""Texts: readable ones first, then whatever lengths, patterns and formats ask for."""

from __future__ import annotations

from chatdouble.sources.fitting import formats
from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.names import kind_of
from chatdouble.sources.fitting.patterns import Patterns
from chatdouble.sources.fitting.readable import Readable

_MOST_TRIES = 3


class Texts:
    """Makes texts that fit; bounded in how many letters it makes in all."""

    def __init__(self, readable: Readable, patterns: Patterns, letters: int) -> None:
        self._readable = readable
        self._patterns = patterns
        self._left = letters

    def text(self, parts: said.Parts, name: str) -> str | None:
        """A text that fits the parts; None if none was found. It is not empty unless it has to be.

        Args:
            parts: what holds for the text.
            name: the name of the property that it is for; ``""`` for any words.
        """
        fewest, most = said.fewest(parts, "minLength"), said.most(parts, "maxLength")
        if most is not None and most < fewest:
            return None
        wanted = [one for one in map(formats.usual, said.formats(parts)) if formats.is_known(one)]
        patterns = said.patterns(parts)
        if fewest > self._left:
            return None
        if most == 0:
            return "" if self._fits("", wanted, patterns) else None
        low, high = max(fewest, 1), self._left if most is None else min(most, self._left)
        for _ in range(_MOST_TRIES):
            text = self._first(parts, name)
            if not wanted and not low <= len(text) <= high:
                text = self._resized(text, kind_of(name), low, high)
            if low <= len(text) <= high and self._fits(text, wanted, patterns):
                return self._taken(text)
            if not patterns and not wanted:
                break
        made_from = [one for name in wanted if (one := formats.made_from(name)) is not None]
        for _ in range(_MOST_TRIES):
            found = self._patterns.text([*patterns, *made_from], low, high)
            if found is None:
                break
            if self._fits(found, wanted, patterns):
                return self._taken(found)
        if fewest == 0 and self._fits("", wanted, patterns):
            return ""
        return None

    def take(self, letters: int) -> bool:
        """Count letters that come from elsewhere; whether there may be as many."""
        if letters > self._left:
            return False
        self._left -= letters
        return True

    def _taken(self, text: str) -> str:
        self._left -= len(text)
        return text

    def _fits(self, text: str, wanted: list[str], patterns: list[str]) -> bool:
        return all(self._patterns.found_in(one, text) for one in patterns) and all(
            formats.has_format(one, text, self._patterns) for one in wanted
        )

    def _first(self, parts: said.Parts, name: str) -> str:
        for one in said.formats(parts):
            text = self._readable.with_format(formats.usual(one))
            if text is not None:
                return text
        return self._readable.text(kind_of(name)) or "x"

    def _resized(self, text: str, kind: str, low: int, high: int) -> str:
        """A text of this kind that is as long as it has to be."""
        form = formats.made_from(kind)
        if form is not None:
            return self._patterns.text([form], low, high) or text[:high]
        if len(text) > high:
            # whole words, if they are enough
            words = text[: high + 1].rpartition(" ")[0].rstrip(",.;: ")
            return words if len(words) >= low else text[:high].rstrip().ljust(low, "x")
        pieces, length = [text], len(text)
        while length < low:
            pieces.append(self._readable.words(1 + (low - length) // 8))
            length += len(pieces[-1]) + 1
        text = " ".join(pieces)[:high]
        return f"{text[:-1]}x" if text.endswith(" ") else text
