"""The fixtures with a server in another process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Process

ARGS = ("-p", "pytest_chatdouble", "-p", "no:cacheprovider")

ASK = """
import openai, os, pytest
from chatdouble import RemoteSession, contains

def ask(base_url, text="Hello", key="x"):
    with openai.OpenAI(base_url=base_url, api_key=key) as client:
        completion = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}]
        )
    return completion.choices[0].message.content
"""

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


@pytest.fixture(autouse=True)
def _only_our_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")


@pytest.fixture
def served(run: Callable[..., Process], tmp_path: Path) -> str:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "talk.yaml").write_text(TALK)
    (folder / "there.yaml").write_text("- reply: {recorded: talk.yaml}")
    process = run("serve", "--port", 0, "--control-folder", folder, "--api-key", "sk-mine")
    return process.base_url.removesuffix("/v1")


def test_tests_use_a_server_in_another_process(pytester: pytest.Pytester, served: str) -> None:
    pytester.makeini(f"[pytest]\nchatdouble_server_url = {served}\n")
    pytester.path.joinpath("here.yaml").write_text("- {when: {user: Hello}, reply: Sent.}")
    pytester.makepyfile(
        ASK
        + """
def test_rules(chatdouble, chatdouble_server):
    assert isinstance(chatdouble, RemoteSession)
    assert chatdouble.base_url.startswith(chatdouble_server.url + "/s/")
    chatdouble.on(user="Hello").reply("Hi.")
    assert ask(chatdouble.base_url, key="sk-mine") == "Hi."
    chatdouble.assert_called(user="Hello", times=1)

def test_env(chatdouble_env):
    chatdouble_env.on().reply("Hi.")
    with openai.OpenAI() as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert [call.user for call in chatdouble_env.calls] == ["x"]

@pytest.mark.chatdouble(script="here.yaml", cassette="talk.yaml", unmatched="generated")
def test_a_script_is_sent(chatdouble_env):
    url = chatdouble_env.base_url
    asked = [ask(url, text, "sk-mine") for text in ("Hello", "Recorded?", "Else")]
    assert asked[:2] == ["Sent.", "Recorded."]
    assert asked[2]

@pytest.mark.chatdouble(script="there.yaml")
def test_a_script_with_recordings_is_there(chatdouble):
    assert ask(chatdouble.base_url, "Recorded?", "sk-mine") == "Recorded."

def test_it_is_checked_at_its_end(chatdouble):
    chatdouble.on(user="Helo").reply("Hi.")
    with pytest.raises(openai.NotFoundError):
        ask(chatdouble.base_url, key="sk-mine")

@pytest.mark.chatdouble(assert_used=False)
def test_a_check_is_off(chatdouble):
    chatdouble.on(user="Helo").reply("Hi.")
"""
    )
    result = pytester.runpytest_subprocess(*ARGS)
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*chatdouble has no answer to this call*",
            "*rule 1: wants user equals 'Helo', got 'Hello'*",
            "*1 rule was never used*",
            "*what was said*",
            "*-> POST /v1/chat/completions model=gpt-4o*",
        ]
    )
    result = pytester.runpytest_subprocess(*ARGS, "-k", "test_env", "-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=1)


def test_a_server_that_is_not_there_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(chatdouble): ...")
    result = pytester.runpytest_subprocess(*ARGS, "--chatdouble-server", "http://127.0.0.1:1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*RemoteError: no chatdouble server answers at http://127.0.0.1:1*"]
    )
