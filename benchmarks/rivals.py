"""Other mock servers under the same load, where they can be installed: one of npm, one of PyPI."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import Server, chatdouble_command, pinned, two_cores
from benchmarks.table import Row
from benchmarks.throughput import (
    QUESTION,
    REPLY,
    answer_to,
    bare_server,
    fight,
    requests,
    row,
    serving_pinned,
)

_AIMOCK, _FAKELLM = "@copilotkit/aimock", "fakellm"


def measure(folder: Path, env: dict[str, str], *, rounds: int, seconds: float) -> list[Row]:
    """The rows of the rivals that could be installed; of others, a line on standard error.

    Args:
        folder: where they may be installed.
        env: the servers' environment.
        rounds: how often a rival and the bare app take turns.
        seconds: how long each turn is.
    """
    rows: list[Row] = []
    for name, install in ((_AIMOCK, _aimock), (_FAKELLM, _fakellm)):
        try:
            command = install(folder / "rivals")
        except (OSError, subprocess.SubprocessError) as error:
            print(f"left out: {name} could not be installed: {error}", file=sys.stderr)
            continue
        try:
            rows += _against_bare(name, command, folder, env, rounds, seconds)
        except (OSError, RuntimeError, TimeoutError) as error:
            print(f"left out: {name} does not answer as expected: {error}", file=sys.stderr)
    return rows


def _against_bare(
    name: str, command: list[str], folder: Path, env: dict[str, str], rounds: int, seconds: float
) -> list[Row]:
    rows = []
    script = folder / "one.yaml"
    ours = [*chatdouble_command(), "serve", str(script), "--port", "0", "--quiet"]
    with _listening(command, env) as rival, serving_pinned(ours, env) as measured:
        for kind, stream in (("JSON reply", False), ("stream", True)):
            sent = requests([QUESTION], stream)
            # the bare app sends what chatdouble does, as in the other rows
            body = answer_to(measured, sent[0])
            with bare_server(folder, env, body, stream=stream) as bare:
                duel = fight(rival, bare, sent, sent, rounds, seconds)
            rows.append(row(f"{name}: {kind}", duel, "bare app", "of bare"))
    return rows


def _aimock(folder: Path) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("there is no npm")
    folder.mkdir(exist_ok=True)
    _run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), _AIMOCK])
    fixture = {"match": {"userMessage": "weather"}, "response": {"content": REPLY}}
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": [fixture]}), encoding="utf-8")
    # five letters a chunk: about as many chunks as the reply has words
    options = ["--chunk-size", "5", "--log-level", "silent", "--fixtures", str(file)]
    return [str(folder / "node_modules" / ".bin" / "llmock"), *options]


def _fakellm(folder: Path) -> list[str]:
    scripts = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    venv.create(folder / "venv", with_pip=True)
    _run([str(scripts / "python"), "-m", "pip", "install", "--quiet", _FAKELLM])
    rule = {"name": "w", "when": {"messages_contain": "weather"}, "respond": {"content": REPLY}}
    file = folder / "fakellm.yaml"
    file.write_text(json.dumps({"version": 1, "rules": [rule]}), encoding="utf-8")
    return [str(scripts / "fakellm"), "serve", "--config", str(file)]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise OSError(f"{Path(command[0]).name} ended with {done.returncode}: {' '.join(last)}")


@contextlib.contextmanager
def _listening(command: list[str], env: dict[str, str]) -> Iterator[Server]:
    """The rival on a free port, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pinned((two_cores() or (None, None))[0]):
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    server = Server(process.pid, port)
    try:
        _wait(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: Server) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            body = answer_to(server, requests([QUESTION], stream=False)[0])
        except (OSError, http.client.HTTPException):
            if time.monotonic() > end:
                raise TimeoutError("it does not listen within 20 seconds") from None
            time.sleep(0.1)
            continue
        if REPLY.encode() not in body:
            raise RuntimeError("its answer is not the reply that it was told")
        return
