"""LiteLLM: completions, streams, tools, structured output, its router and its exceptions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

litellm = pytest.importorskip("litellm")

from litellm.integrations.custom_logger import CustomLogger  # noqa: E402

from tests.clients.conftest import wait  # noqa: E402

# "openai/" speaks to any server by OpenAI's contract; unknown names are passed on
MODELS = ["openai/gpt-4o", "openai/gpt-5-mini", "openai/my-own-model", "gpt-4o"]
HELLO = [{"role": "user", "content": "Hello"}]


class City(BaseModel):
    name: str
    inhabitants: int
    sights: list[str]


def function(name: str, description: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    told = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": told}


TOLD = {"role", "content", "tool_calls"}
TOOLS = [function("get_weather", "The weather of a city"), function("get_time", "The time")]


@pytest.fixture(params=MODELS)
def ask(request: pytest.FixtureRequest, base_url: str) -> Any:
    def ask(prompt: str | list[Any] = "Hello", **more: Any) -> Any:
        return litellm.completion(**asked(base_url, prompt, model=request.param, **more))

    return ask


def asked(base_url: str, prompt: str | list[Any], **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    basic = {"model": "openai/gpt-4o", "num_retries": 0, "max_retries": 0}
    return {**basic, "messages": messages, "api_base": base_url, "api_key": "any", **more}


def test_a_text_and_its_usage(ask: Any) -> None:
    completion = ask()
    assert completion.choices[0].message.content
    usage = completion.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def test_a_stream_says_what_the_body_says(ask: Any) -> None:
    chunks = list(ask(stream=True, stream_options={"include_usage": True}))
    whole = litellm.stream_chunk_builder(chunks, messages=HELLO)
    body = ask()
    assert whole.choices[0].message.content == body.choices[0].message.content
    assert whole.usage.completion_tokens == body.usage.completion_tokens


def test_the_cost_is_known(ask: Any) -> None:
    completion = ask()
    if "own" not in completion.model:
        assert litellm.completion_cost(completion) > 0


@pytest.mark.parametrize(
    ("stream", "whole"),
    [
        pytest.param(False, True, id="body"),
        pytest.param(False, False, id="told-fields"),
        pytest.param(True, True, id="stream"),
    ],
)
def test_a_loop_of_tools_ends(ask: Any, stream: bool, whole: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "Use get_weather and get_time for Paris"}]
    for _ in range(4):
        completion = ask(messages, tools=TOOLS, stream=stream)
        if stream:
            completion = litellm.stream_chunk_builder(list(completion), messages=messages)
        message = completion.choices[0].message
        messages.append(message if whole else message.model_dump(include=TOLD))
        if not message.tool_calls:
            break
        for made in message.tool_calls:
            assert json.loads(made.function.arguments).keys() == {"city"}
            messages.append(
                {
                    "role": "tool",
                    "tool_call_id": made.id,
                    "name": made.function.name,
                    "content": f"of {made.function.name}",
                }
            )
    told = [one["role"] for one in messages]
    assert told == ["user", "assistant", "tool", "tool", "assistant"]
    assert "of get_weather" in message.content
    assert "of get_time" in message.content


def test_the_choice_of_a_tool(ask: Any) -> None:
    choice = {"type": "function", "function": {"name": "get_time"}}
    (made,) = ask(tools=TOOLS, tool_choice=choice).choices[0].message.tool_calls
    assert made.function.name == "get_time"
    assert ask(tools=TOOLS, tool_choice="required").choices[0].message.tool_calls
    assert not ask(tools=TOOLS, tool_choice="none").choices[0].message.tool_calls


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
def test_structured_output(ask: Any, stream: bool) -> None:
    completion = ask("Tell me of Paris", response_format=City, stream=stream)
    if stream:
        completion = litellm.stream_chunk_builder(list(completion))
    assert City.model_validate_json(completion.choices[0].message.content)


def test_a_schema_and_the_json_mode(ask: Any) -> None:
    schema = {**City.model_json_schema(), "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema, "strict": True}}
    said = ask("Tell me of Paris", response_format=form).choices[0].message.content
    assert City.model_validate_json(said)
    prompt = 'Tell me of Paris, as JSON like {"name": "Rome", "inhabitants": 3}'
    said = ask(prompt, response_format={"type": "json_object"}).choices[0].message.content
    assert json.loads(said).keys() == {"name", "inhabitants"}


def test_without_blocking(base_url: str) -> None:
    async def main() -> tuple[str, str]:
        body = await litellm.acompletion(**asked(base_url, "Hello"))
        stream = await litellm.acompletion(**asked(base_url, "Hello", stream=True))
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        return body.choices[0].message.content, text

    said, streamed = wait(main())
    assert said == streamed


def test_many_at_once(base_url: str) -> None:
    both = litellm.batch_completion(
        model="openai/gpt-4o",
        messages=[HELLO, [{"role": "user", "content": "Bye"}]],
        api_base=base_url,
        api_key="any",
    )
    assert len({one.choices[0].message.content for one in both}) == 2


def test_settings_are_taken(ask: Any) -> None:
    settings: dict[str, Any] = {
        "temperature": 0.2,
        "top_p": 0.9,
        "n": 2,
        "max_tokens": 5,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.1,
        "seed": 3,
        "user": "me",
        "logprobs": True,
        "top_logprobs": 2,
        "stop": ["xyz"],
        "logit_bias": {"1": 1},
        "metadata": {"trace": "x"},
    }
    completion = ask(**settings, drop_params=True)
    assert completion.usage.completion_tokens > 0


def test_the_router(base_url: str, failing_url: str) -> None:
    def deployment(name: str, url: str) -> dict[str, Any]:
        given = {"model": "openai/gpt-4o", "api_base": url, "api_key": "any", "max_retries": 0}
        return {"model_name": name, "litellm_params": given}

    router = litellm.Router(
        model_list=[deployment("bad", failing_url), deployment("good", base_url)],
        fallbacks=[{"bad": ["good"]}],
        num_retries=0,
    )
    said = router.completion("bad", [{"role": "user", "content": "Fail with 500"}])
    assert said.choices[0].message.content
    again = wait(router.acompletion("good", HELLO))
    assert again.choices[0].message.content


def test_calls_are_told_to_callbacks(base_url: str) -> None:
    seen = []

    class Seeing(CustomLogger):
        def log_success_event(self, kwargs: Any, response: Any, start: Any, end: Any) -> None:
            seen.append(response)

        def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
            seen.append(model)

    litellm.callbacks = [Seeing()]
    try:
        litellm.completion(**asked(base_url, "Hello"))
    finally:
        litellm.callbacks = []
    assert "gpt-4o" in seen


@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailableError"),
    ],
)
def test_errors_are_the_clients_own(failing_url: str, status: int, name: str, stream: bool) -> None:
    with pytest.raises(getattr(litellm, name)) as caught:
        litellm.completion(**asked(failing_url, f"Fail with {status}", stream=stream))
    assert caught.value.status_code == status


def test_a_broken_request_is_refused(base_url: str) -> None:
    with pytest.raises(litellm.BadRequestError, match="temperature"):
        litellm.completion(**asked(base_url, "Hello", temperature=7))


def test_a_rate_limit_is_waited_for(failing_url: str) -> None:
    said = litellm.completion(**asked(failing_url, "Fail litellm once", num_retries=2))
    assert said.choices[0].message.content == "Done."


def test_the_models_are_listed(base_url: str) -> None:
    listed = litellm.get_valid_models(
        check_provider_endpoint=True,
        custom_llm_provider="openai",
        api_base=base_url.removesuffix("/v1"),
        api_key="any",
    )
    assert any(name.endswith("gpt-4o") for name in listed)
