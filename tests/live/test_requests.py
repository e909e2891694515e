"""Requests that no client would send, over real sockets: an answer each time, and never a 5xx."""

from __future__ import annotations

import json
import socket
from typing import Any

import openai
import pytest

from chatdouble import Server, Session
from chatdouble.calls import Call
from chatdouble.sources.source import Choice, Contract
from tests.conftest import Raw

GOOD = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"model=gpt-4o&messages=x",
        b"[" * 100_000,
        b'{"model": "gpt-4o", "messages": 7}',
        b'{"model": "gpt-4o", "messages": [null]}',
        b'{"model": {}, "messages": []}',
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": {"a": 1}}]}',
        GOOD.replace(b"Hello", b"\\ud800"),
        GOOD.replace(b'"Hello"', b"1e999"),
    ],
)
def test_a_bad_body_gets_a_400_in_the_envelope_and_the_next_request_is_right(
    chatdouble: Session, raw: Raw, body: bytes
) -> None:
    chatdouble.on().reply("Hi.")
    response, answer = raw.chat(body)
    assert response.status == 400
    assert list(json.loads(answer)["error"]) == ["message", "type", "param", "code"]
    assert b"Traceback" not in answer
    response, answer = raw.chat(GOOD)
    assert response.status == 200
    assert json.loads(answer)["choices"][0]["message"]["content"] == "Hi."


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/nonsense", 404, "Invalid URL (GET /v1/nonsense)"),
        ("POST", "/v1/chat/completions/", 404, "Invalid URL (POST /v1/chat/completions/)"),
        ("POST", "/", 404, "Invalid URL (POST /)"),
        ("POST", "/v1/%2e%2e/%2e%2e/etc/passwd", 404, "Invalid URL (POST /v1/../../etc/passwd)"),
        ("GET", "/v1/a%0d%0ab", 404, "Invalid URL (GET /v1/a\r\nb)"),
        ("DELETE", "/v1/chat/completions", 405, "Not allowed to DELETE on /v1/chat/completions."),
        ("PUT", "/v1/models", 405, "Not allowed to PUT on /v1/models."),
    ],
)
def test_unknown_paths_and_methods_answer_in_the_envelope(
    raw: Raw, method: str, path: str, status: int, message: str
) -> None:
    response, answer = raw.send(method, path, b"{}")
    assert response.status == status
    assert json.loads(answer)["error"]["message"].startswith(message)
    assert response.headers["content-type"] == "application/json"


def test_odd_names_of_tools_in_a_request_are_no_fault_of_ours(
    chatdouble: Session, raw: Raw
) -> None:
    chatdouble.on().reply("Hi.")
    made = {"id": "call_1", "type": "custom", "custom": {"name": "a b", "input": "x"}}
    history = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "call_1", "content": "y"},
    ]
    offered = [{"type": "function", "function": {"name": "f"}}]
    named: list[Any] = [{"type": "function", "function": {"name": []}}]
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": named}}
    for body in (
        {"messages": history},
        {"messages": history[:1], "tools": offered, "tool_choice": allowed},
    ):
        assert raw.chat(json.dumps({"model": "gpt-4o", **body}).encode())[0].status < 500, body


def test_a_fault_of_our_own_is_a_500_in_the_envelope_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Contract):
        async def answer(self, call: Call) -> Choice | None:
            raise RuntimeError("oh no")

    with Server() as server:
        raw = Raw(server.session("", (Broken(),)).base_url)
        response, answer = raw.chat(GOOD)
        raw.connection.close()
    assert response.status == 500
    assert json.loads(answer)["error"]["code"] == "internal_error"
    assert b"oh no" not in answer
    assert "oh no" in caplog.text


def test_a_session_that_is_over_says_so(chatdouble: Session, raw: Raw) -> None:
    raw.prefix = "/s/nobody"
    response, answer = raw.chat(GOOD)
    assert response.status == 404
    assert response.headers["x-should-retry"] == "false"
    assert "There is no chatdouble session 'nobody'" in json.loads(answer)["error"]["message"]


def test_a_chunked_body_and_a_body_in_pieces_are_read_whole(chatdouble: Session, raw: Raw) -> None:
    chatdouble.on(user="Hello").reply("Hi.")
    raw.connection.request(
        "POST",
        f"{raw.prefix}/v1/chat/completions",
        iter([GOOD[:10], GOOD[10:30], GOOD[30:]]),
        {"content-type": "application/json"},
        encode_chunked=True,
    )
    response = raw.connection.getresponse()
    assert response.status == 200
    assert b"Hi." in response.read()


def test_answers_carry_the_apis_headers(chatdouble: Session, raw: Raw) -> None:
    chatdouble.on().reply("Hi.")
    stream = GOOD.replace(b"{", b'{"stream": true, ', 1)
    for body, last in ((GOOD, "content-length"), (stream, "transfer-encoding")):
        response, _ = raw.chat(body)
        assert [name for name, _ in response.headers.items()] == [
            "date",
            "content-type",
            "openai-organization",
            "openai-processing-ms",
            "openai-project",
            "openai-version",
            "x-ratelimit-limit-requests",
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-requests",
            "x-ratelimit-reset-tokens",
            "x-request-id",
            last,
        ]
        assert response.headers["date"] == "Thu, 01 Jan 2026 00:00:00 GMT"


def test_the_openai_client_can_read_the_headers(chatdouble: Session) -> None:
    chatdouble.on().reply("Hi.")
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="any") as client:
        answer = client.chat.completions.with_raw_response.create(
            model="gpt-5", messages=[{"role": "user", "content": "Hello"}]
        )
    assert answer.headers["x-ratelimit-remaining-requests"] == "14999"
    assert answer.headers["x-ratelimit-remaining-tokens"] == "39999996"
    assert answer.headers["x-ratelimit-reset-requests"] == "4ms"
    assert int(answer.headers["openai-processing-ms"]) > 0
    completion = answer.parse()
    assert completion._request_id == answer.headers["x-request-id"]


def test_the_same_requests_give_the_same_bytes_in_every_run() -> None:
    def bodies() -> list[bytes]:
        with Server() as server:
            session = server.session("test")
            session.on().reply("Hi.")
            raw = Raw(session.base_url)
            stream = GOOD.replace(b"{", b'{"stream": true, ', 1)
            got = [raw.chat(body)[1] for body in (GOOD, GOOD, stream)]
            raw.connection.close()
            return got

    first, second = bodies(), bodies()
    assert first == second
    assert first[0] != first[1], "identical requests have ids of their own"


def test_nothing_waits_for_nagle(chatdouble: Session, raw: Raw) -> None:
    """Pinned because asyncio sets TCP_NODELAY only on sockets made with IPPROTO_TCP."""
    from chatdouble.sockets import bind

    listening = bind("127.0.0.1", 0)
    assert listening.proto == socket.IPPROTO_TCP
    listening.close()


def test_a_connection_that_sends_half_a_request_and_leaves_disturbs_nobody(
    chatdouble: Session, raw: Raw
) -> None:
    chatdouble.on().reply("Hi.")
    host, port = raw.connection.host, raw.connection.port
    with socket.create_connection((host, port)) as half:
        head = f"POST {raw.prefix}/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99"
        half.sendall(f"{head}\r\n\r\n{{".encode())
    response, _ = raw.chat(GOOD)
    assert response.status == 200
    assert len(chatdouble.calls) == 1
