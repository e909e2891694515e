"""What clients do to connections, on purpose or not: each gets its due, and nobody else minds."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chatdouble import Pace, Server, Session, Settings
from tests.conftest import Raw, until
from tests.live.implementations import BOTH, running

BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
GOOD = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
SLOW = b'{"stream": true, ' + BODY[1:].replace(b"Hello", b"slowly")
TIMEOUT = 0.4


@pytest.fixture(scope="module", params=BOTH)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with running(request.param, Settings(request_timeout=TIMEOUT)) as server:
        session = server.session("")
        session.on(user="slowly").reply("one two three", pace=Pace(each=0.15))
        session.on().reply("Hi.")
        yield server


@pytest.fixture
def session(server: Server) -> Session:
    return server._hub.sessions[0]


@pytest.fixture
def raw(session: Session) -> Iterator[Raw]:
    sender = Raw(session.base_url)
    yield sender
    sender.connection.close()


def connected(server: Server) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def answers(server: Server, sent: bytes) -> list[tuple[int, bytes]]:
    """The status and body of each answer to these bytes, until the server closes."""
    with connected(server) as client:
        client.sendall(sent)
        rest = until_closed(client)
    found = []
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0])
        found.append((int(head[9:12]), rest[:length]))
        rest = rest[length:]
    return found


def until_closed(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def message(answer: tuple[int, bytes]) -> tuple[int, str]:
    """An error's status and message, whose envelope is whole."""
    status, body = answer
    error = json.loads(body)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    return status, error["message"]


def quickly(raw: Raw) -> None:
    """A good request gets its answer soon, whoever else is there."""
    began = time.monotonic()
    response, answer = raw.chat(BODY)
    assert response.status == 200
    assert b"Hi." in answer
    assert time.monotonic() - began < 5  # and what a busy machine adds


NO_HTTP = (400, "We could not parse your request: it is not valid HTTP.")
LARGE = (431, "The request's headers are larger than 65536 bytes.")
LATE = (408, "The request did not come whole in time.")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /v1/models HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET /v1/models\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/mo dels HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx: a\x00b\r\n\r\n",
        HEAD + b"content-length: -1\r\n\r\n",
        HEAD + b"content-length: 1e3\r\n\r\n",
        HEAD + b"content-length: " + b"9" * 5_000 + b"\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
        # framing that can be read in two ways
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + GOOD,
        HEAD + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n" + GOOD,
        HEAD + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}" + GOOD,
        HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}" + GOOD,
        HEAD + b"content-length: 2, 2\r\n\r\n{}" + GOOD,
        HEAD + b"content-length: 2\r\nContent-Length : 2\r\n\r\n{}" + GOOD,
    ],
    ids=lambda sent: repr(sent[-40:]),
)
def test_what_is_no_http_is_refused_in_the_envelope_and_the_connection_closed(
    server: Server, raw: Raw, sent: bytes
) -> None:
    assert [message(answer) for answer in answers(server, sent)] == [NO_HTTP]
    quickly(raw)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 66_000 + b"\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 16_000_000,
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\n" + b"x: a\r\n" * 12_000 + b"\r\n",
        b"GET /v1/models?" + b"a" * 66_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"G" * 100_000,
        HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
    ids=lambda sent: f"{len(sent)}{sent[-5:]!r}",
)
def test_headers_of_64_kib_are_too_many(server: Server, raw: Raw, sent: bytes) -> None:
    answer = answers(server, sent)
    assert [message(one) for one in answer] in ([LARGE], [NO_HTTP])
    assert sent.startswith(b"GGG") or answer[0][0] == 431 or b"chunked" in sent
    quickly(raw)


def test_a_head_of_55_kib_is_none_too_many(server: Server, raw: Raw) -> None:
    response, _ = raw.send("POST", "/v1/chat/completions", BODY, {"x": "a" * 55_000})
    assert response.status == 200
    quickly(raw)


def test_what_comes_as_a_trailer_is_no_header(server: Server, session: Session, raw: Raw) -> None:
    with connected(server) as client:
        client.sendall(
            HEAD
            + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n%x\r\n%b\r\n"
            % (len(BODY), BODY)
            + b"0\r\nx-smuggled: yes\r\n\r\n"
        )
        assert until_closed(client).startswith(b"HTTP/1.1 200 ")
    assert "x-smuggled" not in session.calls[-1].headers


def test_requests_in_one_write_are_answered_in_their_order(server: Server) -> None:
    bad = HEAD + b"content-length: 1\r\n\r\n{"
    last = GOOD.replace(b"host: x", b"connection: close\r\nhost: x")
    assert [status for status, _ in answers(server, GOOD + bad + GOOD + last)] == [
        200,
        400,
        200,
        200,
    ]


def test_nonsense_behind_a_request_waits_for_its_answer(server: Server) -> None:
    slow = HEAD + b"content-length: %d\r\n\r\n" % len(SLOW) + SLOW
    with connected(server) as client:
        client.sendall(slow + b"nonsense\r\n\r\n")
        answer = until_closed(client)
    stream, _, refusal = answer.partition(b"data: [DONE]\n\n")
    assert stream.count(b"data: ") > 3
    assert refusal.startswith(b"\r\n0\r\n\r\nHTTP/1.1 400 ")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_asks_for_another_protocol_gets_this_one(
    server: Server, chunked: bool
) -> None:
    # as Java's client does
    upgrade = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: A\r\nhost: x"
    sent = GOOD
    if chunked:
        sent = HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    last = GOOD.replace(b"host: x", b"connection: close\r\nhost: x")
    came = answers(server, sent.replace(b"host: x", upgrade) + last)
    assert [status for status, _ in came] == [200, 200]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/chat",
        HEAD,
        HEAD + b"content-length: 100\r\n\r\n",
        HEAD + b"content-length: 100\r\n\r\n{",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhe",
        GOOD + HEAD,
        GOOD + HEAD + b"content-length: 10\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[-40:]),
)
def test_what_never_comes_whole_is_closed_in_time(server: Server, sent: bytes) -> None:
    began = time.monotonic()
    came = answers(server, sent)
    assert TIMEOUT - 0.1 < time.monotonic() - began < TIMEOUT + 8
    assert [status for status, _ in came if status == 200] == [200] * (BODY in sent)
    late = [message(answer) for answer in came if answer[0] != 200]
    assert late == ([LATE] if sent else [])


def test_a_client_that_sends_a_byte_now_and_then_is_late_too(server: Server) -> None:
    with connected(server) as client:
        began = time.monotonic()
        client.sendall(HEAD + b"content-length: 1000\r\n\r\n")
        client.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - began < 20:
            client.sendall(b" ")
            try:
                answer = client.recv(65536)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < TIMEOUT + 8


def test_an_answer_may_take_longer_than_a_request(server: Server) -> None:
    with connected(server) as client:
        client.sendall(HEAD + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(SLOW) + SLOW)
        began = time.monotonic()
        assert b"data: [DONE]" in until_closed(client)
        assert time.monotonic() - began > TIMEOUT


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"content-length: 100\r\n\r\n{"])
def test_a_hundred_that_dawdle_disturb_nobody(server: Server, raw: Raw, sent: bytes) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(100)]
        for client in clients:
            client.sendall(sent)
        for _ in range(10):
            quickly(raw)
        for client in clients:
            until_closed(client)


@pytest.mark.parametrize("kind", BOTH)
def test_a_thousand_connections_at_once(kind: str) -> None:
    with running(kind, Settings()) as server, ExitStack() as stack:
        server.session("").on().reply("Hi.")
        clients = [stack.enter_context(connected(server)) for _ in range(1_000)]
        for client in clients:
            client.sendall(GOOD)
        assert all(client.recv(15) == b"HTTP/1.1 200 OK" for client in clients)


def test_nothing_stays_of_clients_that_leave(server: Server, raw: Raw) -> None:
    assert server._uvicorn is not None
    state = server._uvicorn.server_state
    for number in range(100):
        with connected(server) as client:
            client.sendall((GOOD, HEAD, b"x", SLOW, GOOD + HEAD)[number % 5])
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    until(lambda: not state.connections and not state.tasks)
    quickly(raw)
