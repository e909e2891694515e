"""How a value that nearly fulfils a condition differs from it, line by line."""

from __future__ import annotations

import difflib
import json
from typing import Any

from chatdouble.match.matchers import Contains, Equals, Like, Matcher

# texts are compared up to here
_MOST_LETTERS = 4_000
_MOST_LINES = 20
_MOST_WIDE = 300
# letters by which texts are found to be alike
_FIRST = 400
# how alike texts must be to be called nearly equal
_NEAR = 0.6


def difference(matcher: Matcher, values: tuple[Any, ...]) -> list[str]:
    """The lines of a diff from what is wanted to the nearest value; none if nothing is near."""
    if isinstance(matcher, Contains) and isinstance(matcher.value, str):
        wanted = matcher.value.lower()
        if any(isinstance(value, str) and wanted in value.lower() for value in values):
            return ["only the letter case differs"]
        return []
    if not isinstance(matcher, Equals | Like):
        return []
    wanted = _written(matcher.value, values)
    texts = [_written(value, (matcher.value,)) for value in values]
    alike = [_likeness(wanted, text) for text in texts]
    if not alike or max(alike) < _NEAR:
        return []
    return _diff(wanted, texts[alike.index(max(alike))])


def likeness(matcher: Matcher, values: tuple[Any, ...]) -> float:
    """How near the nearest value comes, from 0 to 1."""
    if not isinstance(matcher, Equals | Like | Contains):
        return 0.0
    if isinstance(matcher, Contains):
        return float(bool(difference(matcher, values)))
    wanted = _written(matcher.value, values)
    return max((_likeness(wanted, _written(v, (matcher.value,))) for v in values), default=0.0)


def _written(value: Any, other: tuple[Any, ...]) -> str:
    """Texts as they are, other values as JSON; a text beside JSON as JSON, if it is some."""
    if isinstance(value, str) and any(isinstance(one, dict | list) for one in other):
        try:
            return _written(json.loads(value), ())
        except (ValueError, RecursionError):
            pass
    if isinstance(value, str):
        return value[:_MOST_LETTERS]
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)[:_MOST_LETTERS]
    except (TypeError, ValueError, RecursionError):
        return repr(value)[:_MOST_LETTERS]


def _likeness(left: str, right: str) -> float:
    """The share of letter pairs that both have."""
    one, other = _pairs(left), _pairs(right)
    return 2 * len(one & other) / max(len(one) + len(other), 1)


def _pairs(text: str) -> set[str]:
    text = f" {text[:_FIRST].lower()} "
    return {text[at : at + 2] for at in range(len(text) - 1)}


def _diff(wanted: str, got: str) -> list[str]:
    lines = list(difflib.unified_diff(wanted.splitlines(), got.splitlines(), n=1, lineterm=""))
    found = [line[:_MOST_WIDE] for line in lines[2:] if not line.startswith("@@")]
    return found[:_MOST_LINES]
