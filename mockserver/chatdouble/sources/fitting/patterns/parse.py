"""Reads regular expressions, as ECMAScript, Python and PCRE agree on them.

Where they differ, the reading is the one that fits all: ``.`` is no line end, ``^`` and ``$`` are
the ends of the text, also where a flag would let them be those of a line.
"""

from __future__ import annotations

import re

from chatdouble.sources.fitting.patterns import characters
from chatdouble.sources.fitting.patterns.characters import Ranges
from chatdouble.sources.fitting.patterns.nodes import (
    WIDEST,
    Back,
    Character,
    Edge,
    Group,
    Look,
    Node,
    choice,
    repeat,
    sequence,
)

_DEEPEST = 40
_COUNT = re.compile(r"\{(\d{1,9})(,(\d{1,9})?)?\}")
_PROPERTY = re.compile(r"\{(\^?)([A-Za-z][A-Za-z_ =:]{0,40})\}")
_ANY_PROPERTY = re.compile(r"\\[pP](\{[^{}]{0,60}\}|.)", re.DOTALL)
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|[ux]\{([0-9a-fA-F]{1,6})\}")
_NAMED = re.compile(r"\(\?P?<([^\W\d]\w{0,60})>")
_FLAGS = re.compile(r"\(\?([aimsux]*)(?:-([imsx]+))?([:)])")
_LOOKS = {"(?=": (True, False), "(?!": (True, True), "(?<=": (False, False), "(?<!": (False, True)}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_CONTROLS |= {"a": "\a", "e": "\x1b"}


class PatternError(ValueError):
    """Raised when a pattern is none, or uses what is not understood here."""


def parse(pattern: str) -> Node:
    """Read a pattern.

    Raises:
        PatternError: it cannot be read.
    """
    parser = _Parser(pattern)
    node = parser.choice()
    if parser.at < len(pattern):
        raise PatternError("unbalanced parenthesis")
    return node


def properties(pattern: str) -> set[str]:
    """The names of the Unicode properties that a pattern speaks of."""
    return set(_ANY_PROPERTY.findall(pattern))


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self.at = 0
        self._depth = 0
        self._groups: list[Group | None] = []
        self._names: dict[str, int] = {}
        self._any_case = False
        self._dot_all = False

    def choice(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PatternError("nested too deep")
        options = [self._sequence()]
        while self._took("|"):
            options.append(self._sequence())
        self._depth -= 1
        return choice(options)

    def _took(self, text: str) -> bool:
        if self._text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self.at < len(self._text) and self._text[self.at] not in "|)":
            item = self._item()
            if item is not None:
                items.append(self._repeated(item))
        return sequence(items)

    def _repeated(self, item: Node) -> Node:
        while self.at < len(self._text):
            if self._took("*"):
                low, high = 0, WIDEST
            elif self._took("+"):
                low, high = 1, WIDEST
            elif self._took("?"):
                low, high = 0, 1
            elif counted := _COUNT.match(self._text, self.at):
                self.at = counted.end()
                low = int(counted[1])
                high = low if counted[2] is None else int(counted[3] or WIDEST)
            else:
                break
            if high < low:
                raise PatternError("bounds in the wrong order")
            # how much is taken first changes nothing about which texts match
            if not self._took("?"):
                self._took("+")
            item = repeat(item, low, high)
        return item

    def _item(self) -> Node | None:
        one = self._text[self.at]
        if one == "(":
            return self._group()
        self.at += 1
        match one:
            case "[":
                return Character(self._set())
            case ".":
                return Character(
                    characters.ANY if self._dot_all else characters.without(characters.LINE_END)
                )
            case "^":
                return Edge("start")
            case "$":
                return Edge("end")
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise PatternError("nothing to repeat")
            case _:
                return self._character(one)

    def _character(self, one: str) -> Character:
        return Character(self._cased(characters.one_of(one)))

    def _cased(self, ranges: Ranges) -> Ranges:
        if not self._any_case:
            return ranges
        letters = characters.common(ranges, characters.LETTER)
        swapped = [(ord(chr(low).swapcase()), ord(chr(high).swapcase())) for low, high in letters]
        return characters.merged((*ranges, *swapped))

    def _group(self) -> Node | None:
        for opening, (ahead, negative) in _LOOKS.items():
            if self._took(opening):
                return Look(self._inner(), ahead, negative)
        if self._took("(?#"):
            self.at = self._text.find(")", self.at) + 1
            if not self.at:
                raise PatternError("comment without end")
            return None
        if self._took("(?P="):
            return self._named_back(")")
        if self._took("(?:") or self._took("(?>"):
            return self._inner()
        if flags := _FLAGS.match(self._text, self.at):
            return self._flagged(flags)
        if named := _NAMED.match(self._text, self.at):
            self.at = named.end()
            self._names[named[1]] = len(self._groups)
        elif self._text.startswith("(?", self.at):
            raise PatternError("a group of an unknown kind")
        else:
            self.at += 1
        number = len(self._groups)
        self._groups.append(None)
        item = self._inner()
        group = Group(item, item.least, item.most)
        self._groups[number] = group
        return group

    def _inner(self) -> Node:
        before = self._any_case, self._dot_all
        item = self.choice()
        self._any_case, self._dot_all = before
        if not self._took(")"):
            raise PatternError("group without end")
        return item

    def _flagged(self, flags: re.Match[str]) -> Node | None:
        if "x" in flags[1]:
            raise PatternError("a flag that changes how the pattern is read")
        self.at = flags.end()
        before = self._any_case, self._dot_all
        off = flags[2] or ""
        self._any_case = "i" in flags[1] or (self._any_case and "i" not in off)
        self._dot_all = "s" in flags[1] or (self._dot_all and "s" not in off)
        if flags[3] == ")":
            return None
        item = self._inner()
        self._any_case, self._dot_all = before
        return item

    def _escape(self) -> Node:
        one = self._text[self.at : self.at + 1]
        match one:
            case "b":
                self.at += 1
                return Edge("word")
            case "B":
                self.at += 1
                return Edge("inside")
            case "A":
                self.at += 1
                return Edge("start")
            case "Z" | "z":
                self.at += 1
                return Edge("end")
            case "k":
                self.at += 1
                if not self._took("<"):
                    raise PatternError("a reference without a name")
                return self._named_back(">")
        if digits := re.compile("[1-9][0-9]?").match(self._text, self.at):
            self.at = digits.end()
            return self._back(int(digits[0]) - 1)
        return Character(self._cased(self._escaped()))

    def _named_back(self, closing: str) -> Node:
        end = self._text.find(closing, self.at)
        number = self._names.get(self._text[self.at : max(end, self.at)], -1)
        self.at = end + 1
        return self._back(number)

    def _back(self, number: int) -> Node:
        group = self._groups[number] if 0 <= number < len(self._groups) else None
        if group is None:
            raise PatternError("a reference to no group before it")
        return Back(group, group.least, group.most)

    def _escaped(self) -> Ranges:
        """What stands after a backslash, inside of a set or outside."""
        if code := _CODE.match(self._text, self.at):
            self.at = code.end()
            point = int(code[1] or code[2] or code[3], 16)
            if 0xD800 <= point < 0xDC00:
                point = self._pair(point)
            if point > 0x10FFFF:
                raise PatternError("no such character")
            return ((point, point),)
        one = self._text[self.at : self.at + 1]
        self.at += 1
        if one in ("p", "P"):
            return self._property(other=one == "P")
        if one in characters.CLASSES:
            return characters.CLASSES[one]
        if one in _CONTROLS:
            return characters.one_of(_CONTROLS[one])
        if one == "c" and re.compile("[A-Za-z]").match(self._text, self.at):
            self.at += 1
            return characters.one_of(chr(ord(self._text[self.at - 1]) % 32))
        if not one or (one.isascii() and one.isalnum()):
            raise PatternError("an escape that is not known")
        return characters.one_of(one)

    def _pair(self, high: int) -> int:
        """One character from the two halves that JavaScript writes it in."""
        low = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(self._text, self.at)
        if low is None:
            return high
        self.at = low.end()
        return 0x10000 + (high - 0xD800) * 0x400 + int(low[1], 16) - 0xDC00

    def _property(self, *, other: bool) -> Ranges:
        if named := _PROPERTY.match(self._text, self.at):
            self.at = named.end()
            name, other = named[2], other != bool(named[1])
        else:
            name = self._text[self.at : self.at + 1]
            self.at += 1
            if name not in ("L", "N", "P", "S", "Z"):
                raise PatternError("a property without a name")
        found = characters.with_property(name)
        if found is None:
            raise PatternError("no such property")
        return characters.without(found) if other else found

    def _set(self) -> Ranges:
        other = self._took("^")
        found: list[tuple[int, int]] = []
        # ']' is a character when it comes first (Python, PCRE), unless nothing else would end it
        first = self._text.find("]", self.at + 1) > 0
        while True:
            if self.at >= len(self._text):
                raise PatternError("a set without end")
            if not first and self._took("]"):
                break
            first = False
            low = self._member()
            if (
                self._text.startswith("-", self.at)
                and not self._text.startswith("-]", self.at)
                and _single(low)
            ):
                self.at += 1
                high = self._member()
                if not _single(high):
                    found += [*low, (45, 45), *high]
                    continue
                if high[0][0] < low[0][0]:
                    raise PatternError("a range in the wrong order")
                low = ((low[0][0], high[0][0]),)
            found += low
        ranges = self._cased(characters.merged(found))
        return characters.without(ranges) if other else ranges

    def _member(self) -> Ranges:
        one = self._text[self.at : self.at + 1]
        self.at += 1
        if one == "[" and self._text.startswith(":", self.at):
            raise PatternError("a named set, which not all engines know")
        if one != "\\":
            return characters.one_of(one)
        if self._took("b"):
            return characters.one_of("\b")
        return self._escaped()


def _single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]
