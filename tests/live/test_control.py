"""The control API, as programs in other languages use it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import openai
import pytest

from chatdouble import Server, Settings

PREFIX = "/_chatdouble"
JSON = {"content-type": "application/json"}


class Control:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.address = server.url.removeprefix("http://")

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        connection = HTTPConnection(self.address, timeout=20)
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        connection.request(method, PREFIX + path, data, JSON if headers is None else headers)
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        return response.status, json.loads(raw) if raw else None


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "hello.yaml").write_text("- {when: {user: Hello}, reply: From the script.}")
    (folder.parent / "outside.yaml").write_text("- reply: secret")
    with Server(Settings(control=True, control_folder=folder)) as server:
        yield Control(server)


@pytest.fixture
def session(control: Control) -> Iterator[dict[str, Any]]:
    status, made = control.send("POST", "/sessions", {})
    assert status == 201
    yield made
    control.send("DELETE", f"/sessions/{made['id']}")


def ask(base_url: str, text: str = "Hello") -> str:
    with openai.OpenAI(base_url=base_url, api_key="sk-a-key-that-is-secret") as client:
        completion = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}]
        )
    return completion.choices[0].message.content or ""


def test_a_session_lives_from_its_opening_to_its_end(control: Control) -> None:
    assert control.send("GET", "/health")[1]["status"] == "ok"
    status, made = control.send("POST", "/sessions", {"id": "mine"})
    assert (status, made["id"], made["rules"]) == (201, "mine", 0)
    assert made["base_url"].endswith("/s/mine/v1")
    assert control.send("POST", "/sessions", {"id": "mine"})[0] == 400
    assert "mine" in [one["id"] for one in control.send("GET", "/sessions")[1]["sessions"]]
    assert control.send("DELETE", "/sessions/mine") == (204, None)
    assert control.send("GET", "/sessions/mine")[0] == 404
    with pytest.raises(openai.NotFoundError, match="There is no chatdouble session 'mine'"):
        ask(made["base_url"])


def test_rules_are_added_listed_and_forgotten(control: Control, session: dict[str, Any]) -> None:
    rules = f"/sessions/{session['id']}/rules"
    added = [{"when": {"user": {"contains": "ell"}}, "reply": "Hi."}, {"fail": "quota"}]
    status, told = control.send("POST", rules, added)
    assert status == 201
    assert [rule["words"] for rule in told["rules"]] == [
        "request:1 [0] (user contains 'ell')",
        "request:1 [1] (any call)",
    ]
    assert ask(session["base_url"]) == "Hi."
    told = control.send("GET", rules)[1]
    assert [(rule["when"], rule["answered"]) for rule in told["rules"]] == [
        ({"user": {"contains": "ell"}}, 1),
        ({}, 0),
    ]
    yaml = b"- when: {user: Bye}\n  reply: See you.\n"
    assert control.send("POST", rules, yaml, {"content-type": "application/yaml"})[0] == 201
    assert control.send("DELETE", rules) == (204, None)
    assert control.send("GET", rules)[1] == {"rules": []}


def test_a_mistake_in_a_rule_is_named_and_changes_nothing(
    control: Control, session: dict[str, Any]
) -> None:
    rules = f"/sessions/{session['id']}/rules"
    status, told = control.send("POST", rules, [{"reply": "a"}, {"wen": {}, "reply": "b"}])
    assert status == 400
    assert told["error"]["message"] == (
        "request:1: [1].wen: there is no 'wen' here; did you mean 'when'?"
    )
    for body in (b"\xff", b"[", b""):
        assert control.send("POST", rules, body)[0] == 400
    assert control.send("GET", rules)[1] == {"rules": []}


def test_what_was_said_can_be_read_waited_for_and_forgotten(
    control: Control, session: dict[str, Any]
) -> None:
    path = f"/sessions/{session['id']}"
    control.send("POST", f"{path}/rules", [{"reply": "Hi ${user}.", "template": True}])
    asking = threading.Thread(target=lambda: [ask(session["base_url"], t) for t in "ab"])
    asking.start()
    when = {"user": {"one_of": ["a", "b"]}}
    status, told = control.send("POST", f"{path}/wait", {"calls": 2, "when": when})
    asking.join()
    assert status == 200
    first, second = told["exchanges"]
    assert (first["user"], second["user"]) == ("a", "b")
    assert first["answer"]["content"] == "Hi a."
    assert first["request"]["messages"][0]["content"] == "a"
    assert json.loads(first["response"])["object"] == "chat.completion"
    assert (first["status"], first["outcome"], first["source"]) == (200, "complete", "scripted")
    assert "sk-a-key" not in json.dumps(told)
    assert control.send("POST", f"{path}/wait", {"calls": 3, "timeout": 0.05})[0] == 408
    assert len(control.send("GET", f"{path}/journal")[1]["exchanges"]) == 2
    assert control.send("POST", f"{path}/reset", {})[0] == 204
    assert control.send("GET", f"{path}/journal")[1] == {"exchanges": []}
    assert control.send("GET", f"{path}/rules")[1]["rules"][0]["answered"] == 0


def test_the_report_is_the_one_of_the_fixture(control: Control, session: dict[str, Any]) -> None:
    path = f"/sessions/{session['id']}"
    control.send("POST", f"{path}/rules", [{"when": {"user": "Helo"}, "reply": "Hi."}])
    with pytest.raises(openai.NotFoundError):
        ask(session["base_url"])
    told = control.send("GET", f"{path}/report")[1]["problems"]
    assert "chatdouble has no answer to this call" in told
    assert "1 rule was never used" in told
    assert control.send("DELETE", f"{path}/journal")[0] == 204


def test_sessions_may_be_made_up_or_scripted_by_name(control: Control) -> None:
    made = control.send("POST", "/sessions", {"unmatched": "generated"})[1]
    assert len(ask(made["base_url"])) > 10
    made = control.send("POST", "/sessions", {"script": "hello.yaml"})[1]
    assert ask(made["base_url"]) == "From the script."


@pytest.mark.parametrize(
    "name",
    ["../outside.yaml", "/etc/passwd", "no.yaml", "..", "hello.yaml/../../outside.yaml"],
)
def test_nothing_outside_of_the_folder_can_be_named(control: Control, name: str) -> None:
    for key in ("script", "cassette"):
        status, told = control.send("POST", "/sessions", {key: name})
        assert status == 400
        assert "secret" not in json.dumps(told)
        assert "root:" not in json.dumps(told)


@pytest.mark.parametrize(
    "headers",
    [
        {**JSON, "host": "evil.example"},
        {**JSON, "host": "127.0.0.1.evil.example:80"},
        {**JSON, "origin": "http://evil.example"},
        {**JSON, "origin": "null"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {},
    ],
)
def test_what_a_web_page_could_send_is_refused(control: Control, headers: dict[str, str]) -> None:
    before = control.send("GET", "/sessions")[1]
    status, told = control.send("POST", "/sessions", {}, headers)
    assert status == 403
    assert told["error"]["type"] == "chatdouble_error"
    assert control.send("GET", "/sessions")[1] == before


def test_a_page_of_another_host_cannot_read(control: Control) -> None:
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
        assert control.send("GET", "/sessions", None, headers)[0] == 403
    for headers in ({"host": "localhost:1"}, {"origin": "http://127.0.0.1:99"}, {}):
        assert control.send("GET", "/sessions", None, headers)[0] == 200


def test_odd_requests_get_the_envelope(control: Control) -> None:
    for method, path, body, status in (
        ("GET", "/nowhere", None, 404),
        ("PUT", "/sessions", {}, 405),
        ("POST", "/sessions", {"idd": "x"}, 400),
        ("POST", "/sessions", {"id": "a/b"}, 400),
        ("POST", "/sessions", b"[" * 100_000, 400),
        ("GET", "/sessions/%2e%2e/rules", None, 404),
        ("POST", "/sessions/default/wait", {"timeout": 1e9}, 404),
    ):
        got, told = control.send(method, path, body)
        assert got == status, (method, path, told)
        assert set(told["error"]) == {"message", "type", "param", "code"}


def test_the_documents_paths_are_the_ones_that_there_are(control: Control) -> None:
    document = control.send("GET", "/openapi.json")[1]
    assert document["openapi"].startswith("3.")
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"get", "post", "delete"}:
            got, _ = control.send(method.upper(), path.replace("{id}", "none"), {})
            assert got != 405, (method, path)


def test_it_is_off_unless_it_is_asked_for() -> None:
    with Server() as server:
        server.session("")
        assert Control(server).send("GET", "/health")[0] == 404
