"""Requests for more than a model can read or write."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.wire.test_chat_read import read_chat, refused

# a word that is one token in both encodings
WORD = " word"


def long(tokens: int, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": WORD * tokens}], **fields}


@pytest.mark.parametrize(
    ("model", "field", "asked", "most"),
    [
        ("gpt-4o", "max_tokens", 20_000, 16_384),
        ("gpt-4o-mini", "max_completion_tokens", 16_385, 16_384),
        ("gpt-4o-2024-05-13", "max_tokens", 5_000, 4_096),
        ("gpt-3.5-turbo", "max_tokens", 4_097, 4_096),
        ("gpt-4-turbo", "max_tokens", 8_192, 4_096),
        ("gpt-4.1-nano", "max_tokens", 40_000, 32_768),
        ("gpt-5-mini", "max_completion_tokens", 200_000, 128_000),
        ("o4-mini", "max_completion_tokens", 100_001, 100_000),
        ("ft:gpt-4o-2024-08-06:an-org::id", "max_tokens", 16_385, 16_384),
    ],
)
def test_a_completion_that_the_model_cannot_write(
    model: str, field: str, asked: int, most: int
) -> None:
    error = refused(read_chat(model=model, **{field: asked}))
    assert error.message == (
        f"max_tokens is too large: {asked}. This model supports at most {most} completion tokens, "
        f"whereas you provided {asked}."
    )
    assert (error.param, error.code) == ("max_tokens", "invalid_value")
    assert read_chat(model=model, **{field: most}).settled is None


def test_a_model_without_figures_has_no_bounds() -> None:
    assert read_chat(model="llama-3", max_tokens=10**9).settled is None
    assert read_chat(model="llama-3", **long(200_000)).settled is None


@pytest.mark.parametrize(
    ("model", "tokens", "window"),
    [("gpt-4", 8_200, 8_192), ("gpt-3.5-turbo-16k", 16_400, 16_385), ("o1", 200_100, 200_000)],
)
def test_messages_that_do_not_fit_are_counted(model: str, tokens: int, window: int) -> None:
    error = refused(read_chat(**long(tokens, model=model)))
    counted = re.fullmatch(
        rf"This model's maximum context length is {window} tokens\. However, your messages "
        r"resulted in (\d+) tokens\. Please reduce the length of the messages\.",
        error.message,
    )
    assert counted
    # the text, and what stands around each message
    assert 0 < int(counted[1]) - tokens < 10
    assert (error.param, error.code) == ("messages", "context_length_exceeded")


def test_a_completion_needs_room_behind_the_messages() -> None:
    error = refused(read_chat(**long(8_000, model="gpt-4", max_tokens=500)))
    counted = re.fullmatch(
        r"This model's maximum context length is 8192 tokens\. However, you requested (\d+) tokens "
        r"\((\d+) in the messages, 500 in the completion\)\. Please reduce the length of the "
        r"messages or completion\.",
        error.message,
    )
    assert counted
    assert int(counted[1]) == int(counted[2]) + 500
    room = 8_192 - int(counted[2])
    assert read_chat(**long(8_000, model="gpt-4", max_tokens=room)).settled is None
    assert refused(read_chat(**long(8_000, model="gpt-4", max_tokens=room + 1)))


def test_functions_are_counted_apart() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    error = refused(read_chat(**long(8_190, model="gpt-4", tools=tools)))
    counted = re.fullmatch(
        r"This model's maximum context length is 8192 tokens\. However, your messages resulted in "
        r"(\d+) tokens \((\d+) in the messages, (\d+) in the functions\)\. Please reduce the "
        r"length of the messages or functions\.",
        error.message,
    )
    assert counted
    whole, messages, functions = map(int, counted.groups())
    assert whole == messages + functions
    error = refused(read_chat(**long(8_000, model="gpt-4", tools=tools, max_tokens=190)))
    assert error.message.endswith(
        f"{functions} in the functions, and 190 in the completion). Please reduce the length of "
        "the messages, functions, or completion."
    )


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.1", "gpt-5.4-mini"])
def test_models_with_a_limit_of_the_input_name_it(model: str) -> None:
    half = {"role": "user", "content": WORD * 136_050}
    error = refused(read_chat(half, half, model=model))
    assert re.fullmatch(
        r"Input tokens exceed the configured limit of 272000 tokens\. Your messages resulted in "
        r"2721\d\d tokens\. Please reduce the length of the messages\.",
        error.message,
    )
    assert (error.param, error.code) == ("messages", "context_length_exceeded")


def test_a_long_request_that_fits_is_taken() -> None:
    assert read_chat(**long(100_000, model="gpt-4o")).settled is None
    assert read_chat(**long(8_000, model="gpt-4")).settled is None


def test_counting_what_is_much_too_long_does_not_take_long() -> None:
    part = {"type": "text", "text": WORD * 200_000}
    began = time.thread_time()
    error = refused(read_chat({"role": "user", "content": [part] * 2}, model="gpt-4o"))
    assert error.code == "context_length_exceeded"
    assert time.thread_time() - began < 10
