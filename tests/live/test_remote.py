"""A session of a server in another process is used as one of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from chatdouble import (
    Call,
    Pace,
    RemoteError,
    RemoteServer,
    RemoteSession,
    ScriptError,
    Server,
    Session,
    Settings,
    call,
    contains,
    like,
    one_of,
    regex,
)
from chatdouble.report import conversation, problems
from tests.conftest import Process

Both = Session | RemoteSession


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "hello.yaml").write_text("- {when: {user: Hello}, reply: From the script.}")
    with Server(Settings(control=True, control_folder=folder)) as server:
        yield server


@pytest.fixture
def remote(server: Server) -> Iterator[RemoteSession]:
    with RemoteServer(server.url) as there, there.session() as session:
        yield session


def client(session: Both, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=session.base_url, api_key="sk-hidden", **options)


def ask(session: Both, text: str = "Hello", **fields: Any) -> str:
    with client(session) as asking:
        completion = asking.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}], **fields
        )
    return completion.choices[0].message.content or ""


def test_rules_are_said_and_followed_there(remote: RemoteSession) -> None:
    remote.on(user=contains("ell") & ~regex("^x"), field={"temperature": one_of(0, 1)}).reply("Hi.")
    remote.on(user="Hello").fail(429, retry_after=0.01).reply("😀 ${user}", template=True)
    remote.on(user="tool").reply(call("f", a="é"))
    assert [ask(remote), ask(remote), ask(remote, temperature=1)] == ["😀 Hello", "😀 Hello", "Hi."]
    assert [rule.origin for rule in remote.rules] == ["rule 1", "rule 2", "rule 3"]
    assert remote.rules[1].steps[1].answer.reply.content == "😀 ${user}"  # type: ignore[union-attr]
    remote.clear_rules()
    assert remote.rules == ()


def test_a_step_that_is_said_later_goes_on_from_the_first(remote: RemoteSession) -> None:
    rule = remote.on().reply("one")
    assert ask(remote) == "one"
    rule.reply("two")
    assert ask(remote) == "two"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda session: session.on(where=is_new).reply("x"), "where is is_new(call)"),
        (lambda session: session.on().reply(is_new), "reply is is_new(call)"),
        (lambda session: session.on(not_={"where": is_new}).reply("x"), "where is is_new(call)"),
        (lambda session: session.on().reply("x", id="chatcmpl-1"), "id of a reply"),
    ],
)
def test_what_cannot_travel_is_named_with_its_rule(
    remote: RemoteSession, rule: Callable[[Any], object], words: str
) -> None:
    with pytest.raises(ScriptError) as caught:
        rule(remote)
    assert str(caught.value).startswith("rule 1 (")
    assert str(caught.value).endswith(
        "cannot be sent to a server in another process, as no script can say this: " + words
    )
    assert remote.rules == ()


def is_new(call: Call) -> bool:
    return True


def test_calls_are_as_they_came(remote: RemoteSession) -> None:
    remote.on().reply(call("f"))
    tools: Any = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    with client(remote) as asking:
        asking.chat.completions.with_raw_response.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hé"}], tools=tools, stream=True
        )
    (came,) = remote.calls
    assert (came.user, came.model, came.stream) == ("Hé", "gpt-4o", True)
    assert came.tools == tools
    assert came.body.startswith(b'{"model":"gpt-4o","stream":true,')
    assert b'"content":"H\xc3\xa9"' in came.body
    assert came.headers["authorization"] == "<redacted>"
    (exchange,) = remote.journal
    assert exchange.answer == remote.rules[0].steps[0].answer
    assert (exchange.source, exchange.outcome, exchange.response.status) == (
        "scripted",
        "complete",
        200,
    )
    assert remote.calls[0] is came
    remote.reset()
    assert (remote.calls, len(remote.journal)) == ([], 0)


def use(session: Both) -> None:
    session.on(user=contains("weather"), optional=True).reply("Sunny.")
    session.on(user="Helo", system=like({"a": 1})).reply("Hi.")
    session.on(user="again").fail(503, retry_after=0.01).reply("b")
    for text in ("The weather?", "again"):
        ask(session, text)
    with client(session) as asking:
        with pytest.raises(openai.NotFoundError):
            asking.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "Hello"}]
            )
        with pytest.raises(openai.BadRequestError):
            asking.chat.completions.create(model="gpt-4o", messages=[])


def test_checks_say_the_same_as_in_this_process(server: Server, remote: RemoteSession) -> None:
    here, there = server.session(), remote
    use(here)
    use(there)
    checks: tuple[Callable[[Both], object], ...] = (
        lambda one: one.assert_called(user="x"),
        lambda one: one.assert_called(times=3, user=contains("weather")),
        lambda one: one.assert_not_called(user="again"),
        lambda one: one.assert_order({"user": "again"}, {"user": contains("weather")}),
        lambda one: one.wait_for(2, user="Hello", timeout=0.01),
    )
    for check in checks:
        said = []
        for one in (here, there):
            with pytest.raises(AssertionError) as caught:
                check(one)
            said.append(str(caught.value))
        assert said[0] == said[1]
    assert there.report() == problems(here)
    assert "chatdouble.on(user='Hello').reply(…)" in there.report()
    assert "never used" not in there.report(used=False)
    assert there.conversation == conversation(here)
    assert there.assert_called(user="again", times=2).user == "again"
    (retry,) = there.retries
    assert (retry.status, retry.asked, retry.obeyed) == (503, 0.01, True)


def test_calls_of_another_thread_are_waited_for(remote: RemoteSession) -> None:
    remote.on().reply("Hi.")
    asking = threading.Thread(target=lambda: [ask(remote, text) for text in "ab"])
    asking.start()
    assert [one.user for one in remote.wait_for(2)] == ["a", "b"]
    asking.join()


def test_a_fault_and_a_pace_hold_where_rules_say_nothing(remote: RemoteSession) -> None:
    remote.on().reply("Hi.")
    assert (remote.fault, remote.pace) == (None, None)
    remote.pace = Pace(first=0.1)
    remote.fault = ["delay=0.1", {"server_error": True, "probability": 0}]
    assert remote.fault == ["delay=0.1", "server_error, probability=0"]
    assert remote.pace == Pace(first=0.1)
    ask(remote)
    assert remote.journal.exchanges[0].seconds > 0.18
    remote.pace, remote.fault = None, None
    assert (remote.fault, remote.pace) == (None, None)
    with pytest.raises(ScriptError, match="there is no fault 'cutt'"):
        remote.fault = "cutt"


def test_sessions_end_with_their_blocks(server: Server) -> None:
    with RemoteServer(f"{server.url}/v1/") as there:
        made = there.session("mine", unmatched="generated", script="hello.yaml")
        assert ask(made) == "From the script."
        assert len(ask(made, "Tell me")) > 10
        made.load(script="hello.yaml")
        assert len(made.rules) == 2
        with pytest.raises(RemoteError, match="there is a session 'mine' already"):
            there.session("mine")
        with pytest.raises(RemoteError, match="there is no 'no' in the configured folder"):
            there.session(script="no")
    with pytest.raises(openai.NotFoundError, match="There is no chatdouble session 'mine'"):
        ask(made)
    with pytest.raises(RemoteError, match="there is no session 'mine'"):
        made.reset()


def test_a_server_that_is_not_there_is_named(server: Server) -> None:
    with pytest.raises(RemoteError, match=r"no chatdouble server answers at http://127.0.0.1:1 "):
        RemoteServer("http://127.0.0.1:1").session()
    for wrong in ("127.0.0.1:8642", "https://127.0.0.1", "http://a/b", "http://a:x", ""):
        with pytest.raises(RemoteError, match="expected an address such as http://"):
            RemoteServer(wrong)
    with Server() as without, pytest.raises(RemoteError, match="no chatdouble server with its"):
        RemoteServer(without.url).session()


def test_what_a_process_did_by_its_scripts_is_checked(
    run: Callable[..., Process], tmp_path: Path
) -> None:
    (tmp_path / "hello.yaml").write_text("- {when: {user: Hello}, reply: Hi.}")
    process = run("serve", "--port", 0, "--quiet", "--validation", "off", tmp_path / "hello.yaml")
    with RemoteServer(process.base_url) as there:
        assert ask(there.default) == "Hi."
        ask(there.default, "odd", temperature=7)
        assert there.default.assert_called(user="odd").json["temperature"] == 7
        there.default.assert_order({"user": "Hello"}, {"user": "odd"})
    assert there.default.rules
