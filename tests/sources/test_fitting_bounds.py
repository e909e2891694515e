from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.sources.test_fitting import assert_fits, fit, of


def nested(levels: int, wrap: Any) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = wrap(schema)
    return schema


HOSTILE: dict[str, Any] = {
    "10,000 properties": of(**{f"p{n}": {"type": "string"} for n in range(10_000)}),
    "500 objects deep": nested(500, lambda inner: of(a=inner, b={"type": "integer"})),
    "500 arrays deep": nested(500, lambda inner: {"type": "array", "items": inner, "minItems": 2}),
    "500 options deep": nested(500, lambda inner: {"anyOf": [inner, {"type": "null"}]}),
    "500 conjunctions deep": nested(500, lambda inner: {"allOf": [inner, {}]}),
    "400 negations deep": nested(400, lambda inner: {"not": inner}),
    "no end": of(**{name: {"$ref": "#"} for name in "abc"}),
    "a circle": {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
    },
    "no end among options": {
        "oneOf": [
            {"type": "array", "minItems": 3, "items": {"$ref": "#"}},
            of(x={"$ref": "#"}),
        ]
    },
    "many of many": {
        "type": "array",
        "minItems": 1000,
        "items": {"type": "array", "minItems": 1000},
    },
    "many long texts": {
        "type": "array",
        "minItems": 99,
        "items": {"type": "string", "minLength": 10**5},
    },
    "a text too long": {"type": "string", "minLength": 10**9},
    "many options": {
        "type": "array",
        "minItems": 2000,
        "items": {"anyOf": [{"type": "string"}] * 20_000},
    },
    "many choices": {
        "allOf": [{"anyOf": [{"minLength": n}, {"maxLength": n}]} for n in range(2000)]
    },
    "many ifs": {"allOf": [{"if": {"required": [f"a{n}"]}, "then": False} for n in range(500)]},
    "a large enum": {
        "type": "array",
        "minItems": 1000,
        "items": {"enum": [f"{n:01000}" for n in range(900)]},
    },
    "bad patterns": of(
        **{f"p{n}": {"type": "string", "pattern": "^((a?){99}){99}(?=b)c$"} for n in range(1000)}
    ),
    "counted repeats": {"type": "string", "pattern": "^" + "(" * 30 + "a" + "{60000})" * 30 + "$"},
    "nested stars": {"type": "string", "pattern": "^" + "(" * 39 + "a" + ")*" * 39 + "b$"},
    "a long pattern": {"type": "string", "pattern": "(a|b)*" * 50_000},
    "many pattern names": {
        "patternProperties": {f"^(a|a)*{n}$": {"type": "string"} for n in range(300)},
        **of(**{f"{'a' * 50}{n}": {} for n in range(1000)}),
    },
    "many properties of Unicode": {
        "pattern": "".join(rf"\p{{L}}\P{{{n}}}" for n in ("Lu", "Ll", "Nd"))
    },
    "a back reference": {"type": "string", "pattern": r"^(a*)*\1(a*)*\1c$", "minLength": 60},
    "unique and too few": {
        "type": "array",
        "minItems": 99,
        "uniqueItems": True,
        "items": {"type": "boolean"},
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_answered_soon(name: str) -> None:
    began = time.thread_time()
    text = json.dumps(fit(HOSTILE[name]))
    assert time.thread_time() - began < 5
    assert len(text) < 1_000_000


def test_10_000_required_properties_are_all_there_and_64_levels_are_all_gone_down() -> None:
    assert len(fit(HOSTILE["10,000 properties"])) == 10_000
    assert_fits(nested(64, lambda inner: of(a=inner)), seeds=1)
