from __future__ import annotations

import json
from typing import Any

from chatdouble.cassette.diff import diff
from chatdouble.cassette.format import Interaction
from chatdouble.cassette.match import Request
from chatdouble.cassette.matching import Matching

CHAT = "/v1/chat/completions"


def lines(was: Any, got: Any, matching: Matching | None = None) -> list[str]:
    raw = was if isinstance(was, bytes) else json.dumps(was).encode()
    recording = Interaction("a.yaml, interaction 1", "POST", CHAT, "", raw, 200, (), b"")
    body = got if isinstance(got, bytes) else json.dumps(got).encode()
    return list(diff(Request("POST", CHAT, body=body), recording, matching or Matching()))


def talk(*texts: str) -> Any:
    return {"messages": [{"role": "user", "content": text} for text in texts]}


def test_a_long_text_is_shortened_around_its_difference() -> None:
    found = lines(talk("a" * 5000 + "red" + "b" * 5000), talk("a" * 5000 + "blue" + "b" * 5000))
    (was,) = [line for line in found if line.startswith("-  ")]
    (got,) = [line for line in found if line.startswith("+  ")]
    assert "aaaredbbb" in was
    assert "aaabluebbb" in got
    assert len(was) < 200
    assert len(got) < 200


def test_a_message_that_is_new_is_the_only_thing_shown() -> None:
    texts = [f"text {number}" for number in range(200)]
    found = lines(talk(*texts), talk(*texts[:100], "new", *texts[100:]))
    assert sorted(line for line in found[2:] if line[0] in "+-") == [
        '+      "content": "new",',
        '+      "role": "user"',
        "+    {",
        "+    },",
    ]


def test_what_does_not_count_is_not_shown() -> None:
    ignoring = Matching(ignore=("dates",), ignore_fields=("user",))
    was = {**talk("On 2026-01-01: a"), "user": "x", "temperature": 1}
    found = lines(was, talk("On 2026-02-02: b"), ignoring)
    changed = [line.strip('+- ",') for line in found[2:] if line[0] in "+-"]
    assert changed == ['content": "On <date>: a', 'content": "On <date>: b']
    assert lines(was, talk("On 2026-02-02: a"), ignoring) == []


def test_the_way_of_sending_is_shown_only_where_bytes_are_compared() -> None:
    was, got = {**talk("a"), "stream": True}, talk("b")
    changed = [line.strip() for line in lines(was, got)[2:] if line[0] in "+-"]
    assert changed == ['-      "content": "a",', '+      "content": "b",']
    assert '-  "stream": true' in lines(was, got, Matching(match_on=("raw_body",)))


def test_it_is_bounded() -> None:
    other = lines(talk(*map(str, range(3000))), talk(*(f"x{n}" for n in range(3000))))
    assert len(other) < 40
    assert other[-1].endswith(" more lines")
    assert lines(talk("a" * 2_000_000), talk("b")) == []
    assert lines(b"no json", talk("b")) == []
    deep = b'{"messages":' + b"[" * 980 + b"]" * 980 + b"}"
    assert len(lines(deep, talk("b"))) < 40
