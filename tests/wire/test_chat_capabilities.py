"""What a family of models refuses that others take."""

from __future__ import annotations

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
        ("gpt-4o", "web_search_options", {}, "Web search options not supported with this model."),
        (
            "gpt-5.1",
            "reasoning_effort",
            "minimal",
            "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. "
            "Supported values are: 'none', 'low', 'medium', and 'high'.",
        ),
        (
            "gpt-5-mini",
            "reasoning_effort",
            "none",
            "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
            "Supported values are: 'minimal', 'low', 'medium', and 'high'.",
        ),
        (
            "o3",
            "reasoning_effort",
            "none",
            "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
            "Supported values are: 'low', 'medium', and 'high'.",
        ),
        (
            "gpt-5.6-sol",
            "reasoning_effort",
            {"level": [None, True, 1]},
            "Unsupported value: 'reasoning_effort' does not support {'level': [None, True, 1]} "
            "with this model. Supported values are: 'none', 'low', 'medium', 'high', and 'xhigh'.",
        ),
        (
            "gpt-5-chat-latest",
            "reasoning_effort",
            "low",
            "Unsupported value: 'reasoning_effort' does not support 'low' with this model. "
            "Supported values are: 'medium'.",
        ),
        ("o1-mini", "reasoning_effort", "low", "Unknown parameter: 'reasoning_effort'."),
        (
            "ft:o4-mini-2025-04-16:an-org::id",
            "stop",
            "x",
            "Unsupported parameter: 'stop' is not supported with this model.",
        ),
        ("gpt-5", "top_p", 0.9, "Unsupported parameter: 'top_p' is not supported with this model."),
        (
            "o4-mini",
            "presence_penalty",
            0.5,
            "Unsupported parameter: 'presence_penalty' is not supported with this model.",
        ),
        (
            "gpt-5-nano",
            "logit_bias",
            {"x": 900},
            "Unsupported parameter: 'logit_bias' is not supported with this model.",
        ),
        (
            "gpt-5.6-luna",
            "n",
            12,
            "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 12 instead.",
        ),
        (
            "gpt-5.6-luna",
            "top_logprobs",
            6,
            "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        ),
        (
            "gpt-4.1",
            "prompt_cache_retention",
            "forever",
            "Invalid prompt_cache_retention argument",
        ),
        (
            "gpt-5.6-luna",
            "prompt_cache_retention",
            "in_memory",
            "This model is compatible only with 24h extended prompt caching",
        ),
        (
            "gpt-4.1",
            "verbosity",
            "high",
            "Unsupported value: 'verbosity' does not support 'high' with this model. Supported "
            "values are: 'medium'.",
        ),
        (
            "gpt-4",
            "prediction",
            {"type": "content", "content": "x"},
            "Unsupported parameter: 'prediction' is not supported with this model.",
        ),
        (
            "gpt-4-0613",
            "response_format",
            {"type": "json_object"},
            "Invalid parameter: 'response_format' of type 'json_object' is not supported with this "
            "model.",
        ),
        (
            "gpt-4-turbo",
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array"}}},
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this "
            "model. Learn more about supported models at the Structured Outputs guide: "
            "https://platform.openai.com/docs/guides/structured-outputs",
        ),
        (
            "gpt-4",
            "logit_bias",
            {"5": 1, "100258": 1},
            "Invalid key in 'logit_bias': 100258. Maximum value is 100257.",
        ),
        (
            "gpt-4o",
            "logit_bias",
            {"hello": 1},
            "Invalid key in 'logit_bias': hello. You should only be submitting non-negative "
            "integers.",
        ),
        (
            "gpt-4o-mini",
            "modalities",
            ["text", "audio"],
            "Unsupported value: 'modalities' does not support 'audio' with this model. Supported "
            "values are: 'text'.",
        ),
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
        ("gpt-5-search-api", {"web_search_options": {}}),
        ("gpt-5.6-luna", {"n": 8, "metadata": {"a": "b"}, "top_p": 1}),
        ("gpt-5.5", {"n": 12, "prompt_cache_retention": "24h"}),
        ("gpt-5.6-luna", {"reasoning_effort": "none", "temperature": 0, "logprobs": True}),
        ("gpt-4o", {"reasoning_effort": None, "verbosity": "medium", "modalities": ["text"]}),
        ("gpt-4", {"logit_bias": {"100257": -100}}),
        ("gemma-3", {"logit_bias": {"250000": 1}}),
        ("gpt-3.5-turbo", {"response_format": {"type": "text"}}),
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


FUNCTIONS = [{"type": "function", "function": {"name": "f"}}]
CUSTOM = [{"type": "custom", "custom": {"name": "c"}}]


@pytest.mark.parametrize(("model", "effort"), [("gpt-5.4", "low"), ("gpt-5.6-sol", None)])
def test_the_newest_models_call_functions_only_without_reasoning(
    model: str, effort: str | None
) -> None:
    error = refused(read_chat(model=model, tools=FUNCTIONS, reasoning_effort=effort))
    assert error.message == (
        f"Function tools with reasoning_effort are not supported for {model} in "
        "/v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to "
        "'none'."
    )
    assert (error.param, error.code) == ("reasoning_effort", None)
    assert read_chat(model=model, tools=FUNCTIONS, reasoning_effort="none").settled is None
    assert read_chat(model=model, tools=CUSTOM, reasoning_effort=effort).settled is None


def test_other_models_reason_and_call_functions() -> None:
    for model in ("gpt-5", "gpt-5.1", "o4-mini"):
        assert read_chat(model=model, tools=FUNCTIONS, reasoning_effort="low").settled is None
    assert read_chat(model="gpt-5.4", tools=FUNCTIONS).settled is None


def test_what_a_model_that_searches_does_not_take_is_listed() -> None:
    model = "gpt-4o-search-preview"
    error = refused(read_chat(model=model, temperature=0.5))
    assert error.message == "Model incompatible request argument supplied: temperature"
    error = refused(read_chat(model=model, top_p=1, temperature=0.5))
    assert error.message == "Model incompatible request arguments supplied: temperature, top_p"
    assert (error.param, error.code) == (None, None)


@pytest.mark.parametrize(
    "model",
    ["gpt-3.5-turbo-instruct-0914", "davinci-002", "text-embedding-3-large", "whisper-1"],
)
def test_a_model_that_cannot_chat_is_not_found(model: str) -> None:
    error = refused(read_chat(model=model))
    assert (error.status, error.type, error.param, error.code) == (
        404,
        "invalid_request_error",
        "model",
        None,
    )
    assert error.message.startswith("This is not a chat model and thus not supported in the v1/")


@pytest.mark.parametrize("model", ["o1-pro", "gpt-5-codex", "gpt-5.2-pro", "o4-mini-deep-research"])
def test_a_model_of_another_endpoint_is_not_found(model: str) -> None:
    error = refused(read_chat(model=model, n=0))
    assert error.message == (
        "This model is only supported in v1/responses and not in v1/chat/completions."
    )
    assert (error.status, error.param) == (404, "model")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("temprature", "Did you mean 'temperature'?"),
        ("strem", "Did you mean 'stream' or 'store'?"),
        ("topp", "Did you mean 'top_p' or 'stop'?"),
        ("max_token", "Did you mean 'max_tokens'?"),
        # no further away than two edits, and not there already
        ("max_completion", ""),
        ("message", ""),
        ("seeds", ""),
        # not known to the model either
        ("audios", ""),
    ],
)
def test_keys_that_look_like_the_unknown_one_are_named(key: str, hint: str) -> None:
    error = refused(read_chat(model="gpt-5.6-terra", seed=1, **{key: 1}))
    assert error.message == f"Unknown parameter: '{key}'. {hint}".rstrip()
    assert (error.param, error.code) == (key, "unknown_parameter")


def test_older_models_list_all_unknown_keys_and_give_no_hint() -> None:
    error = refused(read_chat(model="gpt-4.1-mini", temprature=1, zoo=1, reasoning_effort="low"))
    assert error.message == (
        "Unrecognized request arguments supplied: reasoning_effort, temprature, zoo"
    )
    assert (error.param, error.code) == (None, None)
    inside = {"role": "user", "content": "x", "nmae": "Ann"}
    error = refused(read_chat(inside, model="gpt-4.1-mini"))
    assert error.message == "Unknown parameter: 'messages[0].nmae'. Did you mean 'name'?"
