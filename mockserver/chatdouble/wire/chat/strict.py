"""The subset of JSON Schema that a strict schema keeps to, in the API's words.

Sources: recorded refusals, and the published guide to structured outputs for the limits.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

# the keys and indexes that lead to a schema
Context: TypeAlias = tuple[str, ...]

_NOT_PERMITTED = (
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "minLength",
    "maxLength",
    "patternProperties",
    "unevaluatedProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedItems",
    "contains",
    "minContains",
    "maxContains",
    "uniqueItems",
    "prefixItems",
    "default",
)
_FORMATS = (
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
)
_DEFINED = ("#/$defs/", "#/definitions/")

_MOST_LEVELS = 10
_MOST_PROPERTIES = 5_000
_MOST_ENUM_VALUES = 1_000
# above this many values, their letters are counted as well
_MANY_ENUM_VALUES = 250
_MOST_ENUM_LETTERS = 15_000

_OPT_OUT = (
    "Consider reducing the number of enums, or opt out of structured outputs by setting "
    "'strict: false'."
)


class Size(Struct):
    """How large a schema is, as far as it was walked."""

    levels: int = 0
    properties: int = 0
    values: int = 0
    letters: int = 0

    def add(self, schema: dict[str, Any], depth: int) -> None:
        """Count one schema of those inside; ``depth`` is its level."""
        self.levels = max(self.levels, depth)
        properties, values = schema.get("properties"), schema.get("enum")
        if isinstance(properties, dict):
            self.properties += len(properties)
        if isinstance(values, list):
            self.values += len(values)
            self.letters += sum(len(value) for value in values if isinstance(value, str))

    def problem(self) -> str:
        """Which limit it exceeds, empty if none."""
        if self.levels > _MOST_LEVELS:
            return f"{self.levels} levels of nesting exceeds limit of {_MOST_LEVELS}."
        if self.properties > _MOST_PROPERTIES:
            return f"{self.properties} parameters exceeds limit of {_MOST_PROPERTIES}."
        if self.values > _MOST_ENUM_VALUES:
            return (
                f"Expected at most {_MOST_ENUM_VALUES} enum values in total within a single schema "
                f"when using structured outputs, but received {self.values}. {_OPT_OUT}"
            )
        if self.values > _MANY_ENUM_VALUES and self.letters > _MOST_ENUM_LETTERS:
            return (
                f"Expected at most {_MOST_ENUM_LETTERS} total characters across enum values when "
                f"there are more than {_MANY_ENUM_VALUES} enum values, but received "
                f"{self.letters}. {_OPT_OUT}"
            )
        return ""


def problem(context: Context, schema: dict[str, Any], root: dict[str, Any]) -> str:
    """What a schema says beyond the subset, or does not say; empty if it keeps to it.

    Args:
        context: where it stands.
        schema: a schema; its inner ones are not looked at.
        root: the whole, for references.
    """
    if "$ref" in schema:
        return _reference_problem(context, schema, root)
    said = _keyword_problem(context, schema) or _object_problem(context, schema)
    return f"In context={context!r}, {said}" if said else ""


def _reference_problem(context: Context, schema: dict[str, Any], root: dict[str, Any]) -> str:
    others = sorted(schema.keys() - {"$ref"})
    if others:
        listed = ", ".join(map(repr, others))
        return f"context={context!r}, $ref cannot have keywords {{{listed}}}."
    target = schema["$ref"]
    if target == "#":
        return ""
    if not isinstance(target, str) or not target.startswith(_DEFINED):
        said = "reference can only point to definitions defined at the top level of the schema."
        return f"In context={context!r}, {said}"
    _, kind, name = target.split("/", 2)
    defined = root.get(kind)
    if not isinstance(defined, dict) or name not in defined:
        return (
            f"In context={context!r}, reference to component '{target}' which was not found in the "
            "schema."
        )
    return ""


def _keyword_problem(context: Context, schema: dict[str, Any]) -> str:
    for key in _NOT_PERMITTED:
        if key in schema:
            return f"'{key}' is not permitted."
    if "type" not in schema and "anyOf" not in schema and (schema or context):
        return "schema must have a 'type' key."
    form = schema.get("format")
    if form is not None and form not in _FORMATS:
        return f"{form!r} is not a valid format."
    return ""


def _object_problem(context: Context, schema: dict[str, Any]) -> str:
    kinds = schema.get("type")
    # an empty root stands for an object
    if not (kinds == "object" or (isinstance(kinds, list) and "object" in kinds)) and (
        schema or context
    ):
        return ""
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    listed = schema.get("required")
    required = dict.fromkeys(key for key in listed or () if isinstance(key, str))
    every = (
        "'required' is required to be supplied and to be an array including every key in "
        "properties."
    )
    for key, value in known.items():
        if key not in required and not _is_free(value):
            return f"{every} Missing '{key}'."
    for key in required:
        if key not in known or _is_free(known[key]):
            return f"{every} Extra required key '{key}' supplied."
    return ""


def _is_free(schema: Any) -> bool:
    """Whether it lets anything in; such a property is none (recorded)."""
    if not isinstance(schema, dict) or "properties" in schema:
        return False
    return not schema or (
        schema.get("type") == "object" and schema.get("additionalProperties") not in (None, False)
    )
