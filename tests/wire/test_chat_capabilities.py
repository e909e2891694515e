"""What models refuse, and schemas that the API does not take."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.wire.test_chat_read import USER, read_chat, refused


@pytest.mark.parametrize(
    ("model", "field", "value", "message"),
    [
        ("gpt-5", "stop", ["x"], "Unsupported parameter: 'stop' is not supported with this model."),
        (
            "o3-mini",
            "max_tokens",
            5,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
        ),
        (
            "gpt-5-mini",
            "temperature",
            0.5,
            "Unsupported value: 'temperature' does not support 0.5 with this model. "
            "Only the default (1) value is supported.",
        ),
        (
            "o3-mini",
            "temperature",
            0,
            "Unsupported parameter: 'temperature' is not supported with this model.",
        ),
        (
            "gpt-5",
            "logprobs",
            True,
            "Unsupported parameter: 'logprobs' is not supported with this model.",
        ),
        ("gpt-5.6-terra", "audio", {"voice": "a"}, "Unknown parameter: 'audio'."),
        ("gpt-4o", "reasoning_effort", "low", "Unknown parameter: 'reasoning_effort'."),
        ("gpt-4o", "web_search_options", {}, "Web search options not supported with this model."),
    ],
)  # fmt: skip
def test_a_model_refuses_what_its_family_does_not_take(
    model: str, field: str, value: Any, message: str
) -> None:
    error = refused(read_chat(model=model, **{field: value}))
    assert (error.message, error.param) == (message, field)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("gpt-5", {"temperature": 1, "max_completion_tokens": 5, "reasoning_effort": "low"}),
        ("gpt-5.1", {"temperature": 0.2, "logprobs": True, "reasoning_effort": "none"}),
        ("gpt-5", {"presence_penalty": 0, "logprobs": False}),
        ("gpt-4o", {"temperature": 0.2, "max_tokens": 5, "stop": "x", "logprobs": True}),
        ("gpt-5.1", {"temperature": 0.2, "logprobs": True}),
        ("gpt-5-chat-latest", {"temperature": 0.2, "max_tokens": 20}),
        ("llama-3", {"reasoning_effort": "low", "stop": "x", "top_k": 40}),
        ("gpt-4o-search-preview", {"web_search_options": {}}),
    ],
)
def test_a_model_takes_what_its_family_takes(model: str, fields: dict[str, Any]) -> None:
    assert read_chat(model=model, **fields).settled is None


def test_roles_that_a_model_does_not_know() -> None:
    error = refused(read_chat({"role": "system", "content": "x"}, USER, model="o1-mini"))
    assert error.message == (
        "Unsupported value: 'messages[0].role' does not support 'system' with this model."
    )
    legacy = {"role": "function", "name": "f", "content": "x"}
    assert refused(read_chat(USER, legacy, model="o3")).param == "messages[1].role"
    assert read_chat(USER, legacy, model="gpt-4").settled is None


def function(parameters: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, **fields}}


@pytest.mark.parametrize(
    ("parameters", "strict", "problem"),
    [
        (
            {"type": "object", "properties": {"a": {"type": "array"}}},
            False,
            "In context=('properties', 'a'), array schema missing items.",
        ),
        ({"type": "object"}, False, "In context=(), object schema missing properties."),
        (
            {"type": "object", "properties": {}},
            True,
            "In context=(), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
            True,
            "In context=(), 'required' is required to be supplied and to be an array including "
            "every key in properties. Missing 'a'.",
        ),
    ],
)
def test_a_functions_schema_is_refused(parameters: Any, strict: bool, problem: str) -> None:
    error = refused(read_chat(tools=[function({}), function(parameters, strict=strict)]))
    assert error.message == f"Invalid schema for function 'f': {problem}"
    assert (error.param, error.code) == (
        "tools[1].function.parameters",
        "invalid_function_parameters",
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": {}}},
        {"type": "object", "patternProperties": {"^a": {}}},
        {"type": "object", "additionalProperties": True},
    ],
)
def test_free_form_objects_are_taken(parameters: Any) -> None:
    assert read_chat(tools=[function(parameters)]).settled is None


def test_a_strict_response_format_is_refused_and_a_loose_one_is_not() -> None:
    def asked(strict: bool) -> dict[str, Any]:
        schema = {"type": "object", "properties": {}}
        return {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": schema, "strict": strict},
        }

    error = refused(read_chat(response_format=asked(True)))
    assert error.message.startswith("Invalid schema for response_format 'x': In context=(), ")
    assert (error.param, error.code) == ("response_format", None)
    assert read_chat(response_format=asked(False)).settled is None


def test_json_mode_wants_the_word_json() -> None:
    wanted = {"type": "json_object"}
    assert refused(read_chat(response_format=wanted)).message.startswith("'messages' must contain")
    parts = {"role": "user", "content": [{"type": "text", "text": "as JSON"}]}
    assert read_chat(parts, response_format=wanted).settled is None


def test_a_huge_schema_is_walked_within_a_bound() -> None:
    properties = {str(number): {"type": "string"} for number in range(100_000)}
    began = time.perf_counter()
    read_chat(tools=[function({"type": "object", "properties": properties})])
    assert time.perf_counter() - began < 5
