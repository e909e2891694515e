"""``chatdouble show``, ``diff`` and ``forget``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from chatdouble.cassette.age import stale
from chatdouble.cassette.converting import converted, writable
from chatdouble.cassette.families import read
from chatdouble.cassette.take import Take
from chatdouble.cli import main
from tests.cassette import recordings
from tests.cassette.recordings import ANSWER, QUESTION, SAID, STREAM, vcrpy

Run = Callable[..., Result]

TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]
MADE = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def asking(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": list(messages), **fields}


def said(role: str, content: str, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def calling(call_id: str) -> str:
    made = MADE | {"id": call_id}
    message = {"role": "assistant", "content": None, "tool_calls": [made]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return json.dumps(ANSWER | {"id": f"chatcmpl-{call_id}", "choices": [choice]})


def conversation(call_id: str = "call_1", answer: str = SAID) -> str:
    """Two requests: a tool is called, then the conversation goes on with its result."""
    user = said("user", "How warm is it?")
    first = asking(said("system", "Be short."), user, tools=TOOLS, temperature=0)
    made = {"role": "assistant", "content": None, "tool_calls": [MADE | {"id": call_id}]}
    result = said("tool", "18 degrees", tool_call_id=call_id)
    second = asking(*first["messages"], made, result, tools=TOOLS, temperature=1)
    return vcrpy((first, calling(call_id)), (second, answer))


def shown(run: Run, *words: str) -> list[str]:
    found = run("show", "--width", "100", *words)
    assert found.exit_code == 0, found.output
    return found.stdout.splitlines()


def test_a_conversation_is_shown_as_people_read_it(run: Run) -> None:
    Path("a.yaml").write_text(conversation())
    lines = [line.strip() for line in shown(run, "a.yaml")]
    assert lines[0] == "a.yaml (vcrpy, 2 interactions)"
    first = lines[1 : lines.index(next(line for line in lines if line.startswith("2. ")))]
    assert first[0].startswith("1. POST /v1/chat/completions gpt-4o-mini, ")
    assert first[0].endswith(" days old")
    assert first[1:] == [
        "system: Be short.",
        "user: How warm is it?",
        "tools: get_weather",
        "temperature = 0",
        "-> 200",
        "calls get_weather (call_1) {}",
        "finish: tool_calls; tokens: 9 + 4",
    ]


def test_of_a_conversation_that_goes_on_only_what_is_new_is_shown(run: Run) -> None:
    Path("a.yaml").write_text(conversation())
    lines = [line.strip() for line in shown(run, "a.yaml")]
    second = lines[lines.index("goes on from 1") :]
    assert second == [
        "goes on from 1",
        "assistant:",
        "calls get_weather (call_1) {}",
        "tool (call_1): 18 degrees",
        "temperature = 1, was 0",
        "-> 200",
        "assistant: Grüße zurück.",
        "finish: stop; tokens: 9 + 4",
    ]


def test_streams_errors_and_other_endpoints_are_shown(run: Run) -> None:
    Path("stream.yaml").write_text(vcrpy((QUESTION | {"stream": True}, STREAM)))
    assert "   -> 200 in 4 chunks" in shown(run, "stream.yaml")[3]
    assert "assistant: Hello there." in "\n".join(shown(run, "stream.yaml"))
    error = {"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}}
    Path("error.yaml").write_text(vcrpy((QUESTION, json.dumps(error)), status=429))
    text = "\n".join(shown(run, "error.yaml"))
    assert "-> 429" in text
    assert "error: Slow down." in text
    assert "requests, rate_limit_exceeded" in text
    Path("other.yaml").write_text(
        vcrpy(({"input": "x"}, "{}")).replace("chat/completions", "embeddings")
    )
    line = "1. POST /v1/embeddings -> 200 2 bytes of application/json"
    assert shown(run, "other.yaml")[1].strip() == line


def test_the_time_that_a_stream_took_and_that_it_was_cut_are_shown(run: Run) -> None:
    body = STREAM.encode()
    take = Take(
        method="POST",
        uri=recordings.URL,
        request_body=json.dumps(QUESTION | {"stream": True}).encode(),
        status=200,
        pieces=((0.5, body[:300]), (1.25, body[300:])),
        cut=True,
    )
    vcrpy_family = next(one for one in writable() if one.name == "vcrpy")
    Path("a.yaml").write_bytes(converted([take], vcrpy_family, Path("a.yaml")).data)
    told = "-> 200 in 4 chunks, 1.25 s (the first after 0.50 s), cut off"
    assert told in [line.strip() for line in shown(run, "a.yaml")]


def test_choices_refusals_and_figures_are_shown(run: Run) -> None:
    refused = {"role": "assistant", "content": None, "refusal": "I will not."}
    choices = [
        {"index": 0, "message": said("assistant", "One."), "finish_reason": "stop"},
        {"index": 1, "message": refused, "finish_reason": "length"},
    ]
    details = {"completion_tokens_details": {"reasoning_tokens": 2}}
    usage = {"prompt_tokens": 9, "completion_tokens": 4} | details
    answer = json.dumps(ANSWER | {"choices": choices, "usage": usage})
    Path("a.yaml").write_text(vcrpy((QUESTION | {"n": 2}, answer)))
    lines = [line.strip() for line in shown(run, "a.yaml")]
    assert lines[-4:] == [
        "-> 200",
        "assistant 0: One.",
        "assistant 1 refuses: I will not.",
        "finish: stop, length; tokens: 9 + 4, 2 reasoning",
    ]


def test_what_a_terminal_would_obey_is_escaped_and_long_texts_are_cut(run: Run) -> None:
    evil = "\x1b]0;title\x07\x1b[2J\u202e\u009b31m"
    request = asking(said("user", evil + "x" * 5000 + "\nline" * 50), **{evil: evil})
    answer = SAID.replace("Grüße zurück.", json.dumps(evil)[1:-1])
    Path("a.yaml").write_text(vcrpy((request, answer)).replace("/v1/chat", "/\\u001b[1m/v1/chat"))
    for words in ((), ("--full",)):
        text = "\n".join(shown(run, "a.yaml", *words))
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        assert "\\x1b[2J\\u202e\\x9b31m" in text
    assert all(len(line) <= 102 for line in shown(run, "a.yaml"))
    assert "(39 more lines)" in "\n".join(shown(run, "a.yaml"))
    assert "x" * 5000 in "\n".join(shown(run, "a.yaml", "--full"))


def test_folders_are_searched_and_what_is_none_is_named(run: Run) -> None:
    Path("in/side").mkdir(parents=True)
    Path("in/side/a.har").write_text(recordings.har())
    Path("in/b.yaml").write_text("just: words")
    found = run("show", "in")
    assert found.exit_code == 0
    assert "in/side/a.har (HAR, 1 interaction)" in found.stdout
    assert "left out: in/b.yaml: is no recording" in found.stderr
    assert run("show", "in/b.yaml").exit_code == 2


def test_every_shared_recording_is_shown(run: Run, shared_cassettes: Path) -> None:
    found = run("show", "--width", "80", str(shared_cassettes))
    assert found.exit_code == 0
    assert all(line.isprintable() for line in found.stdout.splitlines())
    assert len(re.findall(r"^  [0-9]+\. ", found.stdout, re.MULTILINE)) == 1208


def test_the_same_said_anew_is_no_difference(run: Run) -> None:
    Path("a.yaml").write_text(conversation("call_1"))
    again = conversation("call_2").replace("chatcmpl-1", "chatcmpl-2").replace("1700000000", "18")
    Path("b.yaml").write_text(again)
    assert run("diff", "a.yaml", "b.yaml").exit_code == 0
    assert run("diff", "a.yaml", "a.yaml").output == ""
    exact = run("diff", "--all", "a.yaml", "b.yaml")
    assert exact.exit_code == 1
    assert "call_2" in exact.stdout


def test_another_answer_is_told_as_a_unified_diff(run: Run) -> None:
    Path("a.yaml").write_text(conversation())
    Path("b.yaml").write_text(conversation(answer=SAID.replace("zurück", "hin")))
    found = run("diff", "a.yaml", "b.yaml")
    assert found.exit_code == 1
    lines = [line.strip() for line in found.stdout.splitlines()]
    assert lines[0] == "interaction 2: POST /v1/chat/completions: the response differs"
    assert '-  "content": "Grüße zurück.",' in lines
    assert '+  "content": "Grüße hin.",' in lines


def test_interactions_of_one_side_and_changed_requests_are_told(run: Run) -> None:
    one, two, three = (asking(said("user", text)) for text in ("one", "two", "three"))
    Path("a.yaml").write_text(vcrpy((one, SAID), (two, SAID)))
    Path("b.yaml").write_text(vcrpy((three, SAID), (two, SAID), (one, SAID)))
    found = run("diff", "a.yaml", "b.yaml")
    assert found.exit_code == 1
    assert found.stdout == "only in b.yaml, interaction 1: POST /v1/chat/completions\n"
    Path("c.yaml").write_text(vcrpy((one, SAID), (three, SAID)))
    changed = run("diff", "a.yaml", "c.yaml")
    assert "interaction 2: POST /v1/chat/completions: the request differs" in changed.stdout
    assert '+    "content": "three",' in changed.stdout
    assert run("diff", "a.yaml", "none.yaml").exit_code == 2


def test_of_long_lines_what_is_around_the_difference_is_told(run: Run) -> None:
    long = "x" * 5000
    for name, end in (("a.yaml", "one"), ("b.yaml", "two")):
        answer = SAID.replace("Grüße zurück.", f"{long}{end}{long}")
        Path(name).write_text(vcrpy((QUESTION, answer)))
    lines = run("diff", "a.yaml", "b.yaml").stdout.splitlines()
    assert max(map(len, lines)) < 220
    assert any(line.startswith("  -...x") and "xonex" in line for line in lines)
    assert any(line.startswith("  +...x") and "xtwox" in line for line in lines)


def test_recordings_grow_stale_by_whole_days(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    day = 24 * 60 * 60
    file.write_text(vcrpy((QUESTION, SAID)))
    takes = read(file).takes
    assert stale(takes, 30, 1_700_000_000 + 31 * day - 1) == ()
    assert stale(takes, 30, 1_700_000_000 + 31 * day) == (1,)
    file.write_text(vcrpy((QUESTION, SAID), headers={"Date": ["yesterday"]}))
    assert stale(read(file).takes, 0, 2_000_000_000) == ()


def test_interactions_are_forgotten(run: Run) -> None:
    one, two, three = (asking(said("user", text)) for text in ("one", "two", "three"))
    file = Path("a.yaml")
    held = json.loads(vcrpy((one, SAID), (two, SAID), (three, SAID)))
    file.write_text(yaml.safe_dump(held))
    found = run("forget", "a.yaml", "2", "1", "2")
    assert found.stdout == "a.yaml: interactions 1, 2 removed\n"
    assert [json.loads(take.request_body) for take in read(file).takes] == [three]
    missing = run("forget", "a.yaml", "2")
    assert missing.exit_code == 2
    assert "there is no interaction 2, it holds 1" in missing.output
    assert run("forget", "a.yaml", "1").stdout.endswith("removed, and the file with it\n")
    assert not file.exists()
    assert run("forget", "a.yaml", "1").exit_code == 2
