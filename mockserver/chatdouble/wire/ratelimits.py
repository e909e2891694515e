"""What the API says of its rate limits in the headers of each answer.

The figures are those of one organisation's recordings of 2026-03; nothing counts them down.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from chatdouble.wire.response import Header


class Cost(Struct, frozen=True, gc=False):
    """What a request counts against the limits of its model.

    Attributes:
        model: the model's name as it was sent.
        tokens: how many tokens the API takes it for; an estimate, not the counted ones.
        images: how many images it holds.
    """

    model: str
    tokens: int
    images: int = 0


class _Limits(NamedTuple):
    """How many requests and tokens a model takes in a minute."""

    requests: int
    tokens: int


_LIMITS = {
    "gpt-3.5-turbo": _Limits(10_000, 50_000_000),
    "gpt-4": _Limits(10_000, 1_000_000),
    "gpt-4.1-nano": _Limits(30_000, 150_000_000),
    "gpt-4o": _Limits(10_000, 30_000_000),
    "gpt-4o-mini": _Limits(30_000, 150_000_000),
    "gpt-5": _Limits(15_000, 40_000_000),
    "gpt-5-nano": _Limits(30_000, 180_000_000),
}
_OTHERS = _Limits(10_000, 30_000_000)
_IMAGES = 50_000

_SNAPSHOT = re.compile(r"-(\d{4}|\d{4}-\d\d-\d\d)$")

_MINUTE = 60_000


@lru_cache(maxsize=1024)
def headers(cost: Cost) -> tuple[Header, ...]:
    """The headers for a request of this cost that meets limits which nothing has used up yet."""
    limits = _LIMITS.get(_SNAPSHOT.sub("", cost.model), _OTHERS)
    kinds = [("requests", limits.requests, 1), ("tokens", limits.tokens, cost.tokens)]
    if cost.images:
        kinds.insert(0, ("input-images", _IMAGES, cost.images))
    left = [(kind, limit, max(limit - used, 0)) for kind, limit, used in kinds]
    return (
        *(_header("limit", kind, str(limit)) for kind, limit, _ in left),
        *(_header("remaining", kind, str(rest)) for kind, _, rest in left),
        *(
            _header("reset", kind, _duration((limit - rest) * _MINUTE // limit))
            for kind, limit, rest in left
        ),
    )


def _header(what: str, kind: str, value: str) -> Header:
    return (f"x-ratelimit-{what}-{kind}".encode(), value.encode())


def _duration(milliseconds: int) -> str:
    """The time as Go writes durations: ``0s``, ``6ms``, ``1.5s``, ``1m0s``."""
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, _MINUTE)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
