"""What the endpoints of stored completions refuse, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from chatdouble import Session
from tests.conftest import Raw

CHAT = "/v1/chat/completions"


@pytest.fixture
def client(chatdouble: Session) -> Iterator[openai.OpenAI]:
    chatdouble.on().reply("Hi there!")
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="any", max_retries=0) as made:
        yield made


def create(client: openai.OpenAI, **options: Any) -> str:
    messages: Any = [{"role": "user", "content": "Hello"}]
    made: str = client.chat.completions.create(
        model="gpt-4o", messages=messages, store=True, **options
    ).id
    return made


def refused(raw: Raw, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    response, answer = raw.send(method, path, body)
    assert response.headers["content-type"] == "application/json"
    error = json.loads(answer)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    return response.status, (error["message"], error["param"], error["code"])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            "limit=0",
            "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 "
            "instead. limit integer_below_min_value",
        ),
        (
            "limit=101",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 "
            "instead. limit integer_above_max_value",
        ),
        (
            "limit=ten",
            "Invalid type for 'limit': expected an integer, but got a string instead. "
            "limit invalid_type",
        ),
        (
            "limit=",
            "Invalid type for 'limit': expected an integer, but got a string instead. "
            "limit invalid_type",
        ),
        (
            "order=up",
            "Invalid value: 'up'. Supported values are: 'asc' and 'desc'. order invalid_value",
        ),
    ],
)
@pytest.mark.parametrize("path", [CHAT, f"{CHAT}/x/messages"])
def test_a_bad_query_is_refused(raw: Raw, path: str, query: str, error: str) -> None:
    status, said = refused(raw, "GET", f"{path}?{query}")
    assert (status, " ".join(map(str, said))) == (400, error)


def test_a_cursor_that_is_nothing_stored_is_refused(client: openai.OpenAI, raw: Raw) -> None:
    made = create(client)
    missing = (404, ("Item nobody not found", "after", "not_found"))
    assert refused(raw, "GET", f"{CHAT}?after=nobody") == missing
    assert refused(raw, "GET", f"{CHAT}/{made}/messages?after=nobody") == missing
    response, _ = raw.send("GET", f"{CHAT}?after=")
    assert response.status == 200


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b"{}", "Missing required parameter: 'metadata'.", "missing_required_parameter"),
        (
            b'{"metadata": "x"}',
            "Invalid type for 'metadata': expected a metadata object, but got a string instead.",
            "invalid_type",
        ),
        (
            b'{"metadata": {"a": 1}}',
            "Invalid type for 'metadata.a': expected a string, but got an integer instead.",
            "invalid_type",
        ),
        (b'{"metadata": {}, "model": "x"}', "Unknown parameter: 'model'.", "unknown_parameter"),
        (b"[]", "We could not parse the JSON body of your request.", None),
        (b"[" * 100_000, "We could not parse the JSON body of your request. (HINT", None),
        (b"", "We could not parse the JSON body of your request. (HINT", None),
    ],
)
def test_a_bad_update_is_refused_and_changes_nothing(
    client: openai.OpenAI, raw: Raw, body: bytes, message: str, code: str | None
) -> None:
    made = create(client, metadata={"a": "b"})
    status, said = refused(raw, "POST", f"{CHAT}/{made}", body)
    assert status == 400
    assert said[0].startswith(message)
    assert said[2] == code
    got = client.chat.completions.retrieve(made)
    assert got.to_dict()["metadata"] == {"a": "b"}


@pytest.mark.parametrize(
    ("path", "id"),
    [
        ("x", "x"),
        ("%2e%2e", ".."),
        ("messages", "messages"),
        ("%7Bid%7D", "{id}"),
        ("%7Bid%7D/messages", "{id}"),
        ("../messages", ".."),
        ("%00%0d%0a", "\0\r\n"),
        ("%ff%fe", "\ufffd\ufffd"),
        ("%F0%9F%92%A9/messages", "\U0001f4a9"),
        ("x" * 5000, "x" * 5000),
        ("__class__", "__class__"),
    ],
)
def test_an_odd_id_is_just_not_there(raw: Raw, path: str, id: str) -> None:  # noqa: A002
    expected = (404, (f"Completion {id} not found", "completion_id", "not_found"))
    assert refused(raw, "GET", f"{CHAT}/{path}") == expected


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", CHAT, 405),
        ("DELETE", CHAT, 405),
        ("PATCH", f"{CHAT}/x", 405),
        ("POST", f"{CHAT}/x/messages", 405),
        ("DELETE", f"{CHAT}/x/messages", 405),
        ("GET", f"{CHAT}/", 404),
        ("GET", f"{CHAT}//messages", 404),
        ("GET", f"{CHAT}/x/", 404),
        ("GET", f"{CHAT}/a%2Fb", 404),
        ("GET", f"{CHAT}/x/choices", 404),
        ("GET", f"{CHAT}/x/messages/y", 404),
        ("GET", f"{CHAT}x", 404),
        ("GET", "/v1/models/x/messages", 404),
    ],
)
def test_other_paths_and_methods_stay_refused(
    raw: Raw, method: str, path: str, status: int
) -> None:
    got, (message, param, code) = refused(raw, method, path)
    assert (got, param, code) == (status, None, None)
    assert message.startswith("Not allowed to" if status == 405 else "Invalid URL")
