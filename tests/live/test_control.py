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


TALK = """\
interactions:
- request:
    body: '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Recorded?"}]}'
    headers: {}
    method: POST
    uri: https://api.openai.com/v1/chat/completions
  response:
    body:
      string: '{"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Recorded."},
        "finish_reason": "stop"}]}'
    headers: {Content-Type: [application/json]}
    status: {code: 200, message: OK}
version: 1
"""


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
    (folder / "talk.yaml").write_text(TALK)
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
    number = int(control.send("POST", "/sessions", {})[1]["id"])
    control.send("POST", "/sessions", {"id": str(number + 1)})
    assert control.send("POST", "/sessions", {})[1]["id"] == str(number + 2)
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


def test_a_single_rule_is_told_replaced_and_removed(
    control: Control, session: dict[str, Any]
) -> None:
    rules = f"/sessions/{session['id']}/rules"
    added = control.send("POST", rules, [{"reply": ["a", "b"]}, {"reply": "c", "optional": True}])
    first, second = added[1]["added"]
    assert control.send("GET", f"{rules}/{first}")[1]["rule"] == {"reply": "ab"}
    assert ask(session["base_url"]) == "ab"
    yaml = b"then:\n  - reply: ab\n  - reply: next\n"
    headers = {"content-type": "application/yaml"}
    status, told = control.send("PUT", f"{rules}/{first}?origin=mine", yaml, headers)
    assert (status, told["id"], told["answered"], told["origin"]) == (200, first, 1, "mine")
    assert ask(session["base_url"]) == "next"
    assert control.send("DELETE", f"{rules}/{first}") == (204, None)
    assert ask(session["base_url"]) == "c"
    assert [one["id"] for one in control.send("GET", rules)[1]["rules"]] == [second]
    assert control.send("POST", rules, [{"reply": "d"}])[1]["added"] == [second + 1]
    for method, body in (("GET", None), ("PUT", {"reply": "x"}), ("DELETE", None)):
        status, told = control.send(method, f"{rules}/{first}", body)
        assert (status, told["error"]["message"]) == (
            404,
            f"there is no rule {first} in this session",
        )
    for wrong in (b'[{"reply": "x"}]', b'{"rules": []}', b'{"reply": 7}'):
        assert control.send("PUT", f"{rules}/{second}", wrong)[0] == 400
    assert ask(session["base_url"]) == "c"


def test_a_session_has_a_fault_and_a_pace_where_rules_say_nothing(
    control: Control, session: dict[str, Any]
) -> None:
    path = f"/sessions/{session['id']}"
    rules = [
        {"when": {"user": "own"}, "reply": "a", "fault": "delay=0", "pace": {"each": 0.001}},
        {"reply": "b"},
    ]
    control.send("POST", f"{path}/rules", rules)
    defaults = {"fault": "delay=0.2", "pace": {"first": 0.1}}
    assert control.send("PUT", f"{path}/defaults", defaults) == (200, defaults)
    assert control.send("GET", f"{path}/defaults") == (200, defaults)
    for text in ("own", "other"):
        ask(session["base_url"], text)
    control.send("PUT", f"{path}/defaults", {"fault": {"server_error": True}})
    with openai.OpenAI(base_url=session["base_url"], api_key="x", max_retries=0) as client:
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "x"}]
            )
        assert client.models.list().data
    assert control.send("PUT", f"{path}/defaults", {}) == (200, {})
    ask(session["base_url"], "other")
    told = control.send("GET", f"{path}/journal")[1]["exchanges"]
    chats = [one for one in told if one["method"] == "POST"]
    assert [one["seconds"] > 0.29 for one in chats] == [False, True, False, False]
    assert [(one["status"], one["source"]) for one in chats[2:]] == [
        (500, "faults"),
        (200, "scripted"),
    ]
    assert control.send("GET", f"{path}/rules")[1]["rules"][1]["answered"] == 2
    for wrong in (b'{"fault": "cutt=3"}', b'{"pace": {"first": -1}}', b'{"faults": ""}', b"[]"):
        assert control.send("PUT", f"{path}/defaults", wrong)[0] == 400


def test_scripts_and_cassettes_are_loaded_into_a_session_by_name(
    control: Control, session: dict[str, Any]
) -> None:
    path = f"/sessions/{session['id']}"
    control.send("POST", f"{path}/rules", [{"when": {"user": "Bye"}, "reply": "See you."}])
    status, told = control.send("POST", f"{path}/load", {"script": "hello.yaml"})
    assert (status, told["rules"]) == (200, 2)
    assert (ask(session["base_url"], "Bye"), ask(session["base_url"])) == (
        "See you.",
        "From the script.",
    )
    assert control.send("POST", f"{path}/load", {"cassette": "talk.yaml"})[0] == 200
    assert ask(session["base_url"], "Recorded?") == "Recorded."
    assert ask(session["base_url"]) == "From the script."
    both = {"script": "hello.yaml", "cassette": "../outside.yaml"}
    assert control.send("POST", f"{path}/load", both)[0] == 400
    assert len(control.send("GET", f"{path}/rules")[1]["rules"]) == 2


def test_whatever_json_can_say_a_rule_can_say(control: Control, session: dict[str, Any]) -> None:
    rules = f"/sessions/{session['id']}/rules"
    for text in ("\U0001f600", "\\ud83d\\ude00", "\x7f\x85\ufeff\u2028\0", '"\\'):
        for escaped in (True, False):
            when = {"user": {"contains": text}}
            body = json.dumps([{"when": when, "reply": text}], ensure_ascii=escaped).encode()
            status, told = control.send("POST", rules, body)
            assert (status, told["rules"][-1]["rule"]) == (201, {"when": when, "reply": text})
            wait = json.dumps({"when": when, "timeout": 0}, ensure_ascii=escaped).encode()
            assert control.send("POST", f"/sessions/{session['id']}/wait", wait)[0] == 408
    infinite = b"- {when: {turns: {above: .inf}}, reply: x}"
    status, told = control.send("POST", rules, infinite, {"content-type": "application/yaml"})
    assert (status, told["rules"][-1]["when"]) == (201, {"turns": {"above": None}})


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
    assert first["faults"] == []
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
    assert "never used" not in control.send("GET", f"{path}/report?used=false")[1]["problems"]
    told = control.send("GET", f"{path}/report?used=false&matched=false")[1]
    assert told["problems"] == ""
    assert told["conversation"].startswith("-> POST /v1/chat/completions model=gpt-4o")
    assert control.send("GET", f"{path}/report?used=no")[0] == 400
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
        for method in operations.keys() & {"get", "post", "put", "delete"}:
            there = path.replace("{id}", "none").replace("{rule}", "1")
            got, _ = control.send(method.upper(), there, {})
            assert got != 405, (method, path)


def test_it_is_off_unless_it_is_asked_for() -> None:
    with Server() as server:
        server.session("")
        assert Control(server).send("GET", "/health")[0] == 404
