"""Makes one value after the other until the whole schema is fitted."""

from __future__ import annotations

from itertools import islice
from typing import Any

from faker import Faker

from chatdouble.sources.fitting import numbers
from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.arrays import make_array
from chatdouble.sources.fitting.check import Checker
from chatdouble.sources.fitting.document import Document
from chatdouble.sources.fitting.heights import Heights
from chatdouble.sources.fitting.names import kind_of
from chatdouble.sources.fitting.objects import make_object, with_hints
from chatdouble.sources.fitting.patterns import Patterns
from chatdouble.sources.fitting.place import ImpossibleError, Place
from chatdouble.sources.fitting.readable import Readable
from chatdouble.sources.fitting.texts import Texts
from chatdouble.sources.fitting.ways import Option, Ways
from chatdouble.sources.fitting.work import Work
from chatdouble.sources.hints import Hints

_DEEPEST = 80
# steps; and how many of them a value takes that is easily made
_MOST_WORK = 300_000
_LENIENT_WORK = 100_000
_A_VALUE = 30
_MOST_OPTIONAL = 300
_MOST_LETTERS = 100_000
_MOST_WAYS = 40
_MOST_ENUM = 500
_MOST_OFFERS = 4_000
_TRIES = {"object": 3, "array": 3}
_SCALAR_TRIES = 12


class Maker:
    """Makes a value for one schema.

    Args:
        schema: the schema, from a stranger.
        fake: a seeded faker.
        hints: what the prompt says.
        lenient: whether to give the best there is where no value fits.
    """

    def __init__(self, schema: Any, fake: Faker, hints: Hints, *, lenient: bool) -> None:
        self._schema = schema
        self._lenient = lenient
        self._work = Work(_LENIENT_WORK if lenient else _MOST_WORK)
        self._document = Document(schema)
        self.hints = hints
        self.optional_left = _MOST_OPTIONAL
        self.offers_left = _MOST_OFFERS
        self.readable = Readable(fake)
        self.below = self.readable.below
        self.patterns = Patterns(self.below, self._work)
        self.checker = Checker(self._document, self.patterns, self._work)
        self.heights = Heights(self._document, self._work)
        self.ways = Ways(self._document, self.checker, self._work)
        self._texts = Texts(self.readable, self.patterns, _MOST_LETTERS)

    def root(self) -> Any:
        """A value for the whole schema.

        Raises:
            ImpossibleError: none was found; never if lenient.
        """
        return self.make([self._schema], Place())

    def make(self, schemas: list[Any], place: Place) -> Any:
        """A value for which all these schemas hold.

        Raises:
            ImpossibleError: none was found; never if lenient.
        """
        if not self._work.spend(_A_VALUE) or place.depth > _DEEPEST:
            return self._give_up(schemas, [])
        nearest: list[Any] = []
        ways = self.ways.of(schemas, lambda options: self._ordered(options, place))
        for way in islice(ways, _MOST_WAYS):
            kinds = self._kinds(way.parts, place)
            for attempt in range(_TRIES.get(kinds[0], _SCALAR_TRIES)):
                kind = kinds[attempt % len(kinds)]
                used = self.hints.used
                try:
                    value = self._of_kind(kind, way.parts, place, attempt)
                except ImpossibleError:
                    self.hints.used = used
                    kinds = [one for one in kinds if one != kind]
                    if kinds:
                        continue
                    break
                if way.certain or all(self.checker.fits(value, one) for one in schemas):
                    return value
                self.hints.used = used
                nearest = nearest or [value]
        return self._give_up(schemas, nearest)

    def _give_up(self, schemas: list[Any], nearest: list[Any]) -> Any:
        if not self._lenient:
            raise ImpossibleError
        return nearest[0] if nearest else _simplest(schemas)

    def spend(self, steps: int) -> bool:
        """Count steps; whether they were still allowed."""
        return self._work.spend(steps)

    @property
    def spent(self) -> bool:
        """Whether no more values are to be made than have to be."""
        return self._work.left < 0

    def may_make(self, count: int) -> bool:
        """Whether so many values may be made; if lenient, a part of them will do."""
        return self._lenient or count * _A_VALUE <= self._work.left

    def _ordered(self, options: list[Option], place: Place) -> list[Option]:
        """The options of a choice, best first: what ends when it gets deep, else not null."""
        solid = [option for option in options if not _is_null(option)]
        if place.deep:
            return sorted(options, key=lambda one: max(self.heights.of(inner) for inner in one))
        turn = place.at if place.turn is None else place.turn
        turn = turn % len(solid) if solid else 0
        return [*solid[turn:], *solid[:turn], *(one for one in options if _is_null(one))]

    def _kinds(self, parts: said.Parts, place: Place) -> list[str]:
        """The kinds of value that can be made, best first."""
        if any("const" in part or isinstance(part.get("enum"), list) for part in parts):
            return ["listed"]
        kinds = said.types(parts)
        if kinds is None:
            return [said.told_type(parts) or ("string" if place.depth else "object")]
        solid = [kind for kind in kinds if kind != "null"]
        null = ["null"] if "null" in kinds else []
        ends = bool(null) and place.deep and bool(solid) and solid[0] in _TRIES
        first = [*null, *solid] if ends else [*solid, *null]
        # the others come where there were many of the first already
        turn = (place.turn or 0) // _SCALAR_TRIES % len(first)
        return [*first[turn:], *first[:turn]]

    def _of_kind(self, kind: str, parts: said.Parts, place: Place, attempt: int) -> Any:
        turn = place.turn if attempt == 0 else (place.turn or 0) + attempt
        if attempt == 0:
            given = self._given(parts, place)
            if given and isinstance(given[0], dict):
                hinted = with_hints(self, parts, place, given[0])
                return hinted if self._fits_all(hinted, parts) else given[0]
            if given:
                return given[0]
        match kind:
            case "listed":
                return self._listed(parts, turn)
            case "object":
                return make_object(self, parts, place, plain=attempt > 0)
            case "array":
                return make_array(self, parts, place)
            case "string":
                value: Any = self._texts.text(parts, "" if attempt % 2 else place.name)
            case "integer" | "number":
                value = self._number(parts, place.name, turn, whole=kind == "integer")
            case "boolean":
                return bool(self.below(2) if turn is None else turn % 2)
            case _:
                return None
        if value is None:
            raise ImpossibleError
        return value

    def _given(self, parts: said.Parts, place: Place) -> list[Any]:
        """An example or a default that the schema gives, if it fits."""
        for part in parts:
            examples = said.listed(part.get("examples"))
            given = examples[place.at % len(examples) :][:1] if examples else []
            if "example" in part:
                given.append(part["example"])
            if place.optional and "default" in part:
                given.append(part["default"])
            for value in given:
                if self._fits_all(value, parts) and self._afford(value):
                    return [value]
        return []

    def _fits_all(self, value: Any, parts: said.Parts) -> bool:
        return all(self.checker.fits(value, part) for part in parts)

    def _afford(self, value: Any) -> bool:
        """Whether a value of the schema's own may be given once more."""
        return not isinstance(value, list | dict | str) or self._texts.take(len(said.key(value)))

    def _listed(self, parts: said.Parts, turn: int | None) -> Any:
        part = next(part for part in parts if "const" in part or isinstance(part.get("enum"), list))
        values = [part["const"]] if "const" in part else part["enum"][:_MOST_ENUM]
        if values:
            start = self.below(len(values)) if turn is None else turn % len(values)
            for value in [*values[start:], *values[:start]]:
                if self._fits_all(value, parts) and self._afford(value):
                    return value
        raise ImpossibleError

    def _number(
        self, parts: said.Parts, name: str, turn: int | None, *, whole: bool
    ) -> float | None:
        if turn is None:
            value = self.readable.number(kind_of(name))
            if value is not None:
                value = int(value) if whole else value
                if all(numbers.fits(value, part) for part in parts):
                    return value
        return numbers.number(parts, whole=whole, below=self.below, turn=turn)


def _is_null(option: Option) -> bool:
    return any(
        isinstance(one, dict) and (one.get("type") == "null" or one.get("const", "") is None)
        for one in option
    )


def _simplest(schemas: list[Any]) -> Any:
    """The emptiest value of the type that is asked for."""
    parts = [schema for schema in schemas if isinstance(schema, dict)]
    kinds = said.types(parts)
    kind = kinds[0] if kinds else said.told_type(parts)
    empty: dict[str | None, Any] = {"object": {}, "array": [], "string": "", "boolean": False}
    empty |= {"integer": 0, "number": 0}
    return empty.get(kind)
