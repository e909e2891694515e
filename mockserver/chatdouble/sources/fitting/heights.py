"""How deep the shallowest value of a schema is: what recursion aims at to come to an end."""

from __future__ import annotations

from typing import Any

from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.check import item_schema
from chatdouble.sources.fitting.document import Document
from chatdouble.sources.fitting.work import Work

ENDLESS = 1_000_000
_MOST_SCHEMAS = 20_000
_MOST_ROUNDS = 60


class Heights:
    """The heights of the schemas of one document, found when one is asked for."""

    def __init__(self, document: Document, work: Work) -> None:
        self._document = document
        self._work = work
        # by the identity of the schema, which is kept beside its height so that it stays alone
        self._known: dict[int, tuple[Any, int]] = {}

    def of(self, schema: Any) -> int:
        """The depth of the schema's shallowest value; ENDLESS if there is none.

        It is 0 for a text or a number, 1 for an object or an array that may be empty.
        """
        if not isinstance(schema, dict):
            return ENDLESS if schema is False else 0
        if id(schema) not in self._known:
            if len(self._known) >= _MOST_SCHEMAS:
                return 0
            self._learn(schema)
        return self._known[id(schema)][1]

    def _learn(self, schema: Any) -> None:
        reached = [schema]
        self._known[id(schema)] = (schema, ENDLESS)
        for one in reached:
            self._work.spend(20)
            for inner in self._inner(one):
                if isinstance(inner, dict) and id(inner) not in self._known:
                    if len(self._known) >= _MOST_SCHEMAS:
                        break
                    self._known[id(inner)] = (inner, ENDLESS)
                    reached.append(inner)
        reached.reverse()
        for _ in range(_MOST_ROUNDS):
            changed = False
            if not self._work.spend(10 * len(reached)):
                return
            for one in reached:
                height = self._height(one)
                if height < self._known[id(one)][1]:
                    self._known[id(one)] = (one, height)
                    changed = True
            if not changed:
                return

    def _inner(self, schema: said.Part) -> list[Any]:
        options = said.listed(schema.get("anyOf")) + said.listed(schema.get("oneOf"))
        return self._same(schema) + options + self._needed(schema)

    def _same(self, schema: said.Part) -> list[Any]:
        """Schemas that hold for the same value."""
        found = list(said.listed(schema.get("allOf")))
        if "$ref" in schema:
            found.append(self._document.target(schema["$ref"]))
        return found

    def _needed(self, schema: said.Part) -> list[Any]:
        """Schemas of values that cannot be left out of an object or array that fits."""
        kind = _container(schema)
        if kind == "object":
            properties = said.named(schema.get("properties"))
            return [
                properties[name]
                for name in said.texts(schema.get("required"))
                if name in properties
            ]
        fewest = said.fewest((schema,), "minItems")
        if kind == "array" and fewest:
            given = [schema.get("prefixItems"), schema.get("items")]
            first = next((len(one) for one in given if isinstance(one, list)), 0)
            return [item_schema(schema, at) for at in range(min(fewest, first + 1))]
        return []

    def _height(self, schema: said.Part) -> int:
        found = 1 if _container(schema) else 0
        for same in self._same(schema):
            found = max(found, self._so_far(same))
        for key in ("anyOf", "oneOf"):
            options = said.listed(schema.get(key))
            if options:
                found = max(found, min(self._so_far(option) for option in options))
        for inner in self._needed(schema):
            found = max(found, 1 + self._so_far(inner))
        return min(found, ENDLESS)

    def _so_far(self, schema: Any) -> int:
        if not isinstance(schema, dict):
            return ENDLESS if schema is False else 0
        known = self._known.get(id(schema))
        return known[1] if known else ENDLESS


def _container(schema: said.Part) -> str | None:
    """``object`` or ``array`` if a value has to be one."""
    if "const" in schema or "enum" in schema:
        return None
    kinds = said.types([schema])
    if kinds is None:
        kinds = [kind] if (kind := said.told_type([schema])) else []
    return kinds[0] if kinds and all(one in ("object", "array") for one in kinds) else None
