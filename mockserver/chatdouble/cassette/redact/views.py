"""Texts inside texts, each of which knows where its characters stand in the outermost one.

All texts are bytes read as Latin-1, so that a place in a text is a place in the bytes.
"""

from __future__ import annotations

import re
from array import array
from base64 import b64decode
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

# a place in the outermost text: where it starts and ends
Part: TypeAlias = tuple[int, int]

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^u\n])"
)
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,4000}={0,2}", re.ASCII)
_URL_SAFE = {ord("-"): "+", ord("_"): "/"}
_PRINTABLE = bytes((9, 10, 13, *range(32, 127)))

# how much around an escape is read again: a secret that starts before it, or ends behind
_AROUND = 4000
# a text is not narrowed to more of it
_MOST_NARROWED = 0.8
# stands in no secret, so none reaches over it
_BREAK = "\n\0\n"


class View:
    """A text that was made of another one.

    It is that text but for places where something else stands, which `mark` notes in order.

    Args:
        text: the text itself, once it is known.
        parent: the text that it was made of, None for the outermost one.
        whole: whether a place in this text is one place in the other, even if others lie between.
    """

    def __init__(self, text: str = "", parent: View | None = None, *, whole: bool = True) -> None:
        self.text = text
        self._parent = parent
        self._whole = whole
        # for each mark: where it is here, its length, where it is in the parent, its length there
        self._here = array("q", (0,))
        self._length = array("q", (0,))
        self._there = array("q", (0,))
        self._width = array("q", (0,))

    def mark(self, here: int, length: int, there: int, width: int) -> None:
        """Note that so many characters here stand for so many at another place there."""
        self._here.append(here)
        self._length.append(length)
        self._there.append(there)
        self._width.append(width)

    def parts(self, start: int, end: int) -> list[Part]:
        """Where a place in this text stands in the outermost one."""
        if start >= end:
            return []
        first = bisect_right(self._here, start) - 1
        last = bisect_right(self._here, end - 1) - 1
        if self._whole:
            found = [(self._before(first, start), self._behind(last, end))]
        else:
            found = []
            for at in range(first, last + 1):
                here = max(start, self._here[at])
                stop = min(end, self._here[at + 1]) if at < last else end
                if here < stop:
                    found.append((self._before(at, here), self._behind(at, stop)))
        if self._parent is None:
            return found
        return [part for place in found for part in self._parent.parts(*place)]

    def only(self, spans: Iterable[Part]) -> View:
        """These parts of the text, which may overlap, apart from each other; itself if most of it.

        Args:
            spans: where each of them begins and ends; may reach over the text's ends.
        """
        text = self.text
        merged: list[Part] = []
        start = end = 0
        for first, last in sorted(spans):
            if first > end:
                merged.append((start, end))
                start = first
            end = max(end, last)
        merged.append((start, min(end, len(text))))
        if sum(end - start for start, end in merged) > len(text) * _MOST_NARROWED:
            return self
        made = View(parent=self)
        pieces: list[str] = []
        length = at = 0
        for start, end in merged:
            made.mark(length, len(_BREAK), at, start - at)
            pieces += (_BREAK, text[start:end])
            length += len(_BREAK) + end - start
            at = end
        made.text = "".join(pieces)
        return made

    def _before(self, at: int, start: int) -> int:
        into = start - self._here[at] - self._length[at]
        return self._there[at] + (self._width[at] + into if into >= 0 else 0)

    def _behind(self, at: int, end: int) -> int:
        return self._there[at] + self._width[at] + max(0, end - self._here[at] - self._length[at])


def outermost(text: str) -> View:
    """The text itself."""
    return View(text)


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


def _undone(
    view: View, mark: str, pattern: re.Pattern[str], undo: Callable[[str], str]
) -> View | None:
    text = view.text
    if mark not in text:
        return None
    made = View(parent=view)
    pieces: list[str] = []
    known: dict[str, str] = {}
    at = length = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        if start - at > 2 * _AROUND:
            rest = min(len(text), at + _AROUND) if pieces else at
            pieces += (text[at:rest], _BREAK)
            length += rest - at
            made.mark(length, len(_BREAK), rest, start - _AROUND - rest)
            length += len(_BREAK)
            at = start - _AROUND
        code = match[0]
        character = known.get(code)
        if character is None:
            character = known[code] = undo(code)
        pieces += (text[at:start], character)
        length += start - at
        made.mark(length, len(character), start, end - start)
        length += len(character)
        at = end
    if not pieces:
        return None
    pieces.append(text[at : at + _AROUND])
    made.text = "".join(pieces)
    return made


def decoded(view: View) -> View | None:
    """The texts that stand in a text as base64, one behind the other, where there are any."""
    made = View(parent=view)
    pieces: list[str] = []
    length = 0
    for match in _BASE64.finditer(view.text):
        coded = match[0].translate(_URL_SAFE).rstrip("=")
        try:
            raw = b64decode(coded + "=" * (-len(coded) % 4))
        except ValueError:
            continue
        if raw.translate(None, _PRINTABLE):
            continue
        start, end = match.span()
        # a part of it is all of it: nobody edits base64
        made.mark(length, len(raw), start, end - start)
        pieces += (raw.decode("latin-1"), _BREAK)
        length += len(raw) + len(_BREAK)
    made.text = "".join(pieces)
    return made if pieces else None


def joined(view: View, places: Iterable[Part]) -> View:
    """Parts of a text behind each other, as a client joins the pieces of a stream."""
    made = View(parent=view, whole=False)
    pieces = []
    length = 0
    for start, end in places:
        made.mark(length, 0, start, 0)
        pieces.append(view.text[start:end])
        length += end - start
    made.text = "".join(pieces)
    return made


def lines(text: str) -> Iterator[Part]:
    """Where the JSON documents of a stream stand: a line each, perhaps behind ``data:``."""
    for match in re.finditer(r"^(?:data:[ \t]*)?(\{.*\})[ \t\r]*$", text, re.MULTILINE):
        yield match.span(1)
