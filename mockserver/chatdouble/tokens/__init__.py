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

# what counting may cost: 3 for each word, 5 for each byte of those that are no token themselves
_MOST_WORK = 4_000_000


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
    """How many tokens the text has; as ``Counter``, with as much work as for one request."""
    return Counter(name)(text)


class Counter:
    """Counts the texts of one request, exactly unless that would take about a second or more.

    English of 5 MB is; of one word of a million random letters, the first 800,000 are. The rest of
    a text is taken to be like its beginning, and further texts to have a token every four bytes.
    The same texts in the same order always give the same counts.

    Args:
        name: the encoding.
    """

    def __init__(self, name: EncodingName = "o200k_base") -> None:
        self._name = name
        self._left = _MOST_WORK

    def __call__(self, text: str) -> int:
        """How many tokens the text has."""
        if not text:
            return 0
        if len(text) <= _LONGEST_KEPT and self._left > 0:
            found, work = _measured(text, self._name)
        elif self._left > 0:
            found, work = _measured_long(text, self._name, self._left)
        else:
            from chatdouble.tokens.bpe import estimate

            return estimate(text)
        self._left -= work
        return found


@lru_cache(maxsize=8)
def _measured_long(text: str, name: EncodingName, most: int) -> tuple[int, int]:
    # a long text is counted more than once for one request
    return encoding(name).measure(text, most)


@lru_cache(maxsize=4096)
def _measured(text: str, name: EncodingName) -> tuple[int, int]:
    return encoding(name).measure(text, _MOST_WORK)


def pieces(text: str, name: EncodingName = "o200k_base") -> list[str]:
    """Cut the text into its tokens; joined they are the text again.

    Tokens that are only a part of a character stay together with the rest of it, so a list may be
    shorter than the count.
    """
    return list(_whole_characters(encoding(name).tokens(text)))


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
