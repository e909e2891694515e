"""Exact token counts and token boundaries, offline.

The encodings are those of the API's models: ``o200k_base``, and ``cl100k_base`` for gpt-4 and
gpt-3.5. Their tables are in the package; nothing is ever fetched. Text that looks like a special
token (``<|endoftext|>``) is counted as the plain text it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from chatdouble.tokens.bpe import Encoding

EncodingName: TypeAlias = Literal["o200k_base", "cl100k_base"]

# texts repeat (system prompts, tools): counts are remembered for texts that are not very long
_LONGEST_KEPT = 4_000


_loading = Lock()


def encoding(name: EncodingName = "o200k_base") -> Encoding:
    """The encoding of this name; the first call loads its table, which takes about 0.1 s."""
    with _loading:
        return _encoding(name)


@lru_cache(maxsize=2)
def _encoding(name: EncodingName) -> Encoding:
    from chatdouble.tokens.bpe import load

    return load(name)


def count(text: str, name: EncodingName = "o200k_base") -> int:
    """How many tokens the text has."""
    if len(text) > _LONGEST_KEPT:
        return _count_long(text, name)
    return _count(text, name)


@lru_cache(maxsize=8)
def _count_long(text: str, name: EncodingName) -> int:
    # a long text is counted more than once for one request
    return encoding(name).count(text)


@lru_cache(maxsize=4096)
def _count(text: str, name: EncodingName) -> int:
    return encoding(name).count(text)


def pieces(text: str, name: EncodingName = "o200k_base") -> list[str]:
    """Cut the text into its tokens; joined they are the text again.

    Tokens that are only a part of a character stay together with the rest of it, so a list may be
    shorter than the count.
    """
    return list(_whole_characters(encoding(name).split(text)))


def _whole_characters(tokens: Iterable[bytes]) -> Iterable[str]:
    waiting = b""
    for token in tokens:
        waiting += token
        try:
            whole = waiting.decode()
        except UnicodeDecodeError:
            continue
        yield whole
        waiting = b""
    if waiting:
        yield waiting.decode("utf-8", "replace")
