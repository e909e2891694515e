"""Every field of the request has its type and its bounds, and a sentence for what breaks them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.test_chat_read import FUNCTION, USER, read_chat, refused


def said(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def told(role: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [USER, {"role": role, **fields}]}


def custom(**fields: Any) -> dict[str, Any]:
    return {"tools": [{"type": "custom", "custom": {"name": "c", **fields}}]}


def chosen(**choice: Any) -> dict[str, Any]:
    return {"tools": [FUNCTION], "tool_choice": choice}


def fitting(**schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
GRAMMAR = {"definition": "start: WORD", "syntax": "lark"}
SOUND = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
PART = "messages[0].content[0]"
CALLED = "messages[1].tool_calls[0]"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (said({"type": "text"}), f"{PART}.text"),
        (said({"text": "Hi"}), f"{PART}.type"),
        (said({"type": "input_audio"}), f"{PART}.input_audio"),
        (said({"type": "input_audio", "input_audio": {"data": ""}}), f"{PART}.input_audio.format"),
        (said({"type": "image_url", "image_url": {}}), f"{PART}.image_url.url"),
        (said({"type": "file"}), f"{PART}.file"),
        (told("tool", content="x"), "messages[1].tool_call_id"),
        (told("function", content="x"), "messages[1].name"),
        (told("developer"), "messages[1].content"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        (told("assistant", tool_calls=[{**CALL, "function": {}}]), f"{CALLED}.function.name"),
        (told("assistant", tool_calls=[{"id": "a", "type": "custom"}]), f"{CALLED}.custom"),
        (told("assistant", function_call={"name": "f"}), "messages[1].function_call.arguments"),
        (told("assistant", audio={}), "messages[1].audio.id"),
        ({"functions": [{"description": "d"}]}, "functions[0].name"),
        ({"functions": [{"name": "f"}], "function_call": {}}, "function_call.name"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
        (custom(format={}), "tools[0].custom.format.type"),
        (custom(format={"type": "grammar"}), "tools[0].custom.format.grammar"),
        (
            custom(format={"type": "grammar", "grammar": {"syntax": "lark"}}),
            "tools[0].custom.format.grammar.definition",
        ),
        (chosen(type="function", function={}), "tool_choice.function.name"),
        (chosen(type="bogus"), "tool_choice.function"),
        (chosen(type="custom"), "tool_choice.custom"),
        (chosen(type="allowed_tools"), "tool_choice.allowed_tools"),
        (
            chosen(type="allowed_tools", allowed_tools={"mode": "auto"}),
            "tool_choice.allowed_tools.tools",
        ),
        ({"moderation": {}}, "moderation.model"),
        (
            {"moderation": {"model": "m", "policy": {"output": {}}}},
            "moderation.policy.output.mode",
        ),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (fitting(), "response_format.json_schema.name"),
        (fitting(name="x"), "response_format.json_schema.schema"),
        ({"prediction": {"type": "content"}}, "prediction.content"),
        ({"audio": {"format": "wav"}}, "audio.voice"),
        ({"audio": {"voice": {}}}, "audio.voice.id"),
        (
            {"model": "gpt-4o-search-preview", "web_search_options": {"user_location": {}}},
            "web_search_options.user_location.type",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(fields: dict[str, Any], path: str) -> None:
    error = refused(read_chat(**fields))
    assert error.message == f"Missing required parameter: '{path}'."
    assert (error.param, error.code) == (path, "missing_required_parameter")


@pytest.mark.parametrize(
    ("fields", "path", "value", "known"),
    [
        (
            said({"type": "video"}), f"{PART}.type", "video",
            "'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'",
        ),
        (
            said({"type": "image_url", "image_url": {"url": "x", "detail": "max"}}),
            f"{PART}.image_url.detail", "max", "'auto', 'low', 'high', and 'original'",
        ),
        (
            said({"type": "input_audio", "input_audio": {"data": "", "format": "ogg"}}),
            f"{PART}.input_audio.format", "ogg", "'wav' and 'mp3'",
        ),
        (
            said({"type": "text", "text": "", "prompt_cache_breakpoint": {"mode": "auto"}}),
            f"{PART}.prompt_cache_breakpoint.mode", "auto", "'explicit'",
        ),
        (
            told("developer", content=[{"type": "file", "file": {}}]),
            "messages[1].content[0].type", "file", "'text'",
        ),
        (
            told("assistant", tool_calls=[{**CALL, "type": "mcp"}]),
            f"{CALLED}.type", "mcp", "'function' and 'custom'",
        ),
        (
            {"functions": [{"name": "f"}], "function_call": "required"},
            "function_call", "required", "'none' and 'auto'",
        ),
        (
            {"tools": [FUNCTION], "tool_choice": "any"},
            "tool_choice", "any", "'none', 'auto', and 'required'",
        ),
        (
            chosen(type="allowed_tools", allowed_tools={"mode": "none", "tools": []}),
            "tool_choice.allowed_tools.mode", "none", "'auto' and 'required'",
        ),
        (
            custom(format={"type": "json"}),
            "tools[0].custom.format.type", "json", "'text' and 'grammar'",
        ),
        (
            custom(format={"type": "grammar", "grammar": {**GRAMMAR, "syntax": "ebnf"}}),
            "tools[0].custom.format.grammar.syntax", "ebnf", "'lark' and 'regex'",
        ),
        (
            {"response_format": {"type": "xml"}},
            "response_format.type", "xml", "'json_object', 'json_schema', and 'text'",
        ),
        (
            {"service_tier": "gold"},
            "service_tier", "gold", "'auto', 'default', 'fast', 'flex', and 'priority'",
        ),
        ({"prompt_cache_options": {"ttl": "1h"}}, "prompt_cache_options.ttl", "1h", "'30m'"),
        (
            {"prompt_cache_options": {"mode": "none"}},
            "prompt_cache_options.mode", "none", "'implicit' and 'explicit'",
        ),
        (
            {"moderation": {"model": "m", "policy": {"input": {"mode": "off"}}}},
            "moderation.policy.input.mode", "off", "'score' and 'block'",
        ),
        ({"prediction": {"type": "text"}}, "prediction.type", "text", "'content'"),
        ({"verbosity": "max"}, "verbosity", "max", "'low', 'medium', and 'high'"),
        ({"modalities": ["text", "image"]}, "modalities[1]", "image", "'text' and 'audio'"),
        (
            {"audio": {"voice": "alloy", "format": "ogg"}},
            "audio.format", "ogg", "'wav', 'aac', 'mp3', 'flac', 'opus', and 'pcm16'",
        ),
        (
            {"model": "gpt-4o-search-preview", "web_search_options": {"search_context_size": "xl"}},
            "web_search_options.search_context_size", "xl", "'low', 'medium', and 'high'",
        ),
    ],
)  # fmt: skip
def test_a_word_that_is_not_known_is_answered_with_those_that_are(
    fields: dict[str, Any], path: str, value: str, known: str
) -> None:
    error = refused(read_chat(**fields))
    assert error.message == f"Invalid value: '{value}'. Supported values are: {known}."
    assert (error.param, error.code) == (path, "invalid_value")


@pytest.mark.parametrize(
    ("fields", "path", "expected", "got"),
    [
        (said(7), PART, "an object", "an integer"),
        (said({"type": "text", "text": None}), f"{PART}.text", "a string", "null"),
        (
            said({"type": "image_url", "image_url": "http://x"}),
            f"{PART}.image_url", "an object", "a string",
        ),
        (
            said({"type": "file", "file": {"file_data": 7}}),
            f"{PART}.file.file_data", "a string", "an integer",
        ),
        (
            told("developer", content=None),
            "messages[1].content", "one of a string or array of objects", "null",
        ),
        ({"messages": [{"role": ["user"]}]}, "messages[0].role", "a string", "an array"),
        ({"functions": "f"}, "functions", "an array of function definitions", "a string"),
        ({"metadata": []}, "metadata", "a metadata object", "an array"),
        ({"metadata": {"a": 1}}, "metadata.a", "a string", "an integer"),
        ({"logit_bias": []}, "logit_bias", "an object", "an array"),
        ({"logit_bias": {"1": "x"}}, "logit_bias.1", "a decimal", "a string"),
        (fitting(name="x", schema=[]), "response_format.json_schema.schema", "an object",
         "an array"),
        ({"tools": [{**FUNCTION, "function": {"name": "f", "strict": "no"}}]},
         "tools[0].function.strict", "a boolean", "a string"),
        (custom(description=7), "tools[0].custom.description", "a string", "an integer"),
        ({"prediction": "x"}, "prediction", "an object", "a string"),
        ({"prediction": {"type": "content", "content": {}}}, "prediction.content",
         "one of a string or array of objects", "an object"),
        ({"audio": {"voice": 7, "format": "wav"}}, "audio.voice", "one of a string or object",
         "an integer"),
        ({"moderation": {"model": True}}, "moderation.model", "a string", "a boolean"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage",
         "a boolean", "an integer"),
        ({"stop": ["a", 0.5]}, "stop[1]", "a string", "a decimal number"),
        ({"seed": 1.5}, "seed", "an integer", "a decimal number"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_named(
    fields: dict[str, Any], path: str, expected: str, got: str
) -> None:
    error = refused(read_chat(**fields))
    assert error.message == (
        f"Invalid type for '{path}': expected {expected}, but got {got} instead."
    )
    assert (error.param, error.code) == (path, "invalid_type")


@pytest.mark.parametrize(
    ("fields", "path", "noun", "most"),
    [
        ({"user": "x" * 70}, "user", "string", 64),
        ({"safety_identifier": "x" * 65}, "safety_identifier", "string", 64),
        ({"prompt_cache_key": "x" * 65}, "prompt_cache_key", "string", 64),
        ({"metadata": {"k": "x" * 600}}, "metadata.k", "string", 512),
        ({"functions": [{"name": "f", "description": "x" * 1025}]},
         "functions[0].description", "string", 1024),
        (custom(name="x" * 129), "tools[0].custom.name", "string", 128),
        (fitting(name="x" * 65, schema={}), "response_format.json_schema.name", "string", 64),
        ({"messages": [{**USER, "name": "x" * 65}]}, "messages[0].name", "string", 64),
        (told("tool", content="", tool_call_id="x" * 41), "messages[1].tool_call_id", "string", 40),
        ({"tools": [FUNCTION] * 129}, "tools", "array", 128),
        ({"functions": [{"name": "f"}] * 130}, "functions", "array", 128),
        ({"stop": list("abcde")}, "stop", "array", 4),
    ],
)  # fmt: skip
def test_what_is_too_long_is_measured(
    fields: dict[str, Any], path: str, noun: str, most: int
) -> None:
    error = refused(read_chat(**fields))
    article = "an" if noun == "array" else "a"
    assert error.message.startswith(
        f"Invalid '{path}': {noun} too long. Expected {article} {noun} with maximum length {most}, "
        f"but got {article} {noun} with length "
    )
    assert (error.param, error.code) == (path, f"{noun}_above_max_length")


def test_metadata_are_few_and_their_names_are_short() -> None:
    error = refused(read_chat(metadata={str(key): "x" for key in range(20)}))
    assert error.message == (
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with 20 properties instead."
    )
    assert (error.param, error.code) == ("metadata", "object_above_max_properties")
    error = refused(read_chat(metadata={"abc" + "-" * 64 + "xyz": "x"}))
    assert error.message == (
        "Invalid property name in 'metadata': 'abc...xyz' is too long. Expected a string with "
        "maximum length 64, but got a string with length 70 instead."
    )
    assert error.code == "property_name_above_max_length"
    assert read_chat(metadata={"k" * 64: "x" * 512} | dict.fromkeys("abc", "")).settled is None


@pytest.mark.parametrize(
    ("fields", "message", "code"),
    [
        ({"logit_bias": {"11": 150}},
         "Invalid 'logit_bias.11': decimal above maximum value. Expected a value <= 100, but got "
         "150 instead.", "decimal_above_max_value"),
        ({"n": 200},
         "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 200 instead.",
         "integer_above_max_value"),
        ({"top_p": -0.5},
         "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -0.5 "
         "instead.", "decimal_below_min_value"),
        ({"top_logprobs": 25, "logprobs": True},
         "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 20, but got 25 "
         "instead.", "integer_above_max_value"),
        ({"max_completion_tokens": 0},
         "Invalid 'max_completion_tokens': integer below minimum value. Expected a value >= 1, but "
         "got 0 instead.", "integer_below_min_value"),
    ],
)  # fmt: skip
def test_a_number_out_of_bounds_is_told_the_bound(
    fields: dict[str, Any], message: str, code: str
) -> None:
    error = refused(read_chat(**fields))
    assert (error.message, error.code) == (message, code)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (said({"type": "text", "text": "", "cache_control": {}}), f"{PART}.cache_control"),
        (told("user", content="x", weight=1), "messages[1].weight"),
        (told("developer", content="x", tool_calls=[CALL]), "messages[1].tool_calls"),
        (said({"type": "file", "file": {"id": "x"}}), f"{PART}.file.id"),
        ({"functions": [{"name": "f", "type": "function"}]}, "functions[0].type"),
        (custom(format={"type": "text", "grammar": GRAMMAR}), "tools[0].custom.format.grammar"),
        ({"response_format": {"type": "text", "schema": {}}}, "response_format.schema"),
        ({"prompt_cache_options": {"retention": "24h"}}, "prompt_cache_options.retention"),
        ({"audio": {"voice": "alloy", "format": "wav", "speed": 2}}, "audio.speed"),
    ],
)
def test_a_key_that_is_not_known_inside_a_field_is_named(fields: dict[str, Any], path: str) -> None:
    error = refused(read_chat(**fields))
    assert error.message.startswith(f"Unknown parameter: '{path}'.")
    assert (error.param, error.code) == (path, "unknown_parameter")


@pytest.mark.parametrize(
    "fields",
    [
        said({"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}),
        said({"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "original"}}),
        {"model": "gpt-audio", **said(SOUND)},
        said({"type": "file", "file": {"file_id": "file-1"}}),
        told("assistant", content="a", annotations=[{"type": "url_citation"}], refusal=None),
        told("assistant", content=[{"type": "refusal", "refusal": "No."}]),
        told("assistant", audio={"id": "audio_1"}),
        told("system", content=[{"type": "text", "text": "a"}], name="boss"),
        told("user", content="a", tool_calls=[CALL]),
        {"tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}]},
        custom(format={"type": "grammar", "grammar": {"definition": "a+", "syntax": "regex"}}),
        chosen(
            type="allowed_tools",
            allowed_tools={"mode": "required", "tools": [{**FUNCTION, "function": {"name": "f"}}]},
        ),
        {"moderation": {"model": "m", "policy": {"input": {"mode": "block"}, "output": None}}},
        {"prompt_cache_options": {"ttl": "30m", "mode": "explicit"}, "prompt_cache_key": "k"},
        {"prompt_cache_retention": "24h"},
        {"prediction": {"type": "content", "content": [{"type": "text", "text": "a"}]}},
        {"logit_bias": {"0": -100, "199999": 100}},
        {
            "model": "gpt-4o-audio-preview",
            "modalities": ["text", "audio"],
            "audio": {"voice": {"id": "voice_1"}, "format": "mp3"},
        },
        {
            "model": "gpt-4o-search-preview",
            "web_search_options": {
                "search_context_size": "low",
                "user_location": {"type": "approximate", "approximate": {"city": "Rome"}},
            },
        },
    ],
)  # fmt: skip
def test_what_is_published_is_taken(fields: dict[str, Any]) -> None:
    assert read_chat(**fields).settled is None


def test_null_stands_for_a_field_that_is_not_there() -> None:
    from chatdouble.wire.chat.request import ChatRequest

    optional = set(ChatRequest.__struct_fields__) - {"model", "messages"}
    for model in ("gpt-4o", "gpt-5.6-terra", "o1-mini", "any"):
        assert read_chat(model=model, **dict.fromkeys(optional)).settled is None
