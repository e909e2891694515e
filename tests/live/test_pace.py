"""Paces over real sockets: who says which one holds, and in which order things leave.

The times themselves are tested as values; here only what came before what.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import openai
import pytest

from chatdouble import Pace, Server, Session, Settings
from chatdouble.journal import Exchange
from tests.conftest import Process, Raw, until

BODY = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'
STREAM = BODY[:-1] + b', "stream": true}'
TEXT = "One two three four five."


def exchange(session: Session, body: bytes = STREAM, pace: str | None = None) -> Exchange:
    raw = Raw(session.base_url)
    headers = {"content-type": "application/json"} | ({"X-Chatdouble-Pace": pace} if pace else {})
    raw.send("POST", "/v1/chat/completions", body, headers)
    raw.connection.close()
    until(lambda: session.journal.exchanges[-1].outcome != "open")
    return session.journal.exchanges[-1]


def last(session: Session, body: bytes = STREAM, pace: str | None = None) -> float:
    return exchange(session, body, pace).pieces[-1].at


def test_the_request_comes_before_the_rule_and_that_before_the_session() -> None:
    settings = Settings(pace="ttft=40ms", pace_header=True)
    with Server(settings) as server:
        session = server.session()
        session.on(model="gpt-4o-mini").reply(TEXT, pace={"first": "30ms"}).reply(TEXT)
        assert last(session, pace="ttft=20ms") == 0.02
        assert last(session) == 0.04
        session.pace = Pace(first=0.01)
        assert last(session) == 0.01
        session.pace = None
        assert last(session) == 0
        other = server.session(pace="ttft=10ms")
        other.on().reply(TEXT, pace="ttft=30ms")
        assert last(other) == 0.03


def test_a_header_that_is_no_pace_is_a_400_that_names_the_profiles() -> None:
    with Server(Settings(pace_header=True)) as server:
        session = server.session()
        session.on().reply(TEXT)
        error = exchange(session, pace="quick")
    assert error.response.status == 400
    assert "X-Chatdouble-Pace: there is no pace 'quick'" in error.why
    assert "fast, typical, slow, reasoning" in error.why


def test_the_header_means_nothing_unless_it_is_allowed(chatdouble: Session) -> None:
    chatdouble.on().reply(TEXT)
    assert last(chatdouble, pace="nonsense") == 0


def test_a_body_takes_as_long_as_its_tokens(chatdouble: Session) -> None:
    chatdouble.on().reply(TEXT, pace=Pace(first=0.01, each=0.001))
    made = exchange(chatdouble, BODY)
    tokens = json.loads(made.response.whole())["usage"]["completion_tokens"]
    assert made.headers_at == made.pieces[0].at == pytest.approx(0.01 + 0.001 * tokens)
    assert dict(made.response.headers)[b"openai-processing-ms"] == b"%d" % (10 + tokens)


def test_an_error_waits_for_its_headers_only(chatdouble: Session) -> None:
    chatdouble.pace = Pace(headers=0.02, first=30, each=30)
    chatdouble.on().fail(500)
    made = exchange(chatdouble, BODY)
    assert made.response.status == 500
    assert made.headers_at == made.pieces[0].at == 0.02


def test_jitter_depends_on_the_session_and_the_request_alone() -> None:
    def times(seed: int, bodies: list[bytes]) -> dict[bytes, list[float]]:
        with Server(Settings(seed=seed)) as server:
            session = server.session("same", pace="tpot=1ms, jitter=0.5")
            session.on().reply(TEXT)
            return {body: [piece.at for piece in exchange(session, body).pieces] for body in bodies}

    other = STREAM.replace(b"Hello", b"Bye")
    assert times(0, [STREAM, other]) == times(0, [other, STREAM])
    assert times(0, [STREAM]) != times(1, [STREAM])
    both = times(0, [STREAM, other])
    assert both[STREAM] != both[other]


def test_the_headers_come_before_the_first_event_and_not_sooner_than_said(
    chatdouble: Session,
) -> None:
    chatdouble.on().reply(TEXT, pace=Pace(headers=0.05, first=0.1, each=0.01))
    client = openai.OpenAI(base_url=chatdouble.base_url, api_key="any")
    started = time.monotonic()
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}], stream=True
    ) as response:
        with_headers = time.monotonic()
        next(response.iter_lines())
        with_event = time.monotonic()
    # the clock of the event loop has milliseconds
    assert with_headers - started >= 0.045
    assert with_event - started >= 0.095
    assert with_headers < with_event


def test_faults_break_an_answer_on_its_timetable() -> None:
    with Server(Settings(fault_header=True)) as server:
        session = server.session(pace="headers=10ms, ttft=20ms, tpot=1ms")
        session.on().reply(TEXT, fault="lost_chunk=2")
        made = exchange(session)
        assert (made.headers_at, made.outcome) == (0.01, "complete")
        assert [piece.at for piece in made.pieces][:2] == pytest.approx([0.02, 0.022])


def test_the_command_takes_a_profile_and_figures(run: Callable[..., Process]) -> None:
    args = ("serve", "--port", "0", "--pace", "typical", "--ttft", "30ms", "--tpot", "1ms")
    process = run(*args, "--header-delay", "10ms", "--jitter", "0")
    client = openai.OpenAI(base_url=process.base_url, api_key="any", max_retries=0)
    ask = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    started = time.monotonic()
    assert client.chat.completions.create(**ask).choices  # type: ignore[call-overload]
    assert time.monotonic() - started >= 0.03
    with pytest.raises(openai.BadRequestError, match="known are the profiles"):
        client.chat.completions.create(
            **ask,
            extra_headers={"X-Chatdouble-Pace": "x"},  # type: ignore[call-overload]
        )
    for said, problem in (("soon", "is no time such as 300ms"), ("3601", "is more than an hour")):
        status, _, errors = run("serve", "--port", "0", "--ttft", said).ended()
        assert status == 2
        assert f"'--ttft': '{said}' {problem}" in errors
