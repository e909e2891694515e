"""From the start of the process to its first answer."""

from __future__ import annotations

import json
import statistics
import sys
import time

from benchmarks.processes import chatdouble_command, seconds, serving
from benchmarks.table import Row, quartiles
from benchmarks.throughput import answer_to

_REQUEST = json.dumps(
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
).encode()
_IMPORTS = [sys.executable, "-c", "import starlette.applications, uvicorn"]


def measure(env: dict[str, str], *, runs: int) -> list[Row]:
    """The row for the first answer, next to the time in which its libraries are imported.

    Args:
        env: the processes' environment.
        runs: how many starts are measured, after one to warm up.
    """
    first_answer(env)
    seconds(_IMPORTS, env)
    answers, imports = [], []
    for _ in range(runs):
        answers.append(first_answer(env))
        imports.append(seconds(_IMPORTS, env))
    low, high = quartiles(answers)
    ours, theirs = statistics.median(answers), statistics.median(imports)
    return [
        Row(
            "first answer of a new process",
            f"{ours:.3f} s",
            f"import of starlette and uvicorn {theirs:.3f} s",
            f"{ours - theirs:+.3f} s",
            f"{low:.3f} to {high:.3f} s",
            "within 0.35 s",
        )
    ]


def first_answer(env: dict[str, str]) -> float:
    """Seconds from the start of ``chatdouble serve`` to the end of a generated answer."""
    started = time.perf_counter()
    with serving([*chatdouble_command(), "serve", "--port", "0"], env) as server:
        answer_to(server, _REQUEST)
        return time.perf_counter() - started
