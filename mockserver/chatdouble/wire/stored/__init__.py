"""Stored chat completions: ``/v1/chat/completions`` with GET, ``/{id}`` and ``/{id}/messages``.

Source of what is told: recordings of 2025-09 and 2025-10. The published document differs: it says
that lists of completions are ascending by default, wants a ``refusal`` in every message, ids in an
empty list, and ``assistant`` as the role of every message. Not seen in any recording: refusals of
``limit``, ``order`` and ``after``, and what becomes of tool calls and refusals.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct

from chatdouble.answers import ApiError, Reply
from chatdouble.calls import Call
from chatdouble.settings import Settings
from chatdouble.wire.chat import refusals
from chatdouble.wire.chat.options import Metadata
from chatdouble.wire.response import Response, Stamp

_PATH = "/v1/chat/completions"
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_FILTER = re.compile(r"metadata\[(.*)\]", re.DOTALL)


class Page(Struct, frozen=True):
    """Which part of a list is asked for.

    Attributes:
        limit: how many items at most.
        order: by time; None means newest first for completions, oldest first for messages.
        after: the id of the item before the first one that is wanted; None begins at the start.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] | None = None
    after: str | None = None


class Listing(Struct, frozen=True):
    """The stored completions are asked for, those of a model, those with all these metadata."""

    page: Page
    model: str | None
    metadata: dict[str, str]


class Retrieval(Struct, frozen=True):
    """One stored completion is asked for."""

    id: str


class Update(Struct, frozen=True):
    """The metadata of one stored completion are to be replaced."""

    id: str
    metadata: dict[str, str]


class Deletion(Struct, frozen=True):
    """One stored completion is to be forgotten."""

    id: str


class Messages(Struct, frozen=True):
    """The messages of one stored completion's request are asked for."""

    id: str
    page: Page


Asked: TypeAlias = Listing | Retrieval | Update | Deletion | Messages


class _Updating(Struct, forbid_unknown_fields=True):
    metadata: Metadata | None


class StoredCompletions:
    """The dialect of stored completions: it says what is asked of the session's store."""

    name = "chat.completions.stored"
    routes = (
        ("GET", _PATH),
        ("GET", f"{_PATH}/{{id}}"),
        ("POST", f"{_PATH}/{{id}}"),
        ("DELETE", f"{_PATH}/{{id}}"),
        ("GET", f"{_PATH}/{{id}}/messages"),
    )

    def read(self, call: Call, settings: Settings) -> None:
        """Fill in what is asked, or settle the call with the refusal of a broken query or body."""
        found = _asked(call)
        if isinstance(found, ApiError):
            call.settle(found, f"the API refuses it: {found.param or 'the body'}")
        else:
            call.asked = found

    def parse(self, body: bytes) -> None:
        """Never a reply: what is stored is told as documents."""

    def cost(self, call: Call) -> None:
        """Nothing: no model works for it."""

    def tokens(self, call: Call, reply: Reply, *, whole: bool) -> int:
        """None: no model says anything."""
        return 0

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Never asked: what is stored is told as documents."""
        raise NotImplementedError("stored completions are told as documents, not as a reply")


def _asked(call: Call) -> Asked | ApiError:
    id, _, rest = call.path.removeprefix(_PATH).lstrip("/").partition("/")  # noqa: A001
    match call.method:
        case "POST":
            return _update(id, call.body)
        case "DELETE":
            return Deletion(id)
        case _ if id and not rest:
            return Retrieval(id)
    query = dict(parse_qsl(call.query, keep_blank_values=True))
    page = _page(query)
    if isinstance(page, ApiError):
        return page
    if rest:
        return Messages(id, page)
    filters = ((_FILTER.fullmatch(key), value) for key, value in query.items())
    wanted = {key[1]: value for key, value in filters if key}
    return Listing(page, query.get("model"), wanted)


def _page(query: dict[str, str]) -> Page | ApiError:
    values: dict[str, Any] = {key: query[key] for key in ("order", "after") if key in query}
    if "limit" in query:
        limit = query["limit"]
        values["limit"] = int(limit) if _INTEGER.fullmatch(limit) else limit
    try:
        return msgspec.convert(values, Page)
    except msgspec.ValidationError:
        return refusals.refused_value(values, Page)


def _update(id: str, body: bytes) -> Update | ApiError:  # noqa: A002 - what it is
    value = refusals.json_object(body)
    if isinstance(value, ApiError):
        return value
    try:
        return Update(id, msgspec.convert(value, _Updating).metadata or {})
    except msgspec.ValidationError:
        return refusals.refused_value(value, _Updating)
