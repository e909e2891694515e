"""Recorded times as a pace for other answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatdouble import Pace, ScriptError, recorded_pace
from chatdouble.dice import Dice
from chatdouble.schedule import pace_of
from chatdouble.schedule.figures import MOST_SAMPLES, Samples
from chatdouble.script import load
from tests.conftest import Process, Raw

EVENTS = ("data: 1\n\n", "data: 2\n\ndata: 3\n\n", "data: [DONE]\n\n")
URI = "https://api.openai.com/v1/chat/completions"


def cassette(file: Path, *moments: list[float], kind: str = "text/event-stream") -> Path:
    """A cassette of streams whose pieces came at these moments."""
    recorded: list[Any] = [
        {
            "request": {"method": "POST", "uri": URI, "headers": {}, "body": "{}"},
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"Content-Type": [kind]},
                "body": {"string": "".join(EVENTS)},
                "chatdouble": {
                    "pieces": [[at, len(one)] for at, one in zip(said, EVENTS, strict=True)]
                },
            },
        }
        for said in moments
    ]
    file.write_text(yaml.safe_dump({"version": 1, "interactions": recorded}))
    return file


def test_first_events_and_gaps_are_those_of_the_streams(tmp_path: Path) -> None:
    pace = recorded_pace(cassette(tmp_path / "c.yaml", [0.5, 0.75, 1.0], [0.25, 0.375, 0.5]))
    assert pace == Pace(
        first=Samples((0.25, 0.5)), each=Samples((0.0, 0.0, 0.125, 0.125, 0.25, 0.25))
    )
    _, moments = pace.moments(50, Dice(b"seed"))
    assert moments[0] in (0.25, 0.5)
    assert {b - a for a, b in pairwise(moments)} == {0.0, 0.125, 0.25}
    assert pace_of(pace.data()) == pace


def test_many_times_are_thinned_out(tmp_path: Path) -> None:
    streams = [[at / 8, at / 8, at / 8 + 1] for at in range(1500)]
    first = recorded_pace(cassette(tmp_path / "c.yaml", *streams)).first
    assert isinstance(first, Samples)
    assert len(first.samples) == MOST_SAMPLES
    assert (first.samples[0], first.samples[-1]) == (0.0, 1498 / 8)


def test_a_cassette_without_times_is_no_pace(tmp_path: Path) -> None:
    file = cassette(tmp_path / "c.yaml", [0.5, 0.75, 1.0], kind="application/json")
    with pytest.raises(ScriptError, match=r"c\.yaml holds no stream whose times were recorded"):
        recorded_pace(file)
    with pytest.raises(ScriptError, match=r"none\.yaml"):
        recorded_pace(tmp_path / "none.yaml")


def test_scripts_name_a_cassette_in_their_folder(tmp_path: Path) -> None:
    cassette(tmp_path / "c.yaml", [0.5, 0.75, 1.0])
    script = tmp_path / "s.yml"
    script.write_text("pace: {recorded: c.yaml}\nrules:\n- reply: Hi.\n- {reply: Ho., pace: {}}\n")
    paces = [rule.steps[0].pace for rule in load((script,))]
    assert paces == [recorded_pace(tmp_path / "c.yaml"), Pace()]
    for said, problem in (
        ("{recorded: ../c.yaml}", "expected a file in the script's folder"),
        ("{recorded: s.yml}", "cassette"),
        ("{recorded: c.yaml, each: 1}", "each"),
    ):
        script.write_text(f"- {{reply: Hi., pace: {said}}}")
        with pytest.raises(ScriptError, match=problem):
            load((script,))


def test_the_command_takes_a_cassette(run: Callable[..., Process], tmp_path: Path) -> None:
    file = cassette(tmp_path / "c.yaml", [0.2, 0.2, 0.2])
    server = run("serve", "--port", "0", "--pace", file)
    raw = Raw(server.base_url)
    body = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "stream": true}'
    response, _ = raw.send("POST", "/v1/chat/completions", body, {})
    raw.connection.close()
    assert int(response.headers["openai-processing-ms"]) == 200
