"""What several schemas that hold for one value say together.

A part is a schema without its references and combinations, which others see to. Schemas come from
strangers: a keyword with a value of the wrong kind says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

Part: TypeAlias = dict[str, Any]
Parts: TypeAlias = Sequence[Part]

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_MOST_BITS = 2048
_DEEPEST = 100
# what a keyword says of the type, where no type is given
_TELLING = {
    "object": [
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
    ],
    "array": [
        "items",
        "prefixItems",
        "contains",
        "minItems",
        "maxItems",
        "uniqueItems",
        "additionalItems",
    ],
    "string": [
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "contentEncoding",
        "contentMediaType",
    ],
    "number": ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
}
_NUMBER_FORMATS = {"int32", "int64", "uint32", "float", "double"}


def types(parts: Parts) -> list[str] | None:
    """The types that all parts allow, those named first first; None if no part names one."""
    found: list[str] | None = None
    for part in parts:
        named = _named_types(part)
        if named is None:
            continue
        wide = [*named, *(["integer"] if "number" in named and "integer" not in named else [])]
        found = wide if found is None else [one for one in found if one in wide]
    if found and "number" in found:
        found = [one for one in found if one != "integer"]
    return found


def _named_types(part: Part) -> list[str] | None:
    kind = part.get("type")
    named = kind if isinstance(kind, list) else [kind]
    known = [one for one in named if isinstance(one, str) and one in TYPES]
    if known and part.get("nullable") is True:
        known.append("null")
    return known or None


def told_type(parts: Parts) -> str | None:
    """The type that the keywords of the parts are about; None if there are none."""
    for kind, keywords in _TELLING.items():
        if any(keyword in part for part in parts for keyword in keywords):
            if kind == "string" and set(formats(parts)) & _NUMBER_FORMATS:
                return "number"
            return kind
    return None


def formats(parts: Parts) -> list[str]:
    """The formats that the parts name."""
    return [part["format"] for part in parts if isinstance(part.get("format"), str)]


def patterns(parts: Parts) -> list[str]:
    """The patterns that the parts name, each once."""
    found = [part["pattern"] for part in parts if isinstance(part.get("pattern"), str)]
    return list(dict.fromkeys(found))


def fewest(parts: Parts, key: str) -> int:
    """The highest of the lower bounds of a length or count; 0 without one."""
    found = [-(-bound // 1) for part in parts if (bound := exact(part.get(key))) is not None]
    return max(0, *found) if found else 0


def most(parts: Parts, key: str) -> int | None:
    """The lowest of the upper bounds of a length or count; None without one."""
    found = [bound // 1 for part in parts if (bound := exact(part.get(key))) is not None]
    return max(0, min(found)) if found else None


def exact(value: Any) -> Fraction | None:
    """The number that was written, not the nearest that a float can hold; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Fraction(value) if value.bit_length() < _MOST_BITS else None
    if isinstance(value, float) and value - value == 0:
        return Fraction(repr(value))
    return None


def named(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """The texts of an array."""
    return [one for one in listed(value) if isinstance(one, str)]


def key(value: Any) -> str:
    """A text that two values share if they are equal in JSON: 1 and 1.0 are, 1 and true are not.

    Values that differ only deep inside share one, too.
    """
    return json.dumps(_plain(value, _DEEPEST), sort_keys=True)


def _plain(value: Any, levels: int) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | dict) and not levels:
        return "..."
    if isinstance(value, list):
        return [_plain(one, levels - 1) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one, levels - 1) for name, one in value.items()}
    return value
