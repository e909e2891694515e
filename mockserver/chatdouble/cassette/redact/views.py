"""Texts inside texts, each of which knows where its characters stand in the outermost one.

All texts are bytes read as Latin-1, so that a place in a text is a place in the bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import TypeAlias

# a place in the outermost text: where it starts and ends
Part: TypeAlias = tuple[int, int]

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^u\n])"
)
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

# how much around an escape is read again: a secret that starts before it, or ends behind
_AROUND = 4000
# stands in no secret, so none reaches over it
_BREAK = "\n\0\n"


class View:
    """A text that was made of another one.

    Args:
        pieces: its pieces in order, each with where it stands in the text that it was made of:
            (piece, start, end). A piece of the same length as its place was taken as it is.
        parent: the text that it was made of, None for the outermost one.
        whole: whether a place in this text is one place in the other even if it spans pieces.
    """

    def __init__(
        self, pieces: Iterable[tuple[str, int, int]], parent: View | None = None, *, whole: bool
    ) -> None:
        texts: list[str] = []
        self._starts: list[int] = []
        self._origins: list[Part] = []
        length = 0
        for text, start, end in pieces:
            texts.append(text)
            self._starts.append(length)
            self._origins.append((start, end))
            length += len(text)
        self.text = "".join(texts)
        self._parent = parent
        self._whole = whole

    def parts(self, start: int, end: int) -> list[Part]:
        """Where a place in this text stands in the outermost one."""
        if not self._starts or start >= end:
            return []
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1) - 1
        found = [self._origin(at, start, end) for at in range(first, last + 1)]
        if self._whole:
            found = [(found[0][0], found[-1][1])]
        if self._parent is None:
            return found
        return [part for place in found for part in self._parent.parts(*place)]

    def _origin(self, at: int, start: int, end: int) -> Part:
        here = self._starts[at]
        following = self._starts[at + 1] if at + 1 < len(self._starts) else len(self.text)
        origin, behind = self._origins[at]
        if following - here != behind - origin:
            return origin, behind
        return origin + max(0, start - here), min(behind, origin + end - here)


def outermost(text: str) -> View:
    """The text itself."""
    return View([(text, 0, len(text))], whole=True)


def unescaped(view: View) -> View | None:
    """The text with one layer of JSON's escapes undone, where it has any; None where it has not."""
    return _undone(view, "\\", _ESCAPE, _character)


def unquoted(view: View) -> View | None:
    """The text with one layer of percent-encoding undone, where it has any."""
    return _undone(view, "%", _PERCENT, lambda code: chr(int(code[1:], 16)))


def _character(escape: str) -> str:
    if escape[1] != "u":
        return _PLAIN.get(escape[1], escape[1])
    units = escape.replace("\\u", "")
    raw = bytes.fromhex(units)
    return raw.decode("utf-16-be", "replace").encode().decode("latin-1")


def _undone(view: View, mark: str, pattern: re.Pattern[str], undo: object) -> View | None:
    text = view.text
    if mark not in text:
        return None
    pieces: list[tuple[str, int, int]] = []
    known: dict[str, str] = {}
    at = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        if start - at > 2 * _AROUND:
            if pieces:
                pieces.append((text[at : at + _AROUND], at, at + _AROUND))
                pieces.append((_BREAK, at + _AROUND, at + _AROUND))
            at = start - _AROUND
        if start > at:
            pieces.append((text[at:start], at, start))
        code = match[0]
        character = known.get(code)
        if character is None:
            character = known[code] = undo(code)  # type: ignore[operator]
        pieces.append((character, start, end))
        at = end
    if not pieces:
        return None
    end = min(len(text), at + _AROUND)
    pieces.append((text[at:end], at, end))
    return View(pieces, view, whole=True)


def joined(view: View, places: Iterable[Part]) -> View:
    """Parts of a text behind each other, as a client joins the pieces of a stream."""
    return View(((view.text[start:end], start, end) for start, end in places), view, whole=False)


def lines(text: str) -> Iterator[Part]:
    """Where the JSON documents of a stream stand: a line each, perhaps behind ``data:``."""
    for match in re.finditer(r"^(?:data:[ \t]*)?(\{.*\})[ \t\r]*$", text, re.MULTILINE):
        yield match.span(1)
