"""Connections that carry more than one plain request, with each of uvicorn's implementations."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from chatdouble import Session
from chatdouble.connections import bounds
from tests.live.implementations import BOTH, running

JSON = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'
STREAM = JSON[:-1] + b', "stream": true}'


@pytest.fixture(scope="module", params=BOTH)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with running(request.param) as server:
        made = server.session("")
        made.on(user="Hello").reply("Hi.")
        made.on(user="Slow").reply("Hi.", pace="ttft=600ms")
        made.on(user="Long").reply("word " * 10_000)
        yield made


def post(body: bytes, *headers: bytes, version: bytes = b"1.1") -> bytes:
    lines = b"".join(b"%b\r\n" % header for header in headers)
    return (
        b"POST /v1/chat/completions HTTP/%b\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"%bcontent-length: %d\r\n\r\n%b" % (version, lines, len(body), body)
    )


def connect(session: Session) -> socket.socket:
    port = int(session.base_url.rpartition(":")[2].partition("/")[0])
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def all_of(connection: socket.socket) -> bytes:
    found = b""
    while data := connection.recv(65536):
        found += data
    return found


def test_requests_that_do_not_wait_for_answers_get_them_in_order(session: Session) -> None:
    asked = [post(JSON), post(STREAM), post(b"{}"), post(JSON, b"connection: close")]
    with connect(session) as connection:
        connection.sendall(b"".join(asked))
        found = all_of(connection)
    first, second, third, last = found.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 OK\r\n")
    assert b"\r\ncontent-length: " in first
    assert b'"content": "Hi."' in first
    assert b"\r\ntransfer-encoding: chunked\r\n" in second.lower()
    assert second.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert third.startswith(b"400 ")
    assert b"\r\nconnection: close\r\n" in last.lower()
    assert b'"content": "Hi."' in last


def test_a_head_request_gets_no_body(session: Session) -> None:
    with connect(session) as connection:
        connection.sendall(
            b"HEAD /v1/models HTTP/1.1\r\nhost: x\r\n\r\n" + post(JSON, b"connection: close")
        )
        refused, answered = all_of(connection).split(b"HTTP/1.1 ")[1:]
    assert refused.endswith(b"\r\n\r\n")
    assert b'"content": "Hi."' in answered


def test_http_1_0_ends_with_the_connection(session: Session) -> None:
    with connect(session) as connection:
        connection.sendall(post(JSON, version=b"1.0"))
        found = all_of(connection)
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert found.endswith(b"}\n")


def test_a_client_that_asks_whether_to_send_its_body_is_told_to(session: Session) -> None:
    head, _, body = post(JSON, b"expect: 100-continue", b"connection: close").partition(b"\r\n\r\n")
    with connect(session) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert all_of(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_answers_that_nobody_reads_wait_and_come_whole(session: Session) -> None:
    long = post(JSON.replace(b"Hello", b"Long"))
    with connect(session) as connection:
        connection.sendall(long * 200 + post(JSON, b"connection: close"))
        found = all_of(connection)
    assert found.count(b"HTTP/1.1 200 OK\r\n") == 201
    assert found.count(b"word word ") == 200 * 5_000
    assert b'"content": "Hi."' in found[-2000:]


def test_a_connection_that_nothing_is_asked_on_is_closed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LONGEST_IDLE", 0.5)
    with connect(session) as connection:
        for _ in range(3):  # each request begins the time anew
            connection.sendall(post(JSON))
            found = b""
            while not found.endswith(b"}\n"):
                found += connection.recv(65536)
            assert found.startswith(b"HTTP/1.1 200 ")
            time.sleep(0.3)
        assert connection.recv(65536) == b""


def test_a_connection_is_not_idle_while_its_answer_is_on_its_way(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LONGEST_IDLE", 0.1)
    with connect(session) as connection:
        connection.sendall(post(STREAM.replace(b"Hello", b"Slow"), b"connection: close"))
        started = time.monotonic()
        assert all_of(connection).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert time.monotonic() - started > 0.5
