"""What the openai client makes of faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from chatdouble import Server, Session, Settings, call
from chatdouble.report import conversation

HELLO: Any = [{"role": "user", "content": "Hello"}]
TEXT = "Héllo wörld, how are you?"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(Settings(fault_header=True)) as made:
        yield made


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    made = server.session()
    yield made
    server.drop(made)


@pytest.fixture
def client(session: Session) -> Iterator[openai.OpenAI]:
    url = session.base_url
    with openai.OpenAI(base_url=url, api_key="any", max_retries=1, timeout=5) as made:
        yield made


def ask(client: openai.OpenAI) -> str | None:
    made = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    return made.choices[0].message.content


def stream(client: openai.OpenAI, got: list[str], fault: str = "") -> None:
    chunks = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=HELLO,
        stream=True,
        extra_headers={"X-Chatdouble-Fault": fault},
    )
    got += (chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("fault", ["500", "429", "close", "reset", "cut", "long_length"])
def test_it_tries_again_and_gets_the_answer(
    session: Session, client: openai.OpenAI, fault: str
) -> None:
    session.on().reply("Hi.", fault=fault).reply("Hi.")
    assert ask(client) == "Hi."
    (retry,) = session.retries
    assert retry.obeyed
    assert session.journal.exchanges[0].faults[0].startswith(fault)


def test_fail_so_many_times_then_work(session: Session, client: openai.OpenAI) -> None:
    session.on().fail(500, fault="reset", times=2).reply("Hi.")
    with pytest.raises(openai.APIConnectionError):
        ask(client)
    assert ask(client) == "Hi."


def test_a_hanging_answer_runs_into_its_timeout(session: Session, client: openai.OpenAI) -> None:
    session.on().reply(TEXT, fault="hang")
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.3, max_retries=0))


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("cut=3", openai.APIConnectionError),
        ("reset=3", openai.APIConnectionError),
        ("hang=3", openai.APITimeoutError),
        ("error_event=4", openai.APIError),
        ("bad_chunk=4", json.JSONDecodeError),
    ],
)
def test_a_broken_stream_raises_behind_what_came(
    session: Session, client: openai.OpenAI, fault: str, raised: type[Exception]
) -> None:
    session.on().reply(TEXT)
    got: list[str] = []
    with pytest.raises(raised):
        stream(client.with_options(timeout=0.5), got, fault)
    assert got == ["", "H", "é"]
    assert len(session.calls) == 1


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("no_done", TEXT),
        ("no_finish", TEXT),
        ("truncate=1000", "Hé"),
        ("lost_chunk=3", TEXT.replace("é", "", 1)),
        ("doubled_chunk=3", TEXT.replace("é", "éé", 1)),
        ("media_type", TEXT),
        ("pings", TEXT),
        ("crlf", TEXT),
        ("split", TEXT),
        ("split_utf8", TEXT),
    ],
)
def test_these_streams_are_taken_without_a_word(
    session: Session, client: openai.OpenAI, fault: str, text: str
) -> None:
    session.on().reply(TEXT)
    got: list[str] = []
    stream(client, got, fault)
    assert "".join(got) == text


def test_half_a_body_is_no_json(session: Session, client: openai.OpenAI) -> None:
    session.on().reply(TEXT, fault="truncate")
    with pytest.raises(json.JSONDecodeError):
        ask(client)


def test_arguments_that_are_no_json_reach_the_caller(
    session: Session, client: openai.OpenAI
) -> None:
    session.on().reply(call("get", city="Paris"), fault="bad_arguments")
    made = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    calls = made.choices[0].message.tool_calls
    assert calls
    (made_call,) = calls
    assert isinstance(made_call, ChatCompletionMessageFunctionToolCall)
    assert made_call.function.arguments == '{"city":"Paris"'


def test_a_test_report_says_what_was_done(session: Session, client: openai.OpenAI) -> None:
    session.on().reply("Hi.", fault="cut=5b")
    with pytest.raises(openai.APIConnectionError):
        ask(client.with_options(max_retries=0))
    session.wait_for()
    *_, answered, rule, fault = conversation(session).splitlines()
    assert answered == "<- 200 scripted (cut on purpose): 'Hi.'"
    assert rule == "   rule 1 (any call), answer 1"
    assert fault.startswith("   fault cut=5b: closed at byte 5 of ")


def test_an_unknown_fault_is_a_bad_request_that_is_not_tried_again(
    session: Session, client: openai.OpenAI
) -> None:
    session.on(user="Hello").reply(TEXT)
    with pytest.raises(openai.BadRequestError, match="there is no fault 'nonsense'"):
        stream(client, [], "nonsense")
    assert len(session.calls) == 1
