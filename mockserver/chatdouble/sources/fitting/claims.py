"""Which property a thing that the prompt says goes into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.names import kind_of, words_of
from chatdouble.sources.hints import Hint, Hints, Kind, spaced

if TYPE_CHECKING:
    from chatdouble.sources.fitting.maker import Maker

_MOST_PROPERTIES = 100
_MOST_WAYS = 8
_MOST_WORDS = 500
_LONGEST_QUERY = 300

# kind of property: the words that a name follows in the prompt, the likeliest first
_PLACES = ("in", "near", "at", "for", "to", "from", "of", "about")
_PEOPLE = (
    "named",
    "called",
    "name is",
    "i am",
    "i'm",
    "is",
    "for",
    "to",
    "by",
    "with",
    "from",
    "about",
    "of",
)
_AFTER = {
    "city": _PLACES,
    "state": _PLACES,
    "country": _PLACES,
    "place": _PLACES,
    "address": ("at", "to", "in", "for", "near", "from"),
    "street": ("at", "on", "in"),
    "person": _PEOPLE,
    "first_name": _PEOPLE,
    "last_name": _PEOPLE,
    "username": _PEOPLE,
    "company": ("at", "for", "from", "with", "by", "about", "of", "to"),
    "title": ("about", "on", "for", "of", "named", "called"),
    "query": ("about",),
    "language": ("to", "in", "from"),
}
_OF_PLACES = {"city", "country", "place"}
_OF_PEOPLE = {"person", "first_name", "last_name", "username"}
_FROM = {"from", "origin", "source", "departure", "start", "sender", "author"}
_TO = {"to", "destination", "dest", "target", "arrival", "end", "recipient", "receiver"}
_MAILED = {"to", "cc", "bcc", "from", "sender", "recipient", "receiver", "addressee", "reply_to"}
_TYPED: dict[str, Kind] = {
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "uri-reference": "url",
    "iri": "url",
    "url": "url",
    "uuid": "uuid",
    "date": "date",
    "time": "time",
    "date-time": "moment",
    "moment": "moment",
    "currency": "currency",
}
# what is quoted goes into these first, and never into what has a form of its own
_TEXTS = {"", "title", "sentence", "query", "question"}
_FORMED = {*_TYPED, "ip", "domain", "phone", "timezone", "postcode", "language_code"}
_NUMBERED = {"id", "count", "money", "age", "year", "postcode", "phone"}
# what a number can be, where the name tells
_PLAUSIBLE = {
    "latitude": (-90, 90),
    "longitude": (-180, 180),
    "year": (1000, 2999),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 24),
    "age": (0, 150),
    "share": (0, 1),
}
# words and signs beside a number that tell what it is
_TELLING = {
    "money": {"$", "€", "£", "¥", "dollars", "euros", "pounds", "usd", "eur", "gbp"},
    "percent": {"%", "percent"},
    "temperature": {"degrees", "c", "f"},
    "age": {"years", "year", "aged"},
}

_LISTED_TYPES = {str: "string", bool: "boolean", int: "number", float: "number"}

# name, schemas, whether it is required
Property: TypeAlias = tuple[str, list[Any], bool]
# values, each with the places in the prompt that it is made from
Offers: TypeAlias = Iterator[tuple[Any, tuple[int, ...]]]


class _Wanted:
    """A property to fill, and what is known of it."""

    def __init__(self, maker: Maker, one: Property) -> None:
        self._maker = maker
        self.name, self.schemas, self.required = one
        self.kind = kind_of(self.name)
        self.words = {word for word in words_of(self.name) if len(word) > 1}
        ways = maker.ways.of(self.schemas, lambda options: options)
        parts = [way.parts for way in islice(ways, _MOST_WAYS)]
        self.types = {kind for way in parts for kind in _types(way)}
        self.formats = [name for way in parts for name in said.formats(way)]
        self.listed = list(dict.fromkeys(word for way in parts for word in _listed(way)))
        self._by_words = {_words(one): one for one in reversed(self.listed[:_MOST_WORDS])}

    def fits(self, value: Any) -> bool:
        """Whether the value fits the property's schema."""
        self._maker.offers_left -= 1
        return self._maker.offers_left >= 0 and all(
            self._maker.checker.fits(value, one) for one in self.schemas
        )

    @property
    def numeric(self) -> bool:
        """Whether it takes a number."""
        return bool(self.types & {"integer", "number"})

    def readings(self, text: str) -> Iterator[Any]:
        """What a text can be of the types that are asked for."""
        number = _number(text)
        if self.numeric and number is not None:
            yield number
        if "boolean" in self.types and text.lower() in ("true", "yes", "false", "no"):
            yield text.lower() in ("true", "yes")
        if "null" in self.types and text.lower() in ("null", "none"):
            yield None
        if "string" in self.types:
            yield text
            listed = self._by_words.get(_words(text))
            if listed is not None:
                yield listed


def claim(maker: Maker, properties: Sequence[Property]) -> dict[str, Any]:
    """Values that the prompt has for these properties.

    Each thing goes into one property; what says most clearly where it belongs goes first.
    """
    wanted = [_Wanted(maker, one) for one in properties[:_MOST_PROPERTIES]]
    wanted.sort(key=lambda one: not one.required)
    found: dict[str, Any] = {}
    for offers in _ROUNDS:
        for one in wanted:
            if one.name in found or maker.offers_left < 0:
                continue
            for value, places in offers(maker.hints, one):
                if one.fits(value):
                    found[one.name] = value
                    maker.hints.use(*places)
                    break
    return found


def _said(hints: Hints, wanted: _Wanted) -> Offers:
    """What the prompt gives by the property's name."""
    pair = hints.said_of(wanted.name)
    for text in pair.readings if pair else ():
        for value in wanted.readings(text):
            yield value, hints.within(pair.at, text) if pair else ()


def _listed_words(hints: Hints, wanted: _Wanted) -> Offers:
    """The words of an enum that the prompt has, in its order."""
    places = [(hints.place_of(word), word) for word in wanted.listed[:_MOST_WORDS]]
    for at, word in sorted((at, word) for at, word in places if at is not None):
        yield word, (at,)


def _near(hints: Hints, wanted: _Wanted) -> Offers:
    """A number beside a word of the property's name: ``limit 5``, ``5 guests``, ``$5``."""
    telling = wanted.words | _TELLING.get(wanted.kind, set())
    for hint in hints.free("number"):
        if telling & {hint.before, hint.after, hint.after.removesuffix("s")}:
            yield from _of_number(hint, wanted)


def _of_number(hint: Hint, wanted: _Wanted) -> Offers:
    number = _number(hint.text)
    low, high = _PLAUSIBLE.get(wanted.kind, (number, number))
    if number is None or low is None or high is None or not low <= number <= high:
        return
    if wanted.numeric:
        yield number, (hint.at,)
    elif "string" in wanted.types and wanted.kind in _NUMBERED:
        yield hint.text, (hint.at,)


def _typed(hints: Hints, wanted: _Wanted, *, again: bool = False) -> Offers:
    """What is written in a way that nothing else is."""
    if "string" not in wanted.types:
        return
    mailed = ["email"] if wanted.name.lower() in _MAILED else []
    for form in (*wanted.formats, *mailed, wanted.kind):
        if form in _TYPED:
            for hint in hints.free(_TYPED[form], again=again):
                yield _as_form(hint, exact=form in wanted.formats), (hint.at,)
        if form in ("date-time", "moment"):
            yield from _moments(hints)
        elif form == "date":
            yield from ((hint.text[:10], (hint.at,)) for hint in hints.free("moment", again=again))
        elif form == "id":
            yield from ((hint.text, (hint.at,)) for hint in hints.free("uuid", "code"))


def _as_form(hint: Hint, *, exact: bool) -> str:
    if hint.kind == "moment":
        clock, zone = hint.text[11:].rstrip("Z"), "Z"
        if clock[-6:-5] in ("+", "-"):
            clock, zone = clock[:-6], clock[-6:]
        return f"{hint.text[:10]}T{clock}{'' if clock.count(':') == 2 else ':00'}{zone}"
    return f"{hint.text}Z" if hint.kind == "time" and exact else hint.text


def _moments(hints: Hints) -> Offers:
    times = hints.free("time")
    for hint in hints.free("date"):
        if times:
            yield f"{hint.text}T{times[0].text}Z", (hint.at, times[0].at)
        yield f"{hint.text}T00:00:00Z", (hint.at,)


def _placed(hints: Hints, wanted: _Wanted, *, again: bool = False) -> Offers:
    """A name after a word like ``in``, where the property is of places, people and the like."""
    before = _AFTER.get(wanted.kind, ())
    if wanted.words & _FROM:
        before = ("from", *before)
    elif wanted.words & _TO:
        before = ("to", *before)
    names = [hint for hint in hints.free("name", again=again) if hint.before in before]
    if not names and wanted.kind in _OF_PLACES:
        names = [hint for hint in hints.free("place", again=again) if hint.before in before]
    if wanted.kind in _OF_PEOPLE:
        # "from Oslo, Norway" tells a place
        names = [hint for hint in names if not (hint.whole and hint.before in ("in", "from"))]
    names.sort(key=lambda hint: before.index(hint.before))
    if "array" in wanted.types and names:
        same = [hint for hint in names if hint.before == names[0].before]
        yield [hint.text for hint in same], tuple(hint.at for hint in same)
        yield [names[0].text], (names[0].at,)
    for hint in names:
        first, _, last = hint.text.partition(" ")
        if hint.whole and wanted.kind in ("place", "address"):
            yield hint.whole, hints.within(hint.at, hint.whole)
        if hint.whole and wanted.kind == "country":
            yield hint.whole.partition(", ")[2], hints.within(hint.at, hint.whole)[-1:]
        if wanted.kind == "first_name":
            # what follows is left for the last name
            yield first, ()
        elif wanted.kind == "last_name" and last:
            yield last, (hint.at,)
        else:
            yield hint.text, (hint.at,)


def _numbers(hints: Hints, wanted: _Wanted) -> Offers:
    """The numbers, in order."""
    free = hints.free("number")
    for hint in free if wanted.numeric else ():
        yield from _of_number(hint, wanted)
    if "array" in wanted.types and free:
        yield [_number(hint.text) for hint in free], tuple(hint.at for hint in free)


def _quoted(hints: Hints, wanted: _Wanted) -> Offers:
    """Quoted texts, in order, for what takes any text."""
    if wanted.kind in _TEXTS:
        yield from _quoted_anywhere(hints, wanted)


def _quoted_anywhere(hints: Hints, wanted: _Wanted) -> Offers:
    """Quoted texts, in order, but for the names of the properties themselves."""
    for hint in hints.free("quoted") if wanted.kind not in _FORMED else ():
        if hint.text != wanted.name:
            yield from ((value, (hint.at,)) for value in wanted.readings(hint.text))


def _quoted_lists(hints: Hints, wanted: _Wanted) -> Offers:
    """All quoted texts that are left."""
    free = hints.free("quoted")
    if "array" in wanted.types and free:
        yield [hint.text for hint in free], tuple(hint.at for hint in free)


def _query(hints: Hints, wanted: _Wanted) -> Offers:
    """The prompt itself, if it is short, for what is to be searched for."""
    text = hints.text.strip()
    if wanted.kind == "query" and "string" in wanted.types and len(text) <= _LONGEST_QUERY:
        yield text, ()


def _again(hints: Hints, wanted: _Wanted) -> Offers:
    """What another property has already, where one that is required asks for the same kind."""
    if wanted.required:
        yield from _typed(hints, wanted, again=True)
        yield from _placed(hints, wanted, again=True)


_ROUNDS: tuple[Callable[[Hints, _Wanted], Offers], ...] = (
    _said,
    _listed_words,
    _near,
    _typed,
    _placed,
    _numbers,
    _quoted,
    _quoted_anywhere,
    _quoted_lists,
    _query,
    _again,
)


def _types(parts: said.Parts) -> list[str]:
    for part in parts:
        listed = [part["const"]] if "const" in part else said.listed(part.get("enum"))
        if listed:
            return [_LISTED_TYPES.get(type(one), "null") for one in listed]
    return said.types(parts) or [said.told_type(parts) or "string"]


def _listed(parts: said.Parts) -> list[str]:
    found = []
    for part in parts:
        found += said.texts(part.get("enum"))
        if isinstance(part.get("const"), str):
            found.append(part["const"])
    return found


def _words(text: str) -> tuple[str, ...]:
    return tuple(spaced(text).split())


def _number(text: str) -> float | None:
    text = text.strip().lstrip("$€£¥+").rstrip("%°")
    try:
        number = float(text.replace(",", "")) if len(text) < 30 else None
    except ValueError:
        return None
    if number is None or number - number != 0:
        return None
    return int(number) if number.is_integer() else number
