"""Processes that are measured: their environment, their cores, and servers among them."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_PORT = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Server(NamedTuple):
    """A server that runs."""

    pid: int
    port: int

    def processor_time(self) -> float | None:
        """Seconds of processor time that it has used; None where the system does not tell."""
        if sys.platform != "linux":
            return None
        # the id of another process's clock, as clock_getcpuclockid(3) makes it
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory(self) -> float | None:
        """Megabytes that are in memory; None where the system does not tell."""
        if sys.platform != "linux":
            return None
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def environment(byte_code: Path) -> dict[str, str]:
    """The environment for measured processes.

    Byte code is kept in a folder of the run's own, so that after one run to warm up every process
    finds it, as it does after an installation; whatever PYTHONDONTWRITEBYTECODE says.
    """
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS", "PYTEST_PLUGINS")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    return kept | {"PYTHONPYCACHEPREFIX": str(byte_code)}


def chatdouble_command() -> list[str]:
    """The installed ``chatdouble`` command of this Python."""
    scripts = Path(sysconfig.get_path("scripts"))
    found = next(
        (f for f in (scripts / "chatdouble", scripts / "chatdouble.exe") if f.is_file()), None
    )
    return [str(found)] if found else [sys.executable, "-m", "chatdouble"]


def seconds(command: Sequence[str], env: dict[str, str], cwd: Path | None = None) -> float:
    """How long the command takes, from its start to its end.

    Raises:
        RuntimeError: the command fails.
    """
    started = time.perf_counter()
    printed(command, env, cwd)
    return time.perf_counter() - started


def printed(command: Sequence[str], env: dict[str, str], cwd: Path | None = None) -> str:
    """What the command prints.

    Raises:
        RuntimeError: the command fails.
    """
    done = subprocess.run(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{output}")
    return output


@contextlib.contextmanager
def serving(
    command: Sequence[str], env: dict[str, str], core: int | None = None
) -> Iterator[Server]:
    """Run a server that prints its address; it ends with the block.

    Args:
        command: the server's command line.
        env: its environment.
        core: the core that it may use; None leaves that to the system.

    Raises:
        RuntimeError: it ends, or prints no address.
    """
    with pinned(core):
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = _PORT.search(process.stdout.readline())
        if found is None:
            raise RuntimeError(f"{command} printed no address")
        yield Server(process.pid, int(found.group(1)))
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keep this process, and those that it starts meanwhile, on one core where that is possible."""
    if core is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def two_cores() -> tuple[int, int] | None:
    """A core for the server and one for the load; None where they cannot be told apart."""
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
        return None
    first, second, *_ = sorted(os.sched_getaffinity(0))
    return first, second
