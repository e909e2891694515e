"""Which JSON Schemas the API takes for a function's parameters and for a response format.

Sources: recorded refusals. ``strict`` has the rules of the subset that the model's output is bound
to. Schemas come from clients: they are walked with a stack of their own and a bound, and nothing in
them is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from chatdouble.answers import ApiError
from chatdouble.wire.chat import strict
from chatdouble.wire.chat.request import ChatRequest, Function, FunctionTool, JsonSchemaFormat
from chatdouble.wire.chat.sentences import refuse

_MOST_SCHEMAS = 20_000
_LARGEST_REMEMBERED = 16_384

_SAYS_MORE = {"additionalProperties", "patternProperties", "anyOf", "oneOf", "allOf", "$ref"}
_NOT_AT_ROOT = ("oneOf", "anyOf", "allOf", "enum", "not")
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

# where schemas stand in a schema
_NAMED = ("properties", "$defs", "definitions", "patternProperties")
_SINGLE = ("items", "additionalProperties", "not")
_LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")
# what makes the schemas inside one level deeper
_DEEPER = ("properties", "patternProperties", "items", "additionalProperties", "prefixItems")


def refused_schema(request: ChatRequest) -> ApiError | None:
    """The refusal of the first schema that the API does not take, None if it takes all."""
    for where, function in _functions(request):
        schema = function.parameters or {}
        problem = _problem(schema, bound=bool(function.strict)) or _without_properties(schema)
        if problem:
            return refuse(
                f"Invalid schema for function '{function.name}': {problem}",
                f"{where}.parameters",
                "invalid_function_parameters",
            )
    form = request.response_format
    if isinstance(form, JsonSchemaFormat):
        named = form.json_schema
        problem = _problem(named.schema, bound=bool(named.strict))
        if problem:
            return refuse(
                f"Invalid schema for response_format '{named.name}': {problem}", "response_format"
            )
    return None


def _functions(request: ChatRequest) -> list[tuple[str, Function]]:
    found = [(f"functions[{at}]", one) for at, one in enumerate(request.functions or ())]
    return found + [
        (f"tools[{at}].function", tool.function)
        for at, tool in enumerate(request.tools or ())
        if isinstance(tool, FunctionTool)
    ]


def _problem(schema: dict[str, Any], *, bound: bool) -> str:
    """What is wrong with a schema, empty if nothing is; ``bound`` says that it is strict."""
    written = msgspec.json.encode(schema)
    if len(written) > _LARGEST_REMEMBERED:
        return _first_problem(schema, bound)
    return _remembered_problem(written, bound)


@lru_cache(maxsize=512)
def _remembered_problem(written: bytes, bound: bool) -> str:
    # a client sends the same schemas with request after request
    return _first_problem(msgspec.json.decode(written), bound)


def _first_problem(root: dict[str, Any], bound: bool) -> str:
    # recorded: without a schema the strict rules apply, but this one does not
    kind = root.get("type")
    if root and kind != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    if any(key in root for key in _NOT_AT_ROOT):
        return (
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at "
            "the top level."
        )
    first = ""
    size = strict.Size()
    for context, schema, depth in _walk(root):
        # that it is a JSON Schema at all comes before what is asked of it beyond that
        invalid = _invalid(schema)
        if invalid:
            return invalid
        if first or not isinstance(schema, dict):
            continue
        if bound:
            size.add(schema, depth)
            first = strict.problem(context, schema, root)
        first = first or _array_problem(context, schema)
    return first or (size.problem() if bound else "")


def _walk(root: dict[str, Any]) -> Iterator[tuple[strict.Context, Any, int]]:
    """Every schema in a schema with its context and its depth, as far as the bound goes."""
    waiting: list[tuple[strict.Context, Any, int]] = [((), root, 0)]
    for _ in range(_MOST_SCHEMAS):
        if not waiting:
            return
        context, schema, depth = waiting.pop()
        yield context, schema, depth
        if isinstance(schema, dict):
            waiting += reversed(
                [
                    ((*context, *inner), value, depth + (inner[0] in _DEEPER))
                    for inner, value in _inner(schema)
                ]
            )


def _inner(schema: dict[str, Any]) -> Iterator[tuple[strict.Context, Any]]:
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            yield from (((key, name), item) for name, item in value.items())
        elif key in _SINGLE:
            yield (key,), value
        elif key in _LISTED and isinstance(value, list):
            yield from (((key, str(at)), item) for at, item in enumerate(value))


def _invalid(schema: Any) -> str:
    """Why it is no JSON Schema, in the words of Python's ``jsonschema``; empty if it is one."""
    if not isinstance(schema, dict):
        return "" if isinstance(schema, bool) else f"{schema!r} is not of type 'object', 'boolean'."
    for key in _NAMED:
        if not isinstance(schema.get(key, {}), dict):
            return f"{schema[key]!r} is not of type 'object'."
    for key in ("required", "enum", *_LISTED):
        if not isinstance(schema.get(key, []), list):
            return f"{schema[key]!r} is not of type 'array'."
    for item in schema.get("required", ()):
        if not isinstance(item, str):
            return f"{item!r} is not of type 'string'."
    kinds = schema.get("type", "object")
    listed = kinds if isinstance(kinds, list) else [kinds]
    if not listed or any(kind not in _TYPES for kind in listed):
        return f"{kinds!r} is not valid under any of the given schemas."
    return ""


def _array_problem(context: strict.Context, schema: dict[str, Any]) -> str:
    kinds = schema.get("type")
    if "items" not in schema:
        if kinds == "array":
            return f"In context={context!r}, array schema missing items."
        if isinstance(kinds, list) and "array" in kinds:
            within = (*context, "type", str(kinds.index("array")))
            return f"In context={within!r}, array schema missing items."
    return ""


def _without_properties(root: dict[str, Any]) -> str:
    # recorded at the root of functions alone; free-form objects are common elsewhere
    if not root or "properties" in root or _SAYS_MORE & root.keys():
        return ""
    return "In context=(), object schema missing properties."
