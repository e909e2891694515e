"""Whatever a valid request asks for: the answer fits the published schemas and the strict client.

The requests are made with a fixed seed. Where the real API itself departs from its published
schemas, recordings win, and the departure is named here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import openai
import pytest
from jsonschema import Draft202012Validator
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from chatdouble import Server
from chatdouble.sources.generated import Generated
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract
from tests.conftest import SHARED, Raw

MODELS = (
    "gpt-4o-mini",
    "gpt-4o",
    "gpt-4.1-nano",
    "gpt-4",
    "gpt-3.5-turbo",
    "gpt-5",
    "gpt-5.4-mini",
    "o4-mini",
    "my-own-model",
)
PLAIN_MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1-nano", "my-own-model")
WORDS = ("the quick", "brown", "fox", "jumps", "über", "faulen Hunde", "日本", "🙂", "in json")
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The city"},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "units": {"type": ["string", "null"], "enum": ["metric", "imperial", None]},
        "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}},
    },
    "required": ["city", "days", "units", "stops"],
    "additionalProperties": False,
    "$defs": {
        "stop": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        }
    },
}
NAMES = ("get_weather", "search", "add-item")


def text(chance: Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(1, 30)))


def messages(chance: Random) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if chance.random() < 0.6:
        made.append({"role": chance.choice(["system", "developer"]), "content": text(chance)})
    for _ in range(chance.randint(0, 2)):
        made.append({"role": "user", "content": text(chance)})
        answer: dict[str, Any] = {"role": "assistant", "content": text(chance)}
        made.append(answer)
        if chance.random() < 0.4:
            ids = [f"call_{chance.randrange(10**9)}" for _ in range(chance.randint(1, 3))]
            answer["tool_calls"] = [
                {
                    "id": made_id,
                    "type": "function",
                    "function": {"name": "search", "arguments": "{}"},
                }
                for made_id in ids
            ]
            made += [{"role": "tool", "tool_call_id": one, "content": text(chance)} for one in ids]
    parts = [{"type": "text", "text": text(chance)} for _ in range(chance.randint(1, 3))]
    made.append({"role": "user", "content": parts if chance.random() < 0.3 else text(chance)})
    if chance.random() < 0.3:
        made[-1]["name"] = "Ann"
    return made


def request(chance: Random) -> dict[str, Any]:
    """A request that is valid for its model."""
    model = chance.choice(MODELS)
    body: dict[str, Any] = {"model": model, "messages": messages(chance)}
    optional: dict[str, Any] = {
        "n": chance.randint(1, 4),
        "seed": chance.randrange(1000),
        "user": "user-1",
        "metadata": {"test": "contract"},
        "service_tier": chance.choice(["auto", "default", "flex", "priority"]),
        "max_completion_tokens": chance.choice([1, 7, 4000]),
    }
    if model in PLAIN_MODELS:
        optional |= {
            "temperature": chance.choice([0, 0.7, 2]),
            "top_p": 0.5,
            "presence_penalty": -1.5,
            "frequency_penalty": 2,
            "stop": chance.choice(["e", ["a b", "z"]]),
            "logprobs": True,
            "logit_bias": {"50256": -100},
        }
    body |= {key: value for key, value in optional.items() if chance.random() < 0.25}
    if body.get("logprobs") and chance.random() < 0.5:
        body["top_logprobs"] = chance.randint(0, 20)
    if chance.random() < 0.4:
        offer(body, chance)
    elif model in PLAIN_MODELS and chance.random() < 0.4:
        named = {"name": "answer", "schema": SCHEMA, "strict": chance.random() < 0.5}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    if chance.random() < 0.5:
        body["stream"] = True
        if chance.random() < 0.7:
            options = {"include_usage": chance.random() < 0.7, "include_obfuscation": False}
            body["stream_options"] = {
                key: value for key, value in options.items() if chance.random() < 0.7
            }
    return body


def offer(body: dict[str, Any], chance: Random) -> None:
    functions = [
        {"name": name, "description": text(chance), "parameters": SCHEMA}
        for name in NAMES[: chance.randint(1, 3)]
    ]
    named = {"name": functions[-1]["name"]}
    if chance.random() < 0.2:
        body["functions"] = functions
        body["function_call"] = chance.choice(["auto", "none", named])
        return
    body["tools"] = [{"type": "function", "function": function} for function in functions]
    body["tool_choice"] = chance.choice(
        ["auto", "none", "required", {"type": "function", "function": named}]
    )
    if chance.random() < 0.3 and not body["model"].startswith(("o1", "o3")):
        body["parallel_tool_calls"] = chance.random() < 0.5


REQUESTS = [request(Random(seed)) for seed in range(300)]


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with Server() as server:
        yield server.session("contract", (Contract(), Scripted(), Generated())).base_url


def published() -> Any:
    """The published schemas, with the ``nullable`` of an older OpenAPI put into today's words."""
    file = SHARED / "openapi-chat.json"
    if not file.is_file():
        pytest.skip(f"the published schemas are not at {file}")
    return _with_null(json.loads(file.read_text("utf-8")))


def _with_null(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_null(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    whole = {key: _with_null(value) for key, value in schema.items()}
    return {"anyOf": [whole, {"type": "null"}]} if schema.get("nullable") is True else whole


def validator(document: Any, name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document})


def departures(path: str, message: str, model: str) -> bool:
    """Whether the real API, as recorded, departs from its schema in the same way."""
    if path.endswith("system_fingerprint"):
        return message.startswith("None is not of type")
    # choices of models that reason have no logprobs
    return message == "'logprobs' is a required property" and model.startswith(("gpt-5", "o"))


def faults(check: Draft202012Validator, document: Any) -> list[str]:
    found = (("/".join(map(str, one.path)), one.message) for one in check.iter_errors(document))
    return [
        f"{path}: {message}"
        for path, message in found
        if not departures(path, message, document["model"])
    ]


def test_every_answer_fits_the_published_schemas(base_url: str) -> None:
    document = published()
    whole = validator(document, "CreateChatCompletionResponse")
    piece = validator(document, "CreateChatCompletionStreamResponse")
    raw = Raw(base_url)
    streamed = 0
    for body in REQUESTS:
        response, answer = raw.chat(json.dumps(body).encode())
        assert response.status == 200, (body, answer)
        if not body.get("stream"):
            assert not faults(whole, json.loads(answer)), body
            continue
        streamed += 1
        *events, done = answer.decode().removesuffix("\n\n").split("\n\n")
        assert done == "data: [DONE]"
        for event in events:
            assert not faults(piece, json.loads(event.removeprefix("data: "))), body
    raw.connection.close()
    assert 100 < streamed < 200


def test_the_client_that_validates_strictly_accepts_every_answer(base_url: str) -> None:
    with openai.OpenAI(
        base_url=base_url, api_key="any", _strict_response_validation=True
    ) as client:
        for body in REQUESTS:
            if body.get("stream"):
                chunks = list(client.chat.completions.create(**body))
                assert all(isinstance(chunk, ChatCompletionChunk) for chunk in chunks)
                ended = {c.index for chunk in chunks for c in chunk.choices if c.finish_reason}
                assert ended == set(range(body.get("n", 1)))
            else:
                completion = client.chat.completions.create(**body)
                assert isinstance(completion, ChatCompletion)
                assert len(completion.choices) == body.get("n", 1)


def test_a_streamed_answer_says_what_the_whole_one_says(base_url: str) -> None:
    with openai.OpenAI(base_url=base_url, api_key="any") as client:
        for body in REQUESTS[:100]:
            rest = {k: v for k, v in body.items() if k not in ("stream", "stream_options")}
            whole = client.chat.completions.create(**rest)
            said = [""] * len(whole.choices)
            for chunk in client.chat.completions.create(**rest, stream=True):
                for choice in chunk.choices:
                    said[choice.index] += choice.delta.content or ""
            assert said == [choice.message.content or "" for choice in whole.choices]
