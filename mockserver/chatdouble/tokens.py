"""Token boundaries and counts.

An estimate so far: words are cut where byte-pair vocabularies usually cut them, into pieces of at
most eight characters with their leading space. Boundaries and counts always agree with each other.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PIECE = re.compile(r" ?[^\W\d_]{1,8}|\d{1,3}|\s+(?!\S)|[^\S ]| ?[^\w\s]{1,3}|.", re.DOTALL)


def pieces(text: str) -> list[str]:
    """Cut the text into its tokens; joined they are the text again."""
    return _PIECE.findall(text)


@lru_cache(maxsize=4096)
def count(text: str) -> int:
    """How many tokens the text has. Repeated texts (system prompts, tools) are counted once."""
    return len(pieces(text))
