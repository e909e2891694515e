"""Who gets in, and what gets out: hosts, pages, tokens and keys, against the process."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatdouble import Settings
from chatdouble.errors import ChatdoubleError
from tests.conftest import Process

CHAT = "/v1/chat/completions"
GOOD = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
JSON = {"content-type": "application/json"}
SESSIONS = "/_chatdouble/sessions"
Run = Callable[..., Process]


def ask(
    server: Process,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response, answer


def test_listening_beyond_loopback_is_warned_of(run: Run) -> None:
    for host, warned in (("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False)):
        server = run("serve", "--port", 0, "--host", host)
        server.process.terminate()
        _, _, err = server.ended()
        assert err == warned * (
            "chatdouble: warning: it listens on 0.0.0.0, where others can reach it; only loopback "
            "is private (--host)\n"
        )


def test_the_control_api_answers_to_the_hosts_that_it_was_told(run: Run) -> None:
    server = run("serve", "--port", 0, "--allowed-host", "Mock.Test", "--allowed-host", "10.0.0.7")
    for host, status in (
        ("mock.test", 200),
        ("MOCK.test:8642", 200),
        ("10.0.0.7:1", 200),
        ("localhost", 200),
        ("[::1]:8642", 200),
        ("other.test", 403),
        ("mock.test.evil.test", 403),
        ("mock.test@evil.test", 403),
        ("evil.test#mock.test", 403),
        ("", 403),
    ):
        assert ask(server, "GET", SESSIONS, headers={"host": host})[0].status == status, host
    for origin, status in (("http://mock.test", 200), ("https://evil.test", 403), ("null", 403)):
        assert ask(server, "GET", SESSIONS, headers={"origin": origin})[0].status == status


def test_no_page_may_read_or_change_anything_by_the_control_api(run: Run) -> None:
    server = run("serve", "--port", 0)
    for headers in ({}, {"origin": "http://localhost:3000"}, {"origin": "https://evil.test"}):
        asked = headers | {"access-control-request-method": "POST"}
        for method, sent in (("GET", headers), ("OPTIONS", asked)):
            response, _ = ask(server, method, SESSIONS, headers=sent)
            assert not [name for name in response.headers if name.startswith("access-control")]
            assert method == "GET" or response.status in (403, 405)
    before = ask(server, "GET", SESSIONS)[1]
    for form in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""):
        headers = {"content-type": form} if form else {}
        assert ask(server, "POST", SESSIONS, b"{}", headers)[0].status == 403
        assert ask(server, "POST", f"{SESSIONS}/default/reset", b"", headers)[0].status == 403
    for site in ("cross-site",):
        headers = {"sec-fetch-site": site}
        assert ask(server, "GET", SESSIONS, None, headers)[0].status == 403
    assert ask(server, "GET", SESSIONS)[1] == before


def test_with_a_token_the_control_api_is_for_those_who_bring_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "a-token-that-nobody-sees"
    monkeypatch.setenv("CHATDOUBLE_CONTROL_TOKEN", token)
    server = run("serve", "--port", 0)
    for given, status in (
        (None, 401),
        ("", 401),
        (token, 401),
        ("Bearer ", 401),
        (f"Bearer {token[:-1]}", 401),
        (f"Bearer {token}x", 401),
        ("Bearer \xff", 401),
        (f"Bearer {token}", 200),
    ):
        headers = {} if given is None else {"authorization": given}
        for path in ("/health", "/sessions", "/openapi.json"):
            response, answer = ask(server, "GET", f"/_chatdouble{path}", headers=headers)
            assert response.status == status
            assert token.encode() not in answer
    assert ask(server, "POST", CHAT, GOOD, JSON)[0].status == 200
    server.process.terminate()
    status, out, err = server.ended()
    assert token not in server.greeting + out + err
    assert token not in repr(Settings(control_token=token))


@pytest.mark.parametrize("token", ["", "a b", "\n", "\u00e9"])
def test_a_token_that_cannot_be_sent_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ChatdoubleError, match="control_token is made of printable ASCII") as error:
        Settings(control_token=token)
    assert not token or token not in str(error.value).replace(" ", "")


def test_pages_of_any_origin_may_use_the_endpoint(run: Run) -> None:
    server = run("serve", "--port", 0)
    asked = {
        "origin": "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-stainless-lang",
    }
    for path in (CHAT, "/v1/models", "/s/x/v1/chat/completions"):
        response, answer = ask(server, "OPTIONS", path, headers=asked)
        assert (response.status, answer) == (204, b"")
        assert response.headers["access-control-allow-origin"] == "*"
        assert "POST" in response.headers["access-control-allow-methods"]
        allowed = response.headers["access-control-allow-headers"]
        assert allowed == asked["access-control-request-headers"]
        assert "access-control-allow-credentials" not in response.headers
    stream = GOOD[:-1] + b', "stream": true}'
    for body, status in ((GOOD, 200), (stream, 200), (b"{", 400)):
        response, _ = ask(server, "POST", CHAT, body, JSON | {"origin": "null"})
        assert response.status == status
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-expose-headers"] == "X-Request-ID"
        assert "access-control-allow-credentials" not in response.headers
        response, _ = ask(server, "POST", CHAT, body, JSON)
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert ask(server, "OPTIONS", CHAT)[0].status == 405
    told = json.loads(ask(server, "GET", f"{SESSIONS}/default/journal")[1])
    assert "OPTIONS" not in [one["method"] for one in told["exchanges"][:-1]]


def test_a_preflight_cannot_bring_a_header_into_its_answer(run: Run) -> None:
    server = run("serve", "--port", 0)
    asked = {
        "origin": "x",
        "access-control-request-method": "POST",
        "access-control-request-headers": "a\tb: c;\xff",
    }
    response, _ = ask(server, "OPTIONS", CHAT, headers=asked)
    assert response.status == 204
    assert "access-control-allow-headers" not in response.headers


def test_keys_show_up_in_no_log_no_journal_and_no_error(run: Run, tmp_path: Path) -> None:
    key = "sk-proj-PLANTED0123456789abcdef"
    script = tmp_path / "rules.yaml"
    script.write_text("- when: {user: never}\n  reply: x\n")
    server = run("serve", script, "--port", 0)
    planted: list[tuple[str, str, bytes | None, dict[str, str]]] = [
        ("POST", CHAT, GOOD, JSON | {"authorization": f"Bearer {key}"}),
        ("POST", CHAT, GOOD, JSON | {"api-key": key, "x-api-key": key, "cookie": f"a={key}"}),
        ("POST", CHAT, GOOD, JSON | {"proxy-authorization": key, "x-custom": key}),
        ("POST", f"{CHAT}?api_key={key}", GOOD, JSON),
        ("POST", f"/v1/{key}/completions", GOOD, JSON),
        ("GET", f"/v1/models/{key}", None, {}),
        ("GET", f"/s/{key}/v1/models", None, {}),
        (key, CHAT, None, {}),
        ("POST", CHAT, GOOD.replace(b"Hello", key.encode()), JSON),
        ("POST", CHAT, GOOD.replace(b"gpt-4o", key.encode()), JSON),
        ("POST", CHAT, GOOD.replace(b'"model"', b'"%b": 1, "model"' % key.encode()), JSON),
        ("POST", CHAT, GOOD, JSON | {"x-chatdouble-fault": key}),
        ("POST", CHAT, GOOD, JSON | {"content-encoding": key}),
        ("GET", f"/_chatdouble/sessions/{key}", None, {}),
        ("POST", SESSIONS, json.dumps({"script": key}).encode(), JSON),
        ("GET", SESSIONS, None, {"host": key}),
        ("GET", SESSIONS, None, {"origin": f"http://{key}"}),
    ]
    told = b""
    for method, path, body, headers in planted:
        _, answer = ask(server, method, path, body, headers)
        if path.startswith("/_chatdouble"):
            told += answer
    for path in ("", "/default/journal", "/default/report", "/default/rules"):
        told += ask(server, "GET", SESSIONS + path)[1]
    assert b"<redacted>" in told
    server.process.terminate()
    _, out, err = server.ended()
    assert "completions" in out
    for text in (told.decode(), server.greeting, out, err):
        assert key not in text
        assert key[8:] not in text


def test_what_json_cannot_say_is_told_all_the_same(run: Run) -> None:
    server = run("serve", "--port", 0)
    rules: Any = b'- {when: {field: {temperature: .nan}}, reply: "a\\uD800b"}'
    yaml = {"content-type": "application/yaml"}
    for path in ("", "/default/rules", "/default/journal", "/default/report"):
        status = ask(server, "POST", f"{SESSIONS}/default/rules", rules, yaml)[0].status
        assert status in (201, 400)
        assert ask(server, "POST", CHAT, GOOD, JSON)[0].status in (200, 404)
        assert ask(server, "GET", SESSIONS + path)[0].status == 200
