"""What the pytest fixture costs each test, and what the plugin costs a run that does not use it."""

from __future__ import annotations

import statistics
import sys
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks.processes import printed, seconds
from benchmarks.table import Row, quartiles

TESTS = 300

_HEAD = """\
import http.client
import json
from urllib.parse import urlsplit

import pytest

BODY = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]})


@pytest.fixture
def own():
    yield object()


def post(base_url):
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", f"{url.path}/chat/completions", BODY, headers)
    response = connection.getresponse()
    assert response.status == 200
    assert b"Good day." in response.read()
    connection.close()
"""
_BASELINE = """

def test_{number}(own):
    assert own
"""
_UNUSED = """

def test_{number}(chatdouble):
    assert chatdouble
"""
_USED = """

def test_{number}(chatdouble):
    chatdouble.on(user="Hello").reply("Good day.")
    post(chatdouble.base_url)
"""

_IMPORT = """
import time
import pytest
started = time.perf_counter()
import pytest_chatdouble
print(1000 * (time.perf_counter() - started))
"""


def measure_tests(folder: Path, env: dict[str, str], *, rounds: int) -> list[Row]:
    """The rows for a test with the fixture, and for what a run pays once.

    The time of 300 tests less that of one test: what is paid once a run (imports, the server's
    start and end) is in both, and shown in a row of its own.

    Args:
        folder: where the tests may be written.
        env: the environment of the runs.
        rounds: how often each kind of test is run.
    """
    kinds = {"baseline": _BASELINE, "unused": _UNUSED, "used": _USED}
    commands = {
        (kind, count): _pytest(_write(folder, f"test_{kind}_{count}.py", test, count))
        for kind, test in kinds.items()
        for count in (1, TESTS)
    }
    times: dict[tuple[str, int], list[float]] = {key: [] for key in commands}
    for command in commands.values():
        seconds(command, env, folder)
    for _ in range(rounds):
        for key, command in commands.items():
            times[key].append(1000 * seconds(command, env, folder))
    per_test = {
        kind: [
            (many - one) / (TESTS - 1)
            for one, many in zip(times[kind, 1], times[kind, TESTS], strict=True)
        ]
        for kind in kinds
    }
    plain = per_test["baseline"]
    return [
        _difference("fixture without a request", "ms a test", per_test["unused"], plain, "1 ms"),
        _difference("fixture, one rule, one request", "ms a test", per_test["used"], plain),
        _difference(
            "once a run that uses the fixture", "ms", times["unused", 1], times["baseline", 1]
        ),
    ]


def measure_import(folder: Path, env: dict[str, str], *, pairs: int) -> list[Row]:
    """The rows for a run that has the plugin and does not use it.

    The runs differ by a millisecond and scatter by more; so the import is timed by itself, too.

    Args:
        folder: where the test may be written.
        env: the environment of the runs.
        pairs: how often a run with the plugin and one without it are compared.
    """
    file = _write(folder, "test_trivial.py", _BASELINE, 1)
    commands = [_pytest(file), [*_pytest(file), "-p", "no:chatdouble"]]
    times: list[list[float]] = [[], []]
    for command in commands:
        seconds(command, env, folder)
    order = [0, 1]
    for _ in range(pairs):
        for index in order:
            times[index].append(1000 * seconds(commands[index], env, folder))
        order.reverse()
    ours, theirs = times
    code = [sys.executable, "-c", _IMPORT]
    imports = [float(printed(code, env)) for _ in range(1 + pairs // 2)][1:]
    low, high = quartiles(imports)
    return [
        _difference(
            "plugin in a run without its fixtures", "ms", ours, theirs, reference="-p no:chatdouble"
        ),
        Row(
            "import of the plugin, by itself",
            f"{statistics.median(imports):.2f} ms",
            "nothing (pytest is imported before)",
            f"{statistics.median(imports):+.2f} ms",
            f"{low:+.2f} to {high:+.2f}",
        ),
    ]


def _difference(
    figure: str,
    unit: str,
    ours: list[float],
    theirs: list[float],
    aim: str = "",
    reference: str = "trivial fixture",
) -> Row:
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    low, high = quartiles(differences)
    digits = 2 if "test" in unit else 0 if max(ours) > 1000 else 1
    return Row(
        figure,
        f"{statistics.median(ours):.{digits}f} {unit}",
        f"{reference} {statistics.median(theirs):.{digits}f} {unit}",
        f"{statistics.median(differences):+.{digits}f} {unit}",
        f"{low:+.{digits}f} to {high:+.{digits}f}",
        aim,
    )


def _write(folder: Path, name: str, test: str, count: int) -> Path:
    file = folder / name
    tests = "".join(test.format(number=number) for number in range(count))
    file.write_text(_HEAD + tests, encoding="utf-8")
    return file


def _pytest(file: Path) -> list[str]:
    """A run of the file with no plugins but pytest's own and ours."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for plugin in entry_points(group="pytest11"):
        if plugin.name != "chatdouble":
            command += ["-p", f"no:{plugin.name}"]
    return [*command, f"--rootdir={file.parent}", file.name]
