"""JSON that a prompt sketches."""

from __future__ import annotations

from typing import Any

import pytest

from chatdouble.sources import sketches

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


def read(text: str) -> dict[str, Any] | None:
    found = sketches.read(text, 0)
    if found is None:
        return None
    schema, end = found
    assert text[end:].strip() in ("", "rest"), text[end:]
    return schema


def fields(text: str) -> dict[str, Any]:
    schema = read(text)
    assert schema is not None
    assert schema["required"] == list(schema["properties"])
    return dict(schema["properties"])


def test_an_example_is_a_sketch() -> None:
    assert fields('{"name": "Ann", "ok": true, "gone": null, "deep": {"a": []}} rest') == {
        "name": TEXT,
        "ok": {"type": "boolean"},
        "gone": {"type": "null"},
        "deep": {
            "type": "object",
            "properties": {"a": {"type": "array", "items": TEXT}},
            "required": ["a"],
        },
    }


def test_numbers_of_an_example_stay_as_they_are() -> None:
    # they lie in the range that is wanted, which is known to nobody else
    assert fields('{"score": 0.8, "choice": 1}') == {
        "score": {"const": 0.8},
        "choice": {"const": 1},
    }


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("string", TEXT),
        ('"string"', TEXT),
        ('"<the name>"', TEXT),
        ("<the name>", TEXT),
        ("...", TEXT),
        ('"..."', TEXT),
        ("string  // what it is called", TEXT),
        ("str  # what it is called", TEXT),
        ("int", WHOLE),
        ('"integer"', WHOLE),
        ("<int>", WHOLE),
        ('"<number of people>"', {"type": "number"}),
        ("float", {"type": "number"}),
        ("<integer from 1 to 5>", {**WHOLE, "minimum": 1, "maximum": 5}),
        ("int (1-10)", {**WHOLE, "minimum": 1, "maximum": 10}),
        ("1-10", {**WHOLE, "minimum": 1, "maximum": 10}),
        ("float between 0.0 and 1.0", {"type": "number", "minimum": 0.0, "maximum": 1.0}),
        ('"a reason in 1-2 sentences"', TEXT),
        ("bool", {"type": "boolean"}),
        ("true/false", {"type": "boolean"}),
        ("true or false", {"type": "boolean"}),
        ("true | false", {"type": "boolean"}),
        ('"yes" | "no"', {"enum": ["yes", "no"]}),
        ('"yes|no"', {"enum": ["yes", "no"]}),
        ('"low" or "high"', {"enum": ["low", "high"]}),
        ("string | null", TEXT),
        ("[string]", {"type": "array", "items": TEXT}),
        ("string[]", {"type": "array", "items": TEXT}),
        ("list[int]", {"type": "array", "items": WHOLE}),
        ("List[str]", {"type": "array", "items": TEXT}),
        ("list of strings", {"type": "array", "items": TEXT}),
        ('["a", "b", ...]', {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}),
        ("dict", {"type": "object"}),
    ],
)
def test_what_stands_for_a_value(value: str, schema: dict[str, Any]) -> None:
    assert fields("{\n  a: " + value + "\n  b: 1\n}")["a"] == schema
    if "//" not in value and "#" not in value:
        assert fields('{"a": ' + value + ', "b": 1}')["a"] == schema


def test_sloppy_forms_are_read() -> None:
    langchain = '{\n\t"answer": string  // the answer\n\t"source": string  // a page, as {url}\n}'
    assert list(fields(langchain)) == ["answer", "source"]
    doubled = '[\n    {{\n        choice: 1,\n        reason: "<insert>"\n    }},\n    ...\n]'
    schema = read(doubled)
    assert schema is not None
    assert (schema["type"], schema["minItems"]) == ("array", 1)
    assert schema["items"]["properties"] == {"choice": {"const": 1}, "reason": TEXT}
    assert list(fields("{'name': 'x', 'more'?: {'a': 'it\\'s'}, }")) == ["name", "more"]
    assert list(fields('{"a": "x", ...}')) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "{name}",
        "{}",
        "{ return x; }",
        "{ color: red; }",
        "[1]",
        "[1, 2]",
        "[see there]",
        "[]",
        '{"a": 1',
        '{"a"}',
        "{: 1}",
        "{a: {b}}",
        "no brace",
        "",
    ],
)
def test_what_is_no_sketch(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "{a:" * 50_000,
        "[" * 100_000,
        '{"a": "' + "\\" * 100_000,
        "{a: " + " " * 100_000,
        "{a: b " * 30_000,
        "{a: list[" * 20_000,
        "{a: 1|" + "1|" * 50_000,
        "{" + "a:b," * 50_000,
    ],
    ids=range(8),
)
def test_endless_forms_are_left(text: str) -> None:
    assert read(text) is None
