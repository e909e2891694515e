"""Requests a second, as a share of what a bare ASGI app does on the same uvicorn."""

from __future__ import annotations

import http.client
import json
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks import bare
from benchmarks.load import Load, drive, post
from benchmarks.processes import Server, chatdouble_command, pinned, serving, two_cores
from benchmarks.table import Row, quartiles

# a hundred words, none of which is more than one token
_REPLY = " ".join(["It", "will", "be", "warm", "and", "dry", "in", "the", "south", "today"] * 10)
_SCRIPT = f"version: 1\nrules:\n  - when: {{user: {{contains: weather}}}}\n    reply: {_REPLY}\n"

_AIM = 0.6


class Duel(NamedTuple):
    """One kind of answer: rounds of chatdouble and, in the same order, of the bare app."""

    size: int
    content_chunks: int
    ours: list[Load]
    theirs: list[Load]

    @property
    def ratios(self) -> list[float]:
        """Chatdouble's rate as a share of the bare app's, round by round."""
        return [a.rate / b.rate for a, b in zip(self.ours, self.theirs, strict=True)]


def measure(folder: Path, env: dict[str, str], *, rounds: int, seconds: float) -> list[Row]:
    """The rows for a JSON reply and for a stream.

    Args:
        folder: where files for the servers may be written.
        env: the servers' environment.
        rounds: how often the two servers take turns.
        seconds: how long each turn is.
    """
    rows = []
    for kind, stream in (("JSON reply", False), ("stream", True)):
        duel = fight(folder, env, stream=stream, rounds=rounds, seconds=seconds)
        what = f"{duel.content_chunks} content chunks, " if stream else ""
        low, high = quartiles(duel.ratios)
        rows.append(
            Row(
                f"{kind} ({what}{duel.size / 1000:.1f} kB)",
                f"{_rate(duel.ours)}/s",
                f"bare app {_rate(duel.theirs)}/s ({_busy(duel.theirs)})",
                f"{statistics.median(duel.ratios):.2f} of bare",
                f"{low:.2f} to {high:.2f}",
                f"{_AIM} of bare",
            )
        )
    return rows


def fight(folder: Path, env: dict[str, str], *, stream: bool, rounds: int, seconds: float) -> Duel:
    """Let chatdouble and the bare app take turns on one core, with the load on another."""
    server_core, load_core = two_cores() or (None, None)
    script, file = folder / "script.yaml", folder / "body"
    script.write_text(_SCRIPT, encoding="utf-8")
    request = _request(stream=stream)
    ours_command = [*chatdouble_command(), "serve", str(script), "--port", "0", "--quiet"]
    with serving(ours_command, env, server_core) as ours:
        body = answer_to(ours, request)
        file.write_bytes(body)
        their_command = [sys.executable, bare.__file__, str(file), *["--stream"] * stream]
        with serving(their_command, env, server_core) as theirs, pinned(load_core):
            duel = Duel(len(body), body.count(b'"delta":{"content":"'), [], [])
            turns = [(ours, duel.ours), (theirs, duel.theirs)]
            for server, _ in turns:
                drive(server, post(server.port, request), seconds)
            for _ in range(rounds):
                for server, loads in turns:
                    loads.append(drive(server, post(server.port, request), seconds))
                turns.reverse()
    return duel


def answer_to(server: Server, request: bytes) -> bytes:
    """The body of the answer to one request.

    Raises:
        RuntimeError: the answer is no 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(
            "POST", "/v1/chat/completions", request, {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"the server answered {response.status}: {body.decode()}")
    return body


def _request(*, stream: bool) -> bytes:
    message = {"role": "user", "content": "What will the weather be like?"}
    request = {"model": "gpt-4o-mini", "messages": [message]}
    return json.dumps(request | ({"stream": True} if stream else {})).encode()


def _rate(loads: list[Load]) -> str:
    return f"{statistics.median(load.rate for load in loads):,.0f}"


def _busy(loads: list[Load]) -> str:
    server = statistics.median(load.server_busy for load in loads)
    generator = statistics.median(load.generator_busy for load in loads)
    return f"{server:.0%} busy, the load {generator:.0%}"
