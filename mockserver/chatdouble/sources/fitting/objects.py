"""Objects: which properties they have, and what is in them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.check import dependencies
from chatdouble.sources.fitting.claims import claim
from chatdouble.sources.fitting.place import ImpossibleError, Place

if TYPE_CHECKING:
    from chatdouble.sources.fitting.maker import Maker

# entries of an object that is a table: keys and values of one kind
_ENTRIES = 2
_MOST_TRIES = 20
_NAME_LENGTH = 6
# steps to find one
_A_NAME = 60


def make_object(maker: Maker, parts: said.Parts, place: Place, *, plain: bool) -> dict[str, Any]:
    """An object that fits the parts.

    Args:
        maker: makes what is in it.
        parts: what holds for the object.
        place: where it goes.
        plain: whether to leave aside what the prompt says.

    Raises:
        ImpossibleError: none was found.
    """
    return _Object(maker, parts, place).made(plain=plain)


def with_hints(
    maker: Maker, parts: said.Parts, place: Place, given: dict[str, Any]
) -> dict[str, Any]:
    """An object that the schema gives, with what the prompt says of its properties."""
    return {**given, **_Object(maker, parts, place).hinted(list(given))}


class _Object:
    def __init__(self, maker: Maker, parts: said.Parts, place: Place) -> None:
        self._maker = maker
        self._parts = parts
        self._place = place
        self._names = [one["propertyNames"] for one in parts if "propertyNames" in one]
        self._fewest = said.fewest(parts, "minProperties")
        self._most = said.most(parts, "maxProperties")
        self._needs: dict[str, list[str]] = {}
        for part in parts:
            for name, needed in dependencies(part):
                if isinstance(needed, list):
                    self._needs.setdefault(name, []).extend(said.texts(needed))
        self._known = dict.fromkeys(
            name for part in parts for name in said.named(part.get("properties"))
        )
        asked = [name for part in parts for name in said.texts(part.get("required"))]
        self._required = self._with_needs(dict.fromkeys(asked))
        self._schemas: dict[str, list[Any]] = {}

    def made(self, *, plain: bool) -> dict[str, Any]:
        if not self._maker.may_make(max(self._fewest, len(self._required))):
            raise ImpossibleError
        chosen = self._chosen()
        hinted = {} if plain else self.hinted(chosen)
        values = dict(hinted)
        # what has to be there first: if it cannot be, the rest need not be made
        for name in sorted(chosen, key=lambda name: name not in self._required):
            if name in values:
                continue
            try:
                values[name] = self._value(name)
            except ImpossibleError:
                if name in self._required:
                    raise
        made = {name: values[name] for name in chosen if name in values}
        self._drop_needy(made)
        self._fill(made)
        if len(made) < self._fewest or (self._most is not None and len(made) > self._most):
            raise ImpossibleError
        return made

    def _chosen(self) -> list[str]:
        """Names of properties to make, in the order of the schema."""
        chosen = dict(self._required)
        if not self._place.deep:
            for name in self._known:
                if name in chosen or self._maker.optional_left <= 0 or not self._may_be(name):
                    continue
                more = self._with_needs({**chosen, name: None}) if self._needs else {name: None}
                if self._most is None or len(chosen | more) <= self._most:
                    self._maker.optional_left -= 1
                    chosen |= more
        return [name for name in {**self._known, **chosen} if name in chosen]

    def _with_needs(self, names: dict[str, None]) -> dict[str, None]:
        """These names, and those that have to be there when these are."""
        found = dict(names)
        waiting = list(names) if self._needs else []
        while waiting:
            for name in self._needs.get(waiting.pop(), ()):
                if name not in found:
                    found[name] = None
                    waiting.append(name)
        return found

    def _may_be(self, name: str) -> bool:
        return False not in self._inner(name) and all(
            self._maker.checker.fits(name, one) for one in self._names
        )

    def _inner(self, name: str) -> list[Any]:
        """The schemas for the property of this name."""
        if name not in self._schemas:
            self._schemas[name] = [
                inner
                for part in self._parts
                for inner in self._maker.checker.property_schemas(part, name)
            ]
        return self._schemas[name]

    def _value(self, name: str) -> Any:
        place = self._place._replace(
            name=name, depth=self._place.depth + 1, optional=name not in self._required
        )
        return self._maker.make(self._inner(name), place)

    def hinted(self, chosen: list[str]) -> dict[str, Any]:
        """What the prompt says of these properties."""
        if not self._maker.hints:
            return {}
        properties = [(name, self._inner(name), name in self._required) for name in chosen]
        return claim(self._maker, properties)

    def _drop_needy(self, made: dict[str, Any]) -> None:
        """Leave out optional properties of which another that they need could not be made."""
        for name in list(made) if self._needs else ():
            if name not in self._required and any(
                one not in made for one in self._needs.get(name, ())
            ):
                del made[name]

    def _fill(self, made: dict[str, Any]) -> None:
        """Add properties until there are enough; some to a table that would be empty."""
        wanted = self._fewest
        if not self._known and not self._place.deep and self._is_table():
            wanted = max(wanted, min(_ENTRIES, len(made) + _ENTRIES))
        wanted = wanted if self._most is None else min(wanted, self._most)
        spare = [name for name in self._known if name not in made and self._may_be(name)]
        for attempt in range(_MOST_TRIES + wanted):
            if len(made) >= wanted or not self._maker.spend(_A_NAME):
                return
            name = spare.pop(0) if spare else self._fresh_name(plain=attempt % 3 == 2)
            if name is None or name in made or not self._may_be(name):
                continue
            try:
                value = self._value(name)
            except ImpossibleError:
                continue
            if self._needs.keys() & {name}:
                continue
            made[name] = value

    def _is_table(self) -> bool:
        return any(
            isinstance(part.get("additionalProperties"), dict) and part["additionalProperties"]
            for part in self._parts
        ) or any(said.named(part.get("patternProperties")) for part in self._parts)

    def _fresh_name(self, *, plain: bool) -> str | None:
        """A name that no property is declared for; one of a pattern's unless ``plain``."""
        maker = self._maker
        patterns = [
            name for part in self._parts for name in said.named(part.get("patternProperties"))
        ]
        schemas: list[Any] = [{"type": "string"}, *self._names]
        if patterns and not plain:
            schemas.append({"pattern": patterns[maker.below(len(patterns))]})
        word = maker.readable.plain_word()
        if all(maker.checker.fits(word, one) for one in schemas):
            return word
        place = self._place._replace(name="", depth=self._place.depth + 1)
        # long enough to be another than those before, if it may be
        for more in ({"minLength": _NAME_LENGTH}, {}):
            with suppress(ImpossibleError):
                return str(maker.make([*schemas, more], place))
        return None
