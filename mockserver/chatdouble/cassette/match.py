"""Which recording answers a request: the meaning of the request counts, not its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from itertools import islice
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from msgspec import Struct

from chatdouble.cassette.format import Interaction
from chatdouble.match import shorten

Key: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], bytes]

# how many recordings are compared value by value when a miss is explained, and how many values
_MOST_COMPARED = 50
_MOST_LEAVES = 500

# the endpoints of hosts whose base URL does not end in /v1, such as Gemini's /v1beta/openai
_BARE_ENDPOINT = re.compile(
    r"/(?:audio|batches|chat/completions|completions|embeddings|files|fine_tuning|images|models|"
    r"moderations|responses|uploads|vector_stores)(?=/|\Z)"
)


class Difference(Struct, frozen=True):
    """The first place where a request differs from a recording.

    Attributes:
        words: what differs, for people.
        param: the JSON path in the request's body, None if something else differs.
    """

    words: str
    param: str | None = None


def key_of(method: str, path: str, query: str, body: bytes, ignoring: tuple[str, ...] = ()) -> Key:
    """What two requests must share to be the same one.

    The method, the path from its last ``/v1/`` on (so that a recording of any host and prefix
    answers), the query with its order ignored, and the body as canonical JSON, without the fields
    that are ignored.
    """
    return (method.upper(), _endpoint(path), _query(query), _canonical(body, ignoring))


def nearest(
    method: str, path: str, body: bytes, interactions: Iterable[Interaction]
) -> Interaction:
    """The recording that a request resembles most: its path first, then the most equal values."""
    endpoint = _endpoint(path)
    mine = _first_leaves(body)

    def rough(interaction: Interaction) -> tuple[bool, bool, int]:
        return (
            _endpoint(interaction.path) != endpoint,
            interaction.method != method,
            abs(len(interaction.body) - len(body)),
        )

    def unlike(interaction: Interaction) -> tuple[bool, bool, int, int]:
        theirs = _first_leaves(interaction.body)
        changed = {where for where, _ in mine.items() ^ theirs.items()}
        return (*rough(interaction)[:2], len(changed), len(mine.keys() ^ theirs.keys()))

    return min(nsmallest(_MOST_COMPARED, interactions, key=rough), key=unlike)


def difference(
    method: str, path: str, query: str, body: bytes, recording: Interaction
) -> Difference:
    """The first difference between a request and a recording of another one."""
    if method != recording.method or _endpoint(path) != _endpoint(recording.path):
        return Difference(
            f"it is of {recording.method} {recording.path}, the request is {method} {path}"
        )
    if _query(query) != _query(recording.query):
        return Difference(f"its query is {recording.query!r}, the request's is {query!r}")
    mine, theirs = _parsed(body), _parsed(recording.body)
    if isinstance(mine, bytes) or isinstance(theirs, bytes):
        return Difference("their bodies differ")
    try:
        found = _first_difference(theirs, mine, "")
        if found is None:
            return Difference("its recorded body is the same")
        path, was, got = found
        words = f"at {path or 'the top'} it has {_shown(was)}, the request has {_shown(got)}"
    except RecursionError:
        return Difference("their bodies differ")
    return Difference(words, path or None)


def _endpoint(path: str) -> str:
    at = path.rfind("/v1/")
    if at >= 0:
        return path[at:]
    found = _BARE_ENDPOINT.search(path)
    return path if found is None else f"/v1{path[found.start() :]}"


def _query(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True)))


def _first_leaves(body: bytes) -> dict[str, str]:
    return dict(islice(_leaves(_parsed(body)), _MOST_LEAVES))


_ABSENT = object()


def _parsed(body: bytes) -> Any:
    """The body as JSON; the bytes themselves when it is none."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return body


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _canonical(body: bytes, ignoring: tuple[str, ...]) -> bytes:
    value = _parsed(body)
    if isinstance(value, bytes):
        return value
    if ignoring and isinstance(value, dict):
        value = {key: item for key, item in value.items() if key not in ignoring}
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
            stack += ((f"{where}.{key}" if where else key, item[key]) for key in reversed(item))
        elif isinstance(item, list) and item:
            places = [(f"{where}[{index}]", part) for index, part in enumerate(item)]
            stack += reversed(places)
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
