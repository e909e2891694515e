from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faker import Faker
from jsonschema import Draft202012Validator as Judge

from chatdouble.cassette.format import find, load
from chatdouble.sources.fitting import Fitter
from chatdouble.sources.generated import new_faker
from chatdouble.sources.hints import Hints
from tests.sources.schemas import Writer

FAKE = new_faker()


def fit(schema: Any, seed: int = 1, prompt: str | None = None, fake: Faker = FAKE) -> Any:
    fake.seed_instance(seed)
    return Fitter(schema, fake, Hints(prompt)).value()


def assert_fits(schema: Any, judge: Any = Judge, seeds: int = 12) -> None:
    """Fits for several seeds; a $ref to anything outside would be an error of the judge."""
    for seed in range(seeds):
        value = fit(schema, seed)
        problems = [
            error.message
            for error in judge(schema, format_checker=judge.FORMAT_CHECKER).iter_errors(value)
        ]
        assert not problems, (seed, value, problems)


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize("part", range(4))
def test_whatever_can_be_fitted_is_and_always_in_the_same_way(part: int) -> None:
    for seed in range(part * 600, part * 600 + 600):
        schema = Writer(seed).document()
        value = fit(schema, seed)
        problems = [
            error.message
            for error in Judge(schema, format_checker=Judge.FORMAT_CHECKER).iter_errors(value)
        ]
        assert not problems, (seed, json.dumps(schema), value, problems)
        if seed % 5 == 0:
            assert json.dumps(fit(schema, seed)) == json.dumps(value)


def test_another_process_makes_the_same_values() -> None:
    code = (
        "import json; from tests.sources.schemas import Writer; "
        "from tests.sources.test_fitting import fit; "
        "print(json.dumps([fit(Writer(seed).document(), seed, 'Add 2 and 3 in Paris') "
        "for seed in range(150)]))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": number, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    ]
    assert said[0] == said[1]
    assert len(said[0]) > 1000


def test_required_texts_and_arrays_are_not_empty() -> None:
    schema = of(a={"type": "string"}, b={"type": "array", "items": {"type": "integer"}})
    for seed in range(20):
        value = fit(schema, seed)
        assert value["a"]
        assert value["b"]
    assert fit(of(a={"type": "string", "maxLength": 0}, b={"maxItems": 0})) == {"a": "", "b": []}


def test_what_the_schema_gives_is_taken() -> None:
    assert fit(of(a={"type": "string", "examples": ["given", "other"]})) == {"a": "given"}
    assert fit({"properties": {"a": {"type": "integer", "default": 77}}}) == {"a": 77}
    assert fit({"properties": {"a": {"type": ["integer", "null"], "default": None}}}) == {"a": None}
    # but not what does not fit, nor a default where a value has to be found
    assert isinstance(fit(of(a={"type": "string", "examples": [5], "default": 6}))["a"], str)
    assert fit(of(a={"type": "integer", "default": 10**6}))["a"] != 10**6


@pytest.mark.parametrize(
    "schema",
    [None, True, False, 7, "x", [], {}, {"type": "nonsense"}, {"type": 5}, {"properties": 1}],
)
def test_no_schema_gives_an_empty_object(schema: Any) -> None:
    assert fit(schema) == {}


def test_what_does_not_fit_anything_still_gives_what_can_be_given() -> None:
    impossible = {"type": "string", "minLength": 5, "maxLength": 3}
    assert fit(of(a={"const": 1}, b=impossible)) == {"a": 1, "b": ""}
    assert fit({"properties": {"a": {"const": 1}, "b": impossible}}) == {"a": 1}


VALUES = [None, True, False, 0, -1, 1e308, "", "x", "^(", "#", "#/x", [], [1], ["a"], {}, {"a": 1}]
KEYWORDS = """type enum const properties required items prefixItems anyOf oneOf allOf not if then
    else $ref $defs minimum maximum exclusiveMinimum multipleOf minLength maxLength pattern format
    nullable minItems maxItems uniqueItems contains minContains additionalProperties default
    patternProperties propertyNames minProperties maxProperties dependentRequired dependencies
    examples"""


def nonsense(pick: random.Random, depth: int = 0) -> Any:
    if depth > 3 or pick.random() < 0.4:
        return pick.choice(VALUES)
    if pick.random() < 0.3:
        return [nonsense(pick, depth + 1) for _ in range(pick.randint(0, 3))]
    names = pick.choices([*KEYWORDS.split(), "a", "b"], k=pick.randint(1, 4))
    return {name: nonsense(pick, depth + 1) for name in names}


def test_nonsense_never_fails() -> None:
    for seed in range(1200):
        pick = random.Random(seed)
        keys = pick.choices(KEYWORDS.split(), k=pick.randint(1, 5))
        json.dumps(fit({key: nonsense(pick) for key in keys}, seed), allow_nan=False)


def test_nothing_outside_of_the_schema_is_looked_at(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"const": "secret"}')
    for ref in (secret.as_uri(), str(secret), "http://127.0.0.1:9/x", "#/../x", "http://[", 5):
        assert "secret" not in json.dumps(fit(of(a={"$ref": ref})))


def recorded_schemas(shared: Path) -> Iterator[tuple[str, Any]]:
    folders = [path for path in shared.iterdir() if path.is_dir() and path.name != "other"]
    for file, _ in find(tuple(sorted(folders))):
        for interaction in load(file):
            try:
                body = json.loads(interaction.body)
            except ValueError:
                continue
            if isinstance(body, dict):
                yield from _schemas(body)


def _schemas(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    said = [one.get("content") for one in body.get("messages", ()) if one.get("role") == "user"]
    prompt = said[-1] if said and isinstance(said[-1], str) else ""
    for tool in body.get("tools", ()):
        yield prompt, tool.get("function", {}).get("parameters")
    for function in body.get("functions", ()):
        yield prompt, function.get("parameters")
    if isinstance(body.get("response_format"), dict):
        yield prompt, body["response_format"].get("json_schema", {}).get("schema")


def test_every_recorded_schema_is_fitted(shared_cassettes: Path) -> None:
    count = 0
    for prompt, schema in recorded_schemas(shared_cassettes):
        if isinstance(schema, dict):
            count += 1
            value = fit(schema, prompt=prompt)
            assert Judge(schema, format_checker=Judge.FORMAT_CHECKER).is_valid(value), (
                schema,
                value,
            )
    assert count > 100
