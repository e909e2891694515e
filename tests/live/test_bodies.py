"""Request bodies as they travel: in chunks, compressed, too large, announced and waited for."""

from __future__ import annotations

import gzip
import json
import socket
import time
import zlib
from collections.abc import Iterator

import openai
import pytest

from chatdouble import Server, Session, Settings
from tests.conftest import Raw

GOOD = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
CHAT = "/v1/chat/completions"
LIMIT = 100_000


def gzipped(data: bytes) -> bytes:
    # without the time, so that each worker of a run names the tests alike
    return gzip.compress(data, mtime=0)


def deflated(data: bytes, *, wrapper: int = -zlib.MAX_WBITS) -> bytes:
    deflate = zlib.compressobj(wbits=wrapper)
    return deflate.compress(data) + deflate.flush()


@pytest.fixture
def session() -> Iterator[Session]:
    with Server(Settings(body_limit=LIMIT)) as server:
        made = server.session("")
        made.on(user="Hello").reply("Hi.")
        yield made


@pytest.fixture
def raw(session: Session) -> Iterator[Raw]:
    sender = Raw(session.base_url)
    yield sender
    sender.connection.close()


def encoded(raw: Raw, coding: str, body: bytes) -> tuple[int, str]:
    """The status of the answer to a body of this coding, and its error's message."""
    headers = {"content-type": "application/json", "content-encoding": coding}
    response, answer = raw.send("POST", CHAT, body, headers)
    return response.status, json.loads(answer).get("error", {}).get("message", "")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("identity", GOOD),
        ("gzip", gzipped(GOOD)),
        ("GZIP", gzipped(GOOD)),
        ("x-gzip", gzipped(GOOD)),
        ("gzip", gzipped(GOOD[:20]) + gzipped(GOOD[20:])),
        ("deflate", zlib.compress(GOOD)),
        ("deflate", deflated(GOOD)),
        ("deflate, gzip", gzipped(zlib.compress(GOOD))),
        ("gzip,identity , deflate", zlib.compress(gzipped(GOOD))),
        (
            "gzip, gzip, gzip, gzip",
            gzipped(gzipped(gzipped(gzipped(GOOD)))),
        ),
    ],
)
def test_a_compressed_body_is_read_as_what_it_was(
    session: Session, raw: Raw, coding: str, body: bytes
) -> None:
    assert encoded(raw, coding, body) == (200, "")
    (call,) = session.calls
    assert call.body == GOOD
    assert call.json == json.loads(GOOD)


def test_codings_may_stand_in_several_headers(raw: Raw) -> None:
    body = gzipped(zlib.compress(GOOD))
    connection = raw.connection
    connection.putrequest("POST", CHAT)
    connection.putheader("content-encoding", "deflate")
    connection.putheader("content-encoding", "gzip")
    connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    assert response.status == 200
    response.read()


def test_a_compressed_body_may_come_in_chunks(raw: Raw) -> None:
    body = gzipped(GOOD)
    headers = {"content-encoding": "gzip"}
    raw.connection.request("POST", CHAT, iter([body[:9], body[9:]]), headers, encode_chunked=True)
    response = raw.connection.getresponse()
    assert response.status == 200
    response.read()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", GOOD),
        ("gzip", gzipped(GOOD)[:-1]),
        ("gzip", gzipped(GOOD)[:-8] + bytes(8)),
        ("gzip", gzipped(GOOD) + b"more"),
        ("gzip", gzipped(b"") * 100),
        ("gzip", b"\x1f"),
        ("deflate", GOOD),
        ("deflate", zlib.compress(GOOD)[:-1]),
        ("deflate", deflated(GOOD)[:-3]),
    ],
)
def test_a_broken_coding_is_a_400_that_says_so(raw: Raw, coding: str, body: bytes) -> None:
    assert encoded(raw, coding, body) == (
        400,
        f"The request's body is not what its Content-Encoding says: no valid {coding}.",
    )
    assert raw.chat(GOOD)[0].status == 200


def test_an_unknown_coding_is_a_400_that_names_those_that_are_known(raw: Raw) -> None:
    for coding in ("br", "zstd", "compress", "x" * 2000):
        assert encoded(raw, coding, GOOD) == (
            400,
            f"The request's Content-Encoding '{coding[:40]}' is not supported. Supported codings "
            "are gzip, deflate and identity.",
        )
    status, message = encoded(raw, ", ".join(["gzip"] * 100), GOOD)
    assert status == 400
    assert message.startswith("The request's Content-Encoding lists 100 codings; at most 4 ")


def test_an_empty_body_needs_no_coding(raw: Raw) -> None:
    response, _ = raw.send("GET", "/v1/models", None, {"content-encoding": "gzip"})
    assert response.status == 200


@pytest.mark.parametrize(
    ("coding", "fold"),
    [
        ("gzip", gzipped),
        ("deflate", zlib.compress),
        ("deflate", deflated),
        ("gzip, gzip", lambda data: gzipped(gzipped(data))),
    ],
)
def test_a_bomb_is_stopped_at_the_limit(raw: Raw, coding: str, fold: object) -> None:
    assert callable(fold)
    fits, bursts = (fold(GOOD + b" " * (size - len(GOOD))) for size in (LIMIT, LIMIT + 1))
    bomb = fold(bytes(90_000_000))
    assert encoded(raw, coding, fits)[0] == 200
    began = time.monotonic()
    assert len(bomb) < LIMIT
    for body in (bursts, bomb):
        assert encoded(raw, coding, body) == (
            413,
            f"The request's body is larger than {LIMIT} bytes.",
        )
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_too_much_gets_to_its_413_and_goes_on(
    session: Session, raw: Raw, chunked: bool
) -> None:
    huge = iter([b"x" * 1_000_000] * 20) if chunked else b"x" * 20_000_000
    headers = {"content-type": "application/json"}
    raw.connection.request("POST", CHAT, huge, headers, encode_chunked=chunked)
    response = raw.connection.getresponse()
    assert response.status == 413
    error = json.loads(response.read())["error"]
    assert error["message"] == f"The request's body is larger than {LIMIT} bytes."
    assert response.headers["connection"] is None
    assert raw.chat(GOOD)[0].status == 200, "the same connection serves the next request"
    refused, _ = session.journal.exchanges
    assert (refused.source, refused.response.status) == ("server", 413)
    assert refused.call.body == b""


def test_the_openai_client_sees_the_413(session: Session) -> None:
    with (
        openai.OpenAI(base_url=session.base_url, api_key="any", max_retries=0) as client,
        pytest.raises(openai.APIStatusError, match="larger than 100000 bytes") as caught,
    ):
        client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "x" * 5_000_000}]
        )
    assert caught.value.status_code == 413


def head(length: int, *further: str) -> bytes:
    lines = (f"POST {CHAT} HTTP/1.1", "host: x", f"content-length: {length}", *further, "", "")
    return "\r\n".join(lines).encode()


def connected(raw: Raw) -> socket.socket:
    return socket.create_connection((raw.connection.host, raw.connection.port), timeout=5)


def test_a_client_that_waits_for_100_continue_gets_it(raw: Raw) -> None:
    with connected(raw) as client:
        client.sendall(head(len(GOOD), "Expect: 100-continue"))
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(GOOD)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_waits_with_too_much_gets_its_413_at_once(raw: Raw) -> None:
    with connected(raw) as client:
        client.sendall(head(LIMIT + 1, "expect: 100-Continue"))
        answer = b"".join(iter(lambda: client.recv(10_000), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    assert b"\r\nconnection: close\r\n" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]


def test_a_body_that_is_announced_too_large_is_not_waited_for(raw: Raw) -> None:
    with connected(raw) as client:
        client.sendall(head(10**18))
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_waits_for_a_session_that_is_over_is_not_left_waiting(raw: Raw) -> None:
    with connected(raw) as client:
        client.sendall(head(2, "expect: 100-continue").replace(b"/v1", b"/s/nobody/v1"))
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert client.recv(1000).startswith(b"HTTP/1.1 404 ")
