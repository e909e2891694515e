"""How likely each token of a reply was: as a script or a recording says, or made up.

What is made up is plausible and the same on every machine: the probabilities at one place add up to
less than 1, the chosen token is the likeliest, and only sums and correctly rounded logarithms are
used.
"""

from __future__ import annotations

import hashlib
import re
import struct
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Literal

from chatdouble.answers import Reply, TokenLogprob
from chatdouble.wire.chat.deltas import Cut
from chatdouble.wire.chat.models import is_old

# tokens that stand beside the chosen one, all of them common in English
_WORDS = (
    "the a and of to in is that for it on with as be this are by an at not from or you have can "
    "will was your more if"
)
_LIKELY = (",", ".", "\n", ":", *(f" {word}" for word in _WORDS.split()))

# probabilities are chosen from this many; the last bytes of a logarithm would be lost anyway
_LEVELS = 256
_LEAST = Decimal("0.38")
_LN_2 = 0.6931471805599453

_NUMBER = re.compile(r'("logprob": ?)"\\u0000number ([^"\\]*)\\u0000"')


def logprobs_of(reply: Reply, model: str, top: int, cut: Cut) -> tuple[TokenLogprob, ...]:
    """The logprobs of what the reply says: the ones that it has, else made up.

    Args:
        reply: what one choice says.
        model: the model, whose family decides in which form numbers are printed.
        top: how many of the likeliest tokens stand beside each.
        cut: cuts a text into tokens.
    """
    if reply.logprobs is not None:
        return reply.logprobs
    return _made_up(tuple(cut(text_of(reply))), top, is_old(model))


def key_of(reply: Reply) -> Literal["content", "refusal"]:
    """Which of the reply's texts has logprobs."""
    return "content" if reply.refusal is None else "refusal"


def text_of(reply: Reply) -> str:
    """The text that has logprobs."""
    return (reply.content if reply.refusal is None else reply.refusal) or ""


def entry(one: TokenLogprob) -> dict[str, Any]:
    """A token with its logprob and the likeliest tokens, as the API writes them."""
    return _plain(one) | {"top_logprobs": [_plain(other) for other in one.top]}


def written(text: str) -> str:
    """Rendered JSON with the numbers in the API's form, for which it holds texts so far."""
    return _NUMBER.sub(r"\1\2", text) if r"\u0000number " in text else text


def _plain(one: TokenLogprob) -> dict[str, Any]:
    number = f"\0number {_printed(one.logprob)}\0"
    listed = None if one.bytes is None else list(one.bytes)
    return {"token": one.token, "logprob": number, "bytes": listed}


def _printed(value: float) -> str:
    """The number as the API prints it: plain down to 0.00001, then with a bare exponent.

    Source: recordings of gpt-3.5-turbo, 2025-08.
    """
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if not any(digits):
        return "0"
    if len(digits) + int(exponent) > -5:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    first, rest = digits[0], "".join(map(str, digits[1:]))
    point = f".{rest}" if rest else ""
    return f"{'-' * sign}{first}{point}e{len(digits) - 1 + int(exponent)}"


@lru_cache(maxsize=64)
def _made_up(tokens: tuple[str, ...], top: int, short: bool) -> tuple[TokenLogprob, ...]:
    said = "\0".join(tokens).encode("utf-8", "replace")
    chance = hashlib.shake_128(said).digest(4 * len(tokens))
    return tuple(
        _token(token, chance[4 * at : 4 * at + 4], top, short) for at, token in enumerate(tokens)
    )


def _token(token: str, chance: bytes, top: int, short: bool) -> TokenLogprob:
    # most tokens are nearly certain: the level is squared
    own, rest = _levels()[chance[0] * chance[1] // 255]
    chosen = _likely(token, own, short)
    start = chance[2] % len(_LIKELY)
    beside = [one for one in _LIKELY[start:] + _LIKELY[:start] if one != token][: max(top - 1, 0)]
    jitter = chance[3] / 1024
    others = (
        _likely(one, rest - at * _LN_2 - jitter, short) for at, one in enumerate(beside, start=1)
    )
    likeliest = (chosen, *others) if top else ()
    return TokenLogprob(chosen.token, chosen.logprob, chosen.bytes, likeliest)


def _likely(token: str, logprob: float, short: bool) -> TokenLogprob:
    raw = token.encode("utf-8", "replace")
    return TokenLogprob(token, _as_float32(logprob, short), tuple(raw))


@lru_cache(maxsize=1)
def _levels() -> tuple[tuple[float, float], ...]:
    """The logarithms of a token's probability and of what is left, by its level."""
    exact = Context(prec=20)
    levels: list[tuple[float, float]] = []
    for level in range(_LEVELS):
        left = (1 - _LEAST) * (Decimal(level + 1) / _LEVELS) ** 3
        levels.append((float(exact.ln(1 - left)), float(exact.ln(left))))
    return tuple(levels)


def _as_float32(value: float, short: bool) -> float:
    """The nearest number of 32 bits: in its shortest form for the models before gpt-4o, which
    print it so, else in all its digits.
    """
    (near,) = struct.unpack("<f", struct.pack("<f", value))
    if short:
        for digits in range(6, 10):
            shorter = float(f"{near:.{digits}g}")
            if struct.unpack("<f", struct.pack("<f", shorter))[0] == near:
                return shorter
    return float(near)
