"""Recording: what a real server says streams through a live proxy, and is kept on the way."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from chatdouble import Server
from chatdouble.answers import Recording, ToolCall
from chatdouble.cassette.take import Take
from chatdouble.errors import CassetteError
from chatdouble.report import conversation
from chatdouble.schedule import Pace
from tests.conftest import until
from tests.live.recording import (
    BODY,
    CHUNKED,
    END,
    STREAMED,
    Came,
    Fixed,
    RawUpstream,
    Recorder,
    Shelf,
    chunk,
    says,
)

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def real() -> Iterator[Server]:
    """What stands for the real API: chatdouble itself, on another port."""
    with Server() as server:
        yield server


def test_the_openai_client_gets_what_it_gets_without_the_recorder(real: Server) -> None:
    session = real.session("")
    session.on(user="Hello", stream=True).reply("Hi, there.")
    session.on(user="Hello").reply(ToolCall("get_weather", id="call_1"))
    with Recorder(session.base_url) as recorder:
        said = []
        for url in (session.base_url, recorder.session.base_url):
            with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
                one = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
                with client.chat.completions.create(
                    model="gpt-4o", messages=MESSAGES, stream=True
                ) as stream:
                    said.append((one.choices, [event.choices for event in stream]))

                async def streamed(url: str = url) -> str:
                    async with openai.AsyncOpenAI(base_url=url, api_key="k") as client:
                        stream = await client.chat.completions.create(
                            model="gpt-4o", messages=MESSAGES, stream=True
                        )
                        return "".join([e.choices[0].delta.content or "" async for e in stream])

                assert asyncio.run(streamed()) == "Hi, there."
        assert said[0] == said[1]
        takes = recorder.shelf.takes
    assert [take.status for take in takes] == [200, 200, 200]
    assert takes[0].uri == f"{session.base_url}/chat/completions"
    assert b"get_weather" in takes[0].body
    assert takes[1].body.endswith(b"data: [DONE]\n\n")
    assert "upstream: 'Hi, there.'" in conversation(recorder.session)
    assert recorder.exchange.why == f"passed on to {session.base_url}; recorded"
    assert b"".join(p.data for p in recorder.exchange.pieces) == takes[2].body


@pytest.mark.parametrize("target", [b"/v1/files/f%2f1/content?a=b%20c&a=", b"/v1/x/~user//"])
def test_any_path_and_body_passes_byte_for_byte(target: bytes) -> None:
    body = random.Random(1).randbytes(20_000_000)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 20000000\r\n\r\n"
    with (
        RawUpstream(says(head, body)) as upstream,
        Recorder(f"{upstream.base_url[:-3]}/api/openai/v1/") as recorder,
    ):
        answered, got = recorder.ask(target, method=b"PUT", body=bytes(range(256)))
    assert got == body
    assert b"content-length: 20000000" in answered
    assert upstream.came[0].head.startswith(b"PUT /api/openai" + target + b" HTTP/1.1\r\n")
    assert upstream.came[0].body == bytes(range(256))
    (take,) = recorder.shelf.takes
    assert take.body == body
    assert take.uri == f"{upstream.base_url[:-3]}/api/openai{target.decode()}"


def test_each_piece_reaches_the_client_before_the_next_one_leaves_upstream() -> None:
    seen = threading.Semaphore(0)

    def answering(connection: socket.socket, _: Came) -> None:
        connection.sendall(CHUNKED)
        for number in range(5):
            connection.sendall(chunk(b"data: %d\n\n" % number))
            assert seen.acquire(timeout=5), "the client did not get the piece"
        connection.sendall(END)

    with (
        RawUpstream(answering) as upstream,
        Recorder(upstream.base_url) as recorder,
        recorder.connect() as connection,
        connection.makefile("rb") as lines,
    ):
        connection.sendall(b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        data = [line for line in lines_until_end(lines, seen) if line.startswith(b"data:")]
        assert data == [b"data: %d\n" % number for number in range(5)]
        until(lambda: recorder.shelf.takes)
        assert [piece for _, piece in recorder.shelf.takes[0].pieces] == [
            b"data: %d\n\n" % number for number in range(5)
        ]


def lines_until_end(lines: object, seen: threading.Semaphore) -> Iterator[bytes]:
    while (line := lines.readline()) != b"0\r\n":  # type: ignore[attr-defined]
        assert line
        yield line
        if line.startswith(b"data:"):
            seen.release()


def what_comes(connection: socket.socket) -> bytes:
    """What comes before it is silent."""
    connection.settimeout(0.1)
    got = b""
    with suppress(TimeoutError):
        while True:
            got += connection.recv(65536)
    return got


class Gate(Shelf):
    """A shelf that takes nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.open = threading.Event()

    def append(self, take: Take) -> None:
        self.asked.set()
        assert self.open.wait(5)
        super().append(take)


@pytest.mark.parametrize(
    ("answer", "before"),
    [
        pytest.param([b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour"], b"fou", id="length"),
        pytest.param(
            [CHUNKED, chunk(b"data: 1\n\nda"), chunk(b"ta: [DO"), chunk(b"NE]\n\n"), END],
            b"b\r\ndata: 1\n\nda\r\n7\r\nta: [DO\r\n",
            id="stream",
        ),
        pytest.param(
            [CHUNKED, chunk(b"data: 1\n\ndata: [DONE]\n\n"), END],
            b"9\r\ndata: 1\n\n\r\n",
            id="stream in one piece",
        ),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk(b"{}"), END],
            b"2\r\n{}\r\n",
            id="chunked",
        ),
        pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], None, id="no content"),
        pytest.param([b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], None, id="empty"),
    ],
)
def test_an_answer_is_kept_before_the_client_has_its_end(
    answer: list[bytes], before: bytes | None
) -> None:
    gate = Gate()
    with (
        RawUpstream(says(*answer)) as upstream,
        Recorder(upstream.base_url, gate) as recorder,
        recorder.connect() as connection,
    ):
        connection.sendall(b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert gate.asked.wait(5)
        got = what_comes(connection)
        head, _, rest = got.partition(b"\r\n\r\n")
        assert (rest if head else None) == before
        gate.open.set()
        connection.settimeout(5)
        while data := connection.recv(65536):
            got += data
        assert len(gate.takes) == 1
        body = got.partition(b"\r\n\r\n")[2]
        if before is not None:
            assert body.startswith(before)
            assert len(body) > len(before)


def test_a_stream_that_stays_open_behind_its_last_event_is_ended() -> None:
    over = threading.Event()

    def answering(connection: socket.socket, _: Came) -> None:
        connection.sendall(CHUNKED + chunk(b"data: 1\n\ndata: [DONE]\n\n"))
        over.wait(10)

    with RawUpstream(answering) as upstream, Recorder(upstream.base_url) as recorder:
        _, got = recorder.ask(method=b"POST", body=STREAMED)
        over.set()
    assert got.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert [take.cut for take in recorder.shelf.takes] == [False]


def test_what_upstream_packs_is_kept_and_sent_plain() -> None:
    packed = gzip.compress(b"plain " * 100)
    answer = Recording(200, (("content-type", "text/plain"), ("content-encoding", "gzip")), packed)
    with Server() as real:
        url = real.session("", (Fixed(answer),)).base_url
        with Recorder(url) as recorder:
            head, got = recorder.ask(b"/v1/x", b"Accept-Encoding: gzip, br")
    assert b"plain plain" in got
    assert b"content-encoding" not in head.lower()
    assert b"content-length" not in head.lower()
    (take,) = recorder.shelf.takes
    assert take.body == b"plain " * 100
    assert "content-encoding" not in dict(take.headers)
    assert dict(take.request_headers)["accept-encoding"] == "identity"


def test_headers_pass_but_for_those_of_a_connection_and_our_own() -> None:
    answer = (
        b"HTTP/1.1 418 Teapot\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
        b'Alt-Svc: h3=":443"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Request-Id: req_1\r\n'
        b"Content-Length: 2\r\n\r\n{}"
    )
    with RawUpstream(says(answer)) as upstream, Recorder(upstream.base_url) as recorder:
        head, _ = recorder.ask(
            b"/v1/x",
            b"Host: localhost:80",
            b"Authorization: Bearer sk-mine",
            b"X-Chatdouble-Fault: cut=1",
            b"Proxy-Authorization: Basic eA==",
            b"TE: trailers",
            b"X-Stainless-Lang: python",
            b"OpenAI-Organization: org-1",
        )
    assert head.split(b"\r\n")[1:] == [
        b"set-cookie: a=1",
        b"set-cookie: b=2",
        b"x-request-id: req_1",
        b"content-length: 2",
        b"connection: close",
    ]
    host = upstream.base_url.removeprefix("http://").removesuffix("/v1").encode()
    assert sorted(upstream.came[0].head.lower().split(b"\r\n")[1:-2]) == [
        b"accept-encoding: identity",
        b"authorization: bearer sk-mine",
        b"host: " + host,
        b"openai-organization: org-1",
        b"x-stainless-lang: python",
    ]


def test_connections_to_upstream_are_used_again() -> None:
    ports = set()

    def answering(connection: socket.socket, _: Came) -> None:
        ports.add(connection.getpeername()[1])
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    with RawUpstream(answering) as upstream, Recorder(upstream.base_url) as recorder:
        for _ in range(3):
            recorder.ask(b"/v1/x")
    assert len(ports) == 1


@pytest.mark.parametrize("begun", [False, True])
def test_a_client_that_leaves_ends_the_request_to_upstream(begun: bool) -> None:
    asked, gone = threading.Event(), threading.Event()

    def answering(connection: socket.socket, _: Came) -> None:
        if begun:
            connection.sendall(CHUNKED + chunk(b"data: 1\n\n"))
        asked.set()
        if connection.recv(1) == b"":
            gone.set()

    with RawUpstream(answering) as upstream, Recorder(upstream.base_url) as recorder:
        with recorder.connect() as connection:
            connection.sendall(b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert asked.wait(5)
            if begun:
                connection.recv(1)
        assert gone.wait(5)
        exchange = recorder.exchange
    assert exchange.outcome == "client left"
    assert "not recorded" in exchange.why
    assert not recorder.shelf.takes


@pytest.mark.parametrize("error", [CassetteError("x.yaml", "no space left"), RuntimeError("bug")])
def test_what_cannot_be_kept_is_said_and_the_client_gets_its_answer(
    real: Server, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    real.session("").on(user="Hello").reply("Hi", pace=Pace(each=0.001))
    with Recorder(f"{real.url}/v1", Shelf(error)) as recorder:
        for body in (BODY, STREAMED):
            head, got = recorder.ask(b"/v1/chat/completions", method=b"POST", body=body)
            assert head.startswith(b"HTTP/1.1 200")
            assert b'"content":"Hi"' in got.replace(b": ", b":")
            assert got.endswith((b"}\n", b"data: [DONE]\n\n\r\n0\r\n\r\n"))
            assert "NOT RECORDED" in recorder.exchange.why
            assert recorder.exchange.outcome == "complete"
    assert [line.levelname for line in caplog.records] == ["ERROR", "ERROR"]
    assert str(error) in caplog.text
