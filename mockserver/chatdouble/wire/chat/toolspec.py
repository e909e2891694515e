"""What the API writes into the prompt for tools and schemas, so that its tokens can be counted.

Tools are written as TypeScript, a response format as JSON. Every rule is fitted to recordings of
api.openai.com. Schemas come from strangers: before one is written it is pruned, in depth and in the
number of its values, and the ``$ref`` that are followed are bounded as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from chatdouble.wire.chat.request import Function, JsonSchema

Schema: TypeAlias = dict[str, Any]
# a call: the name and the arguments as JSON text
Call: TypeAlias = tuple[str, str]

_MOST_VALUES = 10_000
_DEEPEST = 40

# what a response format's schema loses before it is written
_UNWRITTEN = frozenset(
    {
        "additionalProperties",
        "default",
        "format",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "required",
    }
)
# keywords whose values are schemas by name, and keywords whose values are no schemas
_NAMED = frozenset({"$defs", "definitions", "properties"})
_LITERAL = frozenset({"const", "enum", "examples"})

_TYPES = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean"}


def tools_text(functions: Iterable[Function]) -> str:
    """The functions on offer, as they stand in the prompt."""
    left = _MOST_VALUES
    written: list[str] = []
    for function in functions:
        writer = _Writer(function.parameters or {}, left)
        comment = "".join(f"{line}\n" for line in _comment(function.description))
        written.append(f"{comment}type {function.name} = ({writer.parameters()}) => any;\n\n")
        left = writer.left
    return (
        "# Tools\n\n## functions\n\nnamespace functions {\n\n"
        f"{''.join(written)}}} // namespace functions"
    )


def format_text(form: JsonSchema) -> str:
    """The schema that the reply must fit, as it stands in the prompt."""
    described = f"// {form.description}\n" if form.description else ""
    schema = _without(_Pruning(_MOST_VALUES).copy(form.schema))
    written = json.dumps(schema, separators=(",", ":"))
    return f"# Response Formats\n\n## {form.name}\n\n{described}{written}"


def uses_text(calls: Sequence[Call]) -> str:
    """Several calls, as the model writes them: one call of ``multi_tool_use.parallel``."""
    uses = ",".join(
        f'{{"recipient_name":"functions.{name}","parameters":{compact(arguments)}}}'
        for name, arguments in calls
    )
    return f'{{"tool_uses":[{uses}]}}'


def results_text(texts: Iterable[str]) -> str:
    """What several calls gave back, as one list."""
    return f"[{', '.join(map(_result, texts))}]"


def compact(arguments: str) -> str:
    """The arguments without space between their values; left as they are if they are no JSON."""
    try:
        value = json.loads(arguments)
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments


def is_spaced(arguments: str) -> bool:
    """Whether the arguments look as the API writes them when they come out of a list of calls."""
    if arguments == compact(arguments):
        return False
    try:
        value = json.loads(arguments)
        return arguments in (json.dumps(value), json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        return False


def _result(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return json.dumps(text, ensure_ascii=False)


def _without(schema: Any) -> Any:
    """The schema without the keywords that are not written; properties keep any name."""
    if isinstance(schema, list):
        return [_without(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept: Schema = {}
    for key, value in schema.items():
        if key in _UNWRITTEN:
            continue
        if key in _LITERAL:
            kept[key] = value
        elif key in _NAMED and isinstance(value, dict):
            kept[key] = {name: _without(one) for name, one in value.items()}
        else:
            kept[key] = _without(value)
    return kept


class _Pruning:
    """Copies JSON, leaving out what lies too deep or is too much."""

    def __init__(self, left: int) -> None:
        self._left = left

    def copy(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if isinstance(value, dict):
            if depth == _DEEPEST:
                return {}
            copied = {}
            for key, one in value.items():
                if self._left <= 0:
                    break
                copied[key] = self.copy(one, depth + 1)
            return copied
        if isinstance(value, list):
            if depth == _DEEPEST:
                return []
            items = []
            for one in value:
                if self._left <= 0:
                    break
                items.append(self.copy(one, depth + 1))
            return items
        return value


class _Writer:
    """Writes one function's parameters.

    Attributes:
        left: how many more values may be written.
    """

    def __init__(self, parameters: Schema, left: int) -> None:
        self._root = _Pruning(left).copy(parameters)
        self.left = left

    def parameters(self) -> str:
        schema = self._resolved(self._root)
        if not _properties(schema) and schema.get("additionalProperties") is not True:
            return ""
        return f"_: {self._commented(schema, 0)}"

    def _commented(self, schema: Any, depth: int) -> str:
        """A type behind the comment of its own title and description."""
        schema = self._resolved(schema)
        return "\n".join((*self._comments(schema), self._type(schema, depth)))

    def _type(self, schema: Schema, depth: int) -> str:
        self.left -= 1
        if self.left <= 0 or depth > _DEEPEST:
            return "any"
        options = _options(schema)
        if options:
            return self._union(options, depth)
        if isinstance(schema.get("enum"), list):
            return " | ".join(self._json(value) for value in schema["enum"])
        if "const" in schema:
            return self._json(schema["const"])
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "null":
            return "null"
        return _TYPES.get(kind, "any") if isinstance(kind, str) else "any"

    def _union(self, options: list[Any], depth: int) -> str:
        """The options side by side; below each other when one has a comment."""
        rows: list[str] = []
        commented = False
        for option in options:
            if self.left <= 0:
                break
            written = self._commented(option, depth + 1)
            form = self._resolved(option).get("format")
            if isinstance(form, str):
                written += f" // format: {self._json(form)}"
            commented = commented or isinstance(form, str) or "\n" in written
            rows.append(written)
        return "".join(f"\n | {row}" for row in rows) + "\n" if commented else " | ".join(rows)

    def _array(self, schema: Schema, depth: int) -> str:
        if "items" not in schema:
            return "any[]"
        schema = self._resolved(schema["items"])
        items = self._commented(schema, depth + 1)
        if "\n" in items:
            return f"Array<\n{items.strip()}\n>"
        return f"Array<{items}>" if _is_union(schema) else f"{items}[]"

    def _object(self, schema: Schema, depth: int) -> str:
        required = schema.get("required")
        required = {str(name) for name in required} if isinstance(required, list) else set()
        rows: list[str] = []
        for name, value in _properties(schema).items():
            if self.left <= 0:
                break
            rows.append(self._property(name, value, name in required, depth))
        more = schema.get("additionalProperties")
        if more is True:
            rows.append("[k: string]: any,")
        elif isinstance(more, dict):
            rows.append(f"[k: string]: {self._commented(more, depth + 1)},")
        if not rows:
            return "{}"
        if any("\n" in row or not row.endswith(",") for row in rows):
            return "\n".join(("{", *rows, "}"))
        return f"{{ {' '.join(rows)[:-1]} }}"

    def _property(self, name: str, schema: Any, required: bool, depth: int) -> str:
        schema = self._resolved(schema)
        written = self._type(schema, depth + 1)
        between = "" if written.startswith("\n") else " "
        row = f"{name}{'' if required else '?'}:{between}{written},"
        if "default" in schema:
            row += f" // default: {self._json(schema['default'])}"
        return "\n".join((*self._comments(schema), row))

    def _comments(self, schema: Schema) -> tuple[str, ...]:
        """The title, then the description, with an empty line between them."""
        title, description = _comment(schema.get("title")), _comment(schema.get("description"))
        if _is_split(schema):
            description = ()
        self.left -= _cost(title) + _cost(description)
        return (*title, "//", *description) if title and description else title or description

    def _json(self, value: Any) -> str:
        written = json.dumps(value, ensure_ascii=False)
        self.left -= _cost((written,))
        return written

    def _resolved(self, schema: Any) -> Schema:
        """The schema with its ``$ref``, or an ``allOf`` of one, replaced by what they stand for."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                return {}
            if "$ref" in schema:
                target = self._target(schema["$ref"])
                own = {key: value for key, value in schema.items() if key != "$ref"}
            elif isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
                target = schema["allOf"][0]
                own = {key: value for key, value in schema.items() if key != "allOf"}
            else:
                return schema
            schema = {**(target if isinstance(target, dict) else {}), **own}
            self.left -= 1 + len(schema) // 10
        return {}

    def _target(self, ref: Any) -> Any:
        if not isinstance(ref, str) or not ref.startswith("#"):
            return None
        found = self._root
        for part in ref[1:].split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        return found


def _is_split(schema: Schema) -> bool:
    """Whether a list of types is written as one option for each, which takes the description."""
    return isinstance(schema.get("type"), list) and "enum" not in schema


def _options(schema: Schema) -> list[Any]:
    """What the value may be one of."""
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            return list(schema[key])
    if not _is_split(schema):
        return []
    left_out = {"type", "default", "title"}
    rest = {key: value for key, value in schema.items() if key not in left_out}
    return [{**rest, "type": kind} for kind in schema["type"] if isinstance(kind, str)]


def _is_union(schema: Schema) -> bool:
    values = schema.get("enum")
    return len(_options(schema) or (values if isinstance(values, list) else ())) > 1


def _properties(schema: Schema) -> Schema:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _comment(text: Any) -> tuple[str, ...]:
    if not isinstance(text, str) or not text.strip():
        return ()
    lines = (line.strip() for line in text.strip().split("\n"))
    return tuple(f"// {line}" if line else "//" for line in lines)


def _cost(texts: tuple[str, ...]) -> int:
    """How many values a text counts as: one that is repeated by ``$ref`` must not add up."""
    return sum(map(len, texts)) // 100
