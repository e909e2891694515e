"""``chatdouble check`` and ``redact`` over recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatdouble.cli import main
from tests.cassette import recordings
from tests.cassette.recordings import QUESTION, SAID, STREAM, vcrpy

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def test_sound_recordings_of_all_tools_and_scripts_are_counted(run: Run) -> None:
    Path("in").mkdir()
    for name, text in recordings.FILES.items():
        Path("in", f"{name}.json").write_text(text)
    found = run("check", "in")
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout == "10 interactions in 10 recordings, 0 mistakes, 0 warnings\n"
    Path("in/rules.yaml").write_text("- reply: Hello.\n")
    both = run("check", "in", "in/har.json").stdout
    assert both.startswith("1 sound rule in 1 script, 11 interactions in 11 recordings, 0 mis")


def test_damage_and_cut_streams_are_told(run: Run) -> None:
    Path("in").mkdir()
    text = vcrpy((QUESTION, SAID))
    Path("in/a.yaml").write_text(text[:-20])
    Path("in/b.yaml").write_text(text.replace('"uri"', '"uris"'))
    half = STREAM[: len(STREAM) // 2]
    Path("in/c.yaml").write_text(vcrpy((QUESTION, SAID), (QUESTION | {"stream": True}, half)))
    found = run("check", "in")
    assert found.exit_code == 1
    lines = found.stderr.splitlines()
    assert lines[0].startswith("error: in/a.yaml: is no sound")
    assert lines[1].startswith("error: in/b.yaml: ")
    stopped = "its stream ends before the reply does"
    assert lines[2:] == [f"warning: in/c.yaml, interaction 2: {stopped}"]
    assert run("check", "in/c.yaml").exit_code == 0


def test_old_recordings_are_a_mistake_if_an_age_is_given(run: Run) -> None:
    Path("a.yaml").write_text(vcrpy((QUESTION, SAID)))
    assert run("check", "a.yaml").exit_code == 0
    assert run("check", "--older-than", "100000", "a.yaml").exit_code == 0
    found = run("check", "--older-than", "30", "a.yaml")
    assert found.exit_code == 1
    assert "error: a.yaml, interaction 1: is " in found.stderr
    assert " days old, and 30 are allowed" in found.stderr
