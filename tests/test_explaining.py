"""What a call that no rule answers gets to read."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from chatdouble import ApiError, Session, Settings, contains, like
from chatdouble.calls import Call
from chatdouble.script import parse
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract
from tests.test_match import a_real_call


def session(script: str | None = None) -> Session:
    rules = parse(script, "rules.yaml") if script else ()
    return Session("test", Settings(), (Contract(), Scripted(rules)))


def explained(to: Session, call: Call | None = None, **fields: Any) -> str:
    answer = asyncio.run(to.respond(call or a_real_call(**fields))).answer
    assert isinstance(answer, ApiError)
    assert answer.code == "no_answer"
    return answer.message


def test_only_the_parts_that_some_rule_looks_at_are_shown() -> None:
    made = session()
    made.on(user="x", field={"temperature": 1}).reply("x")
    made.on(header={"authorization": "Bearer x"}).reply("x")
    assert explained(made).splitlines()[:6] == [
        "chatdouble has no answer to this call: POST /v1/chat/completions",
        "  model: 'gpt-4o'",
        "  user: 'Second'",
        "  field temperature: 0.5",
        "  header authorization: (not shown)",
        "- scripted: rule 2: wants header authorization of a certain value, got another value",
    ]


def test_the_nearest_rule_comes_first_with_a_diff() -> None:
    made = session()
    made.on(user="Something else altogether", model="o3").reply("x")
    made.on(user="Sekond").reply("x")
    made.on(user=contains("second")).reply("x")
    lines = explained(made).splitlines()
    reasons = [line for line in lines if line.startswith(("- scripted", "    "))]
    assert reasons[:4] == [
        "- scripted: rule 3: wants user contains 'second', got 'Second'",
        "    only the letter case differs",
        "- scripted: rule 2: wants user equals 'Sekond', got 'Second'",
        "    -Sekond",
    ]
    assert reasons[4] == "    +Second"
    assert reasons[5].startswith("- scripted: rule 1: ")


def test_json_that_nearly_matches_is_shown_line_by_line() -> None:
    made = session()
    made.on(field={"messages[0]": like({"role": "system", "content": "Be long."})}).reply("x")
    lines = [line.strip() for line in explained(made).splitlines()]
    assert '-  "content": "Be long.",' in lines
    assert '+  "content": "Be brief.",' in lines


def test_the_rule_to_write_is_said_in_the_language_of_the_rules() -> None:
    made = session()
    made.on(user="x").reply("x")
    assert explained(made).endswith("To answer it:\n  chatdouble.on(user='Second').reply(…)")
    made = session("- {when: {user: x}, reply: y}")
    assert explained(made).endswith('To answer it:\n  - when: {"user": "Second"}\n    reply: …')
    assert "- scripted: there are no rules\nTo answer it:\n" in explained(session())


def test_many_rules_and_long_texts_are_explained_quickly() -> None:
    made = session()
    for number in range(1000):
        made.on(user=f"{number} " * 1000).reply("x")
    text = "12 " * 30_000
    began = time.process_time()
    message = explained(made, messages=[{"role": "user", "content": text}])
    assert time.process_time() - began < 5
    assert "- scripted: and 980 more rules\n" in message
    assert len(message) < 20_000
