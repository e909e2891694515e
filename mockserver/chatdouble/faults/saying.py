"""Faults in what an answer says, made in its bytes: so they hold for recordings, too.

They work on the events of a stream and, as one piece, on a body that is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from chatdouble.faults.values import Fault
from chatdouble.schedule import Piece
from chatdouble.wire import sse

# the events of a stream, and in words what was done to them
Told = tuple[list[Piece], str]

NOTHING = "nothing to do"

# A quote within a string of JSON has a backslash before it, so that these are members and no text.
_TEXT = rb'"(?:[^"\\]|\\.)*+"'
_FINISH_REASON = re.compile(rb'("finish_reason":\s*)' + _TEXT)
_ARGUMENTS = re.compile(rb'("arguments":\s*)(' + _TEXT + rb")", re.DOTALL)
_OBJECT = rb"\{(?:[^{}]|\{[^{}]*+\})*+\}"
_USAGE = re.compile(rb',\s*"usage":\s*' + _OBJECT + rb'|"usage":\s*' + _OBJECT + rb"\s*,\s*")


def offset(pieces: list[Piece], index: int) -> int:
    """At which byte of the body the piece of this index begins."""
    return sum(len(piece.data) for piece in pieces[:index])


def document(event: Piece) -> dict[str, Any]:
    """The object that the event carries, empty if it carries none."""
    try:
        found = msgspec.json.decode(event.data.strip().removeprefix(b"data:"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def without(events: list[Piece], unwanted: Callable[[Piece], bool]) -> Told:
    """The events but for these."""
    places = [at for at, event in enumerate(events) if unwanted(event)]
    if not places:
        return events, NOTHING
    kept = [event for at, event in enumerate(events) if at not in places]
    return kept, f"left out at byte {_listed(offset(events, at) for at in places)}"


def is_done(event: Piece) -> bool:
    """Whether it is the event that ends a stream."""
    return event.data.strip() == sse.DONE.strip()


def _no_usage(events: list[Piece], fault: Fault, streamed: bool) -> Told:
    if streamed:
        return without(events, lambda event: bool(document(event).get("usage")))
    return _replaced(events, range(len(events)), _USAGE, lambda _: b"", "left out")


def _finish_reason(events: list[Piece], fault: Fault, streamed: bool) -> Told:
    reason = f'"{fault.value}"'.encode()
    return _replaced(
        events, range(len(events)), _FINISH_REASON, lambda found: found[1] + reason, "said"
    )


def _bad_arguments(events: list[Piece], fault: Fault, streamed: bool) -> Told:
    # a model that stops too early leaves the last brace out
    last = {call: at for at, event in enumerate(events) for call in _calls(event)}
    places = sorted(set(last.values())) if streamed else range(len(events))
    return _replaced(events, places, _ARGUMENTS, _shorter, "the last letter left out")


def _shorter(found: re.Match[bytes]) -> bytes:
    try:
        text = msgspec.json.decode(found[2], type=str)
    except ValueError:
        return found[0]
    return found[1] + msgspec.json.encode(text[:-1])


def _calls(event: Piece) -> list[tuple[Any, Any]]:
    """The choice and the number of each tool call whose arguments the event continues."""
    if b'"arguments"' not in event.data:
        return []
    found = []
    for choice in _objects(document(event).get("choices")):
        delta = choice.get("delta")
        for call in _objects(delta.get("tool_calls") if isinstance(delta, dict) else None):
            function = call.get("function")
            if isinstance(function, dict) and function.get("arguments"):
                found.append((str(choice.get("index")), str(call.get("index"))))
    return found


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _replaced(
    events: list[Piece],
    places: Iterable[int],
    pattern: re.Pattern[bytes],
    made: Callable[[re.Match[bytes]], bytes],
    words: str,
) -> Told:
    """The events with what the pattern finds in those of these places replaced."""
    told, changed = list(events), []
    for at in places:
        event, start = events[at], offset(events, at)
        for found in pattern.finditer(event.data):
            if made(found) != found[0]:
                changed.append(start + found.start())
        told[at] = Piece(event.at, pattern.sub(made, event.data))
    return told, f"{words} at byte {_listed(changed)}" if changed else NOTHING


def _listed(places: Iterable[int]) -> str:
    return ", ".join(map(str, places))


# name -> what is said instead; before the events themselves are broken
SAID_FAULTS: dict[str, Callable[[list[Piece], Fault, bool], Told]] = {
    "bad_arguments": _bad_arguments,
    "finish_reason": _finish_reason,
    "no_usage": _no_usage,
}
