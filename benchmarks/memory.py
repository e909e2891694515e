"""Whether the server's memory grows with the requests that it answered."""

from __future__ import annotations

from pathlib import Path

from benchmarks.load import drive, post
from benchmarks.processes import chatdouble_command, pinned, two_cores
from benchmarks.table import Row
from benchmarks.throughput import QUESTION, REPLY, requests, serving_pinned

_QUESTIONS = [f"{QUESTION} {number}" for number in range(20_000)]
_RULE = f"version: 1\nrules:\n  - when: {{user: {{contains: weather}}}}\n    reply: {REPLY}\n"
# what is remembered is full by then
_WARM = 0.2


def measure(folder: Path, env: dict[str, str], *, answers: int) -> list[Row]:
    """The row for so many answers to requests of which hardly two are alike: a third is streamed,
    one in fifty is made up, and the others are a rule's.

    Args:
        folder: where a script may be written.
        env: the server's environment.
        answers: how many.
    """
    bodies = requests(_QUESTIONS, stream=False)
    bodies[::3] = requests(_QUESTIONS[::3], stream=True)
    bodies[::50] = requests(
        [f"Hello {number}" for number in range(0, len(bodies), 50)], stream=False
    )
    script = folder / "memory.yaml"
    script.write_text(_RULE, encoding="utf-8")
    command = [*chatdouble_command(), "serve", str(script), "--port", "0", "--quiet"]
    sizes: list[tuple[int, float]] = []
    with serving_pinned(command, env) as server, pinned((two_cores() or (None, None))[1]):
        if server.memory() is None:
            return []
        sent = [post(server.port, body) for body in bodies]
        total = 0
        while total < answers:
            total += drive(server, sent, 1.0).answers
            sizes.append((total, server.memory() or 0))
    warm = next(size for count, size in sizes if count >= _WARM * answers)
    end = sizes[-1][1]
    return [
        Row(
            f"memory, {answers:,} requests",
            f"{end:.1f} MB",
            f"after {_WARM:.0%} of them {warm:.1f} MB",
            f"{end - warm:+.1f} MB",
            f"{min(size for _, size in sizes):.1f} to {max(size for _, size in sizes):.1f} MB",
            "no growth",
        )
    ]
