"""What a prompt says that can go into a value: numbers, dates, addresses, quoted texts, names.

Prompts come from strangers: only so much of one is read, by patterns that cannot stall.
"""

# ruff: noqa: RUF001  the quotation marks of all scripts are meant

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import regex

_MOST_LETTERS = 12_000
_MOST_HINTS = 300

Kind: TypeAlias = Literal[
    "url",
    "email",
    "uuid",
    "moment",
    "date",
    "time",
    "quoted",
    "currency",
    "name",
    "place",
    "code",
    "number",
]


class Hint(NamedTuple):
    """One thing that a prompt says.

    Attributes:
        kind: what it is.
        text: it, as it is written; dates and times as ISO 8601 writes them.
        at: where in the prompt it stands.
        before: the word before it, in lower case, or a sign of money; for a name, the preposition,
            or the "is" behind it.
        after: the word after it, in lower case, or ``%``.
        whole: a name with what follows its comma ("Paris, France"); else ``""``.
    """

    kind: Kind
    text: str
    at: int
    before: str = ""
    after: str = ""
    whole: str = ""


_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"

_CURRENCIES = (
    "AED|ARS|AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR|NOK"
    "|NZD|PHP|PLN|RON|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|BTC|ETH"
)

# what each finds is not looked at by those after it
_FINDERS: tuple[tuple[Kind, str], ...] = (
    ("url", r"\bhttps?://[^\s<>\"'”»」’`]{1,500}(?<![.,;:!?)\]])"),
    ("email", r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    (
        "moment",
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?(?![\w:])",
    ),
    ("date", r"\b\d{4}-\d\d-\d\d\b"),
    ("date", rf"\b{_YEAR}/(?P<month>\d\d?)/{_DAY}\b|\b{_DAY}\.(?P<month>\d\d?)\.{_YEAR}\b"),
    ("date", rf"(?i)\b{_MONTH}\s{_DAY}(?:,?\s{_YEAR})\b|\b{_DAY}\s(?:of\s)?{_MONTH},?\s{_YEAR}\b"),
    ("time", r"(?i)\b(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d))?\s?(?P<half>am|pm)?\b"),
    ("time", r"(?i)\b(?P<h>\d{1,2})\s?(?P<half>am|pm)\b"),
    ("currency", rf"\b(?:{_CURRENCIES})\b"),
    (
        "quoted",
        r"“([^“”\n]{1,300})”|„([^„“”\n]{1,300})[“”]|«\s?([^«»\n]{1,300}?)\s?»|‹([^‹›\n]{1,300})›"
        r"|「([^「」\n]{1,300})」|『([^『』\n]{1,300})』|《([^《》\n]{1,300})》"
        r"|(?<!\w)\"([^\"\n]{1,300})\"(?!\w)|`([^`\n]{1,300})`"
        r"|(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w)){1,300})'(?!\w)"
        r"|(?<!\w)‘((?:[^‘’\n]|(?<=\w)’(?=\w)){1,300})’(?!\w)",
    ),
)
_NUMBER = regex.compile(
    r"(?<![\w.])(?<!\p{L}-)[-−]?(?:(?<![\[,])\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
    r"(?:[eE][+-]?\d{1,3})?(?!\d)(?!\p{L}{3})"
)
_CODE = regex.compile(
    r"(?<![\w-])#?(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[\p{L}_-])\w[\w-]{1,60}(?![\w-])"
)

_PLACED = "in|for|to|from|at|about|of|by|near|with|on|named|called|name is|i am|i'm"
_CAPITAL = r"\p{Lu}[\p{L}\p{M}\p{N}.'’&-]{0,40}(?<![.'’&-])"
_INITIAL = r"\p{Lu}\.(?:\p{Lu}\.)*"
_JOINING = "de|da|do|dos|del|di|du|la|le|las|los|of|the|van|von|der|den|el|al|upon|sur|am"
_WORD = rf"(?:{_INITIAL}|{_CAPITAL})"
_NAME = rf"{_WORD}(?:\s(?:(?:{_JOINING})\s){{0,2}}{_WORD}){{0,5}}"
_NAMES = regex.compile(
    rf"(?<!\w)(?P<before>(?i:{_PLACED}))\s(?:the\s)?"
    rf"(?P<names>{_NAME}(?:(?:,\s?|\s(?:and|or|&)\s){_NAME}){{0,6}})"
)
# who a sentence speaks of: "Jason is 25", "Extract: Ann Lee is a nurse"
_SUBJECTS = regex.compile(rf"(?:^|[\n.:;!?\"'(]\s?)(?P<name>{_NAME})\s(?P<before>is)(?!\w)")
_BETWEEN = regex.compile(r"(,\s?|\s(?:and|or|&)\s)")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# many people write their prompts without capitals
_PLACES = regex.compile(
    r"(?<!\w)(?P<before>in|near|at|to|from|for)\s(?P<place>\p{Ll}[\p{Ll}\p{M}'’-]{2,40})(?!\w)"
)
# words that follow these prepositions, and name no place
_NO_PLACES = _words(
    "a all an and another any april august autumn be both bed book brief buy case cash "
    "celsius change check code compare create december detail details dinner do each english "
    "every example fact fahrenheit fall february find four free french friday fun general "
    "german get give go have help her here him his home hours how instance it its january "
    "json july june kelvin kids know last least let list lunch make many march markdown may "
    "me minutes monday more most my next night noon november now october one order other our "
    "past people places please present read run saturday save school search see send "
    "september short spanish spring stay summer summertime sunday support tell that the their "
    "them there these this those three thursday time today tomorrow tonight total tuesday two "
    "us use wednesday what where which who winter word words work write yaml years yesterday "
    "you your"
)
# what "is" is followed by in a question
_NO_VALUES = _words("it he she that the there they this what which who")
# what a sentence begins with that names nobody
_NO_SUBJECTS = _NO_VALUES | _words(
    "a all an and any each every here his her how if its life mine my no nothing one our so some "
    "someone something their these today tomorrow when where why yesterday your"
)
# written with a capital, and yet the name of nothing that a property asks for
_NO_NAMES = frozenset(
    (
        "i json yaml xml csv html markdown pdf sql yes no ok celsius fahrenheit kelvin "
        "monday tuesday wednesday thursday friday saturday sunday " + " ".join(_MONTHS)
    ).split()
)
_PAIR = regex.compile(
    r"(?<![\w-])[\"'`*]{0,2}(?P<key>[\p{L}_][\w-]{0,40}(?:\s[\p{L}_][\w-]{0,40}){0,2})[\"'`*]{0,2}"
    r"(?:\s?=\s?(?P<word>[^\s,;]{1,200})|\s?:\s{0,2}(?P<rest>[^\n;]{1,200})|\sis\s(?P<said>[^\n;]{1,200}))",
)
_END_OF_VALUE = regex.compile(r"[,;}\])]|[.!?](?:\s|$)|$")
_END_OF_SAID = regex.compile(r"[,;]|[.!?](?:\s|$)|\s(?:and|but|who|which|that)\s|$")
_QUOTED = regex.compile(rf"\s*(?:{_FINDERS[-1][1]})")


class Pair(NamedTuple):
    """What a prompt gives for a name, where, and how to read it: the likeliest reading first."""

    at: int
    readings: list[str]


class Hints:
    """What a prompt says, in its order.

    Attributes:
        text: the prompt.
        found: what it says.
        used: the places in the prompt that went into a value already.
    """

    def __init__(self, text: str | None) -> None:
        self.text = (text or "")[:_MOST_LETTERS]
        self._words = spaced(self.text)
        self._known = frozenset(self._words.split())
        self.found = _found(self.text)
        self.used: frozenset[int] = frozenset()
        self._pairs = _pairs(self.text)

    def __bool__(self) -> bool:
        return bool(self.text.strip())

    def free(self, *kinds: Kind, again: bool = False) -> list[Hint]:
        """What is of one of these kinds and was not used, or also what was if ``again``."""
        used = frozenset() if again else self.used
        return [hint for hint in self.found if hint.kind in kinds and hint.at not in used]

    def place_of(self, words: str) -> int | None:
        """Where the prompt has these words, of any case, not used; None if it has not."""
        first, *rest = spaced(words).split() or [""]
        if first not in self._known:
            return None
        wanted = f" {' '.join([first, *rest])} "
        at = self._words.find(wanted)
        while at >= 0 and at in self.used:
            at = self._words.find(wanted, at + 1)
        return None if at < 0 else at

    def use(self, *places: int) -> None:
        """Note that what stands there went into a value."""
        self.used |= set(places)

    def within(self, at: int, text: str) -> tuple[int, ...]:
        """The places from ``at`` to the end of a text that stands there or soon after."""
        end = self.text.find(text, at) + len(text)
        return (at, *(hint.at for hint in self.found if at <= hint.at < end))

    def said_of(self, name: str) -> Pair | None:
        """What the prompt gives for a property of this name, as in ``city: Paris``."""
        return self._pairs.get(_plain(name))


def _plain(name: str) -> str:
    """A name without case, spaces and dashes."""
    return "".join(one for one in name.lower() if one.isalnum())


def spaced(text: str) -> str:
    """A text in lower case, with spaces for all that is neither letter nor digit, and around it."""
    return f" {''.join(one.lower()[:1] if one.isalnum() else ' ' for one in text)} "


def _found(text: str) -> list[Hint]:
    found: list[Hint] = []
    rest = text
    for kind, pattern in _FINDERS:
        for match in regex.finditer(pattern, rest):
            said = _read(kind, match)
            if said is None:
                continue
            found.append(_hint(kind, said, match.start(), match.end(), text))
            rest = rest[: match.start()] + " " * (match.end() - match.start()) + rest[match.end() :]
    for match in _NAMES.finditer(rest):
        found += _names(match)
    for match in _SUBJECTS.finditer(rest):
        if match["name"].split()[0].lower() not in _NO_SUBJECTS:
            found.append(Hint("name", match["name"], match.start("name"), match["before"]))
    for match in _PLACES.finditer(rest):
        if match["place"] not in _NO_PLACES:
            at = match.start("place")
            found.append(Hint("place", match["place"], at, match["before"]))
    for match in _CODE.finditer(rest):
        found.append(_hint("code", match[0].lstrip("#"), match.start(), match.end(), text))
    for match in _NUMBER.finditer(rest):
        said = match[0].replace(",", "").replace("−", "-")
        found.append(_hint("number", said, match.start(), match.end(), text))
    return sorted(found, key=lambda hint: hint.at)[:_MOST_HINTS]


def _hint(kind: Kind, said: str, start: int, end: int, text: str) -> Hint:
    before = regex.findall(r"\w+|[$€£¥](?=$)", text[max(0, start - 40) : start])
    after = regex.findall(r"\w+|^\s?%", text[end : end + 40])
    return Hint(
        kind,
        said,
        start,
        before[-1].lower() if before else "",
        after[0].strip().lower() if after else "",
    )


def _read(kind: Kind, match: regex.Match[str]) -> str | None:
    given = match.groupdict()
    if kind == "quoted":
        return next((one for one in match.groups() if one and one.strip()), None)
    if kind == "date" and given:
        month = given["month"].lower()
        number = next((at for at, name in enumerate(_MONTHS, 1) if name.startswith(month)), 0)
        return f"{given['year']}-{number or int(month):02}-{int(given['day']):02}"
    if kind == "time":
        hour, half = int(given["h"]), (given["half"] or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        minute, second = int(given.get("m") or 0), int(given.get("s") or 0)
        return f"{hour:02}:{minute:02}:{second:02}" if hour < 24 and minute < 60 > second else None
    return match[0]


def _names(match: regex.Match[str]) -> list[Hint]:
    pieces = _BETWEEN.split(match["names"])
    names, joints = pieces[::2], [*pieces[1::2], ""]
    at = match.start("names")
    found = []
    for number, (name, joint) in enumerate(zip(names, joints, strict=True)):
        if name.lower() not in _NO_NAMES:
            # a comma before the last of all: a place and the land it is in
            together = joint.startswith(",") and number == 0 and len(names) == 2
            whole = f"{name}, {names[1]}" if together else ""
            found.append(Hint("name", name, at, match["before"].lower(), "", whole))
        at += len(name) + len(joint)
    return found


def _pairs(text: str) -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for match in _PAIR.finditer(text, overlapped=True):
        readings = _readings(match)
        words = match["key"].split()
        # "my first name is": all of it may be the name, or its end
        for start in range(len(words) if readings else 0):
            key = _plain("".join(words[start:]))
            found.setdefault(key, Pair(match.start("key"), readings))
        if len(found) > _MOST_HINTS:
            break
    return found


def _readings(match: regex.Match[str]) -> list[str]:
    if match["word"]:
        value = match["word"].strip("\"'`“”«»*")
        return [one for one in (value, value.rstrip(".!?)]}")) if one]
    if match["said"] and match["said"].split()[0].strip("?!.,").lower() in _NO_VALUES:
        return []
    rest = match["rest"] or match["said"]
    quoted = _QUOTED.match(rest)
    if quoted:
        return [next(one for one in quoted.groups() if one)]
    rest = rest.strip().lstrip("*_ ")
    end = (_END_OF_SAID if match["said"] else _END_OF_VALUE).search(rest)
    short = rest[: end.start()] if end else rest
    readings = [short.strip(), rest.split()[0].rstrip(".,;:!?") if rest.split() else "", rest]
    return [one for one in dict.fromkeys(readings) if one]
