"""From the start of the process to its first answer."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks.processes import chatdouble_command, printed, seconds, serving
from benchmarks.table import Row, quartiles
from benchmarks.throughput import answer_to

_REQUEST = json.dumps(
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
).encode()
_IMPORT = """
import time
started = time.perf_counter()
import chatdouble
print(1000 * (time.perf_counter() - started))
"""
_FIXTURE = """
import time
started = time.perf_counter()
from chatdouble import Server, Settings
imported = time.perf_counter()
with Server(Settings()) as server:
    session = server.session()
    print(1000 * (time.perf_counter() - imported), 1000 * (imported - started))
"""
_IMPORTS = [sys.executable, "-c", "import starlette.applications, uvicorn"]


def measure(env: dict[str, str], *, runs: int) -> list[Row]:
    """The rows for the first answer and its memory, for the import, and for the fixture's server.

    Args:
        env: the processes' environment.
        runs: how many starts are measured, after one to warm up.
    """
    first_answer(env)
    seconds(_IMPORTS, env)
    for code in (_IMPORT, _FIXTURE):
        _milliseconds(code, env)
    answers, sizes, imports = [], [], []
    own, fixtures = [], []
    for _ in range(runs):
        took, size = first_answer(env)
        answers.append(took)
        sizes.append(size or 0.0)
        imports.append(seconds(_IMPORTS, env))
        own.append(_milliseconds(_IMPORT, env)[0])
        fixtures.append(_milliseconds(_FIXTURE, env))
    low, high = quartiles(answers)
    ours, theirs = statistics.median(answers), statistics.median(imports)
    rows = [
        Row(
            "first answer of a new process",
            f"{ours:.3f} s",
            f"import of starlette and uvicorn {theirs:.3f} s",
            f"{ours - theirs:+.3f} s",
            f"{low:.3f} to {high:.3f} s",
            "within 0.35 s",
        )
    ]
    if all(sizes):
        rows.append(_row("memory after it", "MB", sizes, "", "80 MB"))
    rows.append(_row("import chatdouble", "ms", own, "", "15 ms"))
    starts, before = zip(*fixtures, strict=True)
    imported = f"import of the server {statistics.median(before):.0f} ms"
    rows.append(_row("start of the fixture's server", "ms", starts, imported, "30 ms"))
    return rows


def _row(figure: str, unit: str, values: Sequence[float], beside: str, aim: str) -> Row:
    low, high = quartiles(values)
    found = f"{statistics.median(values):.1f} {unit}"
    return Row(figure, found, beside, found, f"{low:.1f} to {high:.1f} {unit}", f"under {aim}")


def _milliseconds(code: str, env: dict[str, str]) -> list[float]:
    return [float(figure) for figure in printed([sys.executable, "-c", code], env).split()]


def first_answer(env: dict[str, str]) -> tuple[float, float | None]:
    """Seconds from the start of ``chatdouble serve`` to the end of a generated answer, and the
    megabytes that the server has then.
    """
    started = time.perf_counter()
    with serving([*chatdouble_command(), "serve", "--port", "0"], env) as server:
        answer_to(server, _REQUEST)
        return time.perf_counter() - started, server.memory()
