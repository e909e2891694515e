"""Clients that do not read slow down nobody else, and little of their answers waits for them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from chatdouble import Session, Usage
from tests.conftest import Raw, until
from tests.live.implementations import BOTH, running

LARGE = 24 * 1024 * 1024
REQUEST = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Much"}]}'
SMALL = REQUEST.replace(b"Much", b"Little")


@pytest.fixture(params=BOTH)
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with running(request.param) as server:
        made = server.session()
        made.on(user="Much").reply("x" * LARGE, usage=Usage(1, 1))
        made.on().reply("Hi.")
        yield made


def unread(session: Session) -> socket.socket:
    """A connection that asks for the large answer and reads nothing of it."""
    host, _, path = session.base_url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((name, int(port)))
    head = b"POST /%b/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    connection.sendall(head % (path.encode(), len(REQUEST)) + REQUEST)
    return connection


def test_what_is_not_read_is_not_written_and_others_are_answered(session: Session) -> None:
    connections = [unread(session) for _ in range(3)]
    until(lambda: len([one for one in session.journal if one.sent]) == 3, 20)
    raw = Raw(session.base_url)
    for _ in range(3):
        response, _ = raw.chat(SMALL)
        assert response.status == 200
    raw.connection.close()
    for one in session.journal.exchanges:
        if one.call.user == "Much":
            # what the system's own buffers took, and a portion
            assert one.sent < LARGE / 2
            assert one.outcome == "open"
    for connection in connections:
        connection.close()
    until(lambda: all(one.outcome != "open" for one in session.journal))
    outcomes = [one.outcome for one in session.journal]
    assert outcomes.count("client left") == 3


def test_a_large_answer_arrives_whole(session: Session) -> None:
    raw = Raw(session.base_url)
    response, body = raw.chat(REQUEST)
    assert int(response.headers["content-length"]) == len(body) > LARGE
    assert body == session.journal.exchanges[-1].pieces[0].data
    raw.connection.close()
