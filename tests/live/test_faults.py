"""Faults over real sockets, with each of uvicorn's implementations: what the bytes are, and how
the connection ends.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from chatdouble import Server, Session, Settings, call
from chatdouble.faults import breaking
from tests.conftest import Process, until
from tests.live.implementations import BOTH, running

TEXT = "Héllo wörld, how are you?"
JSON = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'
STREAM = JSON[:-1] + b', "stream": true, "stream_options": {"include_usage": true}}'

FIN, RST, OPEN = "FIN", "RST", "open"


@pytest.fixture(scope="module", params=BOTH)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with running(request.param, Settings(fault_header=True)) as made:
        yield made


@pytest.fixture
def session(server: Server, caplog: pytest.LogCaptureFixture) -> Iterator[Session]:
    made = server.session()
    made.on(user="Hello").reply(TEXT)
    with caplog.at_level(logging.INFO):
        yield made
        until(lambda: all(one.outcome != "open" for one in made.journal))
    server.drop(made)
    assert not caplog.records


class Answer:
    """The bytes of one answer as they came, and how the connection was then."""

    def __init__(self, base_url: str, body: bytes, fault: str, timeout: float = 1.0) -> None:
        host, _, path = base_url.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        self.reads: list[bytes] = []
        started = time.monotonic()
        with socket.create_connection((name, int(port)), timeout) as connection:
            connection.sendall(
                b"POST /%b/chat/completions HTTP/1.1\r\nhost: x\r\nX-Chatdouble-Fault: %b\r\n"
                b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (path.encode(), fault.encode(), len(body), body)
            )
            try:
                while data := connection.recv(65536):
                    self.reads.append(data)
                    if self.complete:
                        connection.settimeout(0.1)
                self.end = FIN
            except ConnectionResetError:
                self.end = RST
            except TimeoutError:
                self.end = OPEN
        self.seconds = time.monotonic() - started

    @property
    def head(self) -> bytes:
        return b"".join(self.reads).partition(b"\r\n\r\n")[0]

    @property
    def rest(self) -> bytes:
        """What came behind the headers."""
        return b"".join(self.reads).partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.head.split(b" ")[1])

    @property
    def complete(self) -> bool:
        """Whether the answer came to its end."""
        length = self.header(b"content-length")
        if length is None:
            return self.rest.endswith(b"\r\n0\r\n\r\n")
        return len(self.rest) >= int(length)

    def header(self, name: bytes) -> bytes | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b": ")
            if key.lower() == name:
                return value
        return None

    @property
    def body(self) -> bytes:
        """The body out of its chunks."""
        if self.header(b"content-length") is not None:
            return self.rest
        body, rest = b"", self.rest
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        return body

    @property
    def events(self) -> list[bytes]:
        return self.body.split(b"\n\n")[:-1]


Ask = Callable[..., Answer]


@pytest.fixture
def ask(session: Session) -> Ask:
    def asked(fault: str, body: bytes = STREAM, timeout: float = 1.0) -> Answer:
        return Answer(session.base_url, body, fault, timeout)

    return asked


def ended(session: Session) -> tuple[str, tuple[str, ...]]:
    """What the journal says of the last answer."""
    last = session.journal.exchanges[-1]
    until(lambda: last.outcome != "open")
    return last.outcome, last.faults


@pytest.mark.parametrize("body", [JSON, STREAM])
@pytest.mark.parametrize(
    ("fault", "end"), [("close", FIN), ("reset", RST), ("hang", OPEN)], ids=str
)
def test_no_answer_at_all(session: Session, ask: Ask, body: bytes, fault: str, end: str) -> None:
    answer = ask(fault, body, 0.4)
    assert (answer.reads, answer.end) == ([], end)
    assert ended(session)[0] == "cut on purpose"
    assert session.journal.exchanges[-1].sent == 0


@pytest.mark.parametrize(
    ("fault", "end"), [("cut=2", FIN), ("reset=2", RST), ("hang=2", OPEN)], ids=str
)
def test_a_stream_ends_behind_so_many_events(
    session: Session, ask: Ask, fault: str, end: str
) -> None:
    answer = ask(fault)
    assert answer.end == end
    assert not answer.complete
    assert len(answer.events) == 2
    outcome, (note,) = ended(session)
    assert outcome == "cut on purpose"
    assert f"at byte {len(answer.body)} of " in note
    assert session.journal.exchanges[-1].sent == len(answer.body)


@pytest.mark.parametrize(
    ("fault", "end"), [("cut=50b", FIN), ("reset=50b", RST), ("hang=50b", OPEN)], ids=str
)
def test_a_body_ends_behind_so_many_bytes(ask: Ask, fault: str, end: str) -> None:
    answer = ask(fault, JSON)
    assert (len(answer.body), answer.end) == (50, end)
    assert int(answer.header(b"content-length") or 0) > 500


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("429", 429, "rate_limit_exceeded"),
        ("quota", 429, "insufficient_quota"),
        ("401", 401, "invalid_api_key"),
        ("500", 500, None),
        ("503", 503, None),
        ("418", 418, None),
    ],
)
def test_an_error_in_the_words_of_the_api(
    ask: Ask, fault: str, status: int, code: str | None
) -> None:
    answer = ask(fault)
    assert answer.status == status
    assert json.loads(answer.body)["error"]["code"] == code
    assert answer.end == OPEN
    assert answer.header(b"retry-after") == (b"1" if fault == "429" else None)


def test_a_status_that_is_asked_for_uses_up_no_answer(session: Session, ask: Ask) -> None:
    ask("503")
    assert session.journal.exchanges[-1].source == "faults"
    assert session.unused_rules
    ask("close")
    assert not session.unused_rules


def test_headers_come_late(ask: Ask) -> None:
    answer = ask("delay=0.2, cut=1", timeout=2)
    assert 0.2 <= answer.seconds < 8
    assert len(answer.events) == 1
    assert ask("delay=60", timeout=0.4).reads == []


@pytest.mark.parametrize(
    ("fault", "lacks"),
    [("no_finish", b'"finish_reason":"stop"'), ("no_done", b"[DONE]"), ("no_usage", b'"usage":{')],
)
def test_a_stream_ends_cleanly_without_a_part(ask: Ask, fault: str, lacks: bytes) -> None:
    answer = ask(fault)
    assert answer.complete
    assert lacks not in answer.body
    assert lacks in ask("pings").body


def test_an_error_in_the_stream(ask: Ask) -> None:
    answer = ask("error_event=3")
    assert answer.complete
    assert len(answer.events) == 3
    error = json.loads(answer.events[-1].removeprefix(b"data: "))["error"]
    assert error["type"] == "server_error"


def test_the_bytes_of_a_stream_are_broken(ask: Ask) -> None:
    events = ask("one_write").events
    assert [len(event) for event in ask("lost_chunk=2").events] == [
        len(event) for event in events[:1] + events[2:]
    ]
    assert len(ask("doubled_chunk=2").events) == len(events) + 1
    assert ask("pings").body.count(b": ping\n\n") == len(events)
    assert ask("crlf").body.count(b"\r\n\r\n") == len(events)
    assert ask("media_type").header(b"content-type") == b"application/json"
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(ask("bad_chunk=2").events[1].removeprefix(b"data: "))


@pytest.mark.parametrize("body", [JSON, STREAM])
def test_one_character_arrives_in_two_reads(
    ask: Ask, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # on a busy machine nobody reads within the 20 ms that are between the writes
    monkeypatch.setattr(breaking, "_GAP", 0.3)
    answer = ask("split_utf8=1", body)
    broken_at = [read for read in answer.reads if read.rstrip(b"\r\n").endswith(b"\xc3")]
    assert len(broken_at) == 1
    assert "Hé" in answer.body.decode() or '"é' in answer.body.decode()


def test_the_announced_length_is_wrong(ask: Ask) -> None:
    size = len(ask("one_write", JSON).body)
    short = ask("short_length=10", JSON)
    assert (short.header(b"content-length"), short.end) == (b"%d" % (size - 10), FIN)
    assert len(short.rest) == size
    long = ask("long_length=10", JSON)
    assert (long.header(b"content-length"), long.end) == (b"%d" % (size + 10), FIN)
    assert len(long.rest) == size
    truncated = ask("truncate=20", JSON)
    assert (truncated.header(b"content-length"), len(truncated.rest)) == (b"20", 20)
    assert truncated.end == OPEN
    stream = ask("short_length=10")
    assert stream.rest.endswith(b"data: [DONE]\n\n")
    assert int(stream.header(b"content-length") or 0) == len(stream.rest) - 10


def test_an_unknown_fault_is_a_400_that_lists_the_known_ones(ask: Ask) -> None:
    answer = ask("nonsense")
    assert answer.status == 400
    error = json.loads(answer.body)["error"]
    assert error["code"] == "bad_fault"
    assert "known are delay, close, reset, hang, cut" in error["message"]


def test_the_header_means_nothing_where_it_is_not_turned_on(chatdouble: Session) -> None:
    chatdouble.on().reply("Hi.")
    assert Answer(chatdouble.base_url, JSON, "503").status == 200


def test_faults_by_rule_and_by_call(server: Server) -> None:
    session = server.session()
    session.on(user="Hello").reply("Hi.", fault="close", times=2).reply("Hi.", fault=429).reply(
        call("get", city="Paris"), fault="bad_arguments, finish_reason=length"
    )
    assert [Answer(session.base_url, JSON, "").end for _ in range(2)] == [FIN, FIN]
    assert Answer(session.base_url, JSON, "").status == 429
    choice = json.loads(Answer(session.base_url, JSON, "").body)["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city":"Paris"'
    outcomes = [exchange.outcome for exchange in session.journal]
    assert outcomes == ["cut on purpose", "cut on purpose", "complete", "complete"]
    server.drop(session)


def test_chance_is_the_same_for_the_same_seed_session_and_calls() -> None:
    def run(seed: int) -> list[str]:
        with Server(Settings(seed=seed)) as server:
            session = server.session("one")
            session.on().reply("Hi.", fault={"close": True, "probability": 0.5})
            ends = [Answer(session.base_url, JSON, "").end for _ in range(12)]
            server.drop(session)
            return ends

    first = run(1)
    assert set(first) == {FIN, OPEN}
    assert run(1) == first
    assert run(2) != first


def test_hanging_answers_end_when_the_server_stops() -> None:
    with Server(Settings(fault_header=True)) as server:
        session = server.session()
        session.on().reply(TEXT)
        name, port = server.url.removeprefix("http://").split(":")
        path = session.base_url.removeprefix(server.url)
        waiting = []
        for fault in ("hang", "hang=2", "delay=60"):
            connection = socket.create_connection((name, int(port)), 5)
            connection.sendall(
                f"POST {path}/chat/completions HTTP/1.1\r\nhost: x\r\n"
                f"x-chatdouble-fault: {fault}\r\ncontent-length: {len(STREAM)}\r\n\r\n".encode()
                + STREAM
            )
            waiting.append(connection)
        until(lambda: len(session.journal) == len(waiting))
        started = time.monotonic()
    assert time.monotonic() - started < 20  # they hang for a minute and more
    for connection in waiting:
        while connection.recv(65536):
            pass
        connection.close()
    outcomes = sorted(exchange.outcome for exchange in session.journal)
    assert outcomes == ["client left", "cut on purpose", "cut on purpose"]


def test_serve_takes_the_header_and_logs_what_was_done(run: Callable[..., Process]) -> None:
    server = run("serve", "--port", 0)
    assert Answer(server.base_url, STREAM, "reset=2", 5).end == RST
    assert Answer(server.base_url, STREAM, "hang=1", 0.5).end == OPEN
    assert Answer(server.base_url, JSON, "lost_chunk=2,503").status == 503
    server.process.terminate()
    status, out, err = server.ended()
    assert (status, err) == (0, "")
    # a line is written when its answer ended: for one that hangs, when the client has left
    by_fault = {line.partition("{")[2].partition(":")[0]: line for line in out.splitlines()}
    assert "(cut on purpose) {reset=2: reset at byte " in by_fault["reset=2"]
    assert "(cut on purpose) {hang=1: silent at byte " in by_fault["hang=1"]
    assert "503 faults: the request asks for it" in by_fault["503"]
    assert by_fault["503"].endswith("{lost_chunk=2: nothing to do, it is no stream}")


@pytest.mark.parametrize("fault", ["reset=2", "close=2", "cut=2", "hang=2"])
def test_a_fault_for_a_client_that_has_left_is_no_error(session: Session, fault: str) -> None:
    host, _, path = session.base_url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    head = b"POST /%b/chat/completions HTTP/1.1\r\nhost: x\r\nx-chatdouble-fault: %b\r\n" % (
        path.encode(),
        fault.encode(),
    )
    for _ in range(10):
        with socket.create_connection((name, int(port)), 5) as client:
            client.sendall(head + b"content-length: %d\r\n\r\n%b" % (len(STREAM), STREAM))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    until(lambda: session.journal.exchanges)


@pytest.mark.parametrize("body", [JSON, STREAM])
def test_a_finish_reason_holds_where_the_answer_is_cut_by_its_limit(
    session: Session, body: bytes
) -> None:
    cut = body[:-1] + b', "max_tokens": 2}'
    got = Answer(session.base_url, cut, "finish_reason=tool_calls")
    assert b"length" not in got.rest
    assert b'"tool_calls"' in got.rest
    assert list(session.journal)[-1].faults[0].startswith("finish_reason=tool_calls: said at byte ")
