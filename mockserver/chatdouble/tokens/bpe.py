"""Byte-pair encoding with the tables of OpenAI's encodings."""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from heapq import heapify, heappop, heappush
from importlib import resources
from typing import AnyStr

# How a text is cut before its pieces are encoded each by itself. Source: the published definitions
# of the encodings.
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_PATTERNS = {
    "cl100k_base": "|".join(
        (
            _CONTRACTION,
            r"[^\r\nLETTERSDIGITS]?[LETTERS]+",
            r"[DIGITS]{1,3}",
            r" ?[^\sLETTERSDIGITS]+[\r\n]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
    "o200k_base": "|".join(
        (
            rf"[^\r\nLETTERSDIGITS]?[UPPER]*[LOWER]+{_CONTRACTION}?",
            rf"[^\r\nLETTERSDIGITS]?[UPPER]+[LOWER]*{_CONTRACTION}?",
            r"[DIGITS]{1,3}",
            r" ?[^\sLETTERSDIGITS]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
}

# what stands for the classes in any text, and in one of ASCII alone, where Python's own regular
# expressions know them, too, and find them three times as fast
_ANY = {
    "LETTERS": r"\p{L}",
    "DIGITS": r"\p{N}",
    "UPPER": r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}",
    "LOWER": r"\p{Ll}\p{Lm}\p{Lo}\p{M}",
}
_ASCII = {"LETTERS": "A-Za-z", "DIGITS": "0-9", "UPPER": "A-Z", "LOWER": "a-z"}

# up to this length a plain scan for the next pair to merge is quicker than a heap
_SHORT = 32

# pieces of up to so many bytes are remembered: they are mostly words, which repeat
_LONGEST_KEPT = 200

# A longer piece is merged window by window, each beginning where a token ends: merges do not reach
# so far that the bytes behind a window could move the tokens before its margin.
_WINDOW = 2_048
_MARGIN = 256

# letters that are cut into pieces at a time; what follows can move the last pieces of these
_LETTERS = 65_536
_UNSURE = 3

# what cutting off a piece costs, and merging a byte
_CUTTING = 3
_MERGING = 5


class Encoding:
    """One encoding.

    Args:
        ranks: the tokens and their ranks; pairs are merged in the order of the ranks.
        pattern: cuts a text into the pieces that are encoded each by itself; names of classes stand
            for what is in them.
    """

    def __init__(self, ranks: dict[bytes, int], pattern: str) -> None:
        self._ranks = ranks
        self._pattern = pattern
        self._cut_ascii = re.compile(_with(_ASCII, pattern).encode()).findall
        self._encode = lru_cache(maxsize=8192)(self._merge)
        self._encode_window = lru_cache(maxsize=64)(self._heap)

    @cached_property
    def _cut(self) -> Callable[[str, int, int], list[str]]:
        """Cuts a text of any letters."""
        import regex

        return regex.compile(_with(_ANY, self._pattern)).findall

    def tokens(self, text: str) -> Iterator[bytes]:
        """The text's tokens, as bytes, made as they are asked for."""
        for pieces in self.pieces(text):
            for raw in pieces:
                if raw in self._ranks:
                    yield raw
                elif len(raw) <= _LONGEST_KEPT:
                    yield from self._encode(raw)
                else:
                    for tokens in self.windows(raw):
                        yield from tokens

    def measure(self, text: str, most: int) -> tuple[int, int]:
        """How many tokens the text has, and how much work it was to count them.

        Args:
            text: what is counted.
            most: when the work exceeds this, the rest is taken to be like what was counted.
        """
        count = work = at = 0
        for pieces in self.pieces(text):
            others = [piece for piece in pieces if piece not in self._ranks]
            count += len(pieces) - len(others)
            for raw in others:
                work += _MERGING * len(raw)
                if len(raw) <= _LONGEST_KEPT:
                    count += len(self._encode(raw))
                else:
                    count += self._measure_long(raw, most)
            work += _CUTTING * len(pieces)
            at += sum(map(len, pieces))
            if work > most:
                return count * len(text.encode("utf-8", "replace")) // at, work
        return count, work

    def _measure_long(self, piece: bytes, most: int) -> int:
        count = merged = 0
        for tokens in self.windows(piece):
            count += len(tokens)
            merged += sum(map(len, tokens))
            if merged * _MERGING > most:
                return count * len(piece) // merged
        return count

    def pieces(self, text: str, letters: int = _LETTERS) -> Iterator[list[bytes]]:
        """The pieces of the text, as bytes, those of some letters at a time."""
        if text.isascii():
            yield from _in_parts(self._cut_ascii, text.encode(), letters)
            return
        for found in _in_parts(self._cut, text, letters):
            yield [piece.encode("utf-8", "replace") for piece in found]

    def windows(self, piece: bytes) -> Iterator[tuple[bytes, ...]]:
        """The tokens of a long piece, some at a time."""
        at = 0
        while at + _WINDOW < len(piece):
            tokens = self._encode_window(piece[at : at + _WINDOW])
            sure, size = 0, 0
            while size < _WINDOW - _MARGIN:
                size += len(tokens[sure])
                sure += 1
            yield tokens[:sure]
            at += size
        yield self._heap(piece[at:])

    def _merge(self, piece: bytes) -> tuple[bytes, ...]:
        return self._scan(piece) if len(piece) <= _SHORT else self._heap(piece)

    def _scan(self, piece: bytes) -> tuple[bytes, ...]:
        parts = [piece[at : at + 1] for at in range(len(piece))]
        rank = self._ranks.get
        while len(parts) > 1:
            best, where = None, 0
            for at in range(len(parts) - 1):
                found = rank(parts[at] + parts[at + 1])
                if found is not None and (best is None or found < best):
                    best, where = found, at
            if best is None:
                break
            parts[where : where + 2] = [parts[where] + parts[where + 1]]
        return tuple(parts)

    def _heap(self, piece: bytes) -> tuple[bytes, ...]:
        """The same by a heap over a linked list, so that a long piece costs n log n."""
        size = len(piece)
        rank = self._ranks.get
        # a part begins at its index and ends where the next one begins; -1: merged away
        after = list(range(1, size + 1))
        before = list(range(-1, size - 1))
        found = ((rank(piece[at : at + 2]), at, at + 2) for at in range(size - 1))
        heap = [(best, at, end) for best, at, end in found if best is not None]
        heapify(heap)
        while heap:
            _, at, end = heappop(heap)
            middle = after[at]
            if middle == -1 or middle >= size or after[middle] != end:
                continue
            after[at], after[middle] = end, -1
            if end < size:
                before[end] = at
                best = rank(piece[at : after[end]])
                if best is not None:
                    heappush(heap, (best, at, after[end]))
            if at > 0:
                start = before[at]
                best = rank(piece[start:end])
                if best is not None:
                    heappush(heap, (best, start, end))
        parts: list[bytes] = []
        at = 0
        while at < size:
            parts.append(piece[at : after[at]])
            at = after[at]
        return tuple(parts)


def _with(classes: dict[str, str], pattern: str) -> str:
    for name, letters in classes.items():
        pattern = pattern.replace(name, letters)
    return pattern


def _in_parts(
    cut: Callable[[AnyStr, int, int], list[AnyStr]], text: AnyStr, letters: int
) -> Iterator[list[AnyStr]]:
    at, size = 0, letters
    while at + size < len(text):
        found = cut(text, at, at + size)
        del found[-_UNSURE:]
        if found:
            yield found
            at, size = at + sum(map(len, found)), letters
        else:
            size *= 2
    yield cut(text, at, len(text))


def estimate(text: str) -> int:
    """Roughly how many tokens the text has: one every four bytes."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def load(name: str) -> Encoding:
    """Read an encoding's table: a marshalled dict of tokens and ranks, the form that loads fastest
    (``scripts/make-token-tables`` makes it, in a version of the format that every Python reads).
    """
    table = resources.files("chatdouble.tokens").joinpath("tables", f"{name}.bin").read_bytes()
    return Encoding(marshal.loads(table), _PATTERNS[name])  # noqa: S302 - the package's own file
