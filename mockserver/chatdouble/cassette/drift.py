"""How the shape of an answer differs from the recorded one: its fields and types, not its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chatdouble.cassette.take import Take
from chatdouble.wire import sse

# parts of a message, or of a stream's delta, that depend on what is said
_SAID = frozenset({"audio", "function_call", "reasoning_content", "tool_calls"})
_SAID_IN_DELTA = _SAID | {"content", "refusal"}

_DEEPEST = 40
_MOST_FIELDS = 2000


class Shape:
    """What values at one place of a document look like, put together over all of them."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.fields: dict[str, Shape] = {}
        self.item: Shape | None = None

    def add(self, value: Any, depth: int = 0) -> None:
        """Take in how one more value looks."""
        self.types.add(_type(value))
        if depth == _DEEPEST:
            return
        if isinstance(value, dict):
            for key, item in value.items():
                if key in self.fields or len(self.fields) < _MOST_FIELDS:
                    self.fields.setdefault(key, Shape()).add(item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                self.item = self.item or Shape()
                self.item.add(item, depth + 1)


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
    return "an object"


def drift(old: Take, new: Take) -> tuple[str, ...]:
    """What of an answer's shape changed, in words; empty if nothing did.

    Compared are status, media type, which fields there are and their types (null beside another
    type is the same one), and the order of a stream's kinds of events.

    Args:
        old: the recording.
        new: the same request, and what it was answered now.
    """
    return tuple(_drift(old, new))


def _drift(old: Take, new: Take) -> Iterator[str]:
    if old.status != new.status:
        yield f"status: is {new.status}, was {old.status}"
        return
    was, now = _media_type(old), _media_type(new)
    if was and was != now:
        yield f"content-type: is {now or 'missing'}, was {was}"
    old_events, new_events = _events(old.body), _events(new.body)
    if (old_events is None) != (new_events is None):
        yield f"body: {_kind(new_events)}, {_kind(old_events, 'was')}"
        return
    left, right = Shape(), Shape()
    if old_events is None or new_events is None:
        try:
            left.add(json.loads(old.body))
        except (ValueError, RecursionError):
            return  # nothing whose shape is known
        try:
            right.add(json.loads(new.body))
        except (ValueError, RecursionError):
            yield "body: is no JSON any more"
            return
        yield from _differences(left, right, "")
        return
    for events, shape in ((old_events, left), (new_events, right)):
        for event in events:
            if isinstance(event, dict):
                shape.add(event)
    yield from _differences(left, right, "")
    yield from _order(old_events, new_events)


def _media_type(take: Take) -> str:
    found = (value for name, value in take.headers if name.lower() == "content-type")
    return next(found, "").partition(";")[0].strip().lower()


def _kind(events: list[Any] | None, verb: str = "is") -> str:
    return f"{verb} one document" if events is None else f"{verb} a stream"


def _events(body: bytes) -> list[Any] | None:
    """A stream's events as JSON, or their text; None if the body is no stream."""
    if not body.startswith((b"data:", b"event:", b":")):
        return None
    events: list[Any] = []
    for one in sse.split(body):
        lines = one.splitlines()
        data = b"\n".join(line[5:].strip() for line in lines if line.startswith(b"data:"))
        if data:
            try:
                events.append(json.loads(data))
            except (ValueError, RecursionError):
                events.append(data[:40].decode("utf-8", "replace"))
    return events


def _differences(was: Shape, now: Shape, path: str) -> Iterator[str]:
    where = path or "body"
    old, new = was.types - {"null"}, now.types - {"null"}
    if old and new and old != new:
        yield f"{where}: is {_listed(new)}, was {_listed(old)}"
        return
    name = path.rpartition(".")[2]
    open_fields = {"message": _SAID, "delta": _SAID_IN_DELTA}.get(name, frozenset())
    if "an object" in old and "an object" in new:
        for key, shape in was.fields.items():
            below = _below(path, key)
            if key in now.fields:
                yield from _differences(shape, now.fields[key], below)
            elif key not in open_fields:
                yield f"{below}: is missing, was {_listed(shape.types)}"
        for key, shape in now.fields.items():
            if key not in was.fields and key not in open_fields:
                yield f"{_below(path, key)}: is new, {_listed(shape.types)}"
    if was.item is not None and now.item is not None:
        yield from _differences(was.item, now.item, f"{path}[]")


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _listed(types: set[str]) -> str:
    return " or ".join(sorted(types))


def _order(old: list[Any], new: list[Any]) -> Iterator[str]:
    was, now = _kinds(old), _kinds(new)
    if ("said" in was) != ("said" in now):
        # one of them has no words at all
        was, now = ([kind for kind in kinds if kind != "said"] for kinds in (was, now))
    if was != now:
        yield f"events: are {', '.join(now) or 'none'}; were {', '.join(was) or 'none'}"


def _kinds(events: list[Any]) -> list[str]:
    """The kinds of a stream's events in their order, those alike behind one another once.

    Of several choices, whose events come mixed, the first one counts.
    """
    first = next((one for event in events if (one := _choice(event)) is not None), None)
    index = first.get("index") if first is not None else None
    kinds = (_kind_of(event) for event in events if _is_of(event, index))
    return [kind for kind, _ in groupby(kinds)]


def _choice(event: Any) -> dict[str, Any] | None:
    choices = event.get("choices") if isinstance(event, dict) else None
    found = choices[0] if isinstance(choices, list) and choices else None
    return found if isinstance(found, dict) else None


def _is_of(event: Any, index: Any) -> bool:
    choice = _choice(event)
    return choice is None or choice.get("index") == index


def _kind_of(event: Any) -> str:
    if not isinstance(event, dict):
        return str(event)
    choice = _choice(event)
    if choice is not None:
        if choice.get("finish_reason") is not None:
            return "finish"
        delta = choice.get("delta")
        return "opening" if isinstance(delta, dict) and "role" in delta else "said"
    if "error" in event:
        return "error"
    return "usage" if event.get("usage") is not None else str(event.get("type") or "other")
