"""What a value can look like that must not fit a schema."""

from __future__ import annotations

from typing import Any

from chatdouble.sources.fitting import parts as said
from chatdouble.sources.fitting.document import Document

_BOUNDS = {
    "minimum": "exclusiveMaximum",
    "maximum": "exclusiveMinimum",
    "exclusiveMinimum": "maximum",
    "exclusiveMaximum": "minimum",
}
_COUNTS = {
    "minLength": ("maxLength", -1),
    "maxLength": ("minLength", 1),
    "minItems": ("maxItems", -1),
    "maxItems": ("minItems", 1),
    "minProperties": ("maxProperties", -1),
    "maxProperties": ("minProperties", 1),
}
_KINDS = {"Length": "string", "Items": "array", "Properties": "object"}


def opposites(schema: Any, document: Document) -> list[Any]:
    """Schemas of which each says how not to fit this one; together they may not say all ways.

    What a schema forbids by its values (const, enum, format) is left to the one who looks at the
    value in the end.
    """
    if not isinstance(schema, dict):
        return [schema is not True]
    found: list[Any] = []
    found += _not_its_properties(schema)
    for name in said.texts(schema.get("required")):
        found.append({"properties": {name: False}})
    for key, other in _BOUNDS.items():
        bound = schema.get(key)
        if said.exact(bound) is not None:
            found.append({"type": "number", other: bound})
    for key, (other, by) in _COUNTS.items():
        bound = schema.get(key)
        if isinstance(bound, int) and bound + by >= 0:
            found.append({"type": _KINDS[key[3:]], other: bound + by})
    if isinstance(schema.get("pattern"), str):
        found.append({"type": "string", "pattern": rf"^(?![\s\S]*(?:{schema['pattern']}))"})
    if "not" in schema:
        found.append(schema["not"])
    if "$ref" in schema:
        found.append({"not": document.target(schema["$ref"])})
    found += [{"not": one} for one in said.listed(schema.get("allOf"))]
    options = said.listed(schema.get("anyOf"))
    if options:
        found.append({"allOf": [{"not": option} for option in options]})
    named = said.types([schema])
    if named is not None:
        # integers are numbers, too
        wide = {*named, *(["integer"] if "number" in named else [])}
        if "integer" in wide:
            wide.add("number")
        found.append({"type": [kind for kind in said.TYPES if kind not in wide]})
    # anything at all: looked at in the end
    return [*found, True]


def _not_its_properties(schema: said.Part) -> list[Any]:
    return [
        {"type": "object", "properties": {name: {"not": inner}}, "required": [name]}
        for name, inner in said.named(schema.get("properties")).items()
    ]
