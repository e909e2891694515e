"""Which recording answers a request: the meaning of the request counts, not its bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from chatdouble.cassette.format import Interaction
from chatdouble.match import shorten

Key: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], bytes]

# how many recordings are compared leaf by leaf when a miss is explained
_MOST_COMPARED = 2000


class Difference(Struct, frozen=True):
    """The first place where a request differs from a recording.

    Attributes:
        words: what differs, for people.
        param: the JSON path in the request's body, None if something else differs.
    """

    words: str
    param: str | None = None


def key_of(method: str, uri: str, body: bytes) -> Key:
    """What two requests must share to be the same one.

    The method, the path from its last ``/v1/`` on (so that a recording of any host and prefix
    answers), the query with its order ignored, and the body as canonical JSON.
    """
    parts = urlsplit(uri)
    return (method.upper(), _endpoint(parts.path), _query(parts.query), _canonical(body))


def nearest(method: str, uri: str, body: bytes, interactions: Iterable[Interaction]) -> Interaction:
    """The recording that a request resembles most: its path first, then the most equal values."""
    path = _endpoint(urlsplit(uri).path)
    mine = dict(_leaves(_parsed(body)))

    def rough(interaction: Interaction) -> tuple[bool, bool, int]:
        return (
            _endpoint(urlsplit(interaction.uri).path) != path,
            interaction.method != method,
            abs(len(interaction.body) - len(body)),
        )

    def unlike(interaction: Interaction) -> tuple[bool, bool, int, int]:
        theirs = dict(_leaves(_parsed(interaction.body)))
        changed = {where for where, _ in mine.items() ^ theirs.items()}
        return (*rough(interaction)[:2], len(changed), len(mine.keys() ^ theirs.keys()))

    return min(nsmallest(_MOST_COMPARED, interactions, key=rough), key=unlike)


def difference(method: str, uri: str, body: bytes, recording: Interaction) -> Difference:
    """The first difference between a request and a recording of another one."""
    here, there = urlsplit(uri), urlsplit(recording.uri)
    if method != recording.method or _endpoint(here.path) != _endpoint(there.path):
        return Difference(
            f"it is of {recording.method} {there.path}, the request is {method} {here.path}"
        )
    if _query(here.query) != _query(there.query):
        return Difference(f"its query is {there.query!r}, the request's is {here.query!r}")
    mine, theirs = _parsed(body), _parsed(recording.body)
    if isinstance(mine, bytes) or isinstance(theirs, bytes):
        return Difference("their bodies differ")
    try:
        found = _first_difference(theirs, mine, "")
    except RecursionError:
        return Difference("their bodies differ")
    if found is None:
        return Difference("its recorded body is the same")
    path, was, got = found
    return Difference(
        f"at {path or 'the top'} it has {_shown(was)}, the request has {_shown(got)}", path or None
    )


def _endpoint(path: str) -> str:
    at = path.rfind("/v1/")
    return path if at < 0 else path[at:]


def _query(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True)))


_ABSENT = object()


def _parsed(body: bytes) -> Any:
    """The body as JSON; the bytes themselves when it is none."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return body


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _canonical(body: bytes) -> bytes:
    value = _parsed(body)
    if isinstance(value, bytes):
        return value
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    except RecursionError:
        return body
    return text.encode()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    stack = [(path, value)]
    while stack:
        where, item = stack.pop()
        if isinstance(item, dict) and item:
            stack += ((f"{where}.{key}" if where else key, item[key]) for key in item)
        elif isinstance(item, list) and item:
            stack += ((f"{where}[{index}]", part) for index, part in enumerate(item))
        else:
            yield where, repr(item)


def _first_difference(was: Any, got: Any, path: str) -> tuple[str, Any, Any] | None:
    if isinstance(was, dict) and isinstance(got, dict):
        for key in [*was, *(key for key in got if key not in was)]:
            where = f"{path}.{key}" if path else str(key)
            found = _first_difference(was.get(key, _ABSENT), got.get(key, _ABSENT), where)
            if found is not None:
                return found
        return None
    if isinstance(was, list) and isinstance(got, list):
        for index in range(max(len(was), len(got))):
            found = _first_difference(
                was[index] if index < len(was) else _ABSENT,
                got[index] if index < len(got) else _ABSENT,
                f"{path}[{index}]",
            )
            if found is not None:
                return found
        return None
    same = was is got or (type(was) is type(got) and was == got)
    return None if same else (path, was, got)


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else shorten(text, 80)
