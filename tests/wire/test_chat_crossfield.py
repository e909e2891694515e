"""Rules over several fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.test_chat_read import FUNCTION, USER, read_chat, refused

SHELL = {"type": "custom", "custom": {"name": "shell"}}
LEGACY = {"functions": [{"name": "f"}]}
EXPECTED = {"prediction": {"type": "content", "content": "x"}}
SPOKEN = {"model": "gpt-4o-audio-preview", "modalities": ["text", "audio"]}
ALLOWED = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [SHELL]}}


@pytest.mark.parametrize(
    ("fields", "message", "param", "code"),
    [
        (
            {"tools": [FUNCTION], **LEGACY},
            "Invalid request: 'functions' and 'tools' cannot both be provided. 'functions' are "
            "deprecated; use the 'tools' parameter instead.",
            None,
            None,
        ),
        (
            {"tools": [FUNCTION, FUNCTION]},
            "Invalid value for 'tools': function names must be unique, but "
            "'f' was specified more than once.",
            "tools",
            None,
        ),
        (
            {"tool_choice": "required"},
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
            "specified.",
            "tool_choice",
            None,
        ),
        (
            {"parallel_tool_calls": False, **LEGACY},
            "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when "
            "'tools' are specified.",
            "parallel_tool_calls",
            None,
        ),
        (
            {"function_call": "none"},
            "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' "
            "are specified.",
            "function_call",
            None,
        ),
        (
            {
                "tools": [SHELL],
                "tool_choice": {"type": "function", "function": {"name": "shell"}},
            },
            "Invalid value for 'function_call': no function named 'shell' was specified in the "
            "'functions' parameter.",
            "function_call",
            None,
        ),
        (
            {"tools": [FUNCTION], "tool_choice": ALLOWED},
            "Tool choice 'shell' not found in 'tools' parameter.",
            "tool_choice",
            None,
        ),
        (
            {"max_tokens": 9, "max_completion_tokens": 7},
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
            "invalid_parameter_combination",
        ),
        (
            {"top_logprobs": 2, "logprobs": False},
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            "top_logprobs",
            None,
        ),
        (
            {"stream": False, "stream_options": {"include_usage": True}},
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
            None,
        ),
        (
            {**EXPECTED, "tools": [FUNCTION]},
            "Unsupported parameter: 'tools' is not supported when 'prediction' is specified.",
            "tools",
            "unsupported_parameter",
        ),
        (
            {**EXPECTED, "n": 3},
            "Unsupported parameter: 'n' is not supported when 'prediction' is specified.",
            "n",
            "unsupported_parameter",
        ),
        (
            {**EXPECTED, "presence_penalty": 0.5},
            "Unsupported parameter: 'presence_penalty' is not supported when 'prediction' is "
            "specified.",
            "presence_penalty",
            "unsupported_parameter",
        ),
        (
            SPOKEN,
            "Missing required parameter: 'audio'.",
            "audio",
            "missing_required_parameter",
        ),
        (
            {**SPOKEN, "modalities": ["text"], "audio": {"voice": "alloy", "format": "wav"}},
            "The 'audio' parameter is only allowed when 'modalities' contains 'audio'.",
            "audio",
            None,
        ),
        (
            {**SPOKEN, "stream": True, "audio": {"voice": "alloy", "format": "opus"}},
            "Unsupported value: 'audio.format' does not support 'opus' when stream=true. Supported "
            "values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        ),
    ],
)
def test_fields_that_do_not_go_together(
    fields: dict[str, Any], message: str, param: str | None, code: str | None
) -> None:
    error = refused(read_chat(**fields))
    assert (error.message, error.param, error.code) == (message, param, code)


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [FUNCTION, SHELL], "tool_choice": SHELL},
        {
            "tools": [FUNCTION, SHELL],
            "tool_choice": ALLOWED,
        },
        {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
        {"top_logprobs": 0, "logprobs": True},
        {"stream": True, "stream_options": {}},
        {**EXPECTED, "n": 1, "presence_penalty": -1, "logprobs": False},
        {**SPOKEN, "stream": True, "audio": {"voice": "alloy", "format": "pcm16"}},
    ],
)
def test_fields_that_go_together(fields: dict[str, Any]) -> None:
    assert read_chat(**fields).settled is None


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": None, "tool_calls": None},
        {"role": "user", "content": None},
        {"role": "system", "name": "boss"},
        {"role": "user", "refusal": "No."},
    ],
)
def test_a_message_says_something(message: dict[str, Any]) -> None:
    error = refused(read_chat(USER, message))
    assert error.message == "Invalid value for 'content': expected a string, got null."
    assert (error.param, error.code) == ("messages.[1].content", None)


@pytest.mark.parametrize(
    "instead",
    [
        {"refusal": "No."},
        {"audio": {"id": "audio_1"}},
        {"function_call": {"name": "f", "arguments": "{}"}},
    ],
)
def test_something_else_stands_for_the_assistants_content(instead: dict[str, Any]) -> None:
    assert read_chat(USER, {"role": "assistant", **instead}, USER).settled is None


def asked(*ids: str) -> dict[str, Any]:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    return {"role": "assistant", "tool_calls": [{**call, "id": id} for id in ids]}  # noqa: A001


def answer(id: str) -> dict[str, Any]:  # noqa: A002
    return {"role": "tool", "tool_call_id": id, "content": "x"}


ORPHAN = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
    "'tool_calls'."
)
UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: "
)
STRAY = "Invalid parameter: 'tool_call_id' of 'c' not found in 'tool_calls' of previous message."


@pytest.mark.parametrize(
    ("messages", "message", "param"),
    [
        ([answer("a")], ORPHAN, "messages.[0].role"),
        ([USER, answer("a")], ORPHAN, "messages.[1].role"),
        ([asked("a"), answer("a"), USER, answer("a")], ORPHAN, "messages.[3].role"),
        ([asked("a", "b"), answer("a"), answer("c")], STRAY, "messages.[2].tool_call_id"),
        ([asked("a"), answer("a"), answer("c")], STRAY, "messages.[2].tool_call_id"),
        ([asked("a", "b"), answer("b"), USER], f"{UNANSWERED}a", "messages.[2].role"),
        ([asked("a", "b")], f"{UNANSWERED}a, b", "messages.[1].role"),
        ([asked("a"), asked("b")], f"{UNANSWERED}a", "messages.[1].role"),
    ],
)
def test_calls_and_their_results_go_together(
    messages: list[dict[str, Any]], message: str, param: str
) -> None:
    error = refused(read_chat(*messages))
    assert (error.message, error.param) == (message, param)


def test_results_may_come_in_any_order() -> None:
    assert read_chat(USER, asked("a", "b"), answer("b"), answer("a"), USER).settled is None


@pytest.mark.parametrize("role", ["system", "user", "assistant", "developer"])
def test_json_mode_wants_the_word_in_any_message(role: str) -> None:
    form = {"type": "json_object"}
    assert read_chat(USER, {"role": role, "content": "As JSON."}, response_format=form).view
    error = refused(read_chat(USER, {"role": role, "content": "As XML."}, response_format=form))
    assert (error.param, error.code) == ("messages", None)


def test_what_clients_add_to_an_answer_that_they_send_back_is_passed_over() -> None:
    answer: dict[str, Any] = {"role": "assistant", "content": "Hi", "parsed": None}
    answer["provider_specific_fields"] = {}
    assert read_chat(USER, answer, USER).settled is None
    error = refused(read_chat({**USER, "parsed": None}))
    assert error.param == "messages[0].parsed"
