"""The ways to fit a schema: its references followed, one option taken of each combination."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any, TypeAlias

from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.check import Checker, dependencies
from chatdouble.sources.fitting.document import Document
from chatdouble.sources.fitting.opposites import opposites
from chatdouble.sources.fitting.work import Work

# of parts that hold for one value, of options of one choice, and of options taken
_MOST_PARTS = 2000
_MOST_OPTIONS = 100
_MOST_TAKEN = 2000
# of required properties, to see whether they can be
_MOST_LOOKED_AT = 50
_OF_PROPERTIES = {"properties", "patternProperties", "additionalProperties"}
# unions of more options than this are not told apart by what the others must not be
_MOST_TOLD_APART = 6

# each option is some schemas that must all hold
Option: TypeAlias = list[Any]


class Way:
    """Schemas that hold for one value, and the choices among options that are still to be made."""

    __slots__ = ("certain", "choices", "parts", "required", "seen", "tables")

    def __init__(self) -> None:
        self.parts: list[said.Part] = []
        self.choices: list[list[Option]] = []
        # whether a value made from the parts fits for certain
        self.certain = True
        self.seen: set[int] = set()
        # the properties that an object has to have, and the parts that say what properties can be
        self.required: dict[str, None] = {}
        self.tables: list[said.Part] = []

    def copy(self) -> Way:
        """The same, to go on with."""
        other = Way()
        other.parts, other.choices = list(self.parts), list(self.choices)
        other.certain, other.seen = self.certain, set(self.seen)
        other.required, other.tables = dict(self.required), list(self.tables)
        return other


class Ways:
    """Finds the ways through the schemas of one document."""

    def __init__(self, document: Document, checker: Checker, work: Work) -> None:
        self._document = document
        self._checker = checker
        self._work = work

    def of(
        self, schemas: list[Any], order: Callable[[list[Option]], list[Option]]
    ) -> Iterator[Way]:
        """The ways to fit all of these schemas, the likeliest first; none if there is none.

        Args:
            schemas: what holds for the value.
            order: puts the options of a choice into the order in which to try them.
        """
        first = Way()
        if self._add(first, schemas):
            yield from self._onwards(first, order)

    def _onwards(self, first: Way, order: Callable[[list[Option]], list[Option]]) -> Iterator[Way]:
        """The ways on from here, those first that leave out the fewest likelier options.

        Of these those come first that have gone furthest, so that one is soon complete.
        """
        count = 0
        waiting: list[tuple[int, int, Way, list[Option], int]] = []

        def wait(left_out: int, way: Way, options: list[Option], at: int) -> None:
            nonlocal count
            count += 1
            heappush(waiting, (left_out, -count, way, options, at))

        wait(0, first, order(first.choices.pop(0)) if first.choices else [], 0)
        while waiting and count < _MOST_TAKEN:
            left_out, _, way, options, at = heappop(waiting)
            if not options:
                yield way
            while at < len(options) and self._work.spend(20 + len(way.parts)):
                taken = way.copy()
                at += 1
                if self._add(taken, options[at - 1]):
                    if at < len(options):
                        wait(left_out + 1, way, options, at)
                    more = order(taken.choices.pop(0)) if taken.choices else []
                    wait(left_out, taken, more, 0)
                    break

    def _add(self, way: Way, schemas: list[Any]) -> bool:
        """Add what these schemas say; whether a value can still fit."""
        waiting = list(reversed(schemas))
        while waiting:
            schema = waiting.pop()
            if schema is False:
                return False
            if not isinstance(schema, dict) or id(schema) in way.seen:
                continue
            if len(way.parts) >= _MOST_PARTS:
                way.certain = False
                break
            way.seen.add(id(schema))
            way.parts.append(schema)
            waiting += reversed(said.listed(schema.get("allOf"))[:_MOST_PARTS])
            waiting += [
                self._document.target(schema[ref])
                for ref in ("$ref", "$dynamicRef", "$recursiveRef")
                if ref in schema
            ]
            self._note_choices(way, schema)
            way.required |= dict.fromkeys(said.texts(schema.get("required")))
            if schema.keys() & _OF_PROPERTIES:
                way.tables.append(schema)
        return said.types(way.parts) != [] and self._can_have(way)

    def _can_have(self, way: Way) -> bool:
        """Whether an object may have the properties that it has to, as far as is soon seen."""
        if len(way.required) > _MOST_LOOKED_AT:
            return True
        for name in way.required if way.tables else ():
            self._work.spend(4 * len(way.tables))
            inner = [
                one for part in way.tables for one in self._checker.property_schemas(part, name)
            ]
            if False in inner or not self._can_be([one for one in inner if isinstance(one, dict)]):
                return False
        return True

    def _can_be(self, parts: said.Parts) -> bool:
        """Whether types and enums leave a value."""
        if said.types(parts) == []:
            return False
        left: frozenset[str] | None = None
        for part in parts:
            listed = self._checker.listed(part)
            if listed is not None:
                left = listed if left is None else left & listed
        return left is None or bool(left)

    def _note_choices(self, way: Way, schema: said.Part) -> None:
        options = said.listed(schema.get("anyOf"))[:_MOST_OPTIONS]
        if options:
            way.choices.append([[option] for option in options])
        options = said.listed(schema.get("oneOf"))[:_MOST_OPTIONS]
        if options:
            way.choices.append(_one_of(options))
            way.certain = False
        if "not" in schema:
            found = opposites(schema["not"], self._document)
            way.choices.append([[option] for option in found[:_MOST_OPTIONS]])
            way.certain = False
        if "if" in schema:
            met = [schema["if"], schema.get("then", True)]
            way.choices.append([met, [{"not": schema["if"]}, schema.get("else", True)]])
            way.certain = False
        for name, needed in dependencies(schema)[:_MOST_OPTIONS]:
            if not isinstance(needed, list):
                there = [{"required": [name]}, needed]
                way.choices.append([there, [{"properties": {name: False}}]])
                way.certain = False


def _one_of(options: list[Any]) -> list[Option]:
    alone: list[Option] = [[option] for option in options]
    if 1 < len(options) <= _MOST_TOLD_APART:
        alone += [
            [option, *({"not": other} for other in options if other is not option)]
            for option in options
        ]
    return alone
