"""Where in a large text a secret may stand: fast, and never wrong about where none does.

What is looked for here is what a secret cannot do without, however many layers of escapes, percent
signs or base64 it is written in: all of these write letters and digits as runs of the same few
characters, or leave them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from chatdouble.cassette.redact.names import STEMS
from chatdouble.cassette.redact.views import View

# a shorter text is searched whole
_SHORT = 4000

# what keys and tokens are made of, plain or encoded: no shape has a shorter run, nor has base64
# that is looked into
_RUN = b"x" * 13
_IN_RUNS = bytes(
    120 if (chr(code).isalnum() and code < 128) or chr(code) in "_-.+/=%," else 32
    for code in range(256)
)
# as far around a run, a name or a mark as its secret, and what tells it, may reach
_AROUND_RUN = (100, 100)
_AROUND_NAME = (600, 20_000)
_AROUND_MARK = (600, 1000)
_AROUND_KEY = (100, 20_000)
_AROUND_ESCAPE = (4000, 4000)

# what tells a secret that needs no such run
_MARKS = tuple(map(re.compile, ("://", "bearer ", "basic ")))
_KEYS = re.compile("-----begin ")
# letters, digits and slashes that are written as escapes
_ESCAPES = tuple(map(re.compile, (r"\\u00[2-7]", r"%[2-7][0-9a-f]", r"\\/")))
_PLAIN = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_FEWEST_PLAIN = 4


# what may stand between a name and its value: quotes and spaces, also as escapes
_BETWEEN = r"(?:[\s\"'\\]|(?<=\\)[nrt]){0,44}"


def _roots() -> Iterator[re.Pattern[str]]:
    """What finds the names that secrets stand under, where a value follows."""
    stems = sorted({stem.lower() for stem in STEMS})
    for root in stems:
        if any(root != other and root.startswith(other) for other in stems):
            continue
        ends = "|".join(stem[len(root) :] for stem in reversed(stems) if stem.startswith(root))
        yield re.compile(rf"{root}(?:{ends}){_BETWEEN}[:=%]", re.ASCII)


_NAMES = tuple(_roots())


def narrowed(view: View, known: Iterable[str] = ()) -> View:
    """The text without what can hold no secret, nor one of those that are known.

    Args:
        view: the text.
        known: the ways in which known secrets may be written.
    """
    if len(view.text) < _SHORT:
        return view
    known = tuple(known)
    plain = [max(_PLAIN.findall(form), key=len, default="") for form in known]
    if any(len(one) < _FEWEST_PLAIN for one in plain):
        return view
    lowered = view.text.lower()
    spans = list(_runs(view.text))
    for pattern in _NAMES:
        spans += _around(pattern, lowered, *_AROUND_NAME)
    for pattern in _MARKS:
        spans += _around(pattern, lowered, *_AROUND_MARK)
    for pattern in _ESCAPES:
        spans += _around(pattern, lowered, *_AROUND_ESCAPE)
    spans += _around(_KEYS, lowered, *_AROUND_KEY)
    longest = max(map(len, known), default=0)
    for one in dict.fromkeys(plain):
        reach = 16 * longest + 1000
        spans += _around(re.compile(one), view.text, reach, reach)
    return view.only(spans)


def _around(
    pattern: re.Pattern[str], text: str, before: int, behind: int
) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        yield match.start() - before, match.end() + behind


def _runs(text: str) -> Iterator[tuple[int, int]]:
    marked = text.encode("latin-1").translate(_IN_RUNS)
    at = marked.find(_RUN)
    while at >= 0:
        end = marked.find(b" ", at)
        if end < 0:
            end = len(marked)
        yield at - _AROUND_RUN[0], end + _AROUND_RUN[1]
        at = marked.find(_RUN, end)
