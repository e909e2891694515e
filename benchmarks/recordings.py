"""Replaying: whether a cassette of ten thousand interactions is as quick as one of a few."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.processes import chatdouble_command
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

_MANY = 10_000
_QUESTIONS = [f"{QUESTION} {number}" for number in range(_MANY)]


def measure(folder: Path, env: dict[str, str], *, rounds: int, seconds: float) -> list[Row]:
    """The rows for a cassette of 10,000 interactions, each of which is asked for in turn.

    Args:
        folder: where the cassettes may be written.
        env: the servers' environment.
        rounds: how often the two servers take turns.
        seconds: how long each turn is.
    """
    bodies = requests(_QUESTIONS, stream=False)
    few, many = bodies[:1], bodies
    with (
        serving_pinned(_replay(_cassette(folder / "few.yaml", few)), env) as theirs,
        serving_pinned(_replay(_cassette(folder / "many.yaml", many)), env) as ours,
    ):
        among = fight(ours, theirs, many, few, rounds, seconds)
        with bare_server(folder, env, answer_to(ours, many[0]), stream=False) as bare:
            alone = fight(ours, bare, many, many, rounds, seconds)
    figure = f"replayed, {_MANY:,} interactions"
    return [
        row(figure, among, "1 interaction", "of 1", "0.8 of 1"),
        row(figure, alone, "bare app", "of bare", "0.8 of 0.6 of bare"),
    ]


def _replay(cassette: Path) -> list[str]:
    return [*chatdouble_command(), "replay", str(cassette), "--port", "0", "--quiet"]


def _cassette(file: Path, bodies: list[bytes]) -> Path:
    """A cassette, written as JSON, which is YAML, too."""
    reply = json.dumps({"object": "chat.completion", "choices": [{"message": {"content": REPLY}}]})
    interactions = [
        {
            "request": {
                "body": body.decode(),
                "headers": {"content-type": ["application/json"]},
                "method": "POST",
                "uri": "https://api.example.org/v1/chat/completions",
            },
            "response": {
                "body": {"string": reply},
                "headers": {"content-type": ["application/json"]},
                "status": {"code": 200, "message": "OK"},
            },
        }
        for body in bodies
    ]
    file.write_text(json.dumps({"interactions": interactions, "version": 1}), encoding="utf-8")
    return file
