"""What two cassettes have in common, and what differs, by meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import count, groupby, islice
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from chatdouble.cassette.match import Keys, Request, keys_of
from chatdouble.cassette.take import Take
from chatdouble.cassette.telling import call_of
from chatdouble.wire import dialects, sse

# what is new in every answer, whatever it says
_ALWAYS_NEW = frozenset({"id", "created", "system_fingerprint", "obfuscation", "request_id"})

# of one place, more lines are not compared: it would take too long
_MOST_LINES = 2000
_LONGEST_LINE = 200


class Pair(Struct, frozen=True):
    """Interactions of two cassettes that belong together, and how they differ.

    Attributes:
        left: the interaction's number in the first cassette, counted from 1; None if it has none.
        right: its number in the second.
        title: the request's method and path.
        request: how the requests differ, as lines of a unified diff.
        response: how the responses do.
    """

    left: int | None
    right: int | None
    title: str
    request: tuple[str, ...] = ()
    response: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether it is on one cassette only, or not the same on both."""
        return self.left is None or self.right is None or bool(self.request or self.response)


def compare(left: Sequence[Take], right: Sequence[Take], *, exact: bool = False) -> list[Pair]:
    """The interactions of two cassettes, put together.

    Those of the same request belong together, in their order; then those of different requests to
    the same path that stand at the same place.

    Args:
        left: the first cassette's interactions.
        right: the second's.
        exact: whether ids, times, fingerprints, paddings and headers count, too.
    """
    waiting: dict[Keys, list[int]] = {}
    for number, take in enumerate(right):
        waiting.setdefault(_key(take, exact), []).append(number)
    partner: dict[int, int] = {}
    for number, take in enumerate(left):
        same = waiting.get(_key(take, exact))
        if same:
            partner[number] = same.pop(0)
    taken = set(partner.values())
    for number, take in enumerate(left):
        free = number not in partner and number < len(right) and number not in taken
        if free and _title(take) == _title(right[number]):
            partner[number] = number
            taken.add(number)
    pairs = [
        _pair(left, right, number, partner[number], exact)
        if number in partner
        else Pair(number + 1, None, _title(take))
        for number, take in enumerate(left)
    ]
    only = (number for number in range(len(right)) if number not in taken)
    return pairs + [Pair(None, number + 1, _title(right[number])) for number in only]


def _pair(left: Sequence[Take], right: Sequence[Take], one: int, two: int, exact: bool) -> Pair:
    was, now = left[one], right[two]
    return Pair(
        one + 1,
        two + 1,
        _title(was),
        tuple(_diff(_request(was, exact), _request(now, exact))),
        tuple(_diff(_response(was, exact), _response(now, exact))),
    )


def _title(take: Take) -> str:
    return f"{take.method} {unquote(urlsplit(take.uri).path)}"


def _key(take: Take, exact: bool) -> Keys:
    uri = urlsplit(take.uri)
    body = take.request_body
    if not exact:
        value = _with_plain_ids(_parsed(body))
        body = body if isinstance(value, bytes) else _dumped(value).encode("utf-8", "replace")
    return keys_of(Request(take.method, unquote(uri.path), uri.query, body))


def _request(take: Take, exact: bool) -> Any:
    value = _parsed(take.request_body)
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    query = urlsplit(take.uri).query
    said = {"body": value if exact else _with_plain_ids(value)}
    said |= {"query": query} if query else {}
    return said | ({"uri": take.uri, "headers": _headers(take.request_headers)} if exact else {})


def _with_plain_ids(body: Any) -> Any:
    """The body with its tool calls numbered: their ids are new in each recording."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list):
        return body
    numbers = count(1)
    ids: dict[str, str] = {}

    def plain(name: Any) -> Any:
        if isinstance(name, str) and name not in ids:
            ids[name] = f"<call {next(numbers)}>"
        return ids[name] if isinstance(name, str) else name

    numbered = []
    for message in messages:
        if isinstance(message, dict):
            message = dict(message)
            if isinstance(message.get("tool_calls"), list):
                message["tool_calls"] = [
                    {**made, "id": plain(made["id"])}
                    if isinstance(made, dict) and "id" in made
                    else made
                    for made in message["tool_calls"]
                ]
            if "tool_call_id" in message:
                message["tool_call_id"] = plain(message["tool_call_id"])
        numbered.append(message)
    return {**body, "messages": numbered}


def _response(take: Take, exact: bool) -> Any:
    said: dict[str, Any] = {"status": take.status, "cut": take.cut}
    if exact:
        return said | {"headers": _headers(take.headers), "body": _events(take.body)}
    reply = dialects.parse(call_of(take), take.body) if take.status < 400 else None
    if reply is None:
        return said | {"body": _without_new(_events(take.body))}
    known = msgspec.to_builtins(reply)
    del known["without"]
    for one in (known, *known["others"]):
        one["tool_calls"] = [{**made, "id": None} for made in one["tool_calls"]]
    return said | {"reply": _without_new(known)}


def _headers(headers: tuple[tuple[str, str], ...]) -> list[str]:
    return sorted(f"{name.lower()}: {value}" for name, value in headers)


def _events(body: bytes) -> Any:
    """A body as JSON, or its events as a list, or its text."""
    if not body.startswith(b"data:"):
        value = _parsed(body)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    data = (one.removeprefix(b"data:").strip() for one in sse.split(body))
    values = (_parsed(one) for one in data)
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in values]


def _without_new(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_new(item) for key, item in value.items() if key not in _ALWAYS_NEW}
    return [_without_new(item) for item in value] if isinstance(value, list) else value


def _parsed(body: bytes) -> Any:
    try:
        value = json.loads(body)
        _dumped(value)
    except (ValueError, RecursionError):
        return body
    return value


def _dumped(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


def _diff(was: Any, now: Any) -> Iterator[str]:
    old, new = _dumped(was).splitlines(), _dumped(now).splitlines()
    start = next(
        (at for at, (one, two) in enumerate(zip(old, new, strict=False)) if one != two),
        min(len(old), len(new)),
    )
    if old == new:
        return
    # a little of what is the same before stays, as context
    start = max(start - 3, 0)
    old, new = old[start:], new[start:]
    rest = max(len(old), len(new)) - _MOST_LINES
    lines = unified_diff(old[:_MOST_LINES], new[:_MOST_LINES], lineterm="", n=3)
    # the first ones name two files, and where the first part stands
    yield from _shortened(list(islice(lines, 3, None)))
    if rest > 0:
        yield f"({rest} further lines are not compared)"


def _shortened(lines: list[str]) -> Iterator[str]:
    """The lines of a diff, of long ones what is around the first difference."""
    for _, group in groupby(lines, key=lambda line: line[:1] in "-+"):
        run = list(group)
        gone = [line for line in run if line.startswith("-")]
        come = [line for line in run if line.startswith("+")]
        pairs = list(zip(gone, come, strict=False))
        others = dict(pairs) | {new: old for old, new in pairs}
        for line in run:
            if line.startswith("@@"):
                yield "..."
            elif len(line) <= _LONGEST_LINE:
                yield line
            else:
                yield _around(line, others.get(line, line[:1]))


def _around(line: str, other: str) -> str:
    letters = enumerate(zip(line[1:], other[1:], strict=False))
    same = next((at for at, (one, two) in letters if one != two), 0)
    start = max(same - _LONGEST_LINE // 4, 0)
    shown = line[1 + start : 1 + start + _LONGEST_LINE]
    before, behind = "..." * (start > 0), "..." * (1 + start + _LONGEST_LINE < len(line))
    return f"{line[:1]}{before}{shown}{behind}"
