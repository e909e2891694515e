"""JSON values: which are the same, which are alike, and how people read them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same: true is no number, but 2.0 is 2."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def shorten(text: str, limit: int = 120) -> str:
    """The text in quotes, cut when it is longer than the limit."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def shown(value: Any) -> str:
    """A value in words, cut when it is long."""
    return shorten(value) if isinstance(value, str) else cut(repr(value))


def cut(text: str) -> str:
    """The text, cut when it is long."""
    return shorten(text)[1:-1] if len(text) > 120 else text


def alike(value: Any, wanted: Any) -> bool:
    """Whether the value has at least the wanted keys with their values, at any depth."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(
            key in value and alike(value[key], part) for key, part in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(value, list) and len(value) == len(wanted) and all(map(alike, value, wanted))
        )
    return same(value, wanted)


def read(value: Any) -> Any:
    """A text read as JSON, if it is some; any other value as it is."""
    return _parsed(value) if isinstance(value, str) else value


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def is_number(value: Any) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
