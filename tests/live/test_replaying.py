"""Recordings with their pace, their cuts, and with rules and faults laid over them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from chatdouble import Reply
from tests.conftest import Process
from tests.wire.test_chat_render import render

Run = Callable[..., Process]

ASKED: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
STREAM = render(Reply("One two three"), stream=True).frames()


def write(file: Path, *interactions: tuple[dict[str, Any], bytes, dict[str, Any]]) -> Path:
    """A cassette of requests, bodies and what is noted beside them."""
    document = {
        "interactions": [
            {
                "request": {
                    "method": "POST",
                    "uri": "https://api.openai.com/v1/chat/completions",
                    "body": json.dumps(request),
                    "headers": {},
                },
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "headers": {
                        "content-type": [
                            "text/event-stream; charset=utf-8"
                            if body.startswith(b"data:")
                            else "application/json"
                        ]
                    },
                    "body": {"string": body.decode()},
                    "chatdouble": notes,
                },
            }
            for request, body, notes in interactions
        ],
        "version": 1,
    }
    file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return file


def arrivals(port: int, body: bytes) -> list[tuple[float, bytes]]:
    """What came over the connection, and when, in seconds since the request was sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        began = time.monotonic()
        found = []
        while data := connection.recv(65536):
            found.append((time.monotonic() - began, data))
        return found


def client(server: Process) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="x", max_retries=0)


def test_pieces_leave_at_their_recorded_times_and_sizes(run: Run, tmp_path: Path) -> None:
    whole = b"".join(STREAM)
    # in the middle of an event, as connections cut them
    sizes = (len(STREAM[0]) + 7, 40, len(whole) - len(STREAM[0]) - 47)
    pieces = [[2.0, sizes[0]], [3.0, sizes[1]], [4.0, sizes[2]]]
    streamed = {**ASKED, "stream": True}
    file = write(tmp_path / "a.yaml", (streamed, whole, {"pieces": pieces}))
    server = run("replay", file, "--port", 0, "--speed", 5, "--quiet")
    came = arrivals(server.port, json.dumps(streamed).encode())
    assert came[0][1].startswith(b"HTTP/1.1 200 OK\r\n")
    text = b"".join(data for _, data in came)
    chunks = text.split(b"\r\n\r\n", 1)[1].split(b"\r\n")
    assert [int(size, 16) for size in chunks[::2] if size] == [*sizes, 0]
    assert came[0][0] >= 0.39, "the headers leave with the first piece"
    assert came[-1][0] >= 0.79
    assert came[-1][0] - came[0][0] >= 0.35


def test_a_stream_that_was_cut_is_replayed_as_cut(run: Run, tmp_path: Path) -> None:
    streamed = {**ASKED, "stream": True}
    plain = {**ASKED, "n": 2}
    half = b"".join(STREAM[:3])
    file = write(
        tmp_path / "a.yaml", (streamed, half, {"cut": True}), (plain, b'{"id":', {"cut": True})
    )
    server = run("replay", file, "--port", 0)
    with client(server) as asking:
        events = asking.chat.completions.create(**streamed)
        got = []
        with pytest.raises(openai.APIConnectionError):
            got.extend(events)
        assert len(got) == 3
        with pytest.raises(openai.APIConnectionError):
            asking.chat.completions.create(**plain)
        with pytest.raises(openai.NotFoundError, match="only as a stream or body that was cut off"):
            asking.chat.completions.create(**ASKED)


def test_rules_and_faults_are_laid_over_a_recording(run: Run, tmp_path: Path) -> None:
    bodies = [render(Reply(text)).whole() for text in ("one", "two", "three")]
    streamed = {**ASKED, "stream": True}
    file = write(
        tmp_path / "a.yaml",
        *((ASKED, body, {}) for body in bodies),
        (streamed, b"".join(STREAM), {}),
    )
    script = tmp_path / "rules.yaml"
    script.write_text(
        "- when: {stream: false}\n"
        "  then: [{pass: true, times: 2}, {fail: 429}]\n"
        "  used_up: next\n"
        "- {when: {stream: true}, fault: cut=2}\n"
    )
    server = run("replay", file, "--script", script, "--port", 0)
    with client(server) as asking:

        def said() -> object:
            return asking.chat.completions.create(**ASKED).choices[0].message.content

        assert (said(), said()) == ("one", "two")
        with pytest.raises(openai.RateLimitError):
            said()
        assert said() == "three"
        got = []
        with pytest.raises(openai.APIConnectionError):
            got.extend(asking.chat.completions.create(**streamed))
        assert len(got) == 2
    server.process.terminate()
    _, out, _ = server.ended()
    assert "recorded: " in out
    assert "(rules.yaml:4" in out.replace(str(tmp_path) + "/", "")
    assert "{cut=2: " in out


def test_what_counts_is_said_in_options(run: Run, tmp_path: Path) -> None:
    def dated(day: int) -> dict[str, Any]:
        said = {"role": "user", "content": f"Run {day} of 2026-01-0{day}", "name": f"n{day}"}
        return {"model": "gpt-4o-mini", "messages": [said], "user": f"u{day}"}

    (tmp_path / "mine.py").write_text(
        "def lower(body):\n    body.pop('seed', None)\n    return body\n"
    )
    write(tmp_path / "a.yaml", (dated(1), render(Reply("one")).whole(), {}))
    server = run(
        "replay",
        "a.yaml",
        "--port",
        0,
        *("--ignore", "dates,uuids", "--ignore-field", "user", "--ignore-field"),
        *("messages[*].name", "--ignore-text", "^Run [0-9]", "--transform", "mine:lower"),
        *("--match-on", "method,uri,body", "--used-up", "fail"),
        cwd=tmp_path,
    )
    with client(server) as asking:
        answer = asking.chat.completions.create(**dated(2), seed=3)
        assert answer.choices[0].message.content == "one"
        with pytest.raises(openai.NotFoundError, match="its one recording is used up"):
            asking.chat.completions.create(**dated(3))
        with pytest.raises(openai.NotFoundError) as caught:
            asking.chat.completions.create(**{**dated(2), "model": "gpt-4o"})
    message = caught.value.message
    assert '-  "model": "gpt-4o-mini"' in message
    assert '+  "model": "gpt-4o"' in message
    assert "chatdouble record --upstream" in message
    server.process.terminate()
    _, out, _ = server.ended()
    assert '+  "model": "gpt-4o"' in out, "the log shows what the error says"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--match-on", "bodies"), "chatdouble: match_on knows method, scheme, "),
        (("--ignore", "date"), "did you mean 'dates'?"),
        (("--transform", "nowhere:f"), "'nowhere:f' cannot be imported: ModuleNotFoundError"),
        (("--transform", "json"), "--transform is MODULE:FUNCTION, got 'json'"),
        (("--script", "none.yaml"), "none.yaml"),
    ],
)
def test_options_that_cannot_be_meant_end_the_start(
    run: Run, tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    write(tmp_path / "a.yaml", (ASKED, b"{}", {}))
    status, out, err = run("replay", "a.yaml", *options, cwd=tmp_path).ended()
    assert (status, out) == (2, "")
    assert words in err
