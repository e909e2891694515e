"""``chatdouble verify``, with chatdouble itself as the upstream that has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chatdouble import Reply, Server, Settings, call
from chatdouble.cassette.drift import drift
from chatdouble.cassette.take import Take
from chatdouble.cli import main
from chatdouble.engine import Session
from tests.cassette.recordings import URL, vcrpy

Run = Callable[..., Result]
KEY = "sk-verify-0123456789abcdef"

ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
STREAMED = ASKED | {"stream": True, "stream_options": {"include_usage": True}}
REFUSED = ASKED | {"temperature": 9}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(Settings(keys=[KEY])) as server:
        yield server


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATDOUBLE_UPSTREAM_API_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, ("verify", *words))
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert KEY not in result.output
        return result

    return invoke


def answered(session: Session, body: dict[str, Any]) -> str:
    host, _, path = session.base_url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    connection.request("POST", f"/{path}/chat/completions", json.dumps(body), headers)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def record(server: Server, *bodies: dict[str, Any], status: int = 200) -> None:
    """A cassette ``a.yaml`` of what an upstream answers that has not drifted."""
    session = server.session()
    session.on().reply("Hello there, how are you?")
    texts = [answered(session, body) for body in bodies]
    headers = {"Content-Type": ["text/event-stream"]} if bodies[0].get("stream") else None
    pairs = zip(bodies, texts, strict=True)
    Path("a.yaml").write_text(vcrpy(*pairs, headers=headers, status=status))


def upstream(server: Server, **changes: Any) -> str:
    session = server.session()
    session.on().reply("Quite other words.", **changes)
    return session.base_url


def test_other_words_are_no_drift(server: Server, run: Run) -> None:
    record(server, ASKED)
    found = run("a.yaml", "--upstream", upstream(server))
    assert (found.exit_code, found.stdout) == (0, "a.yaml, interaction 1: the same shape\n")
    record(server, STREAMED)
    assert run("a.yaml", "--upstream", upstream(server) + "/").exit_code == 0
    record(server, REFUSED, status=400)
    assert run("a.yaml", "--upstream", upstream(server)).exit_code == 0


def test_a_field_that_is_missing_or_new_is_drift(server: Server, run: Run) -> None:
    record(server, ASKED)
    session = server.session()
    session.on().reply(Reply("Words.", without=frozenset({"service_tier", "annotations"})))
    found = run("a.yaml", "--upstream", session.base_url)
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        "a.yaml, interaction 1: choices[].message.annotations: is missing, was an array",
        "a.yaml, interaction 1: service_tier: is missing, was a string",
    ]
    more = run("a.yaml", "--upstream", upstream(server, extra={"mood": {"good": True}}))
    assert more.stdout == "a.yaml, interaction 1: mood: is new, an object\n"
    assert more.exit_code == 1


def test_a_field_of_another_type_is_drift(server: Server, run: Run) -> None:
    record(server, STREAMED)
    found = run("a.yaml", "--upstream", upstream(server, extra={"created": "soon"}))
    assert found.exit_code == 1
    assert found.stdout == "a.yaml, interaction 1: created: is a string, was a number\n"


def test_another_order_of_events_is_drift(server: Server, run: Run) -> None:
    record(server, STREAMED)
    found = run("a.yaml", "--upstream", upstream(server, fault="swapped_chunk=1"))
    assert found.exit_code == 1
    assert "are said, opening, said, finish, usage, [DONE]; were opening, said," in found.stdout


def test_another_status_is_drift(server: Server, run: Run) -> None:
    record(server, ASKED)
    session = server.session()
    session.on().fail(400)
    found = run("a.yaml", "--upstream", session.base_url)
    assert found.exit_code == 1
    assert found.stdout == "a.yaml, interaction 1: status: is 400, was 200\n"


def test_a_tool_call_instead_of_words_is_no_drift(server: Server, run: Run) -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    for body in (ASKED, STREAMED):
        record(server, body | {"tools": tools})
        session = server.session()
        session.on().reply(call("look"))
        found = run("a.yaml", "--upstream", session.base_url)
        assert found.exit_code == 0, found.output


def test_only_the_named_interactions_are_sent(server: Server, run: Run) -> None:
    record(server, ASKED, ASKED | {"seed": 1}, ASKED | {"seed": 2})
    session = server.session()
    session.on().reply("Words.")
    run("a.yaml", "--upstream", session.base_url, "--only", "2")
    assert [one.json["seed"] for one in session.journal.calls] == [1]


def test_what_says_nothing_of_the_shape_is_trouble(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(server, ASKED)
    session = server.session()
    session.on().fail("rate_limit")
    limited = run("a.yaml", "--upstream", session.base_url)
    assert limited.exit_code == 2
    assert "not compared: the answer is a 429" in limited.stderr
    cut = run("a.yaml", "--upstream", upstream(server, fault="cut=1"))
    assert cut.exit_code == 2
    assert "no whole answer" in cut.stderr
    assert run("a.yaml", "--upstream", "http://127.0.0.1:9/v1").exit_code == 2
    for wrong in ("api.openai.com", "file:///etc", "http://me:key@127.0.0.1/v1"):
        assert "is a URL such as" in run("a.yaml", "--upstream", wrong).stderr
    monkeypatch.setenv("CHATDOUBLE_UPSTREAM_API_KEY", "sk-wrong")
    wrong_key = run("a.yaml", "--upstream", upstream(server))
    assert "the answer is a 401" in wrong_key.stderr
    assert "sk-wrong" not in wrong_key.output


def test_the_key_is_chatdoubles_own_variable_or_else_openais(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(server, ASKED)
    url = upstream(server)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    assert run("a.yaml", "--upstream", url).exit_code == 0
    monkeypatch.delenv("CHATDOUBLE_UPSTREAM_API_KEY")
    assert "the answer is a 401" in run("a.yaml", "--upstream", url).stderr
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert run("a.yaml", "--upstream", url).exit_code == 0
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "the answer is a 401" in run("a.yaml", "--upstream", url).stderr


def test_a_request_that_no_client_can_send_is_told(server: Server, run: Run) -> None:
    text = vcrpy((ASKED, "{}"), (ASKED, "{}"))
    text = text.replace('["application/json"]', '["\\u00e9"]', 1)
    at = text.rindex(URL) + len(URL)
    Path("a.yaml").write_text(text[:at] + "?a=\\u0001\\u00e9" + text[at:])
    found = run("a.yaml", "--upstream", upstream(server))
    assert found.exit_code == 2
    assert found.stderr.count("not compared: it is none that can be sent") == 2


class _Elsewhere(BaseHTTPRequestHandler):
    paths: list[str]

    def do_POST(self) -> None:
        self.paths.append(self.path)
        self.send_response(307)
        self.send_header("Location", "/stolen")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_nothing_else_is_asked_than_the_upstream(run: Run) -> None:
    paths: list[str] = []
    handler = type("Handler", (_Elsewhere,), {"paths": paths})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as elsewhere:
        Thread(target=elsewhere.serve_forever, daemon=True).start()
        text = vcrpy((ASKED, "{}"), (ASKED, "{}"), (ASKED, "{}"))
        evil = text.replace(URL, "https://evil.test/v1/../../chat/completions", 1)
        evil = evil.replace('"POST"', '"DELETE"', 2).replace('"DELETE"', '"POST"', 1)
        Path("a.yaml").write_text(evil)
        found = run("a.yaml", "--upstream", f"http://127.0.0.1:{elsewhere.server_port}/v1")
        elsewhere.shutdown()
    assert paths == ["/v1/chat/completions"]
    assert "interaction 1: not compared: its path" in found.stderr
    assert "interaction 2: not compared: a DELETE may change" in found.stderr
    assert "interaction 3: status: is 307, was 200" in found.stdout


def test_answers_of_any_form_are_compared_in_time() -> None:
    def take(body: bytes, **more: Any) -> Take:
        return Take(method="GET", uri=URL, status=200, pieces=((0.0, body),), **more)

    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    for old in (b"", b"{", b"[1, 2]", b"data: {\n\n", b"data: 1\n\n", b"null", deep, b"\xff"):
        for new in (b"", b"{", b"[1, null]", b"data: [1]\n\ndata: x\n\n", b"3", deep):
            assert isinstance(drift(take(old), take(new)), tuple)
    assert drift(take(b'{"a": [{"b": 1}]}'), take(b'{"a": [{"b": "x"}]}')) == (
        "a[].b: is a string, was a number",
    )
    assert drift(take(b'{"a": null, "b": 1}'), take(b'{"a": 2, "b": null}')) == ()
