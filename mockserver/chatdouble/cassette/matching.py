"""What two requests must share to be the same one, as users declare it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

from chatdouble.errors import ChatdoubleError, ScriptError
from chatdouble.match.fields import check_path

Ignored: TypeAlias = Literal["call_ids", "dates", "stream", "tool_order", "uuids"]
IGNORED: tuple[Ignored, ...] = get_args(Ignored)

# vcrpy's names. The client's base URL is that of the server, whatever was recorded, so scheme, host
# and port hold for all requests, and of a uri the path and the query count.
MATCH_ON: dict[str, tuple[str, ...]] = {
    "method": ("method",),
    "scheme": (),
    "host": (),
    "port": (),
    "path": ("path",),
    "query": ("query",),
    "uri": ("path", "query"),
    "body": ("body",),
    "raw_body": ("raw_body",),
    "headers": ("headers",),
}


class Matching(Struct, frozen=True, kw_only=True):
    """Which recording answers a request.

    Attributes:
        match_on: what must be equal, by vcrpy's names: ``method``, ``path`` (from its last
            ``/v1/`` on), ``query``, ``body`` (what the JSON means), ``raw_body`` (its bytes),
            ``headers`` (those that were recorded, but for keys and what describes the connection
            or the client), ``uri`` (path and query). ``scheme``, ``host`` and ``port`` are
            understood and hold always: requests come to chatdouble, whoever was recorded.
        ignore: what of the body does not count: ``call_ids`` (ids of tool calls are numbered in the
            order in which they appear), ``dates`` (and times) and ``uuids`` in texts,
            ``tool_order``, ``stream`` (recordings of both ways of sending answer in one order).
        ignore_fields: paths of fields that do not count, for example ``metadata.run_id`` or
            ``messages[*].name``.
        ignore_texts: regular expressions; what they find in texts is taken as equal.
        transform: a function that is given the body's JSON and returns what is compared instead.

    Raises:
        ChatdoubleError: a name is unknown, a path or an expression is none.
    """

    match_on: tuple[str, ...] = ("method", "path", "query", "body")
    ignore: tuple[Ignored, ...] = ()
    ignore_fields: tuple[str, ...] = ()
    ignore_texts: tuple[str, ...] = ()
    transform: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        for field in ("match_on", "ignore", "ignore_fields", "ignore_texts"):
            given = getattr(self, field)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise ChatdoubleError(f"{field} is a list of names, got {given!r}")
        for name in self.match_on:
            if name not in MATCH_ON:
                raise ChatdoubleError(_unknown("match_on", name, MATCH_ON))
        for name in self.ignore:
            if name not in IGNORED:
                raise ChatdoubleError(_unknown("ignore", name, IGNORED))
        for path in self.ignore_fields:
            try:
                check_path(path)
            except (ScriptError, TypeError) as error:
                raise ChatdoubleError(f"ignore_fields: {error}") from None
        for pattern in self.ignore_texts:
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError, TypeError) as error:
                problem = f"ignore_texts: {pattern!r} is not a regular expression: {error}"
                raise ChatdoubleError(problem) from None
        if self.transform is not None and not callable(self.transform):
            raise ChatdoubleError(f"transform is a function of the body, got {self.transform!r}")

    @property
    def parts(self) -> frozenset[str]:
        """What must be equal: of ``method``, ``path``, ``query``, ``body``, ``raw_body``,
        ``headers``.
        """
        return frozenset(part for name in self.match_on for part in MATCH_ON[name])


def _unknown(field: str, name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), known, 1, 0.5)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"{field} knows {', '.join(known)}, not {name!r}{meant}"
