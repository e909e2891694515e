"""Reading requests: what is refused and in which words, and what a rule gets to see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatdouble.answers import ApiError, Reply, ToolCall
from chatdouble.calls import Call, Tool, ToolResult
from chatdouble.settings import Settings
from chatdouble.wire import dialects
from chatdouble.wire.chat import ChatCompletions
from chatdouble.wire.response import Stamp

USER = {"role": "user", "content": "ping"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {}}}


def read(body: Any, method: str = "POST", path: str = "/v1/chat/completions") -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    call = Call(method=method, path=path, body=raw)
    dialects.read(call)
    return call


def read_chat(*messages: dict[str, Any], **fields: Any) -> Call:
    return read({"model": "gpt-4o", "messages": list(messages or (USER,)), **fields})


def refused(call: Call) -> ApiError:
    assert isinstance(call.settled, ApiError), call
    assert call.view is None
    return call.settled


# fields, or a whole body, and: message, param, code. All but the ones marked are recorded.
REFUSALS: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    (
        {"n": "2"},
        "Invalid type for 'n': expected an integer, but got a string instead.",
        "n",
        "invalid_type",
    ),
    (
        {"temperature": "hot"},
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        "temperature",
        "invalid_type",
    ),
    (
        {"seed": 1.5},
        "Invalid type for 'seed': expected an integer, but got a decimal number instead.",
        "seed",
        "invalid_type",
    ),
    (
        {"store": "yes"},
        "Invalid type for 'store': expected a boolean, but got a string instead.",
        "store",
        "invalid_type",
    ),
    (
        {"user": {}},
        "Invalid type for 'user': expected a string, but got an object instead.",
        "user",
        "invalid_type",
    ),
    (
        {"messages": [{"role": "user", "content": 7}]},
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, "
        "but got an integer instead.",
        "messages[0].content",
        "invalid_type",
    ),
    (
        {"messages": [USER, {"role": "assistant", "content": "a", "tool_calls": "x"}]},
        "Invalid type for 'messages[1].tool_calls': expected an array of objects, but got a string "
        "instead.",
        "messages[1].tool_calls",
        "invalid_type",
    ),
    (
        {"n": 0},
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "n",
        "integer_below_min_value",
    ),
    (
        {"temperature": 3},
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 "
        "instead.",
        "temperature",
        "decimal_above_max_value",
    ),
    (
        {"presence_penalty": -3},
        "Invalid 'presence_penalty': decimal below minimum value. Expected a value >= -2, but got "
        "-3 instead.",
        "presence_penalty",
        "decimal_below_min_value",
    ),
    (
        {"messages": []},
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
        "empty array instead.",
        "messages",
        "empty_array",
    ),
    (
        {"stop": list("123456789")},
        "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array "
        "with length 9 instead.",
        "stop",
        "array_above_max_length",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a" * 256}}]},
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length "
        "128, but got a string with length 256 instead.",
        "tools[0].function.name",
        "string_above_max_length",
    ),
    (
        {"messages": [{**USER, "name": "John Doe"}]},
        "Invalid 'messages[0].name': string does not match pattern. Expected a string that matches "
        "the pattern '^[a-zA-Z0-9_-]+$'.",
        "messages[0].name",
        "invalid_value",
    ),
    (
        {"tools": [{"type": "web_search_preview"}]},
        "Invalid value: 'web_search_preview'. Supported values are: 'function' and 'custom'.",
        "tools[0].type",
        "invalid_value",
    ),
    (
        {"messages": [{"content": "ping"}]},
        "Missing required parameter: 'messages[0].role'.",
        "messages[0].role",
        "missing_required_parameter",
    ),
    (
        {"response_format": {"type": "json_schema"}},
        "Missing required parameter: 'response_format.json_schema'.",
        "response_format.json_schema",
        "missing_required_parameter",
    ),
    (
        {"model": "gpt-5.6-terra", "stor": True},
        "Unknown parameter: 'stor'. Did you mean 'stop' or 'store'?",
        "stor",
        "unknown_parameter",
    ),
    (
        {"model": "gpt-5.6-terra", "messagess": []},
        "Unknown parameter: 'messagess'.",
        "messagess",
        "unknown_parameter",
    ),
    (
        {"stream": True, "stream_options": {"bogus": 1}},
        "Unknown parameter: 'stream_options.bogus'.",
        "stream_options.bogus",
        "unknown_parameter",
    ),
    (
        {"messages": [{"role": "user"}]},
        "Invalid value for 'content': expected a string, got null.",
        "messages.[0].content",
        None,
    ),
    (
        {"stream_options": {"include_usage": True}},
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
        None,
    ),
    (
        {"tool_choice": "auto"},
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
        "specified.",
        "tool_choice",
        None,
    ),
    (
        {"messages": [USER, {"role": "tool", "tool_call_id": "x", "content": "y"}]},
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
        "with 'tool_calls'.",
        "messages.[1].role",
        None,
    ),
    # top_k is not OpenAI's; this endpoint's own reference has it
    (
        {"top_k": 0},
        "Invalid 'top_k': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "top_k",
        "integer_below_min_value",
    ),
]


@pytest.mark.parametrize(("fields", "message", "param", "code"), REFUSALS)
def test_a_broken_request_is_refused_in_the_apis_words(
    fields: dict[str, Any], message: str, param: str | None, code: str | None
) -> None:
    error = refused(read_chat(**fields))
    assert (error.status, error.type) == (400, "invalid_request_error")
    assert (error.message, error.param, error.code) == (message, param, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"model": "gpt-4o", "messages": NaN}',
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[]",
        b"null",
        b"7",
        b'{"model": 7, "messages": []}',
        b"{}",
        b'{"messages": null, "model": "m"}',
        b'{"model": "m", "messages": [{"role": 7}]}',
        b'{"model": "m", "messages": [[]]}',
        b'{"model": "m", "messages": [{"role": "user", "content": [{"type": []}]}]}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "seed": '
        + b"9" * 5000
        + b"}",
        b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 1e999}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 1e400}',
        b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "stop": [null]}',
    ],
)
def test_a_body_that_is_no_request_is_refused_and_never_raises(body: bytes) -> None:
    assert refused(read(body)).status == 400


def test_every_wrong_type_at_every_field_is_refused_or_read_and_never_raises() -> None:
    from chatdouble.wire.chat.request import ChatRequest

    values: tuple[Any, ...] = (
        None,
        True,
        7,
        1.5,
        "x",
        [],
        {},
        [None],
        [[]],
        [{}],
        {"type": "x"},
        {"a": None},
    )
    for field in ChatRequest.__struct_fields__:
        for value in values:
            call = read({"model": "gpt-4o", "messages": [USER], field: value})
            assert (call.settled is None) != (call.view is None)


def test_whole_numbers_may_be_written_with_a_point() -> None:
    call = read_chat(n=2.0, max_tokens=5.0, seed=7.0, temperature=1)
    assert call.settled is None
    assert call.view is not None
    assert (call.view.detail.n, call.view.detail.max_tokens) == (2, 5)
    assert refused(read_chat(n=2.5)).code == "invalid_type"


def test_bounds_of_the_model_and_the_seed() -> None:
    assert refused(read_chat(model="")).message == "you must provide a model parameter"
    assert refused(read_chat(seed=2**63)).code == "integer_above_max_value"
    assert read_chat(seed=-(2**63)).settled is None


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "custom", "custom": {"name": "c"}}],
         "tool_choice": {"type": "custom", "custom": {"name": "zzz"}}},
        {"functions": [{"name": "f"}], "function_call": {"name": "zzz"}},
    ],
)  # fmt: skip
def test_what_is_not_on_offer_cannot_be_chosen(fields: dict[str, Any]) -> None:
    assert "no function named 'zzz'" in refused(read_chat(**fields)).message


def test_a_tool_choice_that_names_an_absent_function_is_refused() -> None:
    chosen = {"type": "function", "function": {"name": "g"}}
    assert (
        "no function named 'g'" in refused(read_chat(tools=[FUNCTION], tool_choice=chosen)).message
    )


def test_a_tool_call_without_its_result_is_refused_at_the_message_behind_it() -> None:
    made = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = {"role": "assistant", "content": None, "tool_calls": [made]}
    error = refused(read_chat(USER, asked, USER, tools=[FUNCTION]))
    assert error.param == "messages.[2].role"
    assert error.message.endswith("did not have response messages: call_1")
    answer = {"role": "tool", "tool_call_id": "call_2", "content": "x"}
    error = refused(read_chat(USER, asked, answer, tools=[FUNCTION]))
    assert error.message == (
        "Invalid parameter: 'tool_call_id' of 'call_2' not found in 'tool_calls' of previous "
        "message."
    )


def test_unknown_paths_and_methods_are_settled_in_the_apis_words() -> None:
    error = refused(read(b"", "GET", "/v1/nonsense"))
    assert (error.status, error.message) == (404, "Invalid URL (GET /v1/nonsense)")
    error = refused(read(b"", "PUT", "/v1/chat/completions"))
    assert (error.status, error.message) == (
        405,
        "Not allowed to PUT on /v1/chat/completions. "
        "(HINT: Perhaps you meant to use a different HTTP method?)",
    )


def test_the_view_of_a_conversation() -> None:
    made = [
        {
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": n, "arguments": f'{{"n":"{n}"}}'},
        }
        for n in ("f", "g")
    ]
    call = read_chat(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "ok"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "sec"}, {"type": "text", "text": "ond"}],
        },
        {"role": "assistant", "content": None, "tool_calls": made},
        {"role": "tool", "tool_call_id": "call_g", "content": [{"type": "text", "text": "G"}]},
        {"role": "tool", "tool_call_id": "call_f", "content": "F"},
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {}},
            }
        ],
        tool_choice="required",
        stream=True,
    )
    assert call.settled is None
    assert (call.model, call.user, call.stream) == ("gpt-4o", "second", True)
    assert call.tool_results == (ToolResult("g", "call_g", "G"), ToolResult("f", "call_f", "F"))
    assert call.view is not None
    assert call.view.answered == (
        ToolCall("g", '{"n":"g"}', "call_g"),
        ToolCall("f", '{"n":"f"}', "call_f"),
    )
    assert call.view.tools == (Tool("f", "d", {}),)
    assert call.view.tool_choice == "required"
    assert [message["role"] for message in call.messages][:2] == ["system", "user"]


def test_results_of_an_earlier_turn_are_not_what_the_request_ends_with() -> None:
    made = {"id": "call_f", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history = (
        USER,
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "call_f", "content": "F"},
    )
    assert read_chat(*history, {"role": "user", "content": "thanks"}).tool_results == ()
    call = read_chat(*history, {"role": "assistant", "content": "done"})
    assert call.tool_results == ()
    assert call.view is not None
    assert len(call.view.answered) == 1


def test_a_body_that_comes_again_is_read_as_before() -> None:
    chat = ChatCompletions()
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "again"}]}'
    replies = (Reply("One."), Reply("Two."))
    said = []
    for _ in range(4):
        asked = Call(method="POST", path="/v1/chat/completions", body=body)
        chat.read(asked, Settings())
        assert asked.user == "again"
        said.append([chat.render(asked, reply, Stamp(0, bytes(64))).whole() for reply in replies])
    assert said[0] == said[1] == said[2] == said[3]
    assert said[0][0] != said[0][1]


def test_what_is_remembered_does_not_outlive_another_validation() -> None:
    chat = ChatCompletions()
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "n": "many"}'
    for _ in range(3):
        lax = Call(method="POST", path="/v1/chat/completions", body=body)
        chat.read(lax, Settings(validation="off"))
        assert lax.view is not None
        strict = Call(method="POST", path="/v1/chat/completions", body=body)
        chat.read(strict, Settings())
        assert strict.view is None
        assert strict.settled is not None
