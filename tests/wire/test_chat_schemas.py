"""Schemas of functions and response formats that the API does not take."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.wire.test_chat_read import read, read_chat, refused

TEXT = {"type": "string"}
EVERY = (
    "'required' is required to be supplied and to be an array including every key in properties."
)
CLOSED = "'additionalProperties' is required to be supplied and to be false."


def function(parameters: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, **fields}}


def closed(**properties: Any) -> dict[str, Any]:
    """A strict object with these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def opened(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"type": "object"}, "In context=(), object schema missing properties."),
        (
            {"properties": {}},
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
        ),
        (
            {"type": "array", "items": TEXT},
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
        ),
        (
            {**opened(a=TEXT), "anyOf": [{"required": ["a"]}]},
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at "
            "the top level.",
        ),
        (
            opened(a={"type": "array"}),
            "In context=('properties', 'a'), array schema missing items.",
        ),
        (
            opened(a={"type": ["null", "array"]}),
            "In context=('properties', 'a', 'type', '1'), array schema missing items.",
        ),
        (
            opened(a=opened(b={"type": "array", "items": {"type": "array"}})),
            "In context=('properties', 'a', 'properties', 'b', 'items'), array schema missing "
            "items.",
        ),
        (
            opened(a={"anyOf": [TEXT, {"type": "array"}]}),
            "In context=('properties', 'a', 'anyOf', '1'), array schema missing items.",
        ),
        (
            {**opened(), "$defs": {"list": {"type": "array"}}},
            "In context=('$defs', 'list'), array schema missing items.",
        ),
        ({"type": "object", "properties": []}, "[] is not of type 'object'."),
        (opened(a="string"), "'string' is not of type 'object', 'boolean'."),
        (opened(a={"type": "array", "items": [TEXT]}),
         "[{'type': 'string'}] is not of type 'object', 'boolean'."),
        (opened(a={**TEXT, "required": True}), "True is not of type 'array'."),
        ({**opened(a=TEXT), "required": None}, "None is not of type 'array'."),
        ({**opened(a=TEXT), "required": [1]}, "1 is not of type 'string'."),
        (opened(a={"type": "any"}), "'any' is not valid under any of the given schemas."),
        (opened(a={"enum": "x"}), "'x' is not of type 'array'."),
    ],
)  # fmt: skip
def test_a_functions_schema_is_refused(parameters: Any, problem: str) -> None:
    error = refused(read_chat(tools=[function({}, name="g"), function(parameters)]))
    assert error.message == f"Invalid schema for function 'f': {problem}"
    assert (error.param, error.code) == (
        "tools[1].function.parameters",
        "invalid_function_parameters",
    )
    legacy = refused(read_chat(functions=[{"name": "f", "parameters": parameters}]))
    assert legacy.message == error.message
    assert legacy.param == "functions[0].parameters"


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {},
        opened(),
        opened(a={"type": "object"}),
        opened(a={"type": "object", "properties": {"b": {}}}),
        opened(a={"allOf": [{"type": "object"}], "default": 1, "minLength": 2}),
        opened(a=True),
        {"type": "object", "patternProperties": {"^a": {}}},
        {"type": "object", "additionalProperties": True},
        {**opened(a={"$ref": "#/elsewhere"}), "required": ["b"]},
    ],
)
def test_a_loose_schema_is_free(parameters: Any) -> None:
    assert read_chat(tools=[function(parameters)]).settled is None


def nested(levels: int) -> dict[str, Any]:
    schema = TEXT
    for _ in range(levels):
        schema = closed(a=schema)
    return schema


OPT_OUT = (
    "Consider reducing the number of enums, or opt out of structured outputs by setting "
    "'strict: false'."
)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (opened(), f"In context=(), {CLOSED}"),
        ({**closed(), "additionalProperties": True}, f"In context=(), {CLOSED}"),
        (closed(a=opened()), f"In context=('properties', 'a'), {CLOSED}"),
        (
            closed(a={"type": "array", "items": opened()}),
            f"In context=('properties', 'a', 'items'), {CLOSED}",
        ),
        (
            closed(a={"type": ["object", "null"], "properties": {}}),
            f"In context=('properties', 'a'), {CLOSED}",
        ),
        ({**closed(a=TEXT, b=TEXT), "required": ["a"]}, f"In context=(), {EVERY} Missing 'b'."),
        (
            {**closed(a=TEXT), "required": ["a", "z"]},
            f"In context=(), {EVERY} Extra required key 'z' supplied.",
        ),
        (closed(a={}), f"In context=(), {EVERY} Extra required key 'a' supplied."),
        (
            closed(a={"type": "object", "additionalProperties": TEXT}),
            f"In context=(), {EVERY} Extra required key 'a' supplied.",
        ),
        (
            closed(a={"description": "any"}),
            "In context=('properties', 'a'), schema must have a 'type' key.",
        ),
        (
            closed(a={"enum": ["x"]}),
            "In context=('properties', 'a'), schema must have a 'type' key.",
        ),
        (
            closed(a={**TEXT, "minLength": 1}),
            "In context=('properties', 'a'), 'minLength' is not permitted.",
        ),
        (
            closed(a={**TEXT, "default": "x"}),
            "In context=('properties', 'a'), 'default' is not permitted.",
        ),
        (
            closed(a={"allOf": [TEXT]}),
            "In context=('properties', 'a'), 'allOf' is not permitted.",
        ),
        (
            closed(a={"type": "array", "items": TEXT, "uniqueItems": True}),
            "In context=('properties', 'a'), 'uniqueItems' is not permitted.",
        ),
        (
            closed(a={"anyOf": [TEXT, {"oneOf": [TEXT]}]}),
            "In context=('properties', 'a', 'anyOf', '1'), 'oneOf' is not permitted.",
        ),
        (
            closed(a={**TEXT, "format": "uri"}),
            "In context=('properties', 'a'), 'uri' is not a valid format.",
        ),
        (
            {**closed(a={"$ref": "#/$defs/b", "title": "A", "description": "d"}),
             "$defs": {"b": TEXT}},
            "context=('properties', 'a'), $ref cannot have keywords {'description', 'title'}.",
        ),
        (
            closed(a={"$ref": "#/$defs/b"}),
            "In context=('properties', 'a'), reference to component '#/$defs/b' which was not "
            "found in the schema.",
        ),
        (
            closed(a=TEXT, b={"$ref": "#/properties/a"}),
            "In context=('properties', 'b'), reference can only point to definitions defined at "
            "the top level of the schema.",
        ),
        (
            closed(a={"type": "array"}),
            "In context=('properties', 'a'), array schema missing items.",
        ),
        (nested(12), "12 levels of nesting exceeds limit of 10."),
        (
            closed(**{f"p{number}": TEXT for number in range(5_001)}),
            "5001 parameters exceeds limit of 5000.",
        ),
        (
            closed(a={**TEXT, "enum": [str(number) for number in range(1_200)]}),
            "Expected at most 1000 enum values in total within a single schema when using "
            f"structured outputs, but received 1200. {OPT_OUT}",
        ),
        (
            closed(a={**TEXT, "enum": [f"{number:0100}" for number in range(251)]}),
            "Expected at most 15000 total characters across enum values when there are more than "
            f"250 enum values, but received 25100. {OPT_OUT}",
        ),
    ],
)  # fmt: skip
def test_a_strict_schema_keeps_to_the_subset(schema: Any, problem: str) -> None:
    error = refused(read_chat(tools=[function(schema, strict=True)]))
    assert error.message == f"Invalid schema for function 'f': {problem}"
    named = {"name": "answer", "schema": schema, "strict": True}
    error = refused(read_chat(response_format={"type": "json_schema", "json_schema": named}))
    assert error.message == f"Invalid schema for response_format 'answer': {problem}"
    assert (error.param, error.code) == ("response_format", None)


TREE = {
    **closed(root={"$ref": "#/$defs/node"}),
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Tree",
    "$defs": {
        "node": closed(
            text={"type": "string", "pattern": "^a", "format": "email", "description": "d"},
            count={"type": ["integer", "null"], "minimum": 0, "maximum": 9, "multipleOf": 3},
            kind={"type": "string", "enum": ["a", "b"], "title": "Kind"},
            fixed={"type": "string", "const": "x"},
            either={"anyOf": [TEXT, {"type": "null"}]},
            nodes={"type": "array", "items": {"$ref": "#/$defs/node"}, "minItems": 1},
            again={"$ref": "#"},
        )
    },
}


@pytest.mark.parametrize("schema", [closed(), TREE, nested(10), {**TREE, "definitions": {}}])
def test_a_strict_schema_of_the_subset_is_taken(schema: Any) -> None:
    named = {"name": "answer", "schema": schema, "strict": True}
    asked = {"type": "json_schema", "json_schema": named}
    assert read_chat(tools=[function(schema, strict=True)], response_format=asked).settled is None


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_strict_function_says_that_it_has_no_parameters(parameters: Any) -> None:
    error = refused(read_chat(tools=[function(parameters, strict=True)]))
    assert error.message == f"Invalid schema for function 'f': In context=(), {CLOSED}"


def test_a_response_format_is_an_object_and_may_be_loose() -> None:
    def asked(schema: Any, **fields: Any) -> dict[str, Any]:
        named = {"name": "answer", "schema": schema, **fields}
        return {"type": "json_schema", "json_schema": named}

    error = refused(read_chat(response_format=asked({"type": "array", "items": TEXT})))
    assert error.message == (
        "Invalid schema for response_format 'answer': schema must be a JSON Schema of 'type: "
        '"object"\', got \'type: "array"\'.'
    )
    for schema in (opened(), {"type": "object"}, opened(a={"default": 1}), {}):
        assert read_chat(response_format=asked(schema, strict=False)).settled is None


def test_the_first_bad_schema_is_reported() -> None:
    bad = {"type": "object"}
    named = {"name": "answer", "schema": opened(), "strict": True}
    error = refused(
        read_chat(
            tools=[function(opened(), name="g"), function(bad), function({"type": "x"}, name="h")],
            response_format={"type": "json_schema", "json_schema": named},
        )
    )
    assert error.param == "tools[1].function.parameters"


@pytest.mark.parametrize("strict", [False, True])
def test_a_huge_schema_takes_time_in_proportion_to_its_size(strict: bool) -> None:
    def seconds(properties: int) -> float:
        schema = closed(**{str(number): TEXT for number in range(properties)})
        began = time.thread_time()
        read_chat(tools=[function(schema, strict=strict)])
        return time.thread_time() - began

    # ten times the size: a walk over all pairs would take a hundred times as long
    assert seconds(100_000) < 50 * max(seconds(10_000), 0.001)


def test_a_deep_schema_never_raises() -> None:
    asked = (
        b'{"model":"gpt-4o","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function",'
        b'"function":{"name":"f","strict":true,"parameters":%s}}]}'
    )
    opening = b'{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":'
    for levels in range(300, 520):
        for inside in (b'{"type":"string"}', b"[1]"):
            schema = opening * levels + inside + b"}}" * levels
            assert refused(read(asked % schema)).status == 400
