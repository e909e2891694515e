"""Which of several faults is reported: WIRE, section 5, and direct probes of pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from tests.wire.test_chat_read import FUNCTION, USER, read, read_chat, refused

# a fault of each field's type, in the order in which they are reported
FAULTS: dict[str, Any] = {
    "messages": "x",
    "functions": "x",
    "function_call": 7,
    "tools": "x",
    "tool_choice": 7,
    "parallel_tool_calls": "x",
    "max_completion_tokens": "x",
    "n": "x",
    "temperature": "x",
    "top_p": "x",
    "presence_penalty": "x",
    "frequency_penalty": "x",
    "logprobs": "x",
    "top_logprobs": "x",
    "user": 7,
    "seed": "x",
    "moderation": "x",
    "safety_identifier": 7,
    "prompt_cache_options": "x",
    "prompt_cache_key": 7,
    "prompt_cache_retention": 7,
    "response_format": "x",
    "service_tier": 7,
    "max_tokens": "x",
    "reasoning_effort": 7,
    "logit_bias": "x",
    "stop": 7,
    "stream": "x",
    "stream_options": "x",
    "store": "x",
    "metadata": "x",
    "prediction": "x",
    "verbosity": 7,
}


@pytest.mark.parametrize("model", ["gpt-5.6-terra", "gpt-4o"])
def test_of_two_fields_the_one_that_comes_first_is_reported(model: str) -> None:
    known = FAULTS if model.startswith("gpt-5") else FAULTS.keys() - {"reasoning_effort"}
    for first, second in combinations((field for field in FAULTS if field in known), 2):
        # the order in the body does not matter
        body = {second: FAULTS[second], "messages": [USER], first: FAULTS[first], "model": model}
        assert refused(read(body)).param == first, (first, second)


# probed on gpt-5.6-terra: both faults in one request, the reported one first
PAIRS: list[tuple[dict[str, Any], str]] = [
    ({"n": 0, "stop": "x"}, "n"),
    ({"stop": "x", "temperature": 0.5}, "stop"),
    ({"seed": "x", "service_tier": "x"}, "seed"),
    ({"n": 0, "metadata": "x"}, "n"),
    ({"max_completion_tokens": 0, "logprobs": "x"}, "max_completion_tokens"),
    ({"messages": [7], "metadata": "x"}, "messages[0]"),
    ({"n": 0, "moderation": {}}, "n"),
    ({"tools": "x", "top_logprobs": -1}, "tools"),
    ({"user": 7, "verbosity": "x"}, "user"),
    ({"functions": "x", "function_call": {}}, "functions"),
    ({"max_tokens": 5, "store": "x"}, "max_tokens"),
    ({"stop": "x", "stream_options": "x"}, "stop"),
    ({"stop": "x", "verbosity": "x"}, "stop"),
    ({"metadata": "x", "prediction": {"type": "content", "content": "x"}}, "metadata"),
    ({"logit_bias": {}, "verbosity": "x"}, "logit_bias"),
    ({"metadata": "x", "temperature": 0.5}, "metadata"),
    ({"verbosity": "x", "logprobs": True}, "verbosity"),
    ({"reasoning_effort": "x", "metadata": "x"}, "reasoning_effort"),
]


@pytest.mark.parametrize(("fields", "reported"), PAIRS)
def test_the_reported_fault_of_a_pair(fields: dict[str, Any], reported: str) -> None:
    assert refused(read_chat(model="gpt-5.6-terra", **fields)).param == reported


SILENT = {"role": "user"}


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"messages": [SILENT], "n": 0}, "n"),
        ({"messages": [SILENT], "stop": "x"}, "stop"),
        ({"messages": [SILENT], "temperature": 0.5}, "temperature"),
        ({"messages": [SILENT], "bogus": 1}, "bogus"),
        ({"messages": [SILENT, {"role": "user", "content": 7}]}, "messages[1].content"),
        ({"messages": [SILENT, {"role": "bogus", "content": "x"}]}, "messages[1].role"),
        ({"messages": [SILENT, USER]}, "messages.[0].content"),
        ({"messages": [USER, {"role": "tool", "tool_call_id": "a"}]}, "messages.[1].content"),
    ],
)
def test_missing_content_is_reported_last(fields: dict[str, Any], reported: str) -> None:
    assert refused(read_chat(model="gpt-5.6-terra", **fields)).param == reported


def test_what_comes_before_the_fields() -> None:
    everything = {"model": "gpt-5.6-terra", "bogus": 1, "n": 0, "messages": "x"}
    assert refused(read({**everything, "model": ""})).message.startswith("you must provide")
    without = {key: value for key, value in everything.items() if key != "messages"}
    assert refused(read(without)).param == "messages"
    assert refused(read(everything)).param == "bogus"
    assert refused(read({**everything, "audio": {}, "bogus": 1})).param == "bogus"
    assert refused(read({"audio": {}, **everything})).param == "audio"
    instructs = {**everything, "model": "gpt-3.5-turbo-instruct"}
    assert refused(read(instructs)).status == 404


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        # bounds of these two come behind all fields, their types do not
        ({"temperature": 3, "verbosity": "x"}, "verbosity"),
        ({"top_p": 2, "top_logprobs": 30}, "top_logprobs"),
        ({"temperature": 3, "top_p": 2}, "temperature"),
        ({"temperature": "x", "presence_penalty": 3}, "temperature"),
        ({"temperature": 3, "messages": [SILENT]}, "temperature"),
        # rules over several fields come behind all fields, too
        ({"tool_choice": "auto", "stop": 7}, "stop"),
        ({"stream_options": {}, "store": "x"}, "store"),
        ({"top_logprobs": 3, "messages": [SILENT]}, "top_logprobs"),
        ({"tools": [FUNCTION], "max_tokens": 10**6, "messages": [SILENT]}, "max_tokens"),
    ],
)
def test_bounds_and_relations(fields: dict[str, Any], reported: str) -> None:
    assert refused(read_chat(**fields)).param == reported


def test_what_a_model_never_takes_is_refused_at_its_place_whatever_it_is() -> None:
    # recorded: gpt-5-nano with max_tokens 0, a null content and a temperature out of bounds
    asked = {"max_tokens": 0, "temperature": -0.5, "messages": [{**SILENT, "content": None}]}
    error = refused(read_chat(model="gpt-5-nano", **asked))
    assert (error.param, error.code) == ("max_tokens", "unsupported_parameter")
    values: list[Any] = [{}, "x", [1] * 9]
    for value in values:
        error = refused(read_chat(model="o3", stop=value, seed=1, store="x"))
        assert (error.param, error.code) == ("stop", "unsupported_parameter")
    error = refused(read_chat(model="gpt-5", n=0, max_tokens=5))
    assert error.param == "n"
