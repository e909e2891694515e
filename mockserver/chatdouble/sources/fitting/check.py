"""Whether a value fits a schema: JSON Schema's rules, in a bounded number of steps.

jsonschema is not used for this: it fetches what a ``$ref`` names, its patterns can run without end,
and nothing bounds what a schema from a stranger makes it do.
"""

from __future__ import annotations

from typing import Any

from chatdouble.sources.fitting import numbers
from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.document import Document
from chatdouble.sources.fitting.formats import has_format
from chatdouble.sources.fitting.patterns import Patterns
from chatdouble.sources.fitting.work import Work

_DEEPEST = 100


class Checker:
    """Looks whether values fit; gives the benefit of the doubt when there is no work left."""

    def __init__(self, document: Document, patterns: Patterns, work: Work) -> None:
        self._document = document
        self._patterns = patterns
        self._work = work
        # by the identity of the list, which is kept beside its values so that it stays alone
        self._enums: dict[int, tuple[list[Any], frozenset[str]]] = {}

    def fits(self, value: Any, schema: Any, depth: int = 0) -> bool:
        """Whether the value fits the schema."""
        if not isinstance(schema, dict):
            return schema is not False
        if not self._work.spend(6) or depth > _DEEPEST:
            return True
        listed = self.listed(schema)
        if listed is not None and said.key(value) not in listed:
            return False
        named = said.types([schema])
        if named is not None and not _is_one_of(value, named):
            return False
        match value:
            case bool() | None:
                pass
            case str():
                if not self.text(value, schema):
                    return False
            case int() | float():
                if not numbers.fits(value, schema):
                    return False
            case list():
                if not self._array(value, schema, depth + 1):
                    return False
            case dict():
                if not self._object(value, schema, depth + 1):
                    return False
        return self._combined(value, schema, depth + 1)

    def listed(self, schema: said.Part) -> frozenset[str] | None:
        """The keys of the only values that const and enum leave; None without either."""
        found: frozenset[str] | None = None
        if isinstance(schema.get("enum"), list):
            options = schema["enum"]
            if id(options) not in self._enums:
                self._work.spend(2 * len(options))
                self._enums[id(options)] = (options, frozenset(map(said.key, options)))
            found = self._enums[id(options)][1]
        if "const" in schema:
            alone = frozenset([said.key(schema["const"])])
            return alone if found is None else found & alone
        return found

    def text(self, value: str, schema: said.Part) -> bool:
        """Whether a text fits what the schema says of texts."""
        parts = (schema,)
        most = said.most(parts, "maxLength")
        if len(value) < said.fewest(parts, "minLength") or (most is not None and len(value) > most):
            return False
        if not all(self._patterns.found_in(one, value) for one in said.patterns(parts)):
            return False
        return all(has_format(one, value, self._patterns) for one in said.formats(parts))

    def _array(self, value: list[Any], schema: said.Part, depth: int) -> bool:
        parts = (schema,)
        most = said.most(parts, "maxItems")
        if len(value) < said.fewest(parts, "minItems") or (most is not None and len(value) > most):
            return False
        if schema.get("uniqueItems") is True:
            self._work.spend(4 * len(value))
            if len({said.key(one) for one in value}) < len(value):
                return False
        if not all(self.fits(one, item_schema(schema, at), depth) for at, one in enumerate(value)):
            return False
        if "contains" in schema:
            held = sum(self.fits(one, schema["contains"], depth) for one in value)
            fewest = said.fewest(parts, "minContains") if "minContains" in schema else 1
            most = said.most(parts, "maxContains")
            return fewest <= held and (most is None or held <= most)
        return True

    def _object(self, value: dict[str, Any], schema: said.Part, depth: int) -> bool:
        parts = (schema,)
        most = said.most(parts, "maxProperties")
        if len(value) < said.fewest(parts, "minProperties"):
            return False
        if most is not None and len(value) > most:
            return False
        if not all(name in value for name in said.texts(schema.get("required"))):
            return False
        names = schema.get("propertyNames", True)
        for name, one in value.items():
            if not self.fits(name, names, depth):
                return False
            if not all(
                self.fits(one, inner, depth) for inner in self.property_schemas(schema, name)
            ):
                return False
        for name, needed in dependencies(schema):
            if name not in value:
                continue
            if isinstance(needed, list):
                if not all(other in value for other in said.texts(needed)):
                    return False
            elif not self.fits(value, needed, depth):
                return False
        return True

    def property_schemas(self, schema: said.Part, name: str) -> list[Any]:
        """The schemas that a part has for the property of this name."""
        found = []
        properties = said.named(schema.get("properties"))
        if name in properties:
            found.append(properties[name])
        for pattern, inner in said.named(schema.get("patternProperties")).items():
            if self._work.spend() and self._patterns.found_in(pattern, name):
                found.append(inner)
        if not found and "additionalProperties" in schema:
            found.append(schema["additionalProperties"])
        return found

    def _combined(self, value: Any, schema: said.Part, depth: int) -> bool:
        for ref in ("$ref", "$dynamicRef", "$recursiveRef"):
            if ref in schema and not self.fits(value, self._document.target(schema[ref]), depth):
                return False
        if not all(self.fits(value, one, depth) for one in said.listed(schema.get("allOf"))):
            return False
        options = said.listed(schema.get("anyOf"))
        if options and not any(self.fits(value, one, depth) for one in options):
            return False
        options = said.listed(schema.get("oneOf"))
        if options and sum(self.fits(value, one, depth) for one in options) != 1:
            return False
        if "not" in schema and self.fits(value, schema["not"], depth):
            return False
        if "if" in schema:
            branch = "then" if self.fits(value, schema["if"], depth) else "else"
            return self.fits(value, schema.get(branch, True), depth)
        return True


def item_schema(schema: said.Part, at: int) -> Any:
    """The schema that a part has for the item at this place."""
    items = schema.get("items", True)
    first = schema["items"] if isinstance(items, list) else schema.get("prefixItems")
    if isinstance(first, list):
        if at < len(first):
            return first[at]
        return schema.get("additionalItems", True) if isinstance(items, list) else items
    return items


def dependencies(schema: said.Part) -> list[tuple[str, Any]]:
    """Names and what their presence asks for: a list of other names, or a schema for the object."""
    found: list[tuple[str, Any]] = []
    for key in ("dependentRequired", "dependentSchemas", "dependencies"):
        found += said.named(schema.get(key)).items()
    return found


def _is_one_of(value: Any, types: list[str]) -> bool:
    match value:
        case None:
            return "null" in types
        case bool():
            return "boolean" in types
        case str():
            return "string" in types
        case list():
            return "array" in types
        case dict():
            return "object" in types
        case int():
            return "integer" in types or "number" in types
        case float():
            return "number" in types or ("integer" in types and value.is_integer())
    return False
