"""A suite of tests that each make one openai call: with the fixture, and replayed by vcrpy.

pytest-recording and openai have to be installed; without them there is no row.
"""

from __future__ import annotations

import statistics
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.processes import seconds
from benchmarks.table import Row, quartiles

TESTS = 100

_HEAD = """\
import openai
import pytest


def ask(**options):
    with openai.OpenAI(api_key="any", max_retries=0, **options) as client:
        completion = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}]
        )
    assert completion.choices[0].message.content == "Good day."
"""
_FIXTURE = """

def test_{number}(chatdouble):
    chatdouble.on(user="Hello").reply("Good day.")
    ask(base_url=chatdouble.base_url)
"""
_REPLAYED = """

@pytest.mark.vcr
def test_{number}():
    ask(base_url="https://api.example.org/v1")
"""
_CASSETTE = """\
interactions:
- request:
    body: '{"messages":[{"role":"user","content":"Hello"}],"model":"gpt-4o-mini"}'
    headers: {content-type: [application/json]}
    method: POST
    uri: https://api.example.org/v1/chat/completions
  response:
    body:
      string: '{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini",
        "choices":[{"index":0,"message":{"role":"assistant","content":"Good day."},
        "finish_reason":"stop"}]}'
    headers: {content-type: [application/json]}
    status: {code: 200, message: OK}
version: 1
"""


def measure(folder: Path, env: dict[str, str], *, rounds: int) -> list[Row]:
    """The row of a suite of 100 tests, the run's start included.

    Args:
        folder: where the tests may be written.
        env: the environment of the runs.
        rounds: how often each suite is run.
    """
    if find_spec("pytest_recording") is None or find_spec("openai") is None:
        return []
    ours = _suite(folder, "test_with_fixture.py", _FIXTURE)
    theirs = _suite(folder, "test_with_recording.py", _REPLAYED)
    cassettes = folder / "cassettes" / "test_with_recording"
    cassettes.mkdir(parents=True)
    for number in range(TESTS):
        (cassettes / f"test_{number}.yaml").write_text(_CASSETTE, encoding="utf-8")
    times: list[list[float]] = [[], []]
    for command in (ours, theirs):
        seconds(command, env, folder)
    for _ in range(rounds):
        for found, command in zip(times, (ours, theirs), strict=True):
            found.append(seconds(command, env, folder))
    ratios = [own / other for own, other in zip(*times, strict=True)]
    low, high = quartiles(ratios)
    return [
        Row(
            f"{TESTS} tests with one openai call each",
            f"{statistics.median(times[0]):.2f} s",
            f"pytest-recording replaying them {statistics.median(times[1]):.2f} s",
            f"{statistics.median(ratios):.2f} of its time",
            f"{low:.2f} to {high:.2f}",
            "1.0",
        )
    ]


def _suite(folder: Path, name: str, test: str) -> list[str]:
    file = folder / name
    file.write_text(
        _HEAD + "".join(test.format(number=number) for number in range(TESTS)), encoding="utf-8"
    )
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
