from __future__ import annotations

import json
import time
from typing import Any

import pytest

from chatdouble.cassette.format import Interaction
from chatdouble.cassette.match import difference, key_of, nearest

CHAT = "/v1/chat/completions"


def recording(body: Any, path: str = CHAT, origin: str = "a.yaml") -> Interaction:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Interaction(origin, "POST", path, "", raw, 200, (), b"")


def asked(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (b'{"a":1,"b":[1,2]}', b'{ "b": [1, 2],\n "a": 1 }'),
        (b'{"a":"\\u00e9"}', '{"a":"é"}'.encode()),
        (b"", b""),
        (b"no json", b"no json"),
    ],
)
def test_requests_that_mean_the_same_have_one_key(left: bytes, right: bytes) -> None:
    assert key_of("POST", CHAT, "", left) == key_of("post", CHAT, "", right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (b'{"a":1}', b'{"a":2}'),
        (b'{"a":1}', b'{"a":1,"b":null}'),
        (b'{"a":[1,2]}', b'{"a":[2,1]}'),
        (b'{"a":true}', b'{"a":1}'),
        (b'{"a":"1"}', b'{"a":1}'),
        (b"", b"{}"),
        (b"no json", b"no  json"),
    ],
)
def test_requests_that_mean_something_else_have_other_keys(left: bytes, right: bytes) -> None:
    assert key_of("POST", CHAT, "", left) != key_of("POST", CHAT, "", right)


def test_host_and_prefix_do_not_count_but_path_method_and_query_do() -> None:
    key = key_of("GET", "/v1/files", "a=1&b=2", b"")
    assert key == key_of("GET", "/openai/v1/files", "b=2&a=1", b"")
    assert key != key_of("GET", "/v1/files", "a=1", b"")
    assert key != key_of("GET", "/v1/file", "a=1&b=2", b"")
    assert key != key_of("POST", "/v1/files", "a=1&b=2", b"")


@pytest.mark.parametrize(
    ("was", "got", "param", "words"),
    [
        (
            {"model": "m", "messages": [{"role": "user", "content": "Hello"}]},
            {"model": "m", "messages": [{"role": "user", "content": "Hullo"}]},
            "messages[0].content",
            'at messages[0].content it has "Hello", the request has "Hullo"',
        ),
        (
            {"messages": [{"content": "a"}]},
            {"messages": [{"content": "a"}, {"content": "b"}]},
            "messages[1]",
            'at messages[1] it has nothing, the request has {"content": "b"}',
        ),
        ({"n": 1}, {}, "n", "at n it has 1, the request has nothing"),
        ({"n": 1}, {"n": True}, "n", "at n it has 1, the request has true"),
        ([1], {"a": 1}, None, 'at the top it has [1], the request has {"a": 1}'),
        (b"x", b"y", None, "their bodies differ"),
    ],
)
def test_the_first_difference_is_named_with_its_path(
    was: Any, got: Any, param: str | None, words: str
) -> None:
    found = difference("POST", CHAT, "", asked(got), recording(was))
    assert (found.words, found.param) == (words, param)


def test_another_path_or_query_is_the_first_difference() -> None:
    found = difference("POST", "/v1/embeddings", "", b"{}", recording({}))
    assert found.words == "it is of POST /v1/chat/completions, the request is POST /v1/embeddings"
    found = difference("POST", CHAT, "x=1", b"{}", recording({}))
    assert found.words == "its query is '', the request's is 'x=1'"


def test_the_nearest_recording_shares_the_path_and_the_most_values() -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is the weather?"}]}
    other_model = recording(body | {"model": "gpt-4o-mini"}, origin="model")
    other_text = recording(
        body | {"messages": [{"role": "system", "content": "x"}], "n": 2}, origin="text"
    )
    other_path = recording(body, path="/v1/responses", origin="path")
    found = nearest("POST", CHAT, asked(body), [other_path, other_text, other_model])
    assert found.origin == "model"


def test_bodies_nested_without_end_are_compared_as_bytes() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert key_of("POST", CHAT, "", deep) == key_of("POST", CHAT, "", deep)
    found = difference("POST", CHAT, "", deep + b" ", recording(deep))
    assert found.words == "their bodies differ"
    half = b"[" * 900 + b"]" * 900
    assert difference("POST", CHAT, "", half, recording(b"[1]")).words


def test_a_miss_with_a_huge_body_is_explained_without_reading_all_of_it() -> None:
    def talk(last: str) -> Any:
        return {"messages": [{"role": "user", "content": str(n)} for n in range(5_000)] + [last]}

    others = [recording(talk(str(number)), origin=str(number)) for number in range(60)]
    began = time.perf_counter()
    assert nearest("POST", CHAT, asked(talk("x")), others)
    assert time.perf_counter() - began < 10
