"""``chatdouble check`` and ``redact`` over recordings."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatdouble.cassette.families import read
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


# made for these tests, in the forms of real ones
KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"
COOKIE = "c2Vzc2lvbi1jb29raWUtb2YtYS10ZXN0"


def with_secrets(name: str) -> str:
    """A recording with a key in a request's header and body, and a cookie where that can be."""
    text = recordings.FILES[name]
    if name == "httprr":
        text = text.replace("Host:", f"Authorization: Bearer {KEY}\r\nHost:")
    for kind in ('"Content-Type": "application/json"', '"Content-Type": ["application/json"]'):
        value = f'"Authorization": "Bearer {KEY}"'
        text = text.replace(kind, f"{value}, {kind}", 1)
    pair = '{"name": "Content-Type", "value": "application/json"}'
    bearer = f'{{"name": "Authorization", "value": "Bearer {KEY}"}}'
    text = text.replace(pair, f"{bearer}, {pair}", 1)
    lines = "      Content-Type:\n      - application/json\n"
    text = text.replace(lines, f"      Authorization:\n      - Bearer {KEY}\n{lines}", 1)
    for question in ("Grüße?", "Gr\\u00fc\\u00dfe?", "Gr\\\\u00fc\\\\u00dfe?"):
        text = text.replace(question, f"Hello {KEY}")
    return text


@pytest.mark.parametrize("name", recordings.FILES)
def test_secrets_in_recordings_of_any_tool_are_found_told_and_taken_out(
    run: Run, name: str
) -> None:
    Path("a.json").write_text(with_secrets(name))
    assert KEY in Path("a.json").read_text()
    before = read(Path("a.json"))
    found = run("check", "a.json")
    assert found.exit_code == 1
    told = found.stderr.splitlines()
    assert all(line.startswith("error: a.json, interaction 1: what may be") for line in told)
    places = {line.partition(" (api-key) at ")[2].partition(".")[2] for line in told}
    assert places == {"body"} | ({"headers.Authorization"} if name != "nock" else set())
    cleaned = run("redact", "a.json")
    assert cleaned.exit_code == 0, cleaned.output
    assert "a.json: " in cleaned.stdout
    for text in (found.output, cleaned.output, Path("a.json").read_text()):
        assert KEY not in text
        assert KEY[8:20] not in text
    assert run("check", "a.json").exit_code == 0
    again = run("redact", "a.json")
    assert (again.exit_code, again.stdout) == (0, "a.json: nothing secret was found\n")
    (old,), (new,) = before.takes, read(Path("a.json")).takes
    assert new.body == old.body
    assert new.request_body == old.request_body.replace(KEY.encode(), b"<api-key-1>")


def test_a_cassette_stays_as_it_is_but_for_its_secrets(run: Run) -> None:
    Path("a.har").write_text(recordings.har())
    run("convert", "a.har", "--to", "a.yaml")
    sound = Path("a.yaml").read_text()
    Path("a.yaml").write_text(sound.replace("Grüße?", KEY) + f"note: {KEY}\n")
    found = run("check", "a.yaml")
    assert found.exit_code == 1
    assert found.stderr.splitlines() == [
        "error: a.yaml, interaction 1: what may be secret (api-key) at request.body",
        "error: a.yaml, what may be secret (api-key) at note",
    ]
    assert run("redact", "a.yaml").exit_code == 0
    lines = Path("a.yaml").read_text().splitlines()
    assert [line for line in lines if "<api-key-1>" not in line] == [
        line for line in sound.splitlines() if "Grüße?" not in line
    ]
    assert run("check", "a.yaml").exit_code == 0


def test_what_is_packed_is_not_cleaned_in_place_and_left_as_it_was(run: Run) -> None:
    document = json.loads(recordings.polly())
    secret = recordings.SAID.replace("zurück", KEY)
    chunks = [base64.b64encode(gzip.compress(secret.encode())).decode()]
    content = document["log"]["entries"][0]["response"]["content"]
    content["text"] = json.dumps(chunks)
    Path("a.har").write_text(json.dumps(document))
    found = run("redact", "a.har")
    assert found.exit_code == 2
    assert "cannot be cleaned in place (interaction 1: what may be secret (api-key)" in found.stderr
    assert Path("a.har").read_text() == json.dumps(document)
    assert run("convert", "a.har", "--to", "a.yaml").exit_code == 0
    assert KEY not in Path("a.yaml").read_text()
    assert run("check", "a.yaml").exit_code == 0


def test_what_says_that_a_secret_was_there_is_none(run: Run) -> None:
    for value in ("REDACTED", "Bearer <OPENAI_ACCESS_TOKEN>", "Sanitized", "<api-key-1>"):
        text = recordings.har().replace(
            '"headers": [', f'"headers": [{{"name": "Authorization", "value": "{value}"}}, ', 1
        )
        Path("a.har").write_text(text)
        assert run("check", "a.har").exit_code == 0, value
