"""The real openai client over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from chatdouble import Pace, Server, Session, call, contains, refusal, regex
from chatdouble.sources.generated import Generated
from chatdouble.sources.source import Contract

HELLO: Any = [{"role": "user", "content": "Hello"}]
WEATHER: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather now",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


@pytest.fixture
def client(chatdouble: Session) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="sk-test-key") as made:
        yield made


def test_a_scripted_reply(chatdouble: Session, client: openai.OpenAI) -> None:
    chatdouble.on(user="Hello").reply("Hi there!")
    completion = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert completion.choices[0].message.content == "Hi there!"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "gpt-4o-mini-2024-07-18"
    assert completion.usage
    assert completion.usage.total_tokens > 0
    assert completion._request_id
    (made,) = chatdouble.calls
    assert (made.user, made.model, made.stream) == ("Hello", "gpt-4o-mini", False)
    assert made.messages == HELLO
    assert made.headers["authorization"] == "<redacted>"
    assert "sk-test-key" not in repr(made)


def test_a_scripted_stream(chatdouble: Session, client: openai.OpenAI) -> None:
    chatdouble.on(user=contains("ell")).reply("Hi there, how are you?")
    stream = client.chat.completions.create(
        model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *chunks, usage = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    texts = [chunk.choices[0].delta.content for chunk in chunks[1:-1]]
    assert len(texts) > 3
    assert "".join(text or "" for text in texts) == "Hi there, how are you?"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert usage.usage
    assert usage.choices == []


def test_the_tool_loop_ends(chatdouble: Session, client: openai.OpenAI) -> None:
    chatdouble.on(user=contains("weather")).reply(call("get_weather", city="Paris"))
    chatdouble.on(tool_result="get_weather").reply("It is 18 degrees in Paris.")
    messages = list(WEATHER)
    for _ in range(5):
        completion = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS)
        message = completion.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            break
        assert completion.choices[0].finish_reason == "tool_calls"
        for made in message.tool_calls:
            assert made.type == "function"
            assert json.loads(made.function.arguments) == {"city": "Paris"}
            messages.append({"role": "tool", "tool_call_id": made.id, "content": "18"})
    assert message.content == "It is 18 degrees in Paris."
    assert len(chatdouble.calls) == 2
    assert chatdouble.calls[-1].tool_results[0].content == "18"


def test_several_streamed_tool_calls(chatdouble: Session, client: openai.OpenAI) -> None:
    chatdouble.on().reply(call("get_weather", city="Paris"), call("get_weather", city="Rome"))
    with client.chat.completions.stream(model="gpt-4o", messages=WEATHER, tools=TOOLS) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert kinds.count("tool_calls.function.arguments.done") == 2
    arguments = [json.loads(made.function.arguments) for made in message.tool_calls or ()]
    assert arguments == [{"city": "Paris"}, {"city": "Rome"}]


def test_the_stream_helper_sees_text_and_refusal(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    chatdouble.on().reply("Hi there!").reply(refusal("I can't help with that."))
    with client.chat.completions.stream(model="gpt-4o", messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        assert stream.get_final_completion().choices[0].message.content == "Hi there!"
    assert {"chunk", "content.delta", "content.done"} <= kinds
    with client.chat.completions.stream(model="gpt-4o", messages=HELLO) as stream:
        kinds = {event.type for event in stream}
        message = stream.get_final_completion().choices[0].message
    assert message.refusal == "I can't help with that."
    assert "refusal.done" in kinds


def test_parse_gets_an_object_from_a_scripted_reply(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    class Answer(BaseModel):
        city: str
        degrees: int

    chatdouble.on().reply('{"city":"Paris","degrees":18}')
    completion = client.chat.completions.parse(
        model="gpt-4o", messages=WEATHER, response_format=Answer
    )
    assert completion.choices[0].message.parsed == Answer(city="Paris", degrees=18)


def test_a_rate_limit_and_then_recovery(chatdouble: Session, client: openai.OpenAI) -> None:
    chatdouble.on().fail(429, retry_after=0.01, times=2).reply("Recovered.")
    completion = client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert completion.choices[0].message.content == "Recovered."
    assert [call.headers["x-stainless-retry-count"] for call in chatdouble.calls] == ["0", "1", "2"]


def test_an_error_reaches_the_client_as_the_apis_own(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    chatdouble.on().fail(400, "Too long.", code="context_length_exceeded", param="messages")
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id


def test_an_invalid_request_is_refused_before_any_rule(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    chatdouble.on(optional=True).reply("never")
    with pytest.raises(openai.BadRequestError, match="Invalid 'temperature': decimal above"):
        client.chat.completions.create(model="gpt-4o", messages=HELLO, temperature=3)
    assert chatdouble.journal.exchanges[0].source == "contract"


@pytest.mark.chatdouble(assert_matched=False, assert_used=False)
def test_an_unmatched_call_explains_itself_and_is_not_retried(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    chatdouble.on(user=contains("weather")).reply("Sunny.")
    chatdouble.on(model=regex("^o3")).reply("Hm.")
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert caught.value.code == "no_answer"
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"] == (
        "chatdouble has no answer to this call: POST /v1/chat/completions\n"
        "  model: 'gpt-4o'\n"
        "  user: 'Hello'\n"
        "- scripted: rule 1: wants user contains 'weather', got 'Hello'\n"
        "- scripted: rule 2: wants model regex '^o3', got 'gpt-4o'\n"
        "To answer it:\n"
        "  chatdouble.on(user='Hello').reply(…)"
    )
    assert len(chatdouble.calls) == 1
    assert chatdouble.journal.exchanges[0].source == "unmatched"


def test_a_paced_stream_takes_its_time(chatdouble: Session, client: openai.OpenAI) -> None:
    chatdouble.on().reply("One two three four", pace=Pace(first=0.05, each=0.02))
    stream = client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "One two three four"
    (exchange,) = chatdouble.journal.exchanges
    assert len(exchange.pieces) == 7
    assert exchange.pieces[-1].at == pytest.approx(0.05 + 6 * 0.02)


def test_a_client_that_leaves_ends_the_answer(chatdouble: Session, client: openai.OpenAI) -> None:
    from tests.conftest import until

    chatdouble.on().reply("One two three four", pace=Pace(first=0.01, each=30))
    with client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True) as stream:
        next(iter(stream))
    (exchange,) = chatdouble.journal.exchanges
    until(lambda: exchange.outcome == "client left")
    assert exchange.seconds < 20


def test_the_async_client(chatdouble: Session) -> None:
    chatdouble.on(user="Hello").reply("Hi there!")
    chatdouble.on(user=contains("weather")).reply(call("get_weather", city="Paris"))
    chatdouble.on(tool_result="get_weather").reply("18 degrees.")

    async def converse() -> None:
        async with openai.AsyncOpenAI(base_url=chatdouble.base_url, api_key="x") as client:
            completion = await client.chat.completions.create(model="gpt-4o", messages=HELLO)
            assert completion.choices[0].message.content == "Hi there!"
            stream = await client.chat.completions.create(
                model="gpt-4o", messages=HELLO, stream=True
            )
            texts = [chunk.choices[0].delta.content async for chunk in stream]
            assert "".join(text or "" for text in texts) == "Hi there!"
            async with client.chat.completions.stream(
                model="gpt-4o", messages=WEATHER, tools=TOOLS
            ) as helper:
                message = (await helper.get_final_completion()).choices[0].message
            assert message.tool_calls
            answered: Any = [
                *WEATHER,
                message.model_dump(exclude_none=True, exclude={"parsed"}),
                {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "18"},
            ]
            for made in answered[1]["tool_calls"]:
                made["function"].pop("parsed_arguments", None)
                made.pop("index", None)
            completion = await client.chat.completions.create(
                model="gpt-4o", messages=answered, tools=TOOLS
            )
            assert completion.choices[0].message.content == "18 degrees."

    asyncio.run(converse())


def test_parallel_calls_share_a_sequence_without_losing_a_step(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    rule = chatdouble.on()
    for number in range(20):
        rule.reply(str(number))

    def one(_: int) -> str | None:
        completion = client.chat.completions.create(model="gpt-4o", messages=HELLO)
        return completion.choices[0].message.content

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(20)))
    assert sorted(map(int, map(str, answers))) == list(range(20))
    assert len({exchange.response.whole() for exchange in chatdouble.journal.exchanges}) == 20


@pytest.fixture
def generated() -> Iterator[openai.OpenAI]:
    with Server() as server:
        session = server.session("", (Contract(), Generated()))
        with openai.OpenAI(base_url=session.base_url, api_key="x") as client:
            yield client


def test_generated_answers_need_no_rules(generated: openai.OpenAI) -> None:
    text = generated.chat.completions.create(model="any-model", messages=HELLO)
    assert text.choices[0].message.content
    assert text.model == "any-model"
    stream = generated.chat.completions.create(model="any-model", messages=HELLO, stream=True)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert said == text.choices[0].message.content


def test_generated_answers_fit_the_schema_that_parse_sends(generated: openai.OpenAI) -> None:
    class Address(BaseModel):
        street: str
        number: int

    class Person(BaseModel):
        name: str
        addresses: list[Address]
        email: str | None

    completion = generated.chat.completions.parse(
        model="gpt-4o", messages=HELLO, response_format=Person
    )
    assert isinstance(completion.choices[0].message.parsed, Person)


def test_a_forced_tool_is_called_with_valid_arguments(generated: openai.OpenAI) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    choices: tuple[Any, ...] = ("required", named)
    for tool_choice in choices:
        completion = generated.chat.completions.create(
            model="gpt-4o",
            messages=WEATHER,
            tools=TOOLS,
            tool_choice=tool_choice,
        )
        assert completion.choices[0].message.tool_calls
        (made,) = completion.choices[0].message.tool_calls
        assert made.type == "function"
        assert isinstance(json.loads(made.function.arguments)["city"], str)


def test_the_models_are_listed(generated: openai.OpenAI) -> None:
    assert "gpt-4o-mini" in [model.id for model in generated.models.list()]
    assert generated.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"
    with pytest.raises(openai.NotFoundError) as caught:
        generated.models.retrieve("nonsense")
    assert caught.value.code == "model_not_found"
