"""What the API says of its rate limits in the headers of each answer.

The figures are those of one organisation's recordings of 2026-03; they stand where no limits are
set that are counted.
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

PREFIX = b"x-ratelimit-"


class Meter(Struct, frozen=True, gc=False):
    """How a limit stands that is counted.

    Attributes:
        limit: how many it takes in a minute.
        left: how many of them are left.
        reset: milliseconds until all of them are there again.
    """

    limit: int
    left: int
    reset: int


def family(model: str) -> str:
    """The model's name without the date of its snapshot: those share their limits."""
    return _SNAPSHOT.sub("", model)


@lru_cache(maxsize=1024)
def headers(cost: Cost) -> tuple[Header, ...]:
    """The headers for a request of this cost that meets limits which nothing has used up yet."""
    return counted(cost, None, None)


def counted(cost: Cost, requests: Meter | None, tokens: Meter | None) -> tuple[Header, ...]:
    """The headers for a request that meets these limits; None is one that nothing has used up."""
    limits = _LIMITS.get(family(cost.model), _OTHERS)
    meters = [
        ("requests", requests or _unused(limits.requests, 1)),
        ("tokens", tokens or _unused(limits.tokens, cost.tokens)),
    ]
    if cost.images:
        meters.insert(0, ("input-images", _unused(_IMAGES, cost.images)))
    return (
        *(_header("limit", kind, str(meter.limit)) for kind, meter in meters),
        *(_header("remaining", kind, str(meter.left)) for kind, meter in meters),
        *(_header("reset", kind, duration(meter.reset)) for kind, meter in meters),
    )


def _unused(limit: int, used: int) -> Meter:
    left = max(limit - used, 0)
    return Meter(limit, left, (limit - left) * _MINUTE // limit)


def _header(what: str, kind: str, value: str) -> Header:
    return (PREFIX + f"{what}-{kind}".encode(), value.encode())


def duration(milliseconds: int) -> str:
    """The time as Go writes durations: ``0s``, ``6ms``, ``1.5s``, ``1m0s``."""
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, _MINUTE)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
