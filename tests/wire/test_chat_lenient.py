"""``validation="schema"`` and ``"off"``: what passes, what is refused, what is left out."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest
from msgspec import structs

from chatdouble import ChatdoubleError, Session, Settings
from chatdouble.answers import ApiError
from chatdouble.calls import Call
from chatdouble.settings import Validation
from chatdouble.sources.generated import Generated
from chatdouble.sources.source import Contract
from chatdouble.wire import dialects
from chatdouble.wire.chat.lenient import lenient
from chatdouble.wire.chat.request import ChatRequest, UserMessage
from tests.live.test_contract import published, validator

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
TOOL = {"type": "function", "function": FUNCTION}


def ask(validation: Validation, body: Any) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    call = Call(method="POST", path="/v1/chat/completions", body=raw)
    dialects.read(call, Settings(validation=validation))
    return call


def refusal(validation: Validation, **fields: Any) -> ApiError | None:
    call = ask(validation, {"model": "gpt-4o", "messages": HELLO} | fields)
    assert call.settled is None or isinstance(call.settled, ApiError)
    assert (call.settled is None) == (call.view is not None)
    return call.settled


def read(validation: Validation, body: Any) -> ChatRequest:
    call = ask(validation, body)
    assert call.settled is None, call.settled
    assert call.view is not None
    assert isinstance(call.view.detail, ChatRequest)
    return call.view.detail


# what the API refuses though the published document does not forbid it
BEYOND_THE_DOCUMENT: dict[str, dict[str, Any]] = {
    "a field of another provider": {"guided_json": {}, "repetition_penalty": 1.1},
    "a field of another provider in a message": {
        "messages": [{"role": "user", "content": "x", "reasoning_content": "y"}]
    },
    "a field of another provider in a part": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache": True}]}]
    },
    "a field of another provider in a function": {
        "tools": [{"type": "function", "function": FUNCTION | {"examples": []}}]
    },
    "a parameter that the model does not take": {"model": "gpt-5", "stop": ["a"]},
    "a value that the model does not take": {"model": "gpt-5", "temperature": 0.2},
    "a role that the model does not take": {
        "model": "o1-mini",
        "messages": [{"role": "system", "content": "x"}],
    },
    "a model of another endpoint": {"model": "gpt-3.5-turbo-instruct"},
    "stream options without a stream": {"stream_options": {"include_usage": True}},
    "a tool choice without tools": {"tool_choice": "auto"},
    "a tool choice that is not offered": {
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "g"}},
    },
    "a result without a call": {
        "messages": [*HELLO, {"role": "tool", "tool_call_id": "x", "content": "y"}]
    },
    "JSON mode without the word": {"response_format": {"type": "json_object"}},
    "a schema that is not strict enough": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "s", "strict": True, "schema": {"type": "object"}},
        }
    },
    "a schema that is none": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": 7}}}]
    },
    "no schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}},
    "a limit below 1": {"max_tokens": -1},
    "a long user": {"user": "x" * 100},
    "a long description": {
        "tools": [{"type": "function", "function": FUNCTION | {"description": "x" * 2000}}]
    },
    "many tools": {"tools": [TOOL] * 200},
    "a participant's name with a space": {
        "messages": [{"role": "user", "content": "x", "name": "Ada Lovelace"}]
    },
    "another tier": {"service_tier": "scale"},
}


@pytest.mark.parametrize("fields", BEYOND_THE_DOCUMENT.values(), ids=BEYOND_THE_DOCUMENT)
def test_what_the_api_alone_refuses_passes(fields: dict[str, Any]) -> None:
    assert refusal("api", **fields) is not None
    assert refusal("schema", **fields) is None
    assert refusal("off", **fields) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 3}, "Invalid 'temperature': decimal above maximum value."),
        ({"n": 0}, "Invalid 'n': integer below minimum value."),
        ({"n": 1.5}, "Invalid type for 'n': expected an integer, but got a decimal number"),
        ({"messages": []}, "Invalid 'messages': empty array."),
        ({"messages": "Hello"}, "Invalid type for 'messages'"),
        ({"messages": [{"role": "user"}]}, "Missing required parameter: 'messages[0].content'."),
        ({"messages": [{"content": "x"}]}, "Missing required parameter: 'messages[0].role'."),
        ({"messages": [{"role": "owner", "content": "x"}]}, "Invalid value: 'owner'."),
        ({"stop": list("abcde")}, "Invalid 'stop': array too long."),
        ({"tools": [{"type": "function"}]}, "Missing required parameter: 'tools[0].function'."),
        ({"safety_identifier": "x" * 65}, "Invalid 'safety_identifier': string too long."),
        ({"top_k": 0}, "Invalid 'top_k': integer below minimum value."),
        ({"reasoning_effort": "huge"}, "Invalid value: 'huge'."),
    ],
)
def test_what_the_document_forbids_is_refused_in_the_apis_words(
    fields: dict[str, Any], message: str
) -> None:
    refused = refusal("schema", **fields)
    assert refused is not None
    assert refused.message.startswith(message)
    assert refusal("off", **fields) is None


@pytest.mark.parametrize("validation", ["schema", "off"])
def test_a_body_that_is_no_object_is_refused_all_the_same(validation: Validation) -> None:
    for body in (b"", b"{", b"[]", b"7", b"null", b"\xff", b"[" * 100_000):
        settled = ask(validation, body).settled
        assert isinstance(settled, ApiError), body
        assert settled.status == 400


def test_a_request_needs_a_model_unless_validation_is_off() -> None:
    for body in ({}, {"messages": HELLO}, {"model": 7, "messages": HELLO}):
        settled = ask("schema", body).settled
        assert isinstance(settled, ApiError)
        assert read("off", body).model == ""


def test_what_cannot_be_understood_is_left_out_and_the_rest_is_kept() -> None:
    request = read(
        "off",
        {
            "model": "gpt-4o",
            "messages": [
                7,
                {"role": "nobody", "content": "x"},
                {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "Hello"}]},
                {
                    "role": "assistant",
                    "content": {"a": 1},
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "no name"}},
                        {"id": "c", "type": "function", "function": FUNCTION | {"arguments": "{}"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c", "content": "x", "name": 7},
            ],
            "temperature": 99,
            "n": 2.0,
            "max_tokens": 0,
            "metadata": {"a": "b", "c": 7},
            "stop": "x",
            "seed": "y",
            "tools": [TOOL, {"type": "function", "function": {"name": ""}}, "z"],
            "stream": "yes",
        },
    )
    user, assistant, tool = request.messages
    assert isinstance(user, UserMessage)
    assert [part.text for part in user.content or ()] == ["Hello"]  # type: ignore[union-attr]
    assert assistant.content is None
    assert [call.id for call in assistant.tool_calls or ()] == ["c"]
    assert (tool.content, tool.name) == ("x", None)
    assert (request.temperature, request.n, request.max_tokens) == (None, 2, None)
    assert (request.metadata, request.stop, request.seed) == ({"a": "b"}, "x", None)
    assert [one.function.name for one in request.tools or ()] == ["f"]  # type: ignore[union-attr]
    assert request.stream is None


def test_whole_floats_are_integers() -> None:
    assert read("schema", {"model": "m", "messages": HELLO, "seed": 2.0}).seed == 2


def test_a_lenient_type_is_a_form_of_the_declared_one_with_the_same_fields() -> None:
    kind = lenient(ChatRequest)
    assert issubclass(kind, ChatRequest)
    assert kind.__struct_fields__ == ChatRequest.__struct_fields__
    assert lenient(ChatRequest) is kind
    assert [field.required for field in structs.fields(kind)] == [
        field.required for field in structs.fields(ChatRequest)
    ]


ODD: tuple[Any, ...] = (
    None, True, 0, 1, -1, 2.5, 1e300, 10**30, "", "x", "a b", "x" * 300, [], [1], ["a"], [[]], {},
    {"a": 1}, {"type": "text"}, {"type": 7}, {"role": "user", "content": "x"}, "auto", "none",
    {"type": "object", "properties": []}, {"$ref": "#"}, {"enum": []}, {"minLength": 10**9},
)  # fmt: skip


def test_a_field_is_refused_where_the_document_refuses_it() -> None:
    document = published()
    check = validator(document, "CreateChatCompletionRequest")
    # bounds that the document states in words alone, or that are this endpoint's own; and an object
    # of one known type, which both take without its type
    spoken = {"logit_bias", "metadata", "top_k", "prediction"}
    for field in ChatRequest.__struct_fields__:
        for value in ODD if field not in spoken else ():
            body = {"model": "gpt-4o", "messages": HELLO} | {field: value}
            # the API takes some things that the document forbids, null almost anywhere
            taken = check.is_valid(body) or ask("api", body).settled is None
            assert (ask("schema", body).settled is None) == taken, (field, value)


def made(schema: Any, document: Any, chance: Random, depth: int = 0) -> Any:
    """A value that fits a published schema, or nearly."""
    if "$ref" in schema:
        target = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return made(target, document, chance, depth)
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "allOf" in schema:
        parts = [made(part, document, chance, depth) for part in schema["allOf"]]
        return {
            key: value for part in parts if isinstance(part, dict) for key, value in part.items()
        }
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return made(chance.choice(schema[several]), document, chance, depth)
    match schema.get("type"):
        case "object":
            known, needed = schema.get("properties", {}), schema.get("required", ())
            few = 0.3 if depth else 0.15
            return {
                key: made(value, document, chance, depth + 1)
                for key, value in known.items()
                if key in needed or chance.random() < few
            }
        case "array":
            count = chance.randint(schema.get("minItems", 0), min(schema.get("maxItems", 3), 3))
            return [made(schema["items"], document, chance, depth + 1) for _ in range(count)]
        case "string":
            return "".join(chance.choices("abcXYZ-_09", k=chance.randint(1, 60)))
        case "integer":
            return chance.randint(
                max(schema.get("minimum", 0), -99), min(schema.get("maximum", 99), 99)
            )
        case "number":
            return chance.uniform(schema.get("minimum", 0), schema.get("maximum", 1))
        case "boolean":
            return chance.random() < 0.5
        case _:
            return None


def test_what_fits_the_document_passes() -> None:
    document = published()
    check = validator(document, "CreateChatCompletionRequest")
    chance = Random(1)
    whole = document["components"]["schemas"]["CreateChatCompletionRequest"]
    passed = 0
    for _ in range(400):
        body = made(whole, document, chance)
        if check.is_valid(body):
            passed += 1
            assert ask("schema", body).settled is None, (body, ask("schema", body).settled)
    assert passed > 200


def broken(value: Any, chance: Random) -> Any:
    """The value with one odd thing somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        return value | {key: broken(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        return [*value[:at], broken(value[at], chance), *value[at + 1 :]]
    return chance.choice(ODD)


def test_with_validation_off_whatever_comes_is_answered() -> None:
    document = published()
    chance = Random(2)
    whole = document["components"]["schemas"]["CreateChatCompletionRequest"]
    session = Session(
        "test", Settings(validation="off", journal_limit=1), (Contract(), Generated())
    )
    for _ in range(300):
        body = made(whole, document, chance)
        for _ in range(chance.randint(0, 4)):
            body = broken(body, chance)
        if isinstance(body, dict):
            call = Call(method="POST", path="/v1/chat/completions", body=json.dumps(body).encode())
            assert asyncio.run(session.respond(call)).response.status == 200, body


def test_an_unknown_validation_is_refused() -> None:
    with pytest.raises(
        ChatdoubleError, match="validation is one of api, schema, off, got 'strict'"
    ):
        Settings(validation="strict")  # type: ignore[arg-type]
