"""All figures in one table: ``python benchmarks/run.py [--quick]``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import (
    accuracy,
    fixture,
    memory,
    recording,
    recordings,
    replaying,
    rivals,
    slow,
    stages,
    startup,
    teeing,
    throughput,
)
from benchmarks.processes import environment, printed, two_cores
from benchmarks.table import render

# benchmarks with tables of their own, which are printed behind this one
_FURTHER = ("cassettes.py",)


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rougher figures")
    parser.add_argument("--no-rivals", action="store_true", help="install and measure no others")
    options = parser.parse_args()
    quick = options.quick
    started = time.perf_counter()
    machine = _machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = environment(folder / "byte-code")
        rows = [
            *throughput.measure(folder, env, rounds=3 if quick else 8, seconds=0.4),
            *recordings.measure(folder, env, rounds=3 if quick else 8, seconds=0.4),
            *memory.measure(folder, env, answers=30_000 if quick else 200_000),
            *([] if options.no_rivals else rivals.measure(folder, env, rounds=3, seconds=0.6)),
            *accuracy.measure(folder, env, quick=quick),
            *slow.measure(folder, env),
            *startup.measure(env, runs=3 if quick else 11),
            *fixture.measure_tests(folder, env, rounds=2 if quick else 5),
            *recording.measure(folder, env, rounds=2),
            *replaying.measure(folder, rounds=1),
            *teeing.measure(folder, env, rounds=10 if quick else 50),
            *fixture.measure_import(folder, env, pairs=5 if quick else 15),
        ]
        print(render(rows), stages.render(stages.measure()), sep="\n\n")
        for file in _FURTHER:
            path = Path(__file__).with_name(file)
            if path.is_file():
                print("", printed([sys.executable, str(path)], env), sep="\n")
    print(f"\n{machine}; {time.perf_counter() - started:.0f} s")


def _machine() -> str:
    cores = os.cpu_count()
    parts = [
        f"{cores} core{'s' * (cores != 1)}",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"uvicorn {version('uvicorn')}",
        platform.system(),
    ]
    if hasattr(os, "getloadavg"):
        parts.append(f"load average at the start {os.getloadavg()[0]:.2f}")
    parts.append(
        "server and load each on a core of its own"
        if two_cores()
        else "server and load NOT on cores of their own"
    )
    return ", ".join(parts)


if __name__ == "__main__":
    main()
