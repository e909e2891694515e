from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft7Validator

from tests.sources.schemas import FORMATS
from tests.sources.test_fitting import assert_fits, fit, of

NUMBERS: list[dict[str, Any]] = [
    {"minimum": 0.1, "maximum": 0.15},
    {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "integer", "minimum": 1.5, "maximum": 2.5},
    {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
    {"type": "integer", "exclusiveMaximum": 1},
    {"type": "integer", "exclusiveMinimum": 99.5},
    {"minimum": -3, "maximum": -3},
    {"minimum": 0.1, "maximum": 0.1},
    {"multipleOf": 0.01},
    {"multipleOf": 0.1, "minimum": 0.15, "maximum": 0.25},
    {"multipleOf": 7, "minimum": 50, "maximum": 60},
    {"type": "integer", "multipleOf": 0.5, "minimum": 3},
    {"type": "integer", "multipleOf": 4, "allOf": [{"multipleOf": 6}]},
    {"minimum": 1e300},
    {"maximum": -1e300},
    {"type": "integer", "minimum": 10**30},
    {"minimum": 1e16, "maximum": 1e16 + 2},
    {"multipleOf": 1e-7, "minimum": 1, "maximum": 2},
    {"minimum": 3, "not": {"maximum": 5}},
]


@pytest.mark.parametrize("schema", NUMBERS, ids=json.dumps)
def test_numbers_keep_to_their_bounds(schema: dict[str, Any]) -> None:
    assert_fits({"type": "number", **schema})


def test_bounds_of_draft_4_are_known() -> None:
    schema = {"type": "integer", "minimum": 1, "maximum": 4}
    exclusive = {**schema, "exclusiveMinimum": True, "exclusiveMaximum": True}
    assert_fits(exclusive, Draft4Validator)
    assert {fit(schema, seed) for seed in range(40)} == {1, 2, 3, 4}
    assert {fit(exclusive, seed) for seed in range(40)} == {2, 3}


TEXTS: list[dict[str, Any]] = [
    {"minLength": 30, "maxLength": 30},
    {"maxLength": 2},
    {"maxLength": 0},
    {"pattern": "^[A-Z]{3}-[0-9]{4}$"},
    {"pattern": "^[a-z]+$", "minLength": 40, "maxLength": 45},
    {"pattern": "needle", "minLength": 50},
    {"pattern": "^(abc)+$", "minLength": 7, "maxLength": 9},
    {"pattern": "^[a-z]", "allOf": [{"pattern": "[0-9]$"}, {"minLength": 12}]},
    {"pattern": "^(?=.*[A-Z])(?=.*[0-9])(?=.*[@$!%*?&])[A-Za-z0-9@$!%*?&]{8,}$"},
    {"pattern": "^(?!foo)[fo]{3}$"},
    {"format": "email", "maxLength": 9},
    {"format": "uri", "minLength": 60},
    {"format": "date", "pattern": "^199"},
    {"format": "ipv6", "maxLength": 4},
    {"format": "hostname", "maxLength": 5},
    {"not": {"pattern": "[aeiou]"}},
    {"not": {"enum": ["a", "b"]}, "pattern": "^[abc]$"},
    {"not": {"minLength": 4}},
]


@pytest.mark.parametrize("schema", TEXTS, ids=json.dumps)
def test_texts_keep_to_lengths_patterns_and_formats(schema: dict[str, Any]) -> None:
    assert_fits({"type": "string", **schema})


@pytest.mark.parametrize("form", [*FORMATS, "idn-hostname", "iri", "iri-reference", "uri-template"])
def test_formats_are_kept(form: str) -> None:
    assert_fits(of(x={"type": "string", "format": form}, y={"format": form, "minLength": 3}))


ARRAYS: list[dict[str, Any]] = [
    {"items": {"enum": [1, 2, 3, 4]}, "minItems": 4, "uniqueItems": True},
    {
        "items": {"type": "integer", "minimum": 0, "maximum": 99},
        "minItems": 100,
        "uniqueItems": True,
    },
    {"items": {"type": ["boolean", "null"]}, "minItems": 3, "uniqueItems": True},
    {
        "items": of(a={"type": "boolean"}, b={"enum": ["x", "y"]}),
        "minItems": 4,
        "uniqueItems": True,
    },
    {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    {"prefixItems": [{"const": 1}], "items": {"type": "null"}, "minItems": 4},
    {"contains": {"const": 7}},
    {"contains": {"const": 7}, "minContains": 3, "maxContains": 3, "minItems": 5},
    {"items": {"type": "integer"}, "contains": {"minimum": 1000}, "maxItems": 2},
    {"allOf": [{"contains": {"const": 1}}, {"contains": {"const": 2}}], "maxItems": 2},
    {"prefixItems": [{"enum": [1, 2]}, {"const": 1}], "minItems": 2, "uniqueItems": True},
    {"items": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}},
]


@pytest.mark.parametrize("schema", ARRAYS, ids=json.dumps)
def test_arrays_have_the_items_that_are_asked_for(schema: dict[str, Any]) -> None:
    assert_fits({"type": "array", **schema})


def test_tuples_of_older_drafts_are_known() -> None:
    schema = {
        "items": [{"type": "string"}, {"type": "integer"}],
        "additionalItems": {"type": "boolean"},
        "minItems": 4,
    }
    assert_fits(schema, Draft7Validator)


OBJECTS: list[dict[str, Any]] = [
    {"additionalProperties": {"type": "integer"}, "minProperties": 3},
    {"additionalProperties": {"type": "integer"}, "propertyNames": {"pattern": "^k[0-9]$"}},
    {
        "patternProperties": {"^x-": {"type": "boolean"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    {
        "properties": {name: {"type": "string"} for name in "abcd"},
        "maxProperties": 2,
        "required": ["c"],
    },
    {"properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b", "c"]}, "required": ["a"]},
    {"properties": {"a": {"type": "integer"}}, "dependentSchemas": {"a": of(b={"const": 1})}},
    {"properties": {"a": False, "b": {"type": "integer"}}, "minProperties": 1},
    {
        "properties": {"a": {"minimum": 3}},
        "patternProperties": {"^a$": {"type": "integer"}},
        "required": ["a"],
    },
    {"not": {"required": ["a"]}, "properties": {"a": {}, "b": {"type": "string"}}},
    {"required": ["undeclared"]},
    {
        "properties": {"a": {"type": "string"}},
        "propertyNames": {"maxLength": 1},
        "minProperties": 3,
    },
]


@pytest.mark.parametrize("schema", OBJECTS, ids=json.dumps)
def test_objects_have_the_properties_that_are_asked_for(schema: dict[str, Any]) -> None:
    assert_fits({"type": "object", **schema})


def test_dependencies_of_older_drafts_are_known() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "dependencies": {"a": ["b"], "b": {"required": ["c"]}},
    }
    assert_fits(schema, Draft7Validator)
    assert set(fit(schema)) == {"a", "b", "c"}


def test_a_table_has_entries() -> None:
    value = fit({"type": "object", "additionalProperties": {"type": "number"}})
    assert len(value) == 2


BY_COUNTRY = {
    "type": "object",
    "properties": {"country": {"enum": ["US", "CA", "FR"]}, "code": {"type": "string"}},
    "required": ["country", "code"],
    "allOf": [
        {
            "if": {"properties": {"country": {"const": country}}, "required": ["country"]},
            "then": {"properties": {"code": {"pattern": pattern}}},
        }
        for country, pattern in [("US", "^[0-9]{5}$"), ("CA", "^[A-Z][0-9]$"), ("FR", "^F")]
    ],
}
ANIMALS = [
    of(kind={"const": kind}, **{kind: {"type": "integer"}}) for kind in ("cat", "dog", "emu")
]
COMBINED: list[Any] = [
    BY_COUNTRY,
    {"oneOf": ANIMALS},
    {"anyOf": ANIMALS, "properties": {"kind": {"enum": ["emu"]}}},
    {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 5}]},
    {"oneOf": [{"type": "string"}, {"type": "string", "minLength": 3}]},
    {"allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"type": "string"}]},
    {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}, {"minimum": 2}]},
    {"anyOf": [{"type": "integer", "minimum": 9, "maximum": 1}, {"type": "string"}]},
    {"not": {"type": ["object", "array", "string", "null"]}},
    {"not": {"not": {"const": 5}}},
    {"type": "object", "not": {"properties": {"a": {"type": "string"}}}, "properties": {"a": {}}},
    {"if": {"type": "string"}, "then": {"minLength": 9}, "else": {"type": "null"}},
    {"type": ["string", "null"], "enum": [None, "x"]},
    {"type": "string", "enum": ["a", 1, None]},
    {"$ref": "#/$defs/a%20b~1c", "$defs": {"a b/c": {"type": "integer"}}},
    {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "boolean"}}},
    {"definitions": {"x": {"type": "null"}}, "properties": {"a": {"$ref": "#/definitions/x"}}},
    of(a={"type": "integer"}, b={"$ref": "#/properties/a"}),
    of(a={"$ref": "#/$defs/x", "minimum": 50})
    | {"$defs": {"x": {"type": "integer", "maximum": 50}}},
    of(value={"type": "string"}, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
    of(value={"type": "string"}, children={"type": "array", "items": {"$ref": "#"}}),
    of(left={"oneOf": [{"$ref": "#"}, {"type": "integer"}]}, right={"$ref": "#/properties/left"}),
    of(x={"type": ["object", "null"], "properties": {"y": {"$ref": "#"}}, "required": ["y"]}),
]


@pytest.mark.parametrize("schema", COMBINED, ids=lambda schema: json.dumps(schema)[:80])
def test_combinations_hold(schema: Any) -> None:
    assert_fits(schema)


def test_a_union_that_a_property_tells_apart_is_fitted_in_several_ways() -> None:
    value = fit({"type": "array", "items": {"anyOf": ANIMALS}, "minItems": 3})
    assert [one["kind"] for one in value] == ["cat", "dog", "emu"]


def test_nullable_is_null_where_nothing_else_can_be() -> None:
    assert fit(of(a={"type": "string", "nullable": True, "enum": [None]})) == {"a": None}
    assert isinstance(fit(of(a={"type": ["null", "string"]}))["a"], str)
