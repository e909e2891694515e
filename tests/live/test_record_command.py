"""``chatdouble record``: modes, cassettes of sessions, what is on disk when an answer ends."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import openai
import pytest
from click.testing import CliRunner

from chatdouble import Server, cli, cli_record, modes
from chatdouble.answers import Recording
from chatdouble.cassette import format as cassettes
from chatdouble.errors import ChatdoubleError
from chatdouble.schedule import Pace
from chatdouble.sources import upstream
from chatdouble.sources.recorded import Recorded
from chatdouble.sources.upstream import Upstream
from tests.conftest import Process, Raw, until
from tests.live.recording import STREAMED, Fixed

Run = Callable[..., Process]


@pytest.fixture
def real() -> Iterator[Any]:
    with Server() as server:
        session = server.session("")
        for word in ("One", "Two", "Three"):
            session.on(user=word).reply(f"{word}!", pace=Pace(each=0.001))
        yield session


def ask(base_url: str, word: str, *, stream: bool = False) -> bytes:
    raw = Raw(base_url)
    body = STREAMED.replace(b"Hello", word.encode())
    response, answer = raw.chat(body if stream else body.replace(b"true", b"false"))
    raw.connection.close()
    assert response.status == 200, answer
    return answer


def recorded(file: Path) -> list[tuple[str, bytes]]:
    """The last user texts and answers of a cassette's interactions."""
    return [
        (json.loads(one.body)["messages"][-1]["content"], one.response)
        for one in cassettes.load(file)
    ]


def test_what_is_recorded_is_on_disk_when_the_answer_ends_and_replays(
    run: Run, real: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "cassettes"
    options = ("--upstream", real.base_url, "--cassettes", folder)
    server = run("record", *options, "--port", 0, "--fsync")
    assert f"mode new_episodes, {real.base_url}, recorded in {folder}" in server.greeting
    assert "OPENAI_API_KEY=YOUR_KEY" in server.greeting
    said = []
    for number in range(1, 4):
        said.append(("One", ask(server.base_url, "One", stream=number > 1)))
        assert recorded(folder / "recorded.yaml") == said
    own = f"http://127.0.0.1:{server.port}/s/test-1/v1"
    said.append(("Two", ask(own, "Two")))
    assert recorded(folder / "test-1.yaml") == said[3:]
    server.process.terminate()
    _, out, err = server.ended()
    assert f"stream 200 upstream: passed on to {real.base_url}; recorded [" in out
    assert not err

    calls = len(real.calls)
    replay = run("replay", folder, "--port", 0)
    none = run("record", "--cassettes", folder, "--mode", "none", "--port", 0)
    for url in (replay.base_url, none.base_url):
        assert ask(url, "One") == said[0][1]
        assert ask(url, "One", stream=True) == said[1][1]
        assert ask(url, "Two") == said[3][1]
    assert ask(f"http://127.0.0.1:{none.port}/s/test-1/v1", "Two") == said[3][1]
    with (
        openai.OpenAI(base_url=none.base_url, api_key="k") as client,
        pytest.raises(openai.NotFoundError, match="the nearest recording is"),
    ):
        client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Three"}]
        )
    assert len(real.calls) == calls


def test_a_mode_that_asks_upstream_needs_one(tmp_path: Path) -> None:
    for mode in ("once", "new_episodes", "all"):
        words = ("record", "--cassettes", str(tmp_path / "new"), "--mode", mode)
        found = CliRunner().invoke(cli.main, words)
        assert found.exit_code == 2
        assert f"the mode {mode} asks a real server: name it with --upstream" in found.output
    assert not (tmp_path / "new").exists()


def test_the_modes_ask_upstream_as_their_names_say(real: Any, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"

    def asked(mode: Any, *words: str) -> list[str]:
        """What upstream is asked in a session of this mode."""
        before = len(real.calls)
        with Server() as server:
            sources = modes.recording(mode, real.base_url, file, folder=tmp_path)
            session = server.session("", sources)
            for word in words:
                ask(session.base_url, word)
        return [one.user or "" for one in real.calls[before:]]

    assert asked("once", "One", "One") == ["One", "One"]
    assert asked("once", "One") == []
    assert asked("new_episodes", "One", "Two", "One", "One") == ["Two", "One"]
    assert [user for user, _ in recorded(file)] == ["One", "One", "Two", "One"]
    assert asked("all", "Three", "One") == ["Three", "One"]
    assert [user for user, _ in recorded(file)] == ["Three", "One"]


def test_the_key_of_the_environment_reaches_upstream_alone(
    run: Run, real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-proj-do-not-show-0123456789"
    monkeypatch.setenv("CHATDOUBLE_UPSTREAM_API_KEY", secret)
    server = run("record", "--upstream", real.base_url, "--cassettes", tmp_path, "--port", 0)
    monkeypatch.undo()
    assert "OPENAI_API_KEY=any" in server.greeting
    answer = ask(server.base_url, "One")
    server.process.terminate()
    _, out, err = server.ended()
    assert "recorded [" in out
    sent = dict(real.calls[0].raw_headers)
    assert sent[b"authorization"] == f"Bearer {secret}".encode()
    shown = server.greeting + out + err + (tmp_path / "recorded.yaml").read_text("utf-8")
    assert secret not in shown + answer.decode()


def test_a_cassette_that_cannot_be_written_is_told_and_left_as_it_was(
    run: Run, real: Any, tmp_path: Path
) -> None:
    server = run("record", "--upstream", real.base_url, "--cassettes", tmp_path, "--port", 0)
    for name, text in (("foreign", "services: {}\n"), ("torn", "interactions:\n- request: {a: [")):
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        url = f"http://127.0.0.1:{server.port}/s/{name}/v1"
        assert b"One!" in ask(url, "One")
        assert file.read_text() == text
    server.process.terminate()
    _, out, err = server.ended()
    assert out.count("NOT RECORDED: ") == 2
    for name in ("foreign", "torn"):
        assert f"NOT REPLAYED: {tmp_path / name}.yaml: " in err
        assert f"NOT RECORDED: {tmp_path / name}.yaml: " in err
    (tmp_path / "recorded.yaml").write_text("services: {}\n")
    server = run("record", "--upstream", real.base_url, "--cassettes", tmp_path, "--port", 0)
    status, _, err = server.ended()
    assert status == 2
    assert err.startswith(f"chatdouble: {tmp_path}")


def test_session_names_cannot_leave_the_folder(run: Run, real: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    server = run("record", "--upstream", real.base_url, "--cassettes", folder, "--port", 0)
    raw = Raw(server.base_url)
    for name in ("..", "%2e%2e", "..%2fout", "a.b", "a%2fb", "x" * 201, "%00"):
        response, _ = raw.send("POST", f"/s/{name}/v1/chat/completions", STREAMED)
        assert response.status == 404, name
    raw.connection.close()
    assert not folder.exists()
    assert not real.calls


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--upstream", "https://user:hidden@h/v1"), "the upstream base URL has a user"),
        (("--upstream", "nowhere"), "chatdouble: the upstream base URL begins with http"),
        (("--upstream", "http://h/v1", "--upstream-timeout", "0"), "--upstream-timeout"),
        (("--upstream", "http://h/v1", "--mode", "some"), "--mode"),
        ((), "name it with --upstream URL"),
    ],
)
def test_options_that_cannot_be_meant(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    ended = CliRunner().invoke(cli.main, ["record", *options, "--cassettes", str(tmp_path)])
    assert ended.exit_code == 2
    assert words in ended.output
    assert "hidden" not in ended.output


def test_the_options_name_what_there_is() -> None:
    assert get_args(modes.Mode) == cli_record._MODES
    assert cli_record._KEEPS == upstream.KEEPS


def test_a_mode_is_a_list_of_sources(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"

    def kinds(mode: Any) -> list[type]:
        return [type(one) for one in modes.recording(mode, "http://h/v1", file)]

    assert kinds("none") == [Recorded]
    assert kinds("once") == [Upstream]
    assert kinds("new_episodes") == [Recorded, Upstream]
    assert kinds("all") == [Upstream]
    file.write_text("interactions: []\nversion: 1\n")
    assert kinds("once") == [Recorded]
    with pytest.raises(ChatdoubleError, match="a mode is one of none, once"):
        kinds("some")


def test_a_test_records_into_a_cassette_of_its_own(real: Any, tmp_path: Path) -> None:
    file = tmp_path / "test_it.yaml"
    with Server() as server:
        for mode in ("once", "once"):
            session = server.session(sources=modes.recording(mode, real.base_url, file))
            assert b"One!" in ask(session.base_url, "One")
            server.drop(session)
    assert [one.user for one in real.calls] == ["One"]
    assert [user for user, _ in recorded(file)] == ["One"]


def test_parallel_answers_are_all_recorded(real: Any, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    words = ["One", "Two", "Three"] * 10
    with Server() as server, ThreadPoolExecutor(10) as threads:
        session = server.session("", modes.recording("new_episodes", real.base_url, file))
        said = list(threads.map(lambda word: ask(session.base_url, word, stream=True), words))
    assert sorted(recorded(file)) == sorted(zip(words, said, strict=True))


def test_what_a_host_without_v1_said_replays(tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    answer = Recording(200, (("content-type", "application/json"),), b'{"said": 1}')
    with Server() as real, Server() as server:
        url = real.session("", (Fixed(answer),)).base_url.removesuffix("/v1")
        for base in (f"{url}/v1beta/openai", url):
            session = server.session("", modes.recording("all", base, file))
            ask(session.base_url, "One")
            server.drop(session)
            replay = server.session("", modes.recording("none", base, file))
            assert ask(replay.base_url, "One") == b'{"said": 1}'
            server.drop(replay)


def test_dropping_a_session_closes_its_connections(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, Server() as server:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        session = server.session("", modes.recording("all", url, tmp_path / "a.yaml"))
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as client:
            client.sendall(b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                until(lambda: session.journal and session.journal.exchanges[0].outcome != "open")
                server.drop(session)
                connection.settimeout(5)
                assert connection.recv(1) == b""
