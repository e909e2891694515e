"""JSON that a prompt sketches rather than writes: ``{"name": string, "score": <int 1-5>, ...}``.

Examples are read in the same way. A sketch comes from a client: it is read in one pass, with no
more than a few thousand steps, and what cannot be understood is no sketch.
"""

from __future__ import annotations

import re
from typing import Any

Schema = dict[str, Any]

_MOST_STEPS = 1000
_DEEPEST = 20
_MOST_OPTIONS = 50

_BLANK = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*)*")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.){0,2000})"|\'((?:[^\'\\\n]|\\.){0,2000})\'')
_KEY = re.compile(r"[A-Za-z_][\w-]{0,80}")
_WORDS = re.compile(r"<[^<>\n]{0,300}>|[^\s,;:{}\[\]|\"'#](?:(?!//)[^,;:{}\[\]|\"'#\n]){0,300}")
_ASIDE = re.compile(r"[ \t]*\([^()\n]{0,300}\)")
_OR = re.compile(r"[ \t]*(?:\||or\b)\s*")
_DOUBLED = re.compile(r"(?:\[\s*)?\{\{")
# an array of words in brackets is more often a remark, a number more often a footnote
_LIST = re.compile(r"\[\s*[\"'{]")

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_RANGE = re.compile(
    r"(-?\d{1,9}(?:\.\d{1,9})?)\s*(?:-|\u2013|\.\.|to|and)\s*(-?\d{1,9}(?:\.\d{1,9})?)"
)
_LETTERS = re.compile(r"[a-z]+")
_LIST_OF = re.compile(r"(?:list|array) of ([a-z]+)")

_KINDS = {
    "string": ("str", "string", "strings", "text"),
    "integer": ("int", "integer", "integers", "ints"),
    "number": ("float", "floats", "number", "numbers", "decimal"),
    "boolean": ("bool", "boolean", "booleans"),
    "array": ("list", "array"),
    "object": ("dict", "object", "objects"),
    "null": ("null", "none"),
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words}


def read(text: str, at: int) -> tuple[Schema, int] | None:
    """The JSON Schema of what is sketched there.

    Args:
        text: of a prompt.
        at: where the brace of an object stands, or the bracket of a list of objects or texts.

    Returns:
        The schema and where the sketch ends; None if there is no sketch.
    """
    if text.startswith("[", at) and not _LIST.match(text, at):
        return None
    reader = _Reader(text, at)
    try:
        schema = reader.value(0)
    except _NoSketchError:
        return None
    return (schema, reader.at) if "properties" in schema or "items" in schema else None


class _NoSketchError(Exception):
    """What stands there is no sketch."""


class _Reader:
    """Reads one sketch."""

    def __init__(self, text: str, at: int) -> None:
        self.at = at
        self._text = text
        self._left = _MOST_STEPS
        # templates escape braces by doubling them, and some clients send them as they are
        doubled = _DOUBLED.match(text, at)
        self._open, self._close = ("{{", "}}") if doubled else ("{", "}")

    def value(self, depth: int) -> Schema:
        """The schema of a value, or of the options that stand for it."""
        schema, literal = self._option(depth)
        schemas, literals = [schema], [literal]
        while len(schemas) < _MOST_OPTIONS and self._take(_OR):
            schema, literal = self._option(depth)
            schemas.append(schema)
            literals.append(literal)
        if len(literals) > 1 and None not in literals:
            return {"enum": literals}
        return next((one for one in schemas if one != {"type": "null"}), schemas[0])

    def _option(self, depth: int) -> tuple[Schema, Any]:
        """The schema of one option, and the value that it spells out, None without one."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise _NoSketchError
        if self._has(self._open):
            return self._object(depth), None
        if self._has("["):
            return self._array(depth), None
        found = self._take(_STRING)
        if found is not None:
            return _of_string(found[1] or found[2] or "")
        found = self._take(_WORDS)
        if found is None:
            raise _NoSketchError
        schema = _of_words(found[0])
        if schema.get("type") == "array" and self._has("["):
            return self._array(depth), None
        if self._has("[]"):
            return {"type": "array", "items": schema}, None
        return schema, schema.get("const")

    def _object(self, depth: int) -> Schema:
        properties: dict[str, Schema] = {}
        while not self._has(self._close):
            if self._has("...") or self._has(","):
                continue
            key = self._key()
            if not self._has(":"):
                raise _NoSketchError
            self._take(_BLANK)
            properties[key] = self.value(depth + 1)
            self._take(_ASIDE)
        if not properties:
            return {"type": "object"}
        return {"type": "object", "properties": properties, "required": list(properties)}

    def _key(self) -> str:
        quoted = self._take(_STRING)
        if quoted is not None:
            key = quoted[1] or quoted[2] or ""
        else:
            found = self._take(_KEY)
            key = found[0] if found else ""
        if not key:
            raise _NoSketchError
        self._has("?")
        return key

    def _array(self, depth: int) -> Schema:
        items: list[Schema] = []
        while not self._has("]"):
            if self._has("...") or self._has(","):
                continue
            items.append(self.value(depth + 1))
        if not items:
            return {"type": "array", "items": {"type": "string"}}
        schema: Schema = {"type": "array", "items": items[0]}
        if len(items) > 1 or "const" in items[0] or "properties" in items[0]:
            schema |= {"minItems": len(items), "maxItems": len(items)}
        return schema

    def _has(self, mark: str) -> bool:
        """Whether this mark comes next; what is blank before it is taken in any case."""
        self._take(_BLANK)
        if not self._text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self.at)
        if found is not None:
            self.at = found.end()
        return found


def _of_string(content: str) -> tuple[Schema, str | None]:
    words = content.strip()
    options = [option.strip() for option in words.split("|")]
    if 1 < len(options) <= _MOST_OPTIONS and all(options):
        if options[0].lower() in _KIND_OF:
            return _of_words(options[0]), None
        return {"enum": options}, None
    if words.startswith("<") or words.lower() in _KIND_OF:
        return _of_words(words), None
    return {"type": "string"}, content


def _of_words(words: str) -> Schema:
    """What words tell of a value: a number, a type, a range."""
    plain = words.strip().strip("<>").strip().lower()
    if _NUMBER.fullmatch(plain):
        # of an example: it lies in the range that is wanted, which is known to nobody else
        return {"const": float(plain) if "." in plain else int(plain)}
    letters = _LETTERS.findall(plain)
    if letters and {"true", "false"} >= set(letters) - {"or"}:
        return {"type": "boolean"}
    listed = _LIST_OF.match(plain)
    if listed is not None:
        return {"type": "array", "items": {"type": _KIND_OF.get(listed[1], "string")}}
    kind = _KIND_OF.get(letters[0]) if letters else None
    limits = _RANGE.search(plain)
    if limits is not None and (kind in ("integer", "number") or limits[0] == plain):
        number = float if kind == "number" or "." in limits[0] else int
        low, high = number(limits[1]), number(limits[2])
        if low <= high:
            kind = "number" if number is float else "integer"
            return {"type": kind, "minimum": low, "maximum": high}
    if kind == "array":
        return {"type": "array", "items": {"type": "string"}}
    return {"type": kind or "string"}
