"""``chatdouble convert``: nothing is lost in silence, and nothing secret is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chatdouble import script
from chatdouble.cassette import families
from chatdouble.cassette.format import load
from chatdouble.cassette.take import Take
from chatdouble.cli import main
from chatdouble.rules.printed import data
from tests.cassette import recordings

Run = Callable[..., Result]
WRITTEN = {
    "vcrpy": ".yaml",
    "har": ".har",
    "ruby-vcr": ".yml",
    "betamax": ".json",
    "go-vcr": ".yaml",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, ("convert", *words))
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def meaning(take: Take) -> tuple[Any, ...]:
    return (take.method, take.uri.replace(":443", ""), take.request_body, take.status, take.body)


@pytest.mark.parametrize("name", recordings.FILES)
def test_what_another_tool_recorded_becomes_a_cassette_that_vcrpy_loads(
    run: Run, name: str
) -> None:
    import vcr

    Path("source").write_text(recordings.FILES[name])
    found = run("source", "--to", "a.yaml")
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("a.yaml: 1 interaction for vcrpy\n")
    (one,) = load(Path("a.yaml"))
    assert (one.status, json.loads(one.response)) == (200, recordings.ANSWER)
    assert json.loads(one.body) == recordings.QUESTION
    assert one.path == "/v1/chat/completions"
    with vcr.use_cassette("a.yaml", record_mode="none") as cassette:
        assert cassette.requests[0].uri.replace(":443", "") == recordings.URL


@pytest.mark.parametrize("name", WRITTEN)
def test_cassettes_become_files_of_other_tools_and_come_back(run: Run, name: str) -> None:
    odd = "\x00\x85\u2028 \ud83d\ude00\r\n\t' \"#: - |\n"
    texts = (recordings.SAID, recordings.STREAM, odd, "  lead\n\n", "", "null", "1.0")
    pairs = [(recordings.QUESTION | {"user": text}, text) for text in texts]
    Path("a.yaml").write_text(recordings.vcrpy(*pairs))
    target = f"b{WRITTEN[name]}"
    found = run("a.yaml", "--to", target, "--format", name)
    assert found.exit_code == 0, found.output
    assert "exact" not in found.stdout
    back = families.read(Path(target))
    assert back.family.name == name
    assert list(map(meaning, back.takes)) == list(map(meaning, families.read(Path("a.yaml")).takes))


def test_what_a_family_cannot_hold_is_said(run: Run) -> None:
    Path("a.har").write_text(recordings.har())
    assert "left out" not in run("a.har", "--to", "a.yaml").stdout
    found = run("a.yaml", "--to", "b.yaml", "--format", "go-vcr")
    assert found.stdout.splitlines()[1:] == ["  left out: interaction 1: when it was recorded"]
    whole = Path("a.yaml").read_text()
    notes = "    chatdouble:\n"
    Path("c.yaml").write_text(whole.replace(notes, f"{notes}      cut: true\n"))
    text = run("c.yaml", "--to", "c.har").stdout
    assert "left out: interaction 1: that the response was cut off" in text
    Path("d.json").write_text(recordings.azure_test_proxy())
    text = run("d.json", "--to", "d.yaml").stdout
    assert "interaction 1: how the JSON bodies were laid out" in text


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_secret_is_written_and_that_is_said(run: Run, name: str) -> None:
    document = json.loads(recordings.har())
    entry = document["log"]["entries"][0]
    secret = {"name": "Authorization", "value": "Bearer sk-proj-abcdefghijklmnopqrstuvwxyz012345"}
    entry["request"]["headers"].append(secret)
    entry["response"]["headers"].append({"name": "Set-Cookie", "value": "session=abcdefgh12345"})
    Path("a.har").write_text(json.dumps(document))
    target = Path(f"b{WRITTEN[name]}")
    found = run("a.har", "--to", str(target), "--format", name)
    assert found.exit_code == 0, found.output
    for text in (target.read_text(), found.output):
        assert "sk-proj" not in text
        assert "abcdefgh12345" not in text
    assert "headers of the request not known to be harmless: authorization" in found.stdout
    assert "headers of the response not known to be harmless: set-cookie" in found.stdout


def test_a_folder_becomes_a_folder_and_many_files_one(run: Run) -> None:
    Path("in/side").mkdir(parents=True)
    Path("in/side/a.har").write_text(recordings.har())
    Path("in/side/a.json").write_text(recordings.betamax())
    Path("in/b.yaml").write_text(recordings.govcr(2))
    Path("in/notes.json").write_text('{"just": "words"}')
    found = run("in", "--to", "out")
    assert found.exit_code == 0
    assert "left out: in/notes.json" in found.stderr
    written = sorted(str(file) for file in Path("out").rglob("*") if file.is_file())
    assert written == ["out/b.yaml", "out/side/a-2.yaml", "out/side/a.yaml"]
    assert run("in/b.yaml", "in/side/a.har", "--to", "one.yaml").exit_code == 0
    assert len(load(Path("one.yaml"))) == 2


def test_nothing_is_overwritten_unless_asked(run: Run) -> None:
    Path("a.har").write_text(recordings.har())
    Path("b.yaml").write_text("mine")
    found = run("a.har", "--to", "b.yaml")
    assert found.exit_code == 2
    assert "is there already; --force" in found.stderr
    assert Path("b.yaml").read_text() == "mine"
    assert run("a.har", "--to", "b.yaml", "--force").exit_code == 0
    assert load(Path("b.yaml"))
    assert sorted(str(file) for file in Path().iterdir()) == ["a.har", "b.yaml"]
    assert "use --format" in run("a.har", "--to", "b.json").stderr
    assert run("none", "--to", "b.yaml").exit_code == 2


def test_every_shared_recording_becomes_a_cassette(run: Run, shared_cassettes: Path) -> None:
    found = run(str(shared_cassettes / "other"), "--to", "out")
    assert found.exit_code == 0, found.output
    assert "exact" not in found.stdout
    assert sum(len(load(file)) for file in Path("out").rglob("*.yaml")) == 514


FIXTURES = {
    "fixtures": [
        {
            "match": {"userMessage": "joke", "sequenceIndex": 1},
            "response": {"content": "Two."},
            "latency": 200,
        },
        {"match": {"userMessage": "joke", "sequenceIndex": 0}, "response": {"content": "One."}},
        {
            "match": {"userMessage": "weather", "model": "gpt-4o", "hasToolResult": False},
            "response": {
                "content": "Let me look.",
                "toolCalls": [{"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "c1"}],
                "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
            },
        },
        {
            "match": {"toolCallId": "c1", "systemMessage": ["short", "kind"]},
            "response": {"content": {"warm": True}, "webSearches": ["x"]},
            "streamingProfile": {"ttft": 300, "tps": 50, "jitter": 0.1},
            "truncateAfterChunks": 3,
        },
        {
            "match": {"toolName": "search", "responseFormat": "json_object", "context": "demo"},
            "response": {
                "error": {"message": "Slow down.", "type": "requests", "code": "limit"},
                "status": 429,
                "retryAfter": 2,
            },
            "chaos": {"dropRate": 0.5},
        },
        {"match": {"inputText": "hello"}, "response": {"embedding": [0.1]}},
    ]
}


def test_fixtures_of_aimock_become_a_script(run: Run) -> None:
    Path("a.json").write_text(json.dumps(FIXTURES))
    found = run("a.json", "--to", "rules.yaml")
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0] == "rules.yaml: a script of 4 rules"
    assert sorted(line.removeprefix("  left out: ") for line in lines[1:]) == [
        "fixtures[3].response.webSearches",
        "fixtures[3].streamingProfile.jitter",
        "fixtures[4].chaos",
        "fixtures[4].match.context",
        "fixtures[5]: the whole of it, which is of another endpoint",
    ]
    assert list(map(data, script.load((Path("rules.yaml"),)))) == [
        {
            "when": {"user": {"contains": "joke"}},
            "then": [{"reply": "One."}, {"reply": "Two.", "fault": "delay=0.2"}],
            "used_up": "next",
        },
        {
            "when": {
                "user": {"contains": "weather"},
                "model": {"regex": r"^gpt\-4o(-[0-9].*)?$"},
                "not": {"tool_result": {"glob": "*"}},
            },
            "reply": [
                "Let me look.",
                {"call": "get_weather", "with": {"city": "Oslo"}, "id": "c1"},
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        },
        {
            "when": {
                "system": {"all": [{"contains": "short"}, {"contains": "kind"}]},
                "tool_result": {"call_id": "c1"},
            },
            "reply": '{"warm":true}',
            "pace": {"first": 0.3, "each": 0.02},
            "fault": "cut=3",
        },
        {
            "when": {"tools": "search", "response_format": "json_object"},
            "fail": {
                "status": 429,
                "message": "Slow down.",
                "code": "limit",
                "retry_after": 2,
            },
        },
    ]


def test_secrets_in_fixtures_do_not_reach_the_script(run: Run) -> None:
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"
    fixture = {"match": {"userMessage": "key"}, "response": {"content": f"Grüße, {key}!"}}
    Path("a.json").write_text(json.dumps({"fixtures": [fixture]}))
    assert run("a.json", "--to", "rules.yaml").exit_code == 0
    assert "sk-proj" not in Path("rules.yaml").read_text()
    (rule,) = script.load((Path("rules.yaml"),))
    assert data(rule)["reply"] == "Grüße, <api-key-1>!"


@pytest.mark.parametrize(
    ("fixture", "problem"),
    [
        ({"match": {}}, "fixtures[0].response: expected a mapping"),
        ({"match": {"userMessage": 3}, "response": {"content": ""}}, "match.userMessage: expected"),
        ({"match": {}, "response": {"toolCalls": [{"name": "a b"}]}}, "a tool's name is made of"),
        ({"match": {}, "response": {"error": {"message": "x"}, "status": 200}}, "fixtures[0]"),
        ({"match": {}, "response": {"blocks": [{"type": "other"}]}}, "blocks[0].text: expected"),
        ("nothing", "fixtures[0]: expected a mapping, got a str"),
    ],
)
def test_a_broken_fixture_is_told_with_its_place(run: Run, fixture: Any, problem: str) -> None:
    Path("a.json").write_text(json.dumps({"fixtures": [fixture]}))
    found = run("a.json", "--to", "rules.yaml")
    assert found.exit_code == 2
    assert problem in found.stderr
    assert not Path("rules.yaml").exists()
