"""JSON that is asked for in words."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.sources.test_generated import ask

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"setup": {"type": "string"}, "rating": {"type": "integer", "maximum": 5}},
    "required": ["setup", "rating"],
    "additionalProperties": False,
}
WRITTEN = json.dumps(SCHEMA, indent=2)
SHORT = '{"properties": {"foo": {}}}'
OBJECT = {"type": "json_object"}


def said(text: str, **fields: Any) -> Any:
    return json.loads(ask(text=text, **fields).content or "")


@pytest.mark.parametrize(
    "prompt",
    [
        f"Answer with JSON of this schema: {WRITTEN}",
        f"Schema, as JSON: ```json\n{WRITTEN}\n``` No {{braces}} else.",
        f'An example: for the schema {SHORT} give {{"foo": 1}} as JSON. {WRITTEN}',
    ],
)
def test_a_schema_in_a_message_is_honoured(prompt: str) -> None:
    jsonschema.validate(said(prompt, response_format=OBJECT), SCHEMA)


def test_a_schema_whose_braces_are_doubled_is_honoured() -> None:
    # templates escape braces so, and some clients send them as they are
    doubled = WRITTEN.replace("{", "{{").replace("}", "}}")
    prompt = f"For {{name}} and {{{{ other }}}}, here's a JSON schema to follow:\n{doubled}\nOutput"
    jsonschema.validate(said(prompt), SCHEMA)
    example = 'Reply in JSON like {{"name": "Ann", "sizes": {{"width": 3}}}} or {"x": {"y": {}}}.'
    assert list(said(example.partition(" or ")[0])) == ["name", "sizes"]
    assert list(said(example)) == ["x"]


def test_a_schema_in_the_system_message_is_honoured_without_a_response_format() -> None:
    messages = [
        {"role": "system", "content": f"Reply with a JSON object that fits {WRITTEN}"},
        {"role": "user", "content": "Tell a joke."},
    ]
    jsonschema.validate(json.loads(ask(messages=messages).content or ""), SCHEMA)


def test_a_code_block_is_given_when_it_is_asked_for() -> None:
    prompt = f"Give JSON in a ```json code block, by the schema {WRITTEN}"
    content = ask(text=prompt).content or ""
    assert content.startswith("```json\n")
    assert content.endswith("\n```")
    jsonschema.validate(json.loads(content[8:-4]), SCHEMA)
    assert isinstance(said(prompt, response_format=OBJECT), dict)


def test_an_example_shows_the_form() -> None:
    made = said('Reply in JSON like {"name": "Ann", "ages": [3], "ok": true}')
    assert list(made) == ["name", "ages", "ok"]
    assert isinstance(made["name"], str)
    assert isinstance(made["ages"][0], int)
    assert isinstance(made["ok"], bool)


def test_a_sketch_shows_the_form() -> None:
    made = said("Return JSON:\n{\n  name: string,  // of the person\n  score: <int 1-5>, ...}")
    assert list(made) == ["name", "score"]
    assert 1 <= made["score"] <= 5


def test_a_list_is_given_when_a_list_is_shown() -> None:
    prompt = 'Answer with a JSON array such as [{"name": "Ann", "age": 30}]'
    (made,) = said(prompt)
    assert list(made) == ["name", "age"]
    assert list(said(prompt, response_format=OBJECT)) == ["name", "age"]
    assert all(isinstance(one, str) for one in said('JSON, as in ["red", "green"]'))
    code = "Speak of JSON, if you like." + " " * 200 + 'Example: `towns = ["Rome", "Paris"]`'
    assert not (ask(text=code).content or "").startswith(("[", "`"))
    in_object = said('JSON, as in ["red", "green"]', response_format=OBJECT)
    assert isinstance(in_object, dict)


def test_a_form_that_is_introduced_goes_before_data() -> None:
    messages = [
        {"role": "system", "content": 'Find names. Reply with JSON like {"names": ["Ann"]}.'},
        {"role": "user", "content": '{"text": "Ann met Bob", "page": 3}'},
    ]
    assert list(json.loads(ask(messages=messages).content or "")) == ["names"]


def test_the_argument_of_a_type_is_no_list() -> None:
    prompt = "Respond with a JSON object: `city`, `kind` (a Literal['town', 'village'])"
    assert list(said(prompt, response_format=OBJECT)) == ["city", "kind"]


def test_code_with_braces_is_no_sketch() -> None:
    content = ask(text="Why does this not read my json? if (x) { y: 1 }").content or ""
    assert not content.startswith("{")


@pytest.mark.parametrize(
    "prompt",
    [
        "Return JSON with `setup` and `punchline` keys and nothing other than JSON.",
        """Return JSON with "setup" and 'punchline'.""",
    ],
)
def test_quoted_names_are_the_keys_of_a_json_object(prompt: str) -> None:
    made = said(prompt, response_format=OBJECT)
    assert list(made) == ["setup", "punchline"]
    assert all(isinstance(value, str) for value in made.values())


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Return a JSON object with keys name, age and home_city.", ["name", "age", "home_city"]),
        ("Reply in JSON with the following fields: title, year", ["title", "year"]),
        ("JSON containing exactly two properties called lat and lng, please", ["lat", "lng"]),
        ("JSON with the key capital", ["capital"]),
    ],
)
def test_plain_names_of_keys_are_the_keys_of_a_json_object(prompt: str, names: list[str]) -> None:
    assert list(said(prompt, response_format=OBJECT)) == names


def test_a_json_object_without_further_words_has_an_answer() -> None:
    assert list(said("json please", response_format=OBJECT)) == ["answer"]


@pytest.mark.parametrize(
    "prompt", ["What is JSON?", f"Explain {WRITTEN}", "Use the 'json' module and `dumps`."]
)
def test_talk_of_json_alone_gets_a_text(prompt: str) -> None:
    content = ask(text=prompt).content or ""
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(content)


@pytest.mark.parametrize("label", ["Answer", "Final Answer"])
def test_an_agent_of_words_alone_gets_its_last_answer(label: str) -> None:
    system = (
        "Tools: weather. Use this format:\n"
        "Thought: what to do\nAction: a tool's name\n"
        'Action Input: JSON such as {"city": "Rome"}\n'
        f"Observation: its result\nAt the end:\nThought: I know.\n{label}: what you found"
    )
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "Hot?"}]
    content = ask(messages=messages).content or ""
    assert content.startswith(f"Thought: I can answer now.\n{label}: ")
    assert "Rome" not in content
    assert len(content) > 60


@pytest.mark.parametrize(
    "text",
    [
        "json " + "{" * 50_000,
        "json " + '{"a":' * 50_000,
        "json " + '{{"a":' * 30_000,
        'json {"a": NaN}',
        "json, as in " + "{a:" * 50_000,
        "json, as in " + "[{a:b," * 30_000,
        "json, as in " + "{a: b c d, " * 15_000,
    ],
)
def test_braces_without_end_do_no_harm(text: str) -> None:
    assert ask(text=text).content


def test_values_of_the_prompt_go_into_the_schema_of_another_message() -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
    }
    system = {"role": "system", "content": f"Reply in json matching: {json.dumps(schema)}"}
    for age in (31, 44):
        user = {"role": "user", "content": f"Jason is {age} years old"}
        made = json.loads(ask(messages=[system, user], response_format=OBJECT).content or "")
        assert made["age"] == age
    both = f"Jason is 44 years old. Reply in JSON by the schema {json.dumps(schema)}"
    assert said(both, response_format=OBJECT)["age"] == 44
