"""Arrays: how many items they have, and of which schemas."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.check import item_schema
from chatdouble.sources.fitting.place import ImpossibleError, Place

if TYPE_CHECKING:
    from chatdouble.sources.fitting.maker import Maker

_USUAL = 2
_MOST_TRIES = 40
# an item may have taken the only value that another can have: how often to begin with other ones
_MOST_OFFSETS = 4


def make_array(maker: Maker, parts: said.Parts, place: Place) -> list[Any]:
    """An array that fits the parts; with an item at least where that is allowed.

    Args:
        maker: makes the items.
        parts: what holds for the array.
        place: where it goes.

    Raises:
        ImpossibleError: none was found.
    """
    unique = any(part.get("uniqueItems") is True for part in parts)
    for offset in range(_MOST_OFFSETS if unique else 1):
        with suppress(ImpossibleError):
            return _Array(maker, parts, place, offset).made()
    raise ImpossibleError


class _Contains:
    """Items of one schema that the array must have, and how many more it may have."""

    def __init__(self, part: said.Part) -> None:
        self.schema = part["contains"]
        self.missing = said.fewest((part,), "minContains") if "minContains" in part else 1
        self.room = said.most((part,), "maxContains")
        self.other = {"not": self.schema}


class _Array:
    def __init__(self, maker: Maker, parts: said.Parts, place: Place, offset: int) -> None:
        self._maker = maker
        self._parts = parts
        self._place = place._replace(depth=place.depth + 1, optional=False)
        self._offset = offset
        self._unique = any(part.get("uniqueItems") is True for part in parts)
        self._held = [_Contains(part) for part in parts if "contains" in part]
        self._first = max(_tuple_length(part) for part in parts)

    def made(self) -> list[Any]:
        fewest, length, most = self._lengths()
        items: list[Any] = []
        seen: set[str] = set()
        while len(items) < length or (self._missing() and len(items) < most):
            if self._maker.spent and len(items) >= min(fewest, 1):
                break
            try:
                item = self._item(len(items), length, seen)
            except ImpossibleError:
                break
            items.append(item)
            for one in self._held:
                if self._maker.checker.fits(item, one.schema):
                    one.missing = max(0, one.missing - 1)
                    one.room = None if one.room is None else one.room - 1
        if self._missing() or (len(items) < fewest and not self._maker.spent):
            raise ImpossibleError
        return items

    def _missing(self) -> list[Any]:
        """What the array must have an item of, and has not."""
        return [one.schema for one in self._held if one.missing]

    def _lengths(self) -> tuple[int, int, int]:
        """The fewest items, how many to make, and how many more there may be."""
        fewest, most = said.fewest(self._parts, "minItems"), said.most(self._parts, "maxItems")
        if False in self._schemas(self._first):
            most = self._first if most is None else min(most, self._first)
        if (most is not None and most < fewest) or not self._maker.may_make(fewest):
            raise ImpossibleError
        needed = max((one.missing for one in self._held), default=0)
        usual = max(self._first or _USUAL, needed)
        if self._place.deep:
            flat = all(self._maker.heights.of(one) == 0 for one in self._schemas(0))
            usual = max(1 if flat else 0, needed)
        length = max(fewest, usual)
        if most is None:
            return fewest, length, length + sum(one.missing for one in self._held)
        return fewest, min(length, most), most

    def _schemas(self, at: int) -> list[Any]:
        return [item_schema(part, at) for part in self._parts]

    def _item(self, at: int, length: int, seen: set[str]) -> Any:
        schemas = self._schemas(at)
        schemas += [one.other for one in self._held if one.room == 0]
        missing = self._missing()
        if self._offset % 2 and at + len(missing) < length:
            # now and then not before it has to be
            missing = []
        # all that is missing in one item, or something of it, or nothing
        for more in [missing, *([one] for one in missing), []] if missing else [[]]:
            with suppress(ImpossibleError):
                return self._fresh([*schemas, *more], at, seen)
        raise ImpossibleError

    def _fresh(self, schemas: list[Any], at: int, seen: set[str]) -> Any:
        """An item; one that is not there yet if each must be another."""
        if not self._unique:
            return self._maker.make(schemas, self._place._replace(at=at))
        for attempt in range(_MOST_TRIES):
            # in turn, and now and then any, for items that have several things to vary
            turn = None if attempt % 3 == 2 else at + attempt + self._offset
            item = self._maker.make(schemas, self._place._replace(at=at, turn=turn))
            key = said.key(item)
            if key not in seen:
                seen.add(key)
                return item
        raise ImpossibleError


def _tuple_length(part: said.Part) -> int:
    items = part.get("items")
    return len(items) if isinstance(items, list) else len(said.listed(part.get("prefixItems")))
