"""Files from strangers: each is refused with its place, or read in bounded time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatdouble import script
from chatdouble.cassette import format as cassettes
from chatdouble.errors import CassetteError, ScriptError
from chatdouble.match import regex

INTERACTION = """\
- request: {method: GET, uri: "http://x/v1/models", body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: hi}}
"""


def cassette(interactions: str = INTERACTION, before: str = "") -> str:
    return f"{before}interactions:\n{interactions}version: 1\n"


MERGES = "".join(
    f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
)
BASE_60 = "1" + ":1" * 300_000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (cassette(before=f"a0: &a0 {{k: 1, l: 2}}\n{MERGES}"), "line 9: more than 10000 keys"),
        (
            cassette(INTERACTION.replace("200", BASE_60)),
            "code: expected 200 to 599, got '1:",
        ),
        (cassette(INTERACTION.replace("200", "2" * 5_000)), "expected 200 to 599, got '22"),
        (
            cassette(before=f"x: [{'[],' * 2_100_000}]\n"),
            "line 1: it holds more than 2000000 values",
        ),
        (
            cassette(before=f"x: {'[' * 100_000}\n"),
            "line 1: it is nested more than 100 levels",
        ),
        (cassette(before="x: !!python/object/apply:os.system [id]\n"), "line 1: could not"),
        (cassette(before="x: !!python/name:os.system\n"), "line 1: could not"),
        (cassette(before="x: !include /etc/passwd\n"), "line 1: could not"),
        (
            cassette(INTERACTION.replace("- ", "- &i\n  ", 1) + "- *i\n" * 60_000),
            "holds more than 50000 interactions",
        ),
        (cassette("- &i [*i]\n"), "line 2: it holds itself"),
    ],
    ids=lambda value: value[-30:],
)
def test_a_cassette_that_means_harm_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(CassetteError) as error:
        cassettes.load(file)
    assert str(error.value).startswith(f"{file}: ")
    assert problem in str(error.value)
    assert len(str(error.value)) < 500


def test_aliases_of_a_large_body_are_not_unpacked_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    large = INTERACTION.replace("string: hi", f"string: {'x' * 1_000_000}")
    file.write_text(cassette(large.replace("- ", "- &i\n  ", 1) + "- *i\n" * 1_000))
    with pytest.raises(CassetteError, match="the bodies hold more than 536870912 bytes"):
        cassettes.load(file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- reply: x\n  <<: {when: {user: y}}\n", ":2: [0].<<: merge keys are not read here"),
        (f"- reply: x\n  pace: {{first: {BASE_60}}}\n", ":2: [0].pace: first is a number of"),
        (f"- reply: x\n  pace: {{first: {'1' * 5_000}}}\n", ":2: [0].pace: first is a number of"),
        (f"- reply: x\n- [{'[],' * 600_000}]\n", ":2: is no sound YAML: it holds more than 500000"),
        (f"- reply: {'[' * 10_000}\n", ":1: is no sound YAML: it is nested more than 100 levels"),
        ("- reply: !!python/object/apply:os.system [id]\n", ":1: [0].reply: the tag !!python/obj"),
        ("- &a [*a]\n", ":1: [0]: "),
        (
            "- when:\n    field:\n      a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
            + "".join(
                f"      a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
            )
            + "  reply: x\n",
            "is too large or refers to itself",
        ),
        ("- reply: {file: /etc/passwd}\n", ":1: [0].reply.file: expected a file in the script's"),
        ("- reply: {file: ../outside.txt}\n", ":1: [0].reply.file: expected a file in the script"),
        ("- reply: {file: link}\n", ":1: [0].reply.file: expected a file in the script's folder"),
        ("- reply: {file: pipe}\n", ":1: [0].reply.file: there is no file 'pipe' in the script's"),
        ("- reply: {file: large}\n", ":1: [0].reply.file: large is larger than 1048576 bytes"),
    ],
    ids=lambda value: value[-30:],
)
def test_a_script_that_means_harm_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "outside.txt")
    (folder / "large").write_bytes(bytes(2 * 1024 * 1024))
    os.mkfifo(folder / "pipe")
    file = folder / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ScriptError) as error:
        script.load((file,))
    assert str(error.value).startswith(f"{file}:")
    assert problem in str(error.value)
    assert "secret" not in str(error.value)
    assert len(str(error.value)) < 1_000


def test_a_schema_in_a_script_fetches_and_reads_nothing(tmp_path: Path) -> None:
    for reference in ("http://127.0.0.1:9/x", "file:///etc/passwd", "#"):
        file = tmp_path / "rules.yaml"
        file.write_text(
            f"- when: {{field: {{x: {{schema: {{$ref: '{reference}'}}}}}}}}\n  reply: x"
        )
        (rule,) = script.load((file,))
        (part,) = rule.when.parts
        assert "$ref" in str(part)


def test_an_expression_that_takes_long_is_not_found() -> None:
    began = time.monotonic()
    assert not regex("(a+)+$").test("a" * 60 + "b")
    assert time.monotonic() - began < 20
    assert regex("(a+)+$").test("a" * 60)
    assert regex("^[Hh]ello").test("hello there")


def test_a_harmless_large_cassette_takes_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text(cassette(INTERACTION * 4_000))
    code = f"""
import resource
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from chatdouble.cassette import format
print(len(format.load(Path({str(file)!r}))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("4000\n", "")


def test_odd_keys_of_a_request_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(cassette(INTERACTION.replace("{method", "{by: x, 7: [], method")))
    (interaction,) = cassettes.load(file)
    assert interaction.path == "/v1/models"
