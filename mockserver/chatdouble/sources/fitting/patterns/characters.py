"""Sets of characters: sorted ranges of code points that neither touch nor overlap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_SURROGATES: Ranges = ((0xD800, 0xDFFF),)
# of what remains when no ASCII character is in a set, only the first few are ever picked: they are
# the same whatever version of Unicode the tables are
_FEW = 64


def merged(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """These ranges as a set; they may overlap and stand in any order."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(pairs):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def one_of(text: str) -> Ranges:
    """The set of the characters of this text."""
    return merged((ord(one), ord(one)) for one in text)


def without(ranges: Ranges) -> Ranges:
    """All other characters."""
    found = []
    start = 0
    for low, high in ranges:
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        found.append((start, _LAST))
    return tuple(found)


def common(one: Ranges, other: Ranges) -> Ranges:
    """The characters that are in both sets."""
    if one is other:
        return one
    found = []
    at = to = 0
    while at < len(one) and to < len(other):
        low, high = max(one[at][0], other[to][0]), min(one[at][1], other[to][1])
        if low <= high:
            found.append((low, high))
        if one[at][1] < other[to][1]:
            at += 1
        else:
            to += 1
    return tuple(found)


def holds(ranges: Ranges, code: int) -> bool:
    """Whether the character with this code point is in the set."""
    at = bisect_right(ranges, (code, _LAST)) - 1
    return at >= 0 and ranges[at][1] >= code


ANY: Ranges = ((0, _LAST),)
DIGIT: Ranges = ((48, 57),)
LETTER: Ranges = ((65, 90), (97, 122))
WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACE: Ranges = one_of(" \t\n\r\f\v")
LINE_END: Ranges = one_of("\n\r\u2028\u2029")
_ALL_SPACE: Ranges = merged(
    (*SPACE, *one_of("\x1c\x1d\x1e\x1f\x85\xa0\u1680\u202f\u205f\u3000\ufeff"), (0x2000, 0x200A))
)
_ASCII: Ranges = ((0, 127),)

# engines differ in whether \w and \d hold letters and digits beyond ASCII; what is not sure to be
# in a set is left out of it and of its opposite, so that a text fits either way
CLASSES: dict[str, Ranges] = {
    "d": DIGIT,
    "D": merged((*common(_ASCII, without(DIGIT)), (0xA1, 0x2FF), (0x370, 0x5FF))),
    "w": WORD,
    "W": merged((*common(_ASCII, without(WORD)), (0x2010, 0x2027), (0x3001, 0x3002))),
    "s": SPACE,
    "S": common(without(_ALL_SPACE), without(LINE_END)),
}

_ALNUM: Ranges = merged((*DIGIT, *LETTER))
_PRINTABLE: Ranges = ((32, 126),)
_PLAIN: Ranges = without(merged(((0, 160), *_SURROGATES, *_ALL_SPACE, (0xE000, 0xF8FF))))
_SCALAR: Ranges = without(_SURROGATES)


def pick(ranges: Ranges, below: Callable[[int], int]) -> str | None:
    """A character of the set, the plainest that it has; None if no text can hold one.

    Args:
        ranges: the set.
        below: gives a number from 0 up to but not including its argument.
    """
    for kind in (_ALNUM, _PRINTABLE, _PLAIN, _SCALAR):
        fine = common(ranges, kind)
        if fine:
            size = sum(high - low + 1 for low, high in fine)
            at = below(min(size, _FEW))
            for low, high in fine:
                if at <= high - low:
                    return chr(low + at)
                at -= high - low + 1
    return None


@lru_cache(64)
def with_property(name: str) -> Ranges | None:
    r"""The set that ``\p{name}`` stands for, up to the emoji; None if there is no such property."""
    import regex

    try:
        found = regex.compile(rf"\p{{{name}}}").findall(_all_text())
    except regex.error:
        return None
    return merged((ord(one), ord(one)) for one in found)


@lru_cache(1)
def _all_text() -> str:
    return "".join(chr(code) for code in range(0x1FB00) if not 0xD800 <= code <= 0xDFFF)
