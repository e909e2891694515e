"""How a request differs from the nearest recording, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from chatdouble.cassette.format import Interaction
from chatdouble.cassette.match import DEFAULT, Request, compared
from chatdouble.cassette.matching import Matching

# larger bodies are not laid out
_LARGEST = 1_000_000
# how many lines in a row are compared with each other, and how many are shown
_MOST_COMPARED = 150
_MOST_LINES = 24
_CONTEXT = 2
# letters of a line, and of those how many in front of the place where it differs
_WIDTH = 160
_BEFORE = 50


def diff(request: Request, recording: Interaction, matching: Matching = DEFAULT) -> tuple[str, ...]:
    """The unified diff from the recorded body to the request's, both as they are compared.

    Long texts are shortened around the first place where they differ. There are no lines when a
    body is no JSON or very large, or when both are the same.

    Raises:
        ChatdoubleError: the user's function fails.
    """
    theirs = Request.of(recording)
    if max(len(request.body), len(theirs.body)) > _LARGEST:
        return ()
    was, got = compared(theirs, matching), compared(request, matching)
    if isinstance(was, bytes) or isinstance(got, bytes) or was == got:
        return ()
    try:
        lines = list(_lines(_laid_out(was), _laid_out(got)))
    except RecursionError:
        return ()
    more = len(lines) - _MOST_LINES
    shown = lines[:_MOST_LINES] + ([f"... {more} more lines"] if more > 0 else [])
    return (f"--- {recording.origin}", "+++ this request", *shown)


def _laid_out(value: Any) -> list[str]:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True).splitlines()


def _lines(was: list[str], got: list[str]) -> Iterator[str]:
    """The lines of the diff behind its head."""
    same = _shared(was, got)
    # the ends are alike, too, most of the time; what is between them is compared line by line
    end = _shared(was[same:][::-1], got[same:][::-1])
    start = max(same - _CONTEXT, 0)
    left = was[start : len(was) - end + _CONTEXT][:_MOST_COMPARED]
    right = got[start : len(got) - end + _CONTEXT][:_MOST_COMPARED]
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        (_, old, _, new, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield (f"@@ -{start + old + 1},{old_end - old} +{start + new + 1},{new_end - new} @@")
        for kind, first, last, begin, until in group:
            if kind == "equal":
                yield from (f" {_cut(line)}" for line in left[first:last])
                continue
            removed, added = left[first:last], right[begin:until]
            yield from _side("-", removed, added)
            yield from _side("+", added, removed)


def _side(sign: str, lines: list[str], others: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        other = others[number] if number < len(others) else ""
        yield sign + _cut(line, _shared(line, other))


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the first lines, or letters, are alike."""
    pairs = zip(one, other, strict=False)
    return next(
        (number for number, (left, right) in enumerate(pairs) if left != right),
        min(len(one), len(other)),
    )


def _cut(line: str, at: int = 0) -> str:
    """The line, or the part of it around this place."""
    if len(line) <= _WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    begin = max(at - _BEFORE, 0)
    if begin <= len(indent):
        return f"{line[:_WIDTH]}..."
    end = begin + _WIDTH
    return f"{indent}...{line[begin:end]}{'...' if end < len(line) else ''}"
