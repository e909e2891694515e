from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import jsonschema
import pytest
from faker import Faker

from chatdouble import Reply
from chatdouble.calls import Call
from chatdouble.errors import ChatdoubleError
from chatdouble.sources.composing import _LATIN
from chatdouble.sources.fitting import Fitter
from chatdouble.sources.generated import Generated, new_faker
from chatdouble.wire import dialects

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
            "required": ["city", "unit"],
        },
    },
}
TIME = {"type": "function", "function": {"name": "get_time"}}


def a_faker() -> Faker:
    fake = new_faker()
    fake.seed_instance(1)
    return fake


def ask(
    seed: int = 0, text: str = "Hello", style: Any = "prose", most_rounds: int = 10, **fields: Any
) -> Reply:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}
    call = Call(method="POST", path="/v1/chat/completions", body=json.dumps(body).encode())
    dialects.read(call)
    assert call.settled is None, call.settled
    generated = Generated(seed, style=style, most_rounds=most_rounds)
    choice = asyncio.run(generated.answer(call))
    assert choice is not None
    assert isinstance(choice.answer, Reply)
    return choice.answer


def test_the_same_request_gets_the_same_words_streamed_or_not() -> None:
    assert ask() == ask() == ask(stream=True, stream_options={"include_usage": True})
    assert ask().content


def test_another_request_or_seed_gets_other_words() -> None:
    said = {ask().content, ask(1).content, ask(text="Bye").content, ask(temperature=0).content}
    assert len(said) == 4


@pytest.mark.parametrize("fields", [{"n": 3}, {"max_tokens": 9}, {"stop": "e"}, {"user": "me"}])
def test_what_only_cuts_or_sends_an_answer_does_not_change_it(fields: dict[str, Any]) -> None:
    assert ask(**fields).content == ask().content


def test_the_choices_of_a_request_differ() -> None:
    reply = ask(n=3)
    assert len({reply.content, *(other.content for other in reply.others)}) == 3


def test_texts_have_several_sentences_and_differ_in_length() -> None:
    counts = {(ask(text=str(number)).content or "").count(".") for number in range(40)}
    assert min(counts) >= 2
    assert len(counts) > 3


def test_a_text_may_echo_the_user_or_be_latin() -> None:
    assert ask(style="echo", text="Say this").content == "Say this"
    latin = ask(style="lorem").content or ""
    assert set(latin.lower().replace(".", "").split()) <= set(_LATIN)
    with pytest.raises(ChatdoubleError, match="prose, echo, lorem"):
        Generated(style="loud")  # type: ignore[arg-type]


def test_a_locale_that_faker_does_not_have_is_refused_at_once() -> None:
    Generated(locale="de_DE")
    with pytest.raises(ChatdoubleError, match=r"there is no locale 'xx_XX'; faker has .*de_DE"):
        Generated(locale="xx_XX")


def test_a_named_tool_is_called_with_arguments_that_fit_its_schema() -> None:
    chosen = {"type": "function", "function": {"name": "get_weather"}}
    (made,) = ask(tools=[TIME, WEATHER], tool_choice=chosen).tool_calls
    assert made.name == "get_weather"
    jsonschema.validate(json.loads(made.arguments), WEATHER["function"]["parameters"])  # type: ignore[index]


def test_required_calls_a_tool_and_a_tool_without_parameters_gets_none() -> None:
    (made,) = ask(tools=[TIME, WEATHER], tool_choice="required").tool_calls
    assert (made.name, json.loads(made.arguments)) == ("get_time", {})


def test_no_tool_is_called_when_none_may_be() -> None:
    assert not ask(tools=[TIME], tool_choice="none").tool_calls


def test_a_response_format_is_honoured() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "ages": {"type": "array", "items": {"type": "integer", "minimum": 3, "maximum": 5}},
        },
        "required": ["name", "ages"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    jsonschema.validate(json.loads(ask(response_format=wanted).content or ""), schema)
    reply = ask(text="json please", response_format={"type": "json_object"})
    assert isinstance(json.loads(reply.content or ""), dict)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 30},
        {"type": "string", "maxLength": 3},
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 1000},
        {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
        {"type": "number", "maximum": -3.5},
        {"type": ["string", "null"]},
        {"type": "boolean"},
        {"type": "null"},
        {"const": {"a": 1}},
        {"enum": [1, "x", None]},
        {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3},
        {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}},
                {"required": ["a"]},
            ]
        },
        {"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}},
        {
            "type": "object",
            "properties": {
                "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
                "v": {"type": "string"},
            },
            "required": ["next", "v"],
        },
    ],
)
def test_a_value_fits_its_schema(schema: Any) -> None:
    jsonschema.validate(Fitter(schema, a_faker()).value(), schema)


@pytest.mark.parametrize(
    "schema",
    [None, 7, [], {}, {"type": "nonsense"}, {"properties": []}, {"$ref": "#"}, {"$ref": "file:///etc"},
     {"anyOf": [{"$ref": "#"}]}, {"type": "array", "items": {"$ref": "#"}}, {"enum": []},
     {"type": "integer", "minimum": "x"}, {"required": [1]}, {"allOf": [7]}],
)  # fmt: skip
def test_nonsense_ends_with_some_json(schema: Any) -> None:
    json.dumps(Fitter(schema, a_faker()).value())


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {k: {"$ref": "#"} for k in "abc"},
            "required": list("abc"),
        },
        {"type": "array", "minItems": 1000, "items": {"type": "array", "minItems": 1000}},
        {"properties": {str(n): {"type": "string"} for n in range(20_000)}},
        {"anyOf": [{"type": "array", "minItems": 9, "items": {"$ref": "#"}}]},
    ],
)
def test_a_schema_without_end_ends(schema: Any) -> None:
    began = time.thread_time()
    text = json.dumps(Fitter(schema, a_faker()).value())
    assert time.thread_time() - began < 5
    assert len(text) < 1_000_000


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": [1], "allOf": [{"properties": {"a": {}}}]},
        {"required": 5, "allOf": [{"required": ["a"]}]},
        {"$ref": "#/x/\u00b2", "x": [1]},
        {"type": "string", "maxLength": -1, "minLength": 1e300},
        {"type": "integer", "minimum": 1e308, "maximum": -1e308},
    ],
)
def test_a_malformed_schema_gives_some_json(schema: Any) -> None:
    json.dumps(Fitter(schema, a_faker()).value())


def test_dates_do_not_follow_the_clock() -> None:
    schema = {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name} for name in ("date", "time", "date-time")
        },
    }
    # written down once: the same on every machine, for ever
    assert Fitter(schema, a_faker()).value() == {
        "date": "2004-07-27",
        "time": "19:40:02Z",
        "date-time": "2025-12-26T20:39:13Z",
    }


def test_parameters_nested_to_the_limit_of_the_reader_are_no_fault_of_ours() -> None:
    for depth in range(950, 1000, 7):
        body = (
            b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "metadata": {}, '
            b'"tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": '
            + b'{"a":' * depth
            + b"1"
            + b"}" * depth
            + b"}}}]}"
        )
        call = Call(method="POST", path="/v1/chat/completions", body=body)
        dialects.read(call)
        if call.settled is None:
            assert asyncio.run(Generated().answer(call)) is not None


def test_allowed_tools_are_the_only_ones_called() -> None:
    allowed = {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "get_weather"}}],
    }
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    (made,) = ask(tools=[TIME, WEATHER], tool_choice=choice).tool_calls
    assert made.name == "get_weather"


def test_a_custom_tool_gets_a_text_and_a_legacy_function_its_arguments() -> None:
    custom: dict[str, Any] = {"type": "custom", "custom": {"name": "note"}}
    (made,) = ask(
        tools=[custom], tool_choice={"type": "custom", "custom": {"name": "note"}}
    ).tool_calls
    assert made.name == "note"
    assert " " in made.arguments
    grammar = {"syntax": "regex", "definition": r"^[A-Z]{3}-\d{4}$"}
    custom["custom"] = {"name": "note", "format": {"type": "grammar", "grammar": grammar}}
    (made,) = ask(tools=[custom]).tool_calls
    assert re.fullmatch(r"[A-Z]{3}-\d{4}", made.arguments)
    functions = [WEATHER["function"]]
    (made,) = ask(functions=functions, function_call={"name": "get_weather"}).tool_calls
    assert "city" in json.loads(made.arguments)


def test_long_texts_and_many_options_are_bounded() -> None:
    began = time.thread_time()
    long = {"type": "array", "minItems": 100, "items": {"type": "string", "minLength": 100_000}}
    assert len(json.dumps(Fitter(long, a_faker()).value())) < 200_000
    options = [{"type": "string"}] * 20_000
    many = {"type": "array", "minItems": 2000, "items": {"anyOf": options}}
    json.dumps(Fitter(many, a_faker()).value())
    assert time.thread_time() - began < 5


def test_required_goes_on_to_a_tool_that_was_not_called_yet() -> None:
    made = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    body = {
        "model": "gpt-4o",
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": None, "tool_calls": [made]},
            {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
        ],
        "tools": [TIME, WEATHER],
        "tool_choice": "required",
    }
    call = Call(method="POST", path="/v1/chat/completions", body=json.dumps(body).encode())
    dialects.read(call)
    choice = asyncio.run(Generated().answer(call))
    assert choice is not None
    assert isinstance(choice.answer, Reply)
    assert [made.name for made in choice.answer.tool_calls] == ["get_weather"]


@pytest.mark.parametrize("name", ["to", "recipient", "cc", "email"])
def test_an_address_of_the_prompt_goes_where_mail_goes(name: str) -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "send_mail",
            "parameters": {
                "type": "object",
                "properties": {name: {"type": "string"}, "body": {"type": "string"}},
                "required": [name, "body"],
            },
        },
    }
    (made,) = ask(text="Write to bob@example.org and say hi", tools=[tool]).tool_calls
    assert json.loads(made.arguments)[name] == "bob@example.org"


def test_a_schema_that_grows_without_end_holds_nobody_up() -> None:
    defs: dict[str, Any] = {
        f"d{at}": {
            "type": "object",
            "properties": {key: {"$ref": f"#/$defs/d{at + 1}"} for key in "ab"},
            "required": ["a", "b"],
        }
        for at in range(30)
    }
    defs["d30"] = {"type": "string"}
    schema = {"type": "object", "properties": {"r": {"$ref": "#/$defs/d0"}}, "$defs": defs}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "x"}],
        "n": 8,
        "response_format": wanted,
    }
    call = Call(method="POST", path="/v1/chat/completions", body=json.dumps(body).encode())
    dialects.read(call)
    ticks = 0

    async def answer_beside_others() -> None:
        nonlocal ticks
        answering = asyncio.create_task(Generated().answer(call))
        while not answering.done():
            await asyncio.sleep(0.001)
            ticks += 1
        assert answering.result() is not None

    asyncio.run(answer_beside_others())
    assert ticks > 5
