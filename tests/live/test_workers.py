"""``chatdouble serve --workers N`` as processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PYTHON, Process, until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

Run = Callable[..., Process]
BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]})


def asked(port: int) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"content-type": "application/json", "connection": "close"}
    connection.request("POST", "/v1/chat/completions", BODY, headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def children(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_workers_answer_alike_with_ids_of_their_own_and_end_together(run: Run) -> None:
    server = run("serve", "--port", 0, "--workers", 3)
    assert "3 workers" in server.greeting
    assert server.greeting.count("Requests:") == 1
    answers = [asked(server.port) for _ in range(60)]
    assert len({answer["choices"][0]["message"]["content"] for answer in answers}) == 1
    assert len({answer["id"] for answer in answers}) == 60
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    status, out, err = server.ended()
    # within two seconds, and what a busy machine adds
    assert time.monotonic() - began < 4
    assert (status, err) == (0, "")
    assert out.count("POST /v1/chat/completions 200 generated:") == 60
    assert not is_listening(server.port)


@pytest.mark.skipif(sys.platform != "linux", reason="ps tells children in another way")
def test_a_worker_that_dies_ends_the_server_and_is_named(run: Run) -> None:
    server = run("serve", "--port", 0, "--workers", 2, "--quiet")
    first, second = children(server.process.pid)
    os.kill(second, signal.SIGKILL)
    status, _, err = server.ended()
    assert status == 1
    assert f"(process {second}) ended with signal 9; the server ends" in err
    assert not is_listening(server.port)
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="ps tells children in another way")
def test_workers_end_when_their_parent_is_killed(run: Run) -> None:
    server = run("serve", "--port", 0, "--workers", 2, "--quiet")
    assert len(children(server.process.pid)) == 2
    server.process.kill()
    until(lambda: not is_listening(server.port))


def test_a_port_that_others_share_is_taken(run: Run) -> None:
    server = run("serve", "--port", 0, "--workers", 2, "--quiet")
    second = run("serve", "--port", server.port, "--workers", 2)
    status, _, err = second.ended()
    assert status == 2
    assert f"port {server.port} on 127.0.0.1 is taken" in err


SCRIPT = "version: 1\nrules:\n  - when: {{user: Hello}}\n    {}\n"


@pytest.mark.parametrize(
    ("rule", "counted"),
    [
        ("then: [{fail: 429}, {reply: Hi.}]", "has 2 answers in turn"),
        ("{reply: Hi., used_up: fail}", "is used up after 1 answers"),
        ("{reply: Hi., scenario: talk, to_state: done}", "has a part in the scenario 'talk'"),
        ("{reply: 'Call ${count}.', template: true}", "template says ${count}"),
    ],
)
def test_a_script_that_counts_calls_is_refused(tmp_path: Path, rule: str, counted: str) -> None:
    file = tmp_path / "script.yaml"
    lines = rule[1:-1].replace(", ", "\n    ") if rule.startswith("{") else rule
    file.write_text(SCRIPT.format(lines), encoding="utf-8")
    ran = subprocess.run(
        [PYTHON, "-m", "chatdouble", "serve", file, "--port", "0", "--workers", "2"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 2
    assert "script.yaml" in ran.stderr
    assert counted in ran.stderr
    assert "leave out --workers" in ran.stderr


def test_a_plain_script_is_served_without_the_control_api(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(SCRIPT.format("reply: Hi."), encoding="utf-8")
    server = run("serve", file, "--port", 0, "--workers", 2)
    assert asked(server.port)["choices"][0]["message"]["content"] == "Hi."
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/_chatdouble/health")
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize("option", ["--metrics", "--reload"])
def test_what_one_process_has_to_do_is_refused_beside_workers(tmp_path: Path, option: str) -> None:
    file = tmp_path / "script.yaml"
    file.write_text(SCRIPT.format("reply: Hi."), encoding="utf-8")
    ran = subprocess.run(
        [PYTHON, "-m", "chatdouble", "serve", file, "--port", "0", "--workers", "2", option],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 2
    assert f"{option} goes with one worker" in ran.stderr
