"""Which recording answers a request: the meaning of the request counts, not its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from msgspec import Struct

from chatdouble.cassette.format import Interaction
from chatdouble.cassette.matching import Matching
from chatdouble.cassette.meaning import SENDING, canonical, is_chat, meaning
from chatdouble.match import shorten

Headers: TypeAlias = tuple[tuple[str, str], ...]
Key: TypeAlias = tuple[object, ...]

DEFAULT = Matching()

# headers that describe the connection or the client, or that no cassette should hold
_NOT_COMPARED = frozenset(
    {
        "accept-encoding",
        "api-key",
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "host",
        "proxy-authorization",
        "transfer-encoding",
        "user-agent",
        "x-api-key",
    }
)
_NOT_COMPARED_FAMILY = "x-stainless-"

# how many recordings are compared value by value when a miss is explained, and how many values
_MOST_COMPARED = 50
_MOST_LEAVES = 500

_BOUNDARY = re.compile(r"(?i)\Amultipart/[^;]*;.*\bboundary=\"?([^\s\";]+)")

# the endpoints of hosts whose base URL does not end in /v1, such as Gemini's /v1beta/openai
_BARE_ENDPOINT = re.compile(
    r"/(?:audio|batches|chat/completions|completions|embeddings|files|fine_tuning|images|models|"
    r"moderations|responses|uploads|vector_stores)(?=/|\Z)"
)


class Request(NamedTuple):
    """A request as it is compared with recorded ones.

    Attributes:
        method: the HTTP method.
        path: the path.
        query: the query string.
        body: the body's bytes.
        headers: (name, value) pairs.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Headers = ()

    @classmethod
    def of(cls, one: Interaction) -> Request:
        """The recorded request."""
        return cls(one.method, one.path, one.query, one.body, one.request_headers)


class Keys(NamedTuple):
    """What identifies a request.

    Attributes:
        key: what it asks for.
        sending: in which way the answer is to be sent: streamed or not, and the stream's options.
    """

    key: Key
    sending: tuple[bool, bytes]


class Difference(Struct, frozen=True):
    """The first place where a request differs from a recording.

    Attributes:
        words: what differs, for people.
        param: the JSON path in the request's body, None if something else differs.
    """

    words: str
    param: str | None = None


def keys_of(
    request: Request,
    matching: Matching = DEFAULT,
    *,
    header_names: frozenset[str] = frozenset(),
    stated: bool = False,
) -> Keys:
    """What two requests must share to be the same one.

    Args:
        request: the request.
        matching: what counts.
        header_names: the headers that are compared, if headers are at all.
        stated: whether it counts that a default is stated.

    Raises:
        ChatdoubleError: the user's function fails.
    """
    parts = matching.parts
    key: list[object] = []
    if "method" in parts:
        key.append(request.method.upper())
    if "path" in parts:
        key.append(_endpoint(request.path))
    if "query" in parts:
        key.append(_query(request.query))
    if "headers" in parts:
        key.append(_headers(request.headers, header_names))
    if "raw_body" in parts:
        key.append(blake2b(request.body, digest_size=16).digest())
    value = meaning(_unbounded(request), matching, chat=_is_chat(request), stated=stated)
    sending = (False, b"")
    if isinstance(value, dict) and _is_chat(request):
        streamed, options = (value.pop(field, None) for field in SENDING)
        sending = (streamed is True, canonical(options or {}))
    if "body" in parts:
        try:
            whole = canonical(value)
        except RecursionError:
            whole = request.body
        key.append(blake2b(whole, digest_size=16).digest())
    return Keys(tuple(key), sending)


def header_names(interactions: Iterable[Interaction]) -> frozenset[str]:
    """The headers that were recorded of any request and that can be compared."""
    found = {name.lower() for one in interactions for name, _ in one.request_headers}
    return frozenset(
        name
        for name in found
        if name not in _NOT_COMPARED and not name.startswith(_NOT_COMPARED_FAMILY)
    )


def nearest(
    request: Request, interactions: Iterable[Interaction], matching: Matching = DEFAULT
) -> Interaction:
    """The recording that a request resembles most: its path first, then the most equal values."""
    endpoint = _endpoint(request.path)
    mine = _first_leaves(request, matching)

    def rough(interaction: Interaction) -> tuple[bool, bool, int]:
        return (
            _endpoint(interaction.path) != endpoint,
            interaction.method != request.method,
            abs(len(interaction.body) - len(request.body)),
        )

    def unlike(interaction: Interaction) -> tuple[bool, bool, int, int]:
        theirs = _first_leaves(Request.of(interaction), matching)
        changed = {where for where, _ in mine.items() ^ theirs.items()}
        return (*rough(interaction)[:2], len(changed), len(mine.keys() ^ theirs.keys()))

    return min(nsmallest(_MOST_COMPARED, interactions, key=rough), key=unlike)


def difference(
    request: Request, recording: Interaction, matching: Matching = DEFAULT
) -> Difference:
    """The first difference between a request and a recording of another one."""
    method, path = request.method, request.path
    if method != recording.method or _endpoint(path) != _endpoint(recording.path):
        return Difference(
            f"it is of {recording.method} {recording.path}, the request is {method} {path}"
        )
    if _query(request.query) != _query(recording.query):
        return Difference(f"its query is {recording.query!r}, the request's is {request.query!r}")
    mine, theirs = compared(request, matching), compared(Request.of(recording), matching)
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


def compared(request: Request, matching: Matching = DEFAULT) -> Any:
    """The body of a request as it is compared; bytes if it is no JSON.

    The way of sending is left out, since recordings of both ways answer, unless the bytes must be
    equal.
    """
    value = meaning(request.body, matching, chat=_is_chat(request))
    if isinstance(value, dict) and _is_chat(request) and "raw_body" not in matching.parts:
        return {key: item for key, item in value.items() if key not in SENDING}
    return value


def _unbounded(request: Request) -> bytes:
    """The body; that of an upload without its boundary, which clients make up each time."""
    for name, value in request.headers:
        if name.lower() == "content-type" and (found := _BOUNDARY.search(value)):
            return request.body.replace(found[1].encode("latin-1", "replace"), b"boundary")
    return request.body


def _is_chat(request: Request) -> bool:
    return is_chat(request.method, request.path)


def _endpoint(path: str) -> str:
    at = path.rfind("/v1/")
    if at >= 0:
        return path[at:]
    # Azure's paths name the model, which their bodies leave out
    found = None if "/deployments/" in path else _BARE_ENDPOINT.search(path)
    return path if found is None else f"/v1{path[found.start() :]}"


def _query(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True))) if query else ()


def _headers(headers: Headers, names: frozenset[str]) -> Headers:
    lower = ((name.lower(), value) for name, value in headers)
    return tuple(sorted(pair for pair in lower if pair[0] in names))


def _first_leaves(request: Request, matching: Matching) -> dict[str, str]:
    return dict(islice(_leaves(compared(request, matching)), _MOST_LEAVES))


_ABSENT = object()


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
