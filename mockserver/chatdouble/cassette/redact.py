"""What of an exchange may be written: the one way from a take to a file."""

from __future__ import annotations

import re

from msgspec import Struct

from chatdouble.cassette.take import Headers, Take

_KEPT = frozenset(
    {
        "accept",
        "content-language",
        "content-type",
        "date",
        "openai-beta",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "retry-after",
        "retry-after-ms",
        "user-agent",
        "x-request-id",
        "x-should-retry",
    }
)
_KEPT_PREFIXES = ("x-ratelimit-", "x-stainless-")


_PLACEHOLDER = re.compile(rb"<([a-z]+(?:-[a-z]+)*)-([0-9]{1,9})>")


class Placeholders:
    """What stands for the secrets of one cassette: the same for the same secret, by kind.

    The numbers continue behind those that the cassette holds.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._highest: dict[str, int] = {}

    def pass_over(self, data: bytes) -> None:
        """Give out no placeholder that these bytes of a cassette hold."""
        for kind, number in _PLACEHOLDER.findall(data):
            name = kind.decode()
            self._highest[name] = max(self._highest.get(name, 0), int(number))

    def get(self, kind: str, secret: str) -> str:
        """The placeholder of a secret, for example ``<api-key-1>``."""
        given = self._given.get((kind, secret))
        if given is None:
            number = self._highest[kind] = self._highest.get(kind, 0) + 1
            given = self._given[kind, secret] = f"<{kind}-{number}>"
        return given


class Redacted(Struct, frozen=True, kw_only=True):
    """A take with nothing secret in it; only :func:`redact` makes one.

    The attributes are those of :class:`~chatdouble.cassette.take.Take`.
    """

    method: str
    uri: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    headers: Headers
    pieces: tuple[tuple[float, bytes], ...]
    cut: bool
    recorded: int


def redact(take: Take, placeholders: Placeholders) -> Redacted:
    """What may be written of a take."""
    return Redacted(
        method=take.method,
        uri=take.uri,
        request_headers=_kept(take.request_headers),
        request_body=take.request_body,
        status=take.status,
        reason=take.reason,
        headers=_kept(take.headers),
        pieces=take.pieces,
        cut=take.cut,
        recorded=take.recorded,
    )


def _kept(headers: Headers) -> Headers:
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() in _KEPT or name.lower().startswith(_KEPT_PREFIXES)
    )
