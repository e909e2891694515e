"""``chatdouble check``, ``explain`` and ``schema``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chatdouble.cli import main
from chatdouble.script import parse

ROOT = Path(__file__).parent.parent
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(main, words, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def asking(text: str, **fields: Any) -> str:
    return json.dumps(
        {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}
    )


def cassette() -> str:
    files = sorted((ROOT / "cassettes").rglob("*.yaml"))
    return next(text for f in files if "/chat/completions" in (text := f.read_text()))


def test_every_wrong_rule_is_told_with_file_line_and_path(run: Run) -> None:
    Path("one.yaml").write_text(
        "version: 1\n"
        "rules:\n"
        "- whn: {user: a}\n"
        "  reply: a\n"
        "- when: {user: {contain: a}}\n"
        "  then:\n"
        "  - fail: 200\n"
        "  - reply: a\n"
        "  - reply: 12\n"
        "- reply: fine\n"
    )
    Path("two.yaml").write_text("rules: [")
    Path("three.yaml").write_text("- reply: fine\n- reply: a\n  retry_after: 1\n- nothing\n")
    found = run("check", "one.yaml", "two.yaml", "none.yaml", "three.yaml")
    assert found.exit_code == 1
    errors = found.stderr.splitlines()
    expected = [
        "error: one.yaml:3: rules[0].whn: there is no 'whn' here; did you mean 'when'?",
        "error: one.yaml:5: rules[1].when.user.contain: there is no 'contain' here; did you mean "
        "'contains'?",
        "error: one.yaml:7: rules[1].then[0].fail: an error's status is a whole number",
        "error: one.yaml:9: rules[1].then[2].reply: expected a text, got the number 12",
        "error: two.yaml:2: is no sound YAML",
        "error: none.yaml: cannot be read",
        "error: three.yaml:3: [1].retry_after: retry_after goes with fail",
        "error: three.yaml:4: [2]: expected a rule: when, and reply, fail, pass or then, got the",
        "warning: three.yaml:1 [0]: never answers: one.yaml:10 rules[2] (any call) before it",
    ]
    assert len(errors) == len(expected), errors
    for line, start in zip(errors, expected, strict=True):
        assert line.startswith(start)
    assert found.stdout == "2 sound rules in 2 scripts, 8 mistakes, 1 warning\n"


def test_sound_scripts_end_well(run: Run) -> None:
    found = run("check", str(ROOT / "examples"))
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout == "3 sound rules in 1 script, 0 mistakes, 0 warnings\n"


def test_a_rule_that_never_answers_is_a_warning_that_names_the_other(run: Run) -> None:
    Path("s.yaml").write_text(
        "- {when: {user: {contains: a}}, reply: x}\n- {when: {user: abc}, reply: y}\n"
    )
    found = run("check", "s.yaml")
    assert found.exit_code == 0
    assert found.stderr == (
        "warning: s.yaml:2 [1]: never answers: s.yaml:1 [0] (user contains 'a') before it takes "
        "all of its calls\n"
    )


def test_files_of_a_folder_that_no_rule_names_are_warnings(run: Run) -> None:
    Path("s/deep").mkdir(parents=True)
    Path("s/a.yaml").write_text("- reply: [{file: deep/a.txt}]\n- reply: {recorded: talk.yaml}\n")
    for name in ("talk.yaml", "deep/other.yaml"):
        Path("s", name).write_text(cassette())
    for name in ("deep/a.txt", "deep/b.txt", "README.md", "package.json"):
        Path("s", name).write_text("x")
    found = run("check", "s")
    assert found.exit_code == 0
    assert [line for line in found.stderr.splitlines() if "no rule" in line] == [
        "warning: s/deep/other.yaml: no rule names it",
        "warning: s/deep/b.txt: no rule names it",
    ]
    assert "2 sound rules in 1 script" in found.stdout
    Path("s/a.yaml").write_text("- rply: [{file: deep/a.txt}]\n")
    assert "no rule names it" not in run("check", "s").stderr


def test_recordings_in_a_folder_without_scripts_need_no_rule(run: Run) -> None:
    for folder in ("mocks", "cassettes"):
        Path(folder).mkdir()
        Path(folder, "one.yaml").write_text("interactions: []\nversion: 1\n")
        Path(folder, "notes.txt").write_text("Notes.")
    Path("mocks/rules.yaml").write_text("- reply: Hello.\n")
    found = run("check", "mocks", "cassettes").stderr
    assert found.splitlines() == [
        "warning: mocks/one.yaml: no rule names it",
        "warning: mocks/notes.txt: no rule names it",
    ]


def test_a_document_that_grows_without_bound_is_one_mistake(run: Run) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    rule = f"- reply: {{call: f, with: {{{bomb.replace(chr(10), ', ')}}}}}\n"
    Path("s.yaml").write_text(rule + "- reply: 1\n" * 1000)
    found = run("check", "s.yaml")
    assert found.exit_code == 1
    assert found.stderr.count("error: ") == 1
    assert "is too large or refers to itself" in found.stderr


def test_rules_are_printed_as_a_script_and_as_python(run: Run) -> None:
    Path("s.yaml").write_text("- {when: {user: a}, reply: x}\n")
    assert run("check", "--print", "python", "s.yaml").stdout == (
        "chatdouble.on(user='a').reply('x')\n"
    )
    script = run("check", "--print", "yaml", "s.yaml").stdout
    assert script == "version: 1\nrules:\n- when:\n    user: a\n  reply: x\n"
    Path("s.yaml").write_text("- reply: x\n- rply: y\n")
    found = run("check", "--print", "yaml", "s.yaml")
    assert (found.exit_code, found.stdout) == (1, "")


def test_a_request_is_explained_with_the_rule_that_answers_it(run: Run) -> None:
    Path("s.yaml").write_text(
        "- {when: {user: Bye}, reply: a}\n"
        "- when: {user: {contains: Hello}}\n"
        "  then: [{fail: 500, times: 2}, {reply: b}]\n"
        "- {when: {model: o3}, reply: c}\n"
        "- {scenario: s, in_state: paid, reply: d}\n"
        "- reply: e\n"
    )
    Path("r.json").write_text(asking("Hello there"))
    found = run("explain", "s.yaml", "r.json")
    assert found.exit_code == 0
    assert found.stdout == (
        "s.yaml:2 [1] (user contains 'Hello') answers:\n"
        "    fail: 500\n"
        "    times: 2\n"
        "  the first of its 2 steps\n"
        "The other rules, in the order in which they are tried:\n"
        "  s.yaml:1 [0]: wants user equals 'Bye', got 'Hello there'\n"
        "  s.yaml:4 [2]: wants model equals 'o3', got 'gpt-4o'\n"
        "  s.yaml:5 [3]: wants scenario 's' in state 'paid', it is in 'started'\n"
        "  s.yaml:6 [4]: it is fulfilled, too, but comes later\n"
    )


def test_a_request_that_no_rule_answers_ends_with_status_1(run: Run) -> None:
    Path("s.yaml").write_text("- {when: {user: Bye}, reply: a}\n")
    found = run("explain", "s.yaml", "-", stdin=asking("Hello"))
    assert found.exit_code == 1
    assert found.stdout == (
        "No rule answers.\n"
        "  s.yaml:1 [0]: wants user equals 'Bye', got 'Hello'\n"
        "This one would:\n"
        '- when: {"user": "Hello"}\n'
        "  reply: …\n"
    )


def test_a_request_that_the_api_refuses_is_told_so(run: Run) -> None:
    Path("s.yaml").write_text("- reply: a\n")
    found = run("explain", "s.yaml", "-", stdin=asking("Hello", temperature=3))
    assert found.exit_code == 1
    first, sentence = found.stdout.splitlines()
    assert first == (
        "The API refuses this request, so no rule is asked: 400 invalid_request_error, "
        "param temperature"
    )
    assert "temperature" in sentence
    assert run("explain", "s.yaml", "-", stdin="no json").exit_code == 1


def test_what_cannot_be_read_ends_with_status_2(run: Run) -> None:
    Path("s.yaml").write_text("- rply: a\n")
    found = run("explain", "s.yaml", "-", stdin=asking("Hello"))
    assert found.exit_code == 2
    assert found.stderr.startswith("chatdouble: s.yaml:1: [0].rply: there is no 'rply' here")
    assert run("explain", "s.yaml", "none.json").exit_code == 2


def test_the_rule_that_the_explanation_suggests_answers(run: Run) -> None:
    Path("s.yaml").write_text("[]")
    said = run("explain", "s.yaml", "-", stdin=asking("Hello")).stdout
    assert said.startswith("No rule answers: there are none.\n")
    Path("s.yaml").write_text("- {when: {user: x}, reply: y}\n")
    said = run("explain", "s.yaml", "-", stdin=asking("Hello")).stdout
    Path("s.yaml").write_text(said.partition("This one would:\n")[2])
    assert parse(Path("s.yaml").read_text())
    assert run("explain", "s.yaml", "-", stdin=asking("Hello")).exit_code == 0


def test_the_schema_is_printed_as_json(run: Run) -> None:
    found = run("schema")
    assert found.exit_code == 0
    assert json.loads(found.stdout)["$schema"].endswith("2020-12/schema")
