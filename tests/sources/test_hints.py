from __future__ import annotations

import json
import time
from typing import Any

import pytest

from chatdouble.sources.hints import Hints
from tests.sources.test_fitting import fit, of

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
DATE = {"type": "string", "format": "date"}
MOMENT = {"type": "string", "format": "date-time"}
UNITS = {"enum": ["celsius", "fahrenheit"]}


def listed(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


@pytest.mark.parametrize(
    ("prompt", "properties", "expected"),
    [
        # numbers
        ("magic_function(3)", {"input": WHOLE}, {"input": 3}),
        ("add 2 and 3", {"a": WHOLE, "b": WHOLE}, {"a": 2, "b": 3}),
        ("What is 1231 * 2331?", {"a": NUMBER, "b": NUMBER}, {"a": 1231, "b": 2331}),
        ("-4.5 or 1,250", {"a": NUMBER, "b": NUMBER}, {"a": -4.5, "b": 1250}),
        ("2-3", {"a": WHOLE, "b": WHOLE}, {"a": 2, "b": 3}),
        ("use gpt-4o with 7", {"n": WHOLE}, {"n": 7}),
        ("Sum 1, 2 and 3.5", {"numbers": listed(NUMBER)}, {"numbers": [1, 2, 3.5]}),
        ("[10,20,30]", {"values": listed(WHOLE)}, {"values": [10, 20, 30]}),
        (
            "3 mugs for $19.99",
            {"price": NUMBER, "quantity": WHOLE},
            {"price": 19.99, "quantity": 3},
        ),
        ("at 25% and 4 guests", {"guests": WHOLE, "percent": WHOLE}, {"guests": 4, "percent": 25}),
        ("Rex, 2 dogs, aged 41", {"age": WHOLE, "dogs": WHOLE}, {"age": 41, "dogs": 2}),
        (
            "Invoice #67890 for $5",
            {"invoice_id": TEXT, "amount": NUMBER},
            {"invoice_id": "67890", "amount": 5},
        ),
        # who a sentence speaks of
        ("Jason is 25 years old", {"name": TEXT, "age": WHOLE}, {"name": "Jason", "age": 25}),
        ("Extract: Ann Lee is 30.", {"name": TEXT, "age": WHOLE}, {"name": "Ann Lee", "age": 30}),
        (
            "Ann Lee is a nurse from Graz, Austria",
            {"name": TEXT, "city": TEXT, "country": TEXT},
            {"name": "Ann Lee", "city": "Graz", "country": "Austria"},
        ),
        # enums
        ("Rome, in FAHRENHEIT", {"unit": UNITS}, {"unit": "fahrenheit"}),
        ("in dark mode", {"theme": {"enum": ["light", "dark_mode"]}}, {"theme": "dark_mode"}),
        (
            "from green to red",
            {"a": {"enum": ["red", "green"]}, "b": {"enum": ["red", "green"]}},
            {"a": "green", "b": "red"},
        ),
        ("pick b", {"x": {"anyOf": [{"const": "a"}, {"const": "b"}]}}, {"x": "b"}),
        # dates and times
        ("on 2024-02-29", {"date": DATE}, {"date": "2024-02-29"}),
        ("on May 3, 2024", {"day": DATE}, {"day": "2024-05-03"}),
        ("on 2024/5/3", {"day": DATE}, {"day": "2024-05-03"}),
        ("am 03.05.2024 um 9", {"day": DATE}, {"day": "2024-05-03"}),
        ("on the 3rd of may 2024", {"birthday": TEXT}, {"birthday": "2024-05-03"}),
        ("2024-05-03 at 3pm", {"start": MOMENT}, {"start": "2024-05-03T15:00:00Z"}),
        ("2024-05-03T10:00+02:00", {"start": MOMENT}, {"start": "2024-05-03T10:00:00+02:00"}),
        ("at 9:30 am", {"time": {"type": "string", "format": "time"}}, {"time": "09:30:00Z"}),
        # addresses
        ("Mail jane.doe@example.com.", {"to_email": TEXT}, {"to_email": "jane.doe@example.com"}),
        ("See https://a.example/b?c=d.", {"url": TEXT}, {"url": "https://a.example/b?c=d"}),
        ("Delete order #A-1234", {"order_id": TEXT}, {"order_id": "A-1234"}),
        (
            "Convert 100 USD to EUR",
            {"from_currency": TEXT, "to_currency": TEXT},
            {"from_currency": "USD", "to_currency": "EUR"},
        ),
        # quoted texts
        *(
            (f"Say {quoted} now", {"text": TEXT}, {"text": "B\u00f6 \u00e4"})
            for quoted in (
                "\u201cB\u00f6 \u00e4\u201d",
                "\u201eB\u00f6 \u00e4\u201c",
                "\u00abB\u00f6 \u00e4\u00bb",
                "\u300cB\u00f6 \u00e4\u300d",
                "'B\u00f6 \u00e4'",
                '"B\u00f6 \u00e4"',
                "`B\u00f6 \u00e4`",
                "\u2018B\u00f6 \u00e4\u2019",
                "\u300aB\u00f6 \u00e4\u300b",
                "\u2039B\u00f6 \u00e4\u203a",
            )
        ),
        ("What's 'it's' mean", {"word": TEXT}, {"word": "it's"}),
        ("\u300c\u6771\u4eac\u300d\u306e\u5929\u6c17", {"city": TEXT}, {"city": "\u6771\u4eac"}),
        ("compare 'a b' and `c`", {"items": listed(TEXT)}, {"items": ["a b", "c"]}),
        (
            'Translate "Hi" to French',
            {"language": TEXT, "text": TEXT},
            {"language": "French", "text": "Hi"},
        ),
        # names
        ("What's the weather in Paris?", {"city": TEXT}, {"city": "Paris"}),
        ("what's the weather in paris today?", {"city": TEXT}, {"city": "paris"}),
        ("in the morning, is it warm in oslo?", {"location": TEXT}, {"location": "oslo"}),
        (
            "a flight from oslo to rome",
            {"origin": TEXT, "destination": TEXT},
            {"origin": "oslo", "destination": "rome"},
        ),
        ("Weather in New York and the time in Tokyo", {"location": TEXT}, {"location": "New York"}),
        (
            "in S\u00e3o Paulo, Brazil",
            {"city": TEXT, "country": TEXT},
            {"city": "S\u00e3o Paulo", "country": "Brazil"},
        ),
        ("Weather in San Francisco, CA", {"location": TEXT}, {"location": "San Francisco, CA"}),
        ("in Paris and London", {"cities": listed(TEXT)}, {"cities": ["Paris", "London"]}),
        (
            "to Rome from Rio de Janeiro",
            {"origin": TEXT, "destination": TEXT},
            {"origin": "Rio de Janeiro", "destination": "Rome"},
        ),
        ("Tell me about OpenTelemetry", {"topic": TEXT}, {"topic": "OpenTelemetry"}),
        (
            "a person named Al who lives in Bonn",
            {"city": TEXT, "name": TEXT},
            {"city": "Bonn", "name": "Al"},
        ),
        (
            "My name is Ann Lee",
            {"first_name": TEXT, "last_name": TEXT},
            {"first_name": "Ann", "last_name": "Lee"},
        ),
        ("a table at Noma", {"company": TEXT}, {"company": "Noma"}),
        (
            "weather in Paris",
            {"city": TEXT, "location": TEXT},
            {"city": "Paris", "location": "Paris"},
        ),
        # pairs
        (
            "city: New York, unit=celsius; limit: 5",
            {"city": TEXT, "unit": TEXT, "limit": WHOLE},
            {"city": "New York", "unit": "celsius", "limit": 5},
        ),
        (
            '{"user_id": 7, "is_admin": true}',
            {"userId": WHOLE, "is_admin": {"type": "boolean"}},
            {"userId": 7, "is_admin": True},
        ),
        (
            "My age is 30 and my city is Lyon",
            {"age": WHOLE, "city": TEXT},
            {"age": 30, "city": "Lyon"},
        ),
        ("title: \u300c\u661f\u300d", {"title": TEXT}, {"title": "\u661f"}),
        # the prompt itself
        ("Who was Ada?", {"query": TEXT}, {"query": "Who was Ada?"}),
    ],
)
def test_what_the_prompt_says_is_used(
    prompt: str, properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert fit(of(**properties), prompt=prompt) == expected


@pytest.mark.parametrize(
    ("prompt", "schema", "not_expected"),
    [
        ("rate it 500", {"type": "integer", "maximum": 5}, 500),
        ("in Paris", {"type": "string", "maxLength": 3}, "Paris"),
        ("in Paris", {"type": "string", "enum": ["Rome", "Oslo"]}, "Paris"),
        ("Paris is nice", TEXT, "Paris"),
        ("answer in JSON", TEXT, "JSON"),
        ("in May", TEXT, "May"),
        ("on 2024-02-31", DATE, "2024-02-31"),
        ("at version 1.2", WHOLE, 1.2),
    ],
)
def test_what_does_not_fit_is_not_used(
    prompt: str, schema: dict[str, Any], not_expected: Any
) -> None:
    assert fit(of(city=schema), prompt=prompt)["city"] != not_expected


def test_a_question_says_nothing_of_what_it_asks_for() -> None:
    assert fit(of(city=TEXT), prompt="In which city is it?")["city"] != "it"


def test_a_number_is_used_once() -> None:
    value = fit(of(a=WHOLE, b={"type": "integer", "minimum": 1000}), prompt="square 5")
    assert value["a"] == 5
    assert value["b"] >= 1000


def test_what_is_required_comes_first() -> None:
    schema = {"properties": {"precision": WHOLE, "x": WHOLE}, "required": ["x"]}
    assert fit(schema, prompt="round 7")["x"] == 7


def test_nested_objects_are_filled_too() -> None:
    schema = of(person=of(name=TEXT, age=WHOLE), when=of(date=DATE))
    value = fit(schema, prompt="a person named Jo, age: 44, born on 2001-02-03")
    assert value == {"person": {"name": "Jo", "age": 44}, "when": {"date": "2001-02-03"}}


def test_the_prompt_comes_before_examples_and_defaults() -> None:
    schema = of(city=TEXT, days=WHOLE) | {"examples": [{"city": "Oslo", "days": 9}]}
    assert fit(schema) == {"city": "Oslo", "days": 9}
    assert fit(schema, prompt="weather in Rome") == {"city": "Rome", "days": 9}
    optional = {"properties": {"days": {"type": "integer", "default": 3}}}
    assert fit(optional, prompt="for 5 days") == {"days": 5}


def test_hints_give_way_to_what_holds_between_properties() -> None:
    schema = of(a=WHOLE, b=WHOLE) | {"not": {"properties": {"a": {"const": 2}}}}
    assert fit(schema, prompt="add 2 and 3")["a"] != 2


@pytest.mark.parametrize(
    "prompt",
    [
        "a 1, " * 9000,
        "k: v " * 9000,
        "in A" * 9000,
        "in Aa " * 9000,
        "'\u201c\u00ab`\"" * 9000,
        "a is " * 9000,
        "a" * 50_000,
        "a-" * 9000,
        "0" * 50_000,
        "1,111" * 9000,
        "a.a@a." * 9000,
        "in A. " * 9000,
        "\n" * 50_000,
    ],
)
def test_a_hostile_prompt_is_read_soon(prompt: str) -> None:
    began = time.thread_time()
    schema = of(**{f"p{n}": {"enum": [f"w{m}" for m in range(300)]} for n in range(100)}, city=TEXT)
    json.dumps(fit(schema, prompt=prompt))
    assert time.thread_time() - began < 5


def test_no_prompt_gives_no_hints() -> None:
    assert not Hints(None)
    assert Hints("  ").found == []
