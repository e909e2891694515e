"""Which JSON Schemas the API takes for a function's parameters and for a response format.

Sources: recorded refusals, and the published rules of the strict subset. Schemas come from clients:
they are walked with a stack of their own and a bound, and nothing in them is followed.
"""

from __future__ import annotations

from typing import Any

from chatdouble.answers import ApiError
from chatdouble.wire.chat.request import ChatRequest, Function, FunctionTool, JsonSchemaFormat

_MOST_SCHEMAS = 20_000

_SAYS_MORE = {"additionalProperties", "patternProperties", "anyOf", "oneOf", "allOf", "$ref"}

Context = tuple[str, ...]


def refused_schema(request: ChatRequest) -> ApiError | None:
    """The refusal of the first schema that the API does not take, None if it takes all."""
    for where, function in _functions(request):
        problem = _problem(function.parameters or {}, strict=bool(function.strict))
        if problem is not None:
            return ApiError(
                400,
                f"Invalid schema for function '{function.name}': {problem}",
                param=f"{where}.parameters",
                code="invalid_function_parameters",
            )
    form = request.response_format
    if isinstance(form, JsonSchemaFormat) and form.json_schema.strict:
        problem = _problem(form.json_schema.schema, strict=True)
        if problem is not None:
            name = form.json_schema.name
            return ApiError(
                400,
                f"Invalid schema for response_format '{name}': {problem}",
                param="response_format",
            )
    return None


def _functions(request: ChatRequest) -> list[tuple[str, Function]]:
    found = [(f"functions[{at}]", one) for at, one in enumerate(request.functions or ())]
    return found + [
        (f"tools[{at}].function", tool.function)
        for at, tool in enumerate(request.tools or ())
        if isinstance(tool, FunctionTool)
    ]


def _problem(root: dict[str, Any], *, strict: bool) -> str | None:
    waiting: list[tuple[Context, Any]] = [((), root)]
    for _ in range(_MOST_SCHEMAS):
        if not waiting:
            return None
        context, schema = waiting.pop()
        if not isinstance(schema, dict):
            continue
        problem = _own_problem(schema, strict=strict, root=not context)
        if problem is not None:
            return f"In context={context!r}, {problem}"
        waiting += reversed(_inner(context, schema))
    return None


def _own_problem(schema: dict[str, Any], *, strict: bool, root: bool) -> str | None:
    kind = schema.get("type")
    if kind == "array" and "items" not in schema:
        return "array schema missing items."
    if kind != "object":
        return None
    properties = schema.get("properties")
    if strict:
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false."
        required = schema.get("required")
        listed = required if isinstance(required, list) else []
        for key in properties if isinstance(properties, dict) else ():
            if key not in listed:
                return (
                    "'required' is required to be supplied and to be an array including every key "
                    f"in properties. Missing '{key}'."
                )
        return None
    # recorded at the root alone; free-form objects further down are common
    if root and properties is None and not (_SAYS_MORE & schema.keys()):
        return "object schema missing properties."
    return None


def _inner(context: Context, schema: dict[str, Any]) -> list[tuple[Context, Any]]:
    inner: list[tuple[Context, Any]] = []
    for key in ("properties", "$defs", "definitions"):
        named = schema.get(key)
        if isinstance(named, dict):
            inner += [((*context, key, name), value) for name, value in named.items()]
    if isinstance(schema.get("items"), dict):
        inner.append(((*context, "items"), schema["items"]))
    for key in ("anyOf", "allOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list):
            inner += [((*context, key, str(at)), option) for at, option in enumerate(options)]
    return inner
