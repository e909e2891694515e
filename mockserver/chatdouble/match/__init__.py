"""What a rule looks at: conditions over a Call that can say, in words, why they do not hold."""

from __future__ import annotations

from chatdouble.match.matchers import (
    Matcher,
    above,
    at_least,
    at_most,
    below,
    contains,
    equals,
    fits,
    glob,
    like,
    one_of,
    regex,
)
from chatdouble.match.values import shorten
from chatdouble.match.when import Asked, AskedResult, When, when

__all__ = [
    "Asked",
    "AskedResult",
    "Matcher",
    "When",
    "above",
    "at_least",
    "at_most",
    "below",
    "contains",
    "equals",
    "fits",
    "glob",
    "like",
    "one_of",
    "regex",
    "shorten",
    "when",
]
