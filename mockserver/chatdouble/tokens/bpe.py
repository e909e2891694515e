"""Byte-pair encoding with the tables of OpenAI's encodings."""

from __future__ import annotations

import marshal
from functools import lru_cache
from heapq import heapify, heappop, heappush
from importlib import resources

import regex

# How a text is cut before its pieces are encoded each by itself. Source: the published definitions
# of the encodings.
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
_LOWER = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_PATTERNS = {
    "cl100k_base": "|".join(
        (
            _CONTRACTION,
            r"[^\r\n\p{L}\p{N}]?\p{L}+",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
    "o200k_base": "|".join(
        (
            rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_CONTRACTION}?",
            rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_CONTRACTION}?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
}

# up to this length a plain scan for the next pair to merge is quicker than a heap
_SHORT = 32


class Encoding:
    """One encoding.

    Args:
        ranks: the tokens and their ranks; pairs are merged in the order of the ranks.
        pattern: cuts a text into the pieces that are encoded each by itself.
    """

    def __init__(self, ranks: dict[bytes, int], pattern: str) -> None:
        self._ranks = ranks
        self._cut = regex.compile(pattern).findall
        # pieces are mostly words, which repeat
        self._encode = lru_cache(maxsize=8192)(self._merge)

    def split(self, text: str) -> list[bytes]:
        """The text's tokens, as bytes."""
        tokens: list[bytes] = []
        for piece in self._cut(text):
            raw = piece.encode("utf-8", "replace")
            if raw in self._ranks:
                tokens.append(raw)
            else:
                tokens += self._encode(raw) if len(raw) < 200 else self._merge(raw)
        return tokens

    def count(self, text: str) -> int:
        """How many tokens the text has."""
        return len(self.split(text))

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


def load(name: str) -> Encoding:
    """Read an encoding's table: a marshalled dict of tokens and ranks, the form that loads fastest
    (``scripts/make-token-tables`` makes it, in a version of the format that every Python reads).
    """
    table = resources.files("chatdouble.tokens").joinpath("tables", f"{name}.bin").read_bytes()
    return Encoding(marshal.loads(table), _PATTERNS[name])  # noqa: S302 - the package's own file
