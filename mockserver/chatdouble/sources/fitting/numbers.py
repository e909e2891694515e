"""Numbers between bounds, exactly: 0.1 is a tenth here, as it was written."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from chatdouble.sources.fitting import parts as said

# how far a number goes from its bound, or from nought if it has none
_REACH = 100
_WIDE = 1_000_000
_MOST_TRIES = 300
_CENT = Fraction(1, 100)


def fits(value: float, part: said.Part) -> bool:
    """Whether a number fits what the part says of numbers."""
    worth = said.exact(value)
    if worth is None:
        return False
    for key, exclusive, sign in (
        ("minimum", "exclusiveMinimum", 1),
        ("maximum", "exclusiveMaximum", -1),
    ):
        bound = said.exact(part.get(key))
        if bound is not None:
            room = sign * (worth - bound)
            # draft 4 says true where later ones give the bound itself
            if room < 0 or (room == 0 and part.get(exclusive) is True):
                return False
        bound = said.exact(part.get(exclusive))
        if bound is not None and sign * (worth - bound) <= 0:
            return False
    return _is_multiple(value, part.get("multipleOf"))


def _is_multiple(value: float, of: Any) -> bool:
    """Whether the value is a multiple, both exactly and as validators find with floats.

    19.99 is a multiple of 0.01, but divided as floats it is not: such a value fits not everywhere.
    """
    step, worth = said.exact(of), said.exact(value)
    if step is None or step <= 0 or worth is None:
        return True
    if (worth / step).denominator != 1:
        return False
    try:
        return (value / of).is_integer() if isinstance(of, float) else value % of == 0
    except OverflowError:
        return False


def number(
    parts: said.Parts, *, whole: bool, below: Callable[[int], int], turn: int | None
) -> float | None:
    """A number that fits the parts; None if no number does.

    Args:
        parts: what holds for it.
        whole: whether it has to be an integer.
        below: gives a number from 0 up to but not including its argument.
        turn: which of the possible numbers to make, None for any.
    """
    low = _bound(parts, "minimum", "exclusiveMinimum", max)
    high = _bound(parts, "maximum", "exclusiveMaximum", min)
    step = _step(parts, whole=whole) or _fine(low, high)
    first = None if low is None else -(-low // step)
    if first is not None and first * step == low and _excluded(parts, low, "minimum"):
        first += 1
    last = None if high is None else high // step
    if last is not None and last * step == high and _excluded(parts, high, "maximum"):
        last -= 1
    start, end = _span(first, last, step)
    room = end - start + 1
    if room > 0:
        first = below(room) if turn is None else turn
        for at in range(min(room, _MOST_TRIES)):
            value = _written((start + (first + at) % room) * step)
            if value is not None and all(fits(value, part) for part in parts):
                return value
    # bounds that lie so close that floats between them are rare
    for bound in (low, high):
        value = None if bound is None else _written(bound)
        if value is None or (whole and value % 1):
            continue
        if all(fits(value, part) for part in parts):
            return value
    return None


def _bound(
    parts: said.Parts, key: str, exclusive: str, narrowest: Callable[[list[Fraction]], Fraction]
) -> Fraction | None:
    given = [part.get(one) for part in parts for one in (key, exclusive)]
    found = [bound for one in given if (bound := said.exact(one)) is not None]
    return narrowest(found) if found else None


def _step(parts: said.Parts, *, whole: bool) -> Fraction | None:
    """What the number has to be a multiple of, None if of nothing."""
    found = Fraction(1) if whole else None
    for part in parts:
        step = said.exact(part.get("multipleOf"))
        if step is not None and step > 0:
            found = step if found is None else _multiple(found, step)
    return found


def _multiple(one: Fraction, other: Fraction) -> Fraction:
    """The least common multiple."""
    return Fraction(
        math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator)
    )


def _fine(low: Fraction | None, high: Fraction | None) -> Fraction:
    """Hundredths, or finer where the bounds lie closer than one."""
    if low is None or high is None or high - low >= 1 or high <= low:
        return _CENT
    return Fraction(1, 10 ** (len(str(int(1 / (high - low)))) + 2))


def _excluded(parts: said.Parts, bound: Fraction | None, key: str) -> bool:
    exclusive = f"exclusiveM{key[1:]}"
    return any(
        said.exact(part.get(exclusive)) == bound
        or (part.get(exclusive) is True and said.exact(part.get(key)) == bound)
        for part in parts
    )


def _span(first: int | None, last: int | None, step: Fraction) -> tuple[int, int]:
    """The first and the last multiple of the step to choose from, of those that there are."""
    one, reach = -(-1 // step), max(_REACH, int(_REACH / step))
    if first is not None and last is not None:
        if last - first <= _WIDE:
            return first, last
        usual = first <= one and one + reach <= last
        return (one, one + reach) if usual else (first, first + reach)
    if first is not None:
        return first, first + reach
    if last is not None:
        return (one, min(last, one + reach)) if one <= last else (last - reach, last)
    return one, one + reach


def _written(value: Fraction) -> float | None:
    if value.denominator == 1:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return None
