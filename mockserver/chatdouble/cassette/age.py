"""How old recordings are, and which are stale."""

from __future__ import annotations

from collections.abc import Iterable

from chatdouble.cassette.families.moments import moment
from chatdouble.cassette.take import Take

_DAY = 24 * 60 * 60


def recorded_at(take: Take) -> int | None:
    """When a take was recorded, in seconds since 1970: as noted, else as its response is dated.

    None if neither is known.
    """
    if take.recorded:
        return take.recorded
    dates = (value for name, value in take.headers if name.lower() == "date")
    return moment(next(dates, None)) or None


def days(take: Take, now: int) -> int | None:
    """How many whole days ago it was recorded; 0 for a time to come, None if that is not known."""
    then = recorded_at(take)
    return None if then is None else max(now - then, 0) // _DAY


def stale(takes: Iterable[Take], older_than_days: int, now: int) -> tuple[int, ...]:
    """The numbers, counted from 1, of the takes that are older than so many days.

    Args:
        takes: a cassette's interactions, in order.
        older_than_days: the age in whole days that is not stale yet.
        now: the present time, in seconds since 1970.
    """
    ages = ((number, days(take, now)) for number, take in enumerate(takes, 1))
    return tuple(number for number, age in ages if age is not None and age > older_than_days)
