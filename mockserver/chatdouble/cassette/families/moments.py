"""Times and durations as the recorders write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|us|µs|ns|s)")
# the last second of the year 9999
_LATEST = 253_402_300_799
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def moment(written: Any) -> int:
    """Seconds since 1970 of a time in ISO 8601 or as HTTP writes it; 0 if it is none."""
    if not isinstance(written, str) or len(written) > 100:
        return 0
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(written)
            if found.tzinfo is None:
                found = found.replace(tzinfo=UTC)
            return sound(int(found.timestamp()))
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return 0


def sound(seconds: int | None) -> int:
    """Seconds since 1970 that can be written as a time; 0 for others, as where there is none."""
    return seconds if seconds is not None and 0 < seconds <= _LATEST else 0


def iso(seconds: int) -> str:
    """A time in ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def http(seconds: int) -> str:
    """A time as HTTP writes it."""
    return formatdate(seconds, usegmt=True)


def duration(written: Any) -> float:
    """Seconds of a duration as Go writes it (``1.5s``, ``20ms``), or in nanoseconds; else 0."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        return max(float(written) * 1e-9, 0.0)
    if not isinstance(written, str) or len(written) > 100:
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(written))


def go(seconds: float) -> str:
    """A duration as Go writes it."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
