"""Faults in what an answer says: they hold whatever limited it, and say what they did."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatdouble.dice import Dice
from chatdouble.faults import Sending, due, faults_of, sending
from chatdouble.schedule import spread
from chatdouble.wire.response import Response, Template

DICE = Dice(b"seed")
# what a body's text quotes is no member of it
TRAP = '"finish_reason": "stop", "arguments": "{}", "usage": {}'
BODY: dict[str, Any] = {
    "choices": [
        {
            "message": {
                "content": TRAP,
                "tool_calls": [
                    {"function": {"name": "get", "arguments": '{"city":"Zürich \\"\\n"}'}},
                    {"function": {"name": "none", "arguments": ""}},
                ],
            },
            "finish_reason": "length",
        }
    ],
    "usage": {"total_tokens": 3, "details": {"cached_tokens": 0}},
    "service_tier": "default",
}


def piece(call: int, arguments: str, choice: int = 0) -> bytes:
    function = {"index": call, "function": {"arguments": arguments}}
    one = {"index": choice, "delta": {"tool_calls": [function]}, "finish_reason": None}
    return f"data: {json.dumps({'choices': [one]})}\n\n".encode()


EVENTS = (
    piece(0, '{"a":'),
    piece(0, "1}"),
    piece(1, "{"),
    piece(1, "}"),
    piece(1, ""),
    piece(0, "{}", choice=1),
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n',
    b"data: [DONE]\n\n",
)


def broken(fault: str, *frames: bytes) -> Sending:
    response = Response(200, (), Template(frames), length=len(frames) == 1)
    pieces = spread(frames, None, DICE).pieces
    return sending(response, pieces, due(faults_of(fault), DICE), DICE)


def whole(sent: Sending) -> bytes:
    return b"".join(one.data for one in sent.pieces)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_body_says_wrong_things(indent: int | None) -> None:
    body = json.dumps(BODY, indent=indent).encode()
    sent = broken("bad_arguments, finish_reason=stop, no_usage", body)
    said = json.loads(whole(sent))
    assert "usage" not in said
    assert said["service_tier"] == "default"
    choice = said["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == TRAP
    first, second = choice["message"]["tool_calls"]
    assert first["function"]["arguments"] == '{"city":"Zürich \\"\\n"'
    assert second["function"]["arguments"] == ""
    at = body.index(b'"arguments": "{\\"c')
    assert sent.notes[0] == f"bad_arguments: the last letter left out at byte {at}"


def test_each_call_of_a_stream_lacks_its_last_letter() -> None:
    sent = broken("bad_arguments", *EVENTS)
    assert whole(sent) == b"".join(
        (
            EVENTS[0],
            piece(0, "1"),
            EVENTS[2],
            piece(1, ""),
            EVENTS[4],
            piece(0, "{", choice=1),
            *EVENTS[6:],
        )
    )


def test_a_stream_says_another_finish_reason() -> None:
    sent = broken("finish_reason=stop", *EVENTS)
    assert whole(sent) == b"".join(EVENTS).replace(
        b'"finish_reason":"tool_calls"', b'"finish_reason":"stop"'
    )
    at = b"".join(EVENTS).index(b'"finish_reason":"tool_calls"')
    assert sent.notes == (f"finish_reason=stop: said at byte {at}",)


@pytest.mark.parametrize("fault", ["bad_arguments", "finish_reason=stop", "no_usage"])
@pytest.mark.parametrize("frames", [[b'{"object":"list"}'], [b"data: {}\n\n", b"data: [DONE]\n\n"]])
def test_what_finds_nothing_says_so(fault: str, frames: list[bytes]) -> None:
    sent = broken(fault, *frames)
    assert whole(sent) == b"".join(frames)
    assert sent.notes == (f"{fault}: nothing to do",)
