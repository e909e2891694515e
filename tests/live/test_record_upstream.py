"""Recording: upstream servers that fail, requests that would go elsewhere, keys that would show."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import openai
import pytest

from chatdouble.errors import ChatdoubleError
from chatdouble.sources.upstream import Upstream
from tests.live.recording import BODY, CHUNKED, END, Came, RawUpstream, Recorder, Shelf, chunk, says

SECRET = "sk-proj-do-not-show-0123456789"


def ok(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, lines, len(body), body)


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        (b"200 OK", ("success", "answers", "all")),
        (b"302 Found", ("answers", "all")),
        (b"400 Bad Request", ("answers", "all")),
        (b"429 Too Many Requests", ("all",)),
        (b"503 Service Unavailable", ("all",)),
        (b"529 Overloaded", ("all",)),
    ],
)
def test_what_upstream_answers_reaches_the_client_and_keep_says_what_is_kept(
    status: bytes, kept: tuple[str, ...]
) -> None:
    where = b"location: http://127.0.0.1:9/elsewhere"
    answer = ok(b'{"error": {}}', b"retry-after: 7", where, status=status)
    with RawUpstream(says(answer)) as upstream:
        for keep in ("success", "answers", "all"):
            with Recorder(upstream.base_url, keep=keep) as recorder:
                head, body = recorder.ask()
                assert head.startswith(b"HTTP/1.1 " + status[:3])
                assert b"\r\nretry-after: 7\r\n" in head
                assert where in head
                assert body == b'{"error": {}}'
                assert [take.status for take in recorder.shelf.takes] == (
                    [int(status[:3])] if keep in kept else []
                )
                assert ("not recorded" in recorder.exchange.why) == (keep not in kept)
        assert len(upstream.came) == 3, "no redirect was followed, nothing was tried again"


def refused(recorder: Recorder, status: int, code: str) -> str:
    """The message of the error that the openai client meets."""
    with (
        openai.OpenAI(base_url=recorder.session.base_url, api_key="k") as client,
        pytest.raises(openai.APIStatusError) as caught,
    ):
        client.models.list()
    assert caught.value.status_code == status
    assert caught.value.code == code
    assert not recorder.shelf.takes
    return str(caught.value)


def test_a_server_that_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, words in (
        (f"http://127.0.0.1:{port}/v1", f"cannot reach 127.0.0.1:{port}: Connection refused"),
        ("https://nowhere.invalid/v1", "cannot reach nowhere.invalid: "),
    ):
        with Recorder(url, api_key=SECRET) as recorder:
            message = refused(recorder, 502, "upstream_unreachable")
            assert words in message
            assert len(recorder.session.journal) == 1, "the client was told not to try again"
    with (
        RawUpstream(says(ok())) as plain,
        Recorder(plain.base_url.replace("http", "https"), timeout=2) as recorder,
    ):
        assert "cannot reach" in refused(recorder, 502, "upstream_unreachable")


def test_a_server_that_is_slow_is_not_waited_for_longer_than_allowed() -> None:
    over = threading.Event()

    def answering(connection: socket.socket, came: Came) -> None:
        if b"/v1/begun" in came.head:
            connection.sendall(CHUNKED + chunk(b"data: 1\n\n"))
        over.wait(10)

    with (
        RawUpstream(answering) as upstream,
        Recorder(upstream.base_url, timeout=0.2, keep="all") as recorder,
    ):
        message = refused(recorder, 504, "upstream_timeout")
        assert "0.2 seconds" in message
        assert recorder.ask(b"/v1/begun")[1] == b"9\r\ndata: 1\n\n\r\n"
        assert recorder.exchange.outcome == "upstream broke"
        assert "broke off: it was silent for too long" in recorder.exchange.why
        over.set()
    (take,) = recorder.shelf.takes
    assert take.cut


def test_a_server_that_breaks_off_before_it_answers_is_told_as_one_to_try_again() -> None:
    def answering(connection: socket.socket, _: Came) -> None:
        if len(upstream.came) > 1:
            connection.sendall(ok(b'{"object": "list", "data": []}'))
        else:
            connection.shutdown(socket.SHUT_RDWR)

    with (
        RawUpstream(answering) as upstream,
        Recorder(upstream.base_url) as recorder,
        openai.OpenAI(base_url=recorder.session.base_url, api_key="k") as client,
    ):
        assert client.models.list().data == []
        first = recorder.session.journal.exchanges[0]
    assert first.response.status == 502
    assert "broke off before it answered" in first.why


def test_answers_that_http_forbids() -> None:
    with RawUpstream(says(ok(status=b"999 Odd"))) as upstream:
        with Recorder(upstream.base_url) as recorder:
            head, body = recorder.ask()
        assert head.startswith(b"HTTP/1.1 502")
        assert b"its status is 999" in body
    with (
        RawUpstream(says(ok(b"{}", b"x-odd: a\x01b", b"content-length: 2"))) as upstream,
        Recorder(upstream.base_url) as recorder,
    ):
        head, body = recorder.ask()
    assert b"x-odd: a b\r\n" in head
    assert body == b"{}"


@pytest.mark.parametrize(
    ("begun", "got"),
    [
        (CHUNKED + chunk(b"data: 1\n\n"), b"9\r\ndata: 1\n\n\r\n"),
        (CHUNKED + chunk(b"data: [DONE]\n\n"), b"e\r\ndata: [DONE]\n\n\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"half"),
    ],
)
@pytest.mark.parametrize("keep", ["answers", "all"])
def test_an_answer_that_breaks_off_breaks_off_and_is_never_kept_as_whole(
    begun: bytes, got: bytes, keep: Any
) -> None:
    def answering(connection: socket.socket, _: Came) -> None:
        connection.sendall(begun)
        connection.shutdown(socket.SHUT_RDWR)

    with (
        RawUpstream(answering) as upstream,
        Recorder(upstream.base_url, keep=keep) as recorder,
    ):
        assert recorder.ask()[1] == got
        assert recorder.exchange.outcome == "upstream broke"
        assert "the upstream server broke off" in recorder.exchange.why
    assert [take.cut for take in recorder.shelf.takes] == ([True] if keep == "all" else [])


ELSEWHERE = (
    b"/x",
    b"//evil/v1/x",
    b"//evil",
    b"/v1@evil/x",
    b"/v1.evil/x",
    b"/v12/x",
    b"/v1/../admin",
    b"/v1/..",
    b"/v1/x/../../../admin",
    b"/v1/./x",
    b"/v1/%2e%2e/admin",
    b"/v1/.%2E/admin",
    b"/v1/%252e%252e/admin",
    b"/v1/..%2fadmin",
    b"/v1/..%5cadmin",
    b"/v1/..\\admin",
    b"/v1/..;a=b/admin",
    b"/%2e%2e/v1/x",
    b"/%76%31/x",
    b"/s/../v1/x",
    b"/s//%76%31/x",
    b"/s%2f/v1/x",
    b"/",
)


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_no_request_goes_above_or_beside_the_base(
    http: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if http == "h11":
        monkeypatch.setattr("chatdouble.server._installed", lambda _, otherwise: otherwise)
    with RawUpstream(says(ok())) as upstream, Recorder(upstream.base_url) as recorder:
        for target in ELSEWHERE:
            head, body = recorder.ask(target)
            assert head[9:12] in (b"400", b"404"), target
            assert b'"error"' in body, target
        for line in (b"CONNECT evil:443", b"GET @evil/v1/x", b"GET evil:80/v1/x", b"TRACE /v1/x"):
            method, _, target = line.partition(b" ")
            head, _ = recorder.ask(target, method=method)
            assert head[9:10] == b"4", line
        assert not upstream.came
        # what is asked of a proxy in this form goes to the one server all the same, or nowhere
        recorder.ask(b"http://evil.invalid/v1/x")
        recorder.ask(b"/v1/x?u=http://evil/../..")
    heads = [came.head for came in upstream.came]
    assert heads[-1].startswith(b"GET /v1/x?u=http://evil/../.. ")
    assert all(head.startswith(b"GET /v1/x") and b"evil.invalid" not in head for head in heads)


def test_web_pages_and_foreign_hosts_cannot_spend_the_key() -> None:
    with (
        RawUpstream(says(ok())) as upstream,
        Recorder(upstream.base_url, api_key=SECRET) as recorder,
    ):
        for headers in (
            (b"Host: evil.example",),
            (b"Host: 127.0.0.1.evil.example",),
            (b"Host: localhost", b"Origin: https://evil.example"),
            (b"Host: localhost", b"Origin: null"),
            (b"Host: localhost", b"Sec-Fetch-Site: cross-site"),
        ):
            head, body = recorder.ask(b"/v1/x", *headers)
            assert head.startswith(b"HTTP/1.1 403")
            assert b'"code": "refused"' in body
        assert not upstream.came
        pages: tuple[tuple[bytes, ...], ...] = (
            (b"Host: localhost:1", b"Origin: http://localhost:3000", b"Sec-Fetch-Site: cross-site"),
            (b"Host: [::1]:80",),
        )
        for own in pages:
            assert recorder.ask(b"/v1/x", *own)[0].startswith(b"HTTP/1.1 200")
        assert len(upstream.came) == 2
        with Recorder(upstream.base_url, allowed_hosts=["Recorder"]) as named:
            assert named.ask(b"/v1/x", b"Host: recorder:80")[0].startswith(b"HTTP/1.1 200")


def test_a_key_of_our_own_is_sent_and_never_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "chatdouble")
    key = SECRET.encode()
    stream = b'data: {"k": "%b"}\n\ndata: [DONE]\n\n' % key
    half = len(stream) // 2

    def answering(connection: socket.socket, came: Came) -> None:
        assert b"\r\nauthorization: Bearer " + key + b"\r\n" in came.head
        if b"/v1/stream" in came.head:
            connection.sendall(CHUNKED)
            for part in (stream[:half], stream[half : half + 1], stream[half + 1 :]):
                connection.sendall(chunk(part))
            connection.sendall(END)
        elif b"/v1/cut" in came.head:
            connection.sendall(CHUNKED + chunk(b"x" + key[:9]))
            connection.shutdown(socket.SHUT_RDWR)
        else:
            connection.sendall(ok(b"Wrong key: " + key, b"x-key: Bearer " + key))

    with (
        RawUpstream(answering) as upstream,
        Recorder(upstream.base_url, api_key=f"{SECRET}\n") as recorder,
    ):
        seen = [
            part
            for target in (b"/v1/x", b"/v1/stream", b"/v1/cut")
            for part in recorder.ask(
                target, b"Authorization: Bearer sk-client", b"api-key: sk-client", method=b"POST"
            )
        ]
        assert seen[1] == b"Wrong key: " + b"*" * len(key)
        assert seen[3].count(b"*") == len(key)
        assert key[:9] in seen[5], "what only begins like it is no key"
        shown = [repr(one) for one in (*recorder.session.sources, *recorder.session.journal)]
        assert not [part for part in seen if key in part]
        assert SECRET not in "".join(shown) + caplog.text
    assert not [came for came in upstream.came if b"sk-client" in came.head]
    assert all(key not in take.body for take in recorder.shelf.takes)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://h/v1", "begins with http:// or https://"),
        ("api.openai.com/v1", "begins with http:// or https://"),
        ("https:///v1", "and a host"),
        ("https://user:hidden@h/v1", "has a user or key in it"),
        ("https://h/v1?key=hidden", "no query"),
        ("https://h/v1#", "no fragment"),
        ("https://h/a/../v1", "not plain"),
        ("https://h/%2e%2e/v1", "not plain"),
        ("https://h:99999/v1", "the upstream base URL is none"),
        ("https://h h/v1", "is no host"),
        ("https://[::1/v1", "the upstream base URL is none"),
    ],
)
def test_what_is_no_base_url(url: str, words: str) -> None:
    with pytest.raises(ChatdoubleError) as caught:
        Upstream(url, store=Shelf())
    assert words in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_certificates_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ChatdoubleError, match="SSL_CERT_FILE"):
        Upstream("https://h/v1", store=Shelf())


def test_other_options_that_cannot_be_meant() -> None:
    options: tuple[dict[str, Any], ...] = (
        {"keep": "some"},
        {"timeout": 0},
        {"api_key": "hid\nden"},
        {"api_key": "hid den"},
        {"api_key": "hiddén"},
    )
    for one in options:
        with pytest.raises(ChatdoubleError) as caught:
            Upstream("https://h/v1", store=Shelf(), **one)
        assert "hid" not in str(caught.value)


def test_a_post_keeps_its_body_and_length() -> None:
    with RawUpstream(says(ok())) as upstream, Recorder(upstream.base_url) as recorder:
        recorder.ask(b"/v1/chat/completions", method=b"POST", body=BODY)
        recorder.ask(b"/v1/x", method=b"POST")
        recorder.ask(b"/v1/x", method=b"DELETE")
    posted, empty, deleted = upstream.came
    assert posted.body == BODY
    assert b"content-length: 0\r\n" in empty.head
    assert b"content-length" not in deleted.head
