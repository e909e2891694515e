"""A value for a JSON Schema, made with a seeded faker.

It fits types, enum, const, required, nested objects and arrays, anyOf, oneOf, allOf, ``$ref``
within the schema, lengths, whole bounds and the commonest formats. Not looked at: ``pattern``,
``multipleOf``, ``uniqueItems``, fractional bounds and the rarer formats.

Schemas come from clients: nothing in them is run or fetched, only ``$ref`` within the schema is
followed, and depth and size are bounded. What cannot be understood gives ``{}``, ``[]`` or null.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from faker import Faker

_DEEPEST = 24
_MOST_VALUES = 2000
_MOST_LETTERS = 64_000

# dates lie in these years, whatever the clock says
_FIRST_SECOND, _LAST_SECOND = 946684800, 1767225599
_MOST_ITEMS = 3
_INDEX = re.compile(r"[0-9]{1,6}")
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")


class Fitter:
    """Makes values for one schema."""

    def __init__(self, schema: Any, fake: Faker) -> None:
        self._root = schema
        self._fake = fake
        self._left = _MOST_VALUES
        self._letters = _MOST_LETTERS

    def value(self) -> Any:
        """A value for the whole schema; an object unless the schema says otherwise."""
        if not isinstance(self._root, dict) or not self._root:
            return {}
        return self._fit(self._root, 0)

    def _fit(self, schema: Any, depth: int) -> Any:
        schema = self._resolved(schema)
        self._left -= 1
        if schema is None or depth > _DEEPEST or self._left < 0:
            return None
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._fake.random_element(schema["enum"])
        for key in ("anyOf", "oneOf"):
            options = schema.get(key)
            if isinstance(options, list) and options:
                return self._fit(self._option(options, depth), depth + 1)
        if isinstance(schema.get("allOf"), list):
            return self._fit(self._merged(schema), depth + 1)
        match self._type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return self._text(schema)
            case "integer":
                return int(self._number(schema))
            case "number":
                return self._number(schema)
            case "boolean":
                return self._fake.boolean()
            case _:
                return None

    def _resolved(self, schema: Any) -> dict[str, Any] | None:
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                return {} if schema is True else None
            if "$ref" not in schema:
                return schema
            schema = self._target(schema["$ref"])
        return None

    def _target(self, ref: Any) -> Any:
        if not isinstance(ref, str) or not ref.startswith("#"):
            return None
        found = self._root
        for part in ref[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and _INDEX.fullmatch(key) and int(key) < len(found):
                found = found[int(key)]
            else:
                return None
        return found

    def _option(self, options: list[Any], depth: int) -> Any:
        """An option to take: never the empty one first, and the one that ends when it gets deep."""
        if depth > 3:
            plain = next((option for option in options if self._ends(option)), None)
            if plain is not None:
                return plain
        solid = (o for o in options if not (isinstance(o, dict) and o.get("type") == "null"))
        return next(solid, options[0])

    def _ends(self, option: Any) -> bool:
        return isinstance(option, dict) and not ({"$ref", "properties", "items"} & option.keys())

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        self._left -= len(schema["allOf"])
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            for key, value in (self._resolved(part) or {}).items():
                have = merged.get(key)
                if key == "properties" and isinstance(value, dict) and isinstance(have, dict):
                    merged[key] = {**have, **value}
                elif key == "required" and isinstance(value, list) and isinstance(have, list):
                    merged[key] = [*have, *value]
                else:
                    merged.setdefault(key, value)
        return merged

    def _type(self, schema: dict[str, Any]) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one in _TYPES and one != "null"), "null")
        if kind in _TYPES:
            return str(kind)
        return "array" if "items" in schema else "object"

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        required = (
            [key for key in required if isinstance(key, str)] if isinstance(required, list) else []
        )
        needed = set(required)
        wanted = [key for key in properties if key in needed or (depth < 4 and self._left > 0)]
        wanted += [key for key in required if key not in properties]
        return {
            key: self._fit(properties.get(key, {"type": "string"}), depth + 1) for key in wanted
        }

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        fewest = _bound(schema, "minItems", 0)
        most = _bound(schema, "maxItems", max(fewest, 2))
        length = int(min(max(fewest, min(2, most) if depth < 6 else 0), max(fewest, _MOST_ITEMS)))
        items = schema.get("items", {"type": "string"})
        return [self._fit(items, depth + 1) for _ in range(min(length, max(self._left, 0)))]

    def _text(self, schema: dict[str, Any]) -> str:
        match schema.get("format"):
            case "date-time":
                text = f"{self._moment():%Y-%m-%dT%H:%M:%SZ}"
            case "date":
                text = f"{self._moment():%Y-%m-%d}"
            case "time":
                text = f"{self._moment():%H:%M:%SZ}"
            case "email":
                text = self._fake.safe_email()
            case "uuid":
                text = str(self._fake.uuid4())
            case "uri" | "url":
                text = self._fake.url()
            case _:
                text = " ".join(self._fake.words(2))
        fewest = int(_bound(schema, "minLength", 0))
        most = int(_bound(schema, "maxLength", max(fewest, len(text))))
        text = text.ljust(min(fewest, max(self._letters, 0)), "x")[: max(most, 0)]
        self._letters -= len(text)
        return text

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._fake.random_int(_FIRST_SECOND, _LAST_SECOND), UTC)

    def _number(self, schema: dict[str, Any]) -> int:
        low = _bound(schema, "minimum", None)
        if low is None:
            low = _bound(schema, "exclusiveMinimum", None)
            low = None if low is None else int(low) + 1
        high = _bound(schema, "maximum", None)
        if high is None:
            high = _bound(schema, "exclusiveMaximum", None)
            high = None if high is None else -int(-high) - 1
        if low is None:
            low = 1 if high is None or high >= 1 else high // 1
        first = -int(-low // 1)
        last = first + 99 if high is None else int(high // 1)
        return int(self._fake.random_int(first, max(first, min(last, first + 99))))


def _bound(schema: dict[str, Any], key: str, default: float | None) -> Any:
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return max(min(value, 1e15), -1e15)
