"""The schema and the reader of scripts know the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chatdouble import ScriptError
from chatdouble.plainyaml import compose
from chatdouble.rules import FAILURES
from chatdouble.script import parse
from chatdouble.script.place import Place
from chatdouble.script.schema import schema
from tests.test_printed import CONDITIONS, FAILS, REPLIES
from tests.test_script import EVERYTHING, FULLER

ROOT = Path(__file__).parent.parent
SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)
UNKNOWN = "zzzzzzzz"


def plain(text: str) -> Any:
    """The script's values as the reader sees them."""
    root = compose(text)
    assert root is not None
    return Place.whole(root, "script").value()


def fits(text: str) -> bool:
    return VALIDATOR.is_valid(plain(text))


def examples() -> list[Any]:
    found = []
    for file in sorted((ROOT / "examples").rglob("*.yaml")):
        found.append(pytest.param(file.read_text(), id=file.name))
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for page in filter(Path.is_file, pages):
        for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)):
            found.append(pytest.param(text, id=f"{page.name} {number}"))
    return found


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize(
    ("script", "path"),
    [
        (f"{UNKNOWN}: 1", "anyOf 0"),
        (f"- {UNKNOWN}: 1", "$defs rule"),
        (f"- then: [{{{UNKNOWN}: 1}}]", "$defs step"),
        (f"- fail: {{{UNKNOWN}: 1}}", "$defs fail anyOf 1"),
        (f"- reply: {{{UNKNOWN}: 1}}", "$defs part anyOf 1"),
        (f"- reply: {{generated: true, {UNKNOWN}: 1}}", "$defs reply anyOf 1"),
        (f"- {{reply: a, others: [{{reply: b, {UNKNOWN}: 1}}]}}", "$defs other anyOf 0"),
        (f"- {{reply: a, usage: {{{UNKNOWN}: 1}}}}", "$defs usage"),
        (f"- {{reply: a, annotations: [{{{UNKNOWN}: 1}}]}}", "$defs citation"),
        (f"- {{reply: a, logprobs: [{{{UNKNOWN}: 1}}]}}", "$defs logprob"),
        (f"- {{reply: a, pace: {{{UNKNOWN}: 1}}}}", "$defs pace"),
        (f"- {{reply: a, when: {{{UNKNOWN}: 1}}}}", "$defs when"),
        (f"- {{reply: a, when: {{user: {{{UNKNOWN}: 1}}}}}}", "$defs textMatcher"),
        (f"- {{reply: a, when: {{turns: {{{UNKNOWN}: 1}}}}}}", "$defs numberMatcher"),
        (f"- {{reply: a, when: {{stream: {{{UNKNOWN}: 1}}}}}}", "$defs booleanMatcher"),
        (f"- {{reply: a, when: {{field: {{x: {{{UNKNOWN}: 1}}}}}}}}", "$defs anyMatcher"),
        (
            f"- {{reply: a, when: {{tool_result: {{{UNKNOWN}: 1}}}}}}",
            "$defs when properties tool_result anyOf 2",
        ),
    ],
)
def test_each_mapping_has_the_keys_that_the_reader_knows(script: str, path: str) -> None:
    with pytest.raises(ScriptError, match=f"got '{UNKNOWN}'") as caught:
        parse(script)
    known = re.search(r"expected one of (.*), got", caught.value.problem)
    assert known
    found: Any = SCHEMA
    for part in path.split():
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert list(found["properties"]) == known.group(1).split(", ")
    assert found["additionalProperties"] is False
    assert not fits(script)


def test_every_key_says_what_it_means() -> None:
    for name in ("rule", "step", "when", "textMatcher", "usage", "pace", "citation"):
        for key, value in SCHEMA["$defs"][name]["properties"].items():
            assert value.get("description"), (name, key)


def test_every_name_of_an_error_is_offered() -> None:
    names = [one.get("const") for one in SCHEMA["$defs"]["status"]["anyOf"]]
    assert names == [None, *FAILURES]


@pytest.mark.parametrize("script", examples())
def test_an_example_is_read_and_fits(script: str) -> None:
    parse(script)
    assert fits(script)


@pytest.mark.parametrize(
    "script",
    [
        EVERYTHING,
        FULLER,
        *(f"- {{when: {text}, reply: x}}" for text in CONDITIONS),
        *(f"- {text}" for text in (*REPLIES, *FAILS)),
        "[]",
        "rules: []",
        "{pace: typical, rules: []}",
        "- {reply: a, pace: {each: {normal: {mean: 20ms, deviation: 0.01}}, headers: 1 s}}",
        "- {reply: {file: a.txt}}",
        "- {reply: {recorded: a.yaml}}",
    ],
)
def test_what_the_reader_takes_fits(script: str) -> None:
    assert fits(script)


@pytest.mark.parametrize(
    "script",
    [
        "7",
        "version: 1",
        "{version: 2, rules: []}",
        "rules: {}",
        "- when: {}",
        "- reply: yes",
        "- reply: 12",
        "- reply: []",
        "- {reply: a, fail: 500}",
        "- {reply: a, retry_after: 1}",
        "- {fail: 500, usage: {}}",
        "- {fail: 500, pace: {first: 1}}",
        "- {times: 2, then: [{reply: a}]}",
        "- then: [{times: 2}]",
        "- {reply: a, then: [b]}",
        "- fail: 200",
        "- fail: qota",
        "- fail: {message: x}",
        "- {fail: 429, retry_after: -1}",
        "- {reply: a, times: 0}",
        "- {reply: a, times: 1.5}",
        "- {reply: a, pace: {each: -1}}",
        "- {reply: a, pace: {each: soon}}",
        "- {reply: a, pace: {each: {normal: 1}}}",
        "- {reply: a, pace: {jitter: 2}}",
        "- {reply: a, pace: quick}",
        "- {reply: a, pace: 1}",
        "- {reply: a, finish_reason: lenght}",
        "- {reply: a, usage: {prompt_tokens: -5}}",
        "- {reply: a, template: 1}",
        "- {reply: a, annotations: [{url: u}]}",
        "- {reply: a, logprobs: [{token: a}]}",
        "- {reply: a, others: [1]}",
        "- {reply: a, extra: [1]}",
        "- {reply: a, used_up: stop}",
        "- {reply: a, in_state: x}",
        "- {reply: a, scenario: x}",
        "- {reply: a, optional: 1}",
        "- reply: {with: {}}",
        "- reply: {call: f, with: [1]}",
        "- reply: {call: a b/c}",
        "- reply: {refusal: no, call: f}",
        "- reply: {generated: 3}",
        "- reply: {generated: true, recorded: a.yaml}",
        "- {reply: a, when: {user: 1}}",
        "- {reply: a, when: {user: {contains: 1}}}",
        "- {reply: a, when: {user: {contains: x, regex: y}}}",
        "- {reply: a, when: {user: {any: []}}}",
        "- {reply: a, when: {user: {}}}",
        "- {reply: a, when: {turns: x}}",
        "- {reply: a, when: {turns: {above: x}}}",
        "- {reply: a, when: {stream: 1}}",
        "- {reply: a, when: {field: {'a..b': 1}}}",
        "- {reply: a, when: {tool_result: {}}}",
        "- {reply: a, when: {any: {user: a}}}",
        "- {reply: a, when: {not: [{user: a}]}}",
    ],
)
def test_what_the_reader_refuses_does_not_fit(script: str) -> None:
    with pytest.raises(ScriptError):
        parse(script)
    assert not fits(script)
