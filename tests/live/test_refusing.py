"""A server that refuses connections for a while, with each of uvicorn's implementations."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import openai
import pytest

from chatdouble import ChatdoubleError, RemoteServer, Server, Session, Settings
from chatdouble.sources.scripted import Scripted
from tests.live.implementations import BOTH, running


@pytest.fixture(params=BOTH)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with running(request.param, Settings(control=True)) as made:
        yield made


@pytest.fixture
def session(server: Server) -> Session:
    made = server.session()
    made.on(user="Hello").reply("Hi.")
    made.on(user="Slow").reply("Hi.", pace="ttft=300ms")
    return made


def ask(client: openai.OpenAI, text: str = "Hello") -> str | None:
    completion = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": text}]
    )
    return completion.choices[0].message.content


def client_of(session: Session, retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=session.base_url, api_key="any", max_retries=retries)


def test_connections_are_refused_and_then_taken_again(session: Session) -> None:
    url = session.base_url
    with client_of(session) as client:
        assert ask(client) == "Hi."  # the client keeps this connection
        with session.refusing():
            for _ in range(3):
                with pytest.raises(openai.APIConnectionError) as caught:
                    ask(client)
                assert type(caught.value.__cause__).__name__ == "ConnectError"
            assert session.base_url == url
        assert ask(client) == "Hi."
    assert len(session.calls) == 2


def test_a_client_that_tries_again_outlives_it(session: Session) -> None:
    with client_of(session, retries=5) as client, ExitStack() as stack:
        stack.enter_context(session.refusing())
        threading.Timer(0.3, stack.close).start()
        assert ask(client) == "Hi."


def test_an_answer_on_its_way_arrives(session: Session) -> None:
    with client_of(session) as client:
        answers: list[str | None] = []
        asking = threading.Thread(target=lambda: answers.append(ask(client, "Slow")))
        asking.start()
        while not session.calls:
            time.sleep(0.01)
        with session.refusing():
            asking.join(5)
            assert answers == ["Hi."]
            time.sleep(0.3)
            with pytest.raises(openai.APIConnectionError):
                ask(client)


def test_it_may_be_said_twice(session: Session) -> None:
    with client_of(session) as client:
        with session.refusing():
            with session.refusing():
                pass
            with pytest.raises(openai.APIConnectionError):
                ask(client)
        assert ask(client) == "Hi."


def test_nobody_else_gets_the_port(server: Server, session: Session) -> None:
    port = int(server.url.rpartition(":")[2])
    with session.refusing(), socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_a_server_that_refuses_can_be_stopped() -> None:
    with Server() as server:
        refusing = server.session().refusing()
        refusing.__enter__()
        port = int(server.url.rpartition(":")[2])
    refusing.__exit__(None, None, None)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_over_http_it_refuses_for_some_time(server: Server, session: Session) -> None:
    with client_of(session) as client, RemoteServer(server.url) as remote:
        remote.refuse(0.4)
        with pytest.raises(openai.APIConnectionError):
            ask(client)
        time.sleep(0.6)
        assert ask(client) == "Hi."
        with pytest.raises(ChatdoubleError, match=r"seconds"):
            remote.refuse(3600)


def test_a_session_without_a_server_says_so() -> None:
    session = Session("x", Settings(), (Scripted(),))
    with pytest.raises(ChatdoubleError, match="no server"), session.refusing():
        pass
