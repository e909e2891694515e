"""What several test modules share: the process, the shared recordings, raw requests."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO, Any

import pytest

# how long an example takes says more of the machine than of the code;
# the clients' tests, which run without hypothesis, use what is here, too
with contextlib.suppress(ImportError):
    from hypothesis import settings

    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")

pytest_plugins = ["pytester"]
# with a pytest.ini of its own; scripts/test-clients runs it
collect_ignore = ["clients"]

SHARED = Path(os.environ.get("CHATDOUBLE_SHARED", Path(__file__).parents[2] / "shared"))
# clients are tested from environments that chatdouble does not share
PYTHON = os.environ.get("CHATDOUBLE_PYTHON", sys.executable)


class Process:
    """``chatdouble`` as a process; what it prints is read all the time, so it never waits."""

    def __init__(self, *args: str | Path, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [PYTHON, "-m", "chatdouble", *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=cwd,
        )
        self._out: list[str] = []
        self._err: list[str] = []
        self._readers = [
            threading.Thread(target=_read, args=(pipe, lines))
            for pipe, lines in (
                (self.process.stdout, self._out),
                (self.process.stderr, self._err),
            )
        ]
        for reader in self._readers:
            reader.start()
        self.greeting = ""
        try:
            until(lambda: self._greeted() or not self._readers[0].is_alive(), 30)
        except AssertionError:
            self.kill()
            raise
        self.greeting = "".join(self._out)
        found = re.search(r"http://\S+:(\d+)/v1", self.greeting)
        self.port = int(found.group(1)) if found else 0
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    def _greeted(self) -> bool:
        return any(line.endswith("Requests:\n") for line in list(self._out))

    def ended(self, timeout: float = 10) -> tuple[int, str, str]:
        """Its exit status, what it printed behind the greeting, and its errors."""
        status = self.process.wait(timeout)
        for reader in self._readers:
            reader.join(timeout)
        return status, "".join(self._out).removeprefix(self.greeting), "".join(self._err)

    def kill(self) -> None:
        self.process.kill()
        self.ended()


def _read(pipe: IO[str] | None, lines: list[str]) -> None:
    assert pipe is not None
    with pipe:
        for line in pipe:
            lines.append(line)


@pytest.fixture
def run() -> Iterator[Callable[..., Process]]:
    """Start ``chatdouble ARGS...``; it is killed when the test ends."""
    started: list[Process] = []

    def start(*args: str | Path, cwd: Path | None = None) -> Process:
        started.append(Process(*args, cwd=cwd))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture(scope="session")
def shared_cassettes() -> Path:
    """The folder of recorded traffic; tests that need it are skipped where it is absent."""
    folder = SHARED / "cassettes"
    if not folder.is_dir():
        pytest.skip(f"there are no shared recordings at {folder}")
    return folder


class Raw:
    """Requests as bytes, answers as bytes: what no client would send or hide."""

    def __init__(self, base_url: str) -> None:
        host, _, self.prefix = base_url.removeprefix("http://").partition("/")
        self.prefix = "/" + self.prefix.removesuffix("v1").rstrip("/")
        self.connection = HTTPConnection(host, timeout=10)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[HTTPResponse, bytes]:
        self.connection.request(
            method,
            self.prefix.rstrip("/") + path,
            body,
            headers or {"content-type": "application/json"},
        )
        response = self.connection.getresponse()
        return response, response.read()

    def chat(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        return self.send("POST", "/v1/chat/completions", body)


@pytest.fixture
def raw(chatdouble: Any) -> Iterator[Raw]:
    """Raw requests to the test's session."""
    sender = Raw(chatdouble.base_url)
    yield sender
    sender.connection.close()


def until(condition: Callable[[], Any], seconds: float = 5) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
