"""Requests a second, as a share of what a bare ASGI app does on the same uvicorn."""

from __future__ import annotations

import contextlib
import http.client
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import bare
from benchmarks.load import Load, drive, post
from benchmarks.processes import Server, chatdouble_command, pinned, serving, two_cores
from benchmarks.table import Row, quartiles

# a hundred words, none of which is more than one token
REPLY = " ".join(["It", "will", "be", "warm", "and", "dry", "in", "the", "south", "today"] * 10)
_RULE = "  - when: {{user: {{contains: {}}}}}\n    reply: {}\n"

QUESTION = "What will the weather be like?"
# more than anything remembers
_QUESTIONS = [f"What will the weather be like on day {number}?" for number in range(20_000)]
_RULES = 1_000

_AIM = 0.6
_AIM_OF_MANY = 0.8


class Duel(NamedTuple):
    """Rounds of one server and, in the same order, of another."""

    ours: list[Load]
    theirs: list[Load]

    @property
    def ratios(self) -> list[float]:
        """The first one's rate as a share of the other's, round by round."""
        return [a.rate / b.rate for a, b in zip(self.ours, self.theirs, strict=True)]


def measure(folder: Path, env: dict[str, str], *, rounds: int, seconds: float) -> list[Row]:
    """The rows for a JSON reply and for a stream, to the same request and to others, and with
    many rules.

    Args:
        folder: where files for the servers may be written.
        env: the servers' environment.
        rounds: how often the two servers take turns.
        seconds: how long each turn is.
    """
    one = _script(folder / "one.yaml", ["weather"])
    many = _script(folder / "many.yaml", [f"day {number}?" for number in range(_RULES)])
    rows = []
    with serving_pinned([*chatdouble_command(), *_serve(one)], env) as ours:
        for kind, stream in (("JSON reply", False), ("stream", True)):
            same, others = requests([QUESTION], stream), requests(_QUESTIONS, stream)
            body = answer_to(ours, same[0])
            with bare_server(folder, env, body, stream=stream) as theirs:
                for of, sent in (("the same request", same), ("no two requests alike", others)):
                    duel = fight(ours, theirs, sent, sent, rounds, seconds)
                    aim = f"{_AIM} of bare" if sent is same else ""
                    figure = f"{kind} ({_size(body, stream)}), {of}"
                    rows.append(row(figure, duel, "bare app", "of bare", aim))
        asked = requests(_QUESTIONS[:_RULES], stream=False)
        with serving_pinned([*chatdouble_command(), *_serve(many)], env) as theirs:
            duel = fight(theirs, ours, asked, asked, rounds, seconds)
        aim = f"{_AIM_OF_MANY} of one rule"
        rows.append(row(f"JSON reply, {_RULES:,} rules", duel, "one rule", "of one rule", aim))
    return rows


def row(figure: str, duel: Duel, other: str, of: str, aim: str = "") -> Row:
    """The row of a duel."""
    low, high = quartiles(duel.ratios)
    return Row(
        figure,
        f"{_rate(duel.ours)}/s",
        f"{other} {_rate(duel.theirs)}/s ({_busy(duel.theirs)})",
        f"{statistics.median(duel.ratios):.2f} {of}",
        f"{low:.2f} to {high:.2f}",
        aim,
    )


def fight(
    ours: Server,
    theirs: Server,
    our_requests: Sequence[bytes],
    their_requests: Sequence[bytes],
    rounds: int,
    seconds: float,
) -> Duel:
    """Let two servers take turns on one core, with the load on another."""
    duel = Duel([], [])
    turns = [
        (ours, [post(ours.port, body) for body in our_requests], duel.ours),
        (theirs, [post(theirs.port, body) for body in their_requests], duel.theirs),
    ]
    with pinned((two_cores() or (None, None))[1]):
        for server, sent, _ in turns:
            drive(server, sent, seconds)
        for _ in range(rounds):
            for server, sent, loads in turns:
                loads.append(drive(server, sent, seconds))
            turns.reverse()
    return duel


@contextlib.contextmanager
def serving_pinned(command: Sequence[str], env: dict[str, str]) -> Iterator[Server]:
    """A server on the core that servers are measured on."""
    with serving(command, env, (two_cores() or (None, None))[0]) as server:
        yield server


@contextlib.contextmanager
def bare_server(
    folder: Path, env: dict[str, str], body: bytes, *, stream: bool
) -> Iterator[Server]:
    """The bare app, which answers with these bytes."""
    file = folder / "body"
    file.write_bytes(body)
    command = [sys.executable, bare.__file__, str(file), *["--stream"] * stream]
    with serving_pinned(command, env) as server:
        yield server


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


def requests(questions: Sequence[str], stream: bool) -> list[bytes]:
    """The bodies of requests that ask these questions."""
    more = {"stream": True} if stream else {}
    return [
        json.dumps(
            {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}], **more}
        ).encode()
        for question in questions
    ]


def _script(file: Path, texts: Sequence[str]) -> Path:
    rules = "".join(_RULE.format(json.dumps(text), REPLY) for text in texts)
    file.write_text(f"version: 1\nrules:\n{rules}", encoding="utf-8")
    return file


def _serve(script: Path) -> list[str]:
    return ["serve", str(script), "--port", "0", "--quiet"]


def _size(body: bytes, stream: bool) -> str:
    chunks = body.count(b'"delta":{"content":"')
    what = f"{chunks} content chunks, " if stream else ""
    return f"{what}{len(body) / 1000:.1f} kB"


def _rate(loads: list[Load]) -> str:
    return f"{statistics.median(load.rate for load in loads):,.0f}"


def _busy(loads: list[Load]) -> str:
    server = statistics.median(load.server_busy for load in loads)
    generator = statistics.median(load.generator_busy for load in loads)
    return f"{server:.0%} busy, the load {generator:.0%}"
