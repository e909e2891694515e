"""Paces by name, and paces as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from chatdouble.errors import ScriptError
from chatdouble.schedule.figures import LogNormal, figure_of
from chatdouble.schedule.pace import Pace

HEADER = b"x-chatdouble-pace"

# how a pace may be written: a profile's name or a text such as "ttft=300ms", or a mapping
Timing: TypeAlias = "Pace | str | Mapping[str, Any] | None"

# Medians of recorded answers' openai-processing-ms of 2024 to 2026: of streams the time itself; of
# bodies a line over their completion tokens (Theil-Sen). docs/time.md says how many recordings
# stand behind each, what published measurements say beside them, and what is an assumption.
PROFILES: dict[str, Pace] = {
    "fast": Pace(first=LogNormal(0.23, 0.43), each=0.0102, jitter=0.2),
    "typical": Pace(first=LogNormal(0.29, 0.72), each=0.018, jitter=0.2),
    "slow": Pace(first=LogNormal(0.42, 0.41), each=0.042, jitter=0.2),
    "reasoning": Pace(headers=0.6, first=LogNormal(2.4, 1.0), each=0.0092, jitter=0.2),
}

# what a text calls the fields of a pace
_NAMES = {"ttft": "first", "tpot": "each"}


def pace_of(said: Timing) -> Pace | None:
    """Read a pace.

    Args:
        said: a Pace; the name of a profile; a text such as ``ttft=300ms, tpot=20ms, jitter=0.2``;
            a mapping of a Pace's fields; None for none.

    Raises:
        ScriptError: there is no such profile or field, or a figure is out of range.
    """
    if said is None or isinstance(said, Pace):
        return said
    if isinstance(said, str):
        name = said.strip()
        return PROFILES[name] if name in PROFILES else Pace(**_fields(name))
    if isinstance(said, Mapping):
        for field in said:
            _check(str(field))
        return Pace(**{str(field): value for field, value in said.items()})
    raise ScriptError(
        f"pace is a Pace(first=..., each=...), a mapping of these, or a text, got {said!r}; "
        f"{_known()}"
    )


def asked(headers: Iterable[tuple[bytes, bytes]]) -> Pace | None:
    """The pace that a request's headers ask for, None if they ask for none.

    Raises:
        ScriptError: it cannot be read.
    """
    for name, value in headers:
        if name == HEADER:
            return pace_of(value.decode("latin-1"))
    return None


def written(pace: Pace) -> str | dict[str, Any]:
    """The pace as a script says it: by its name, or its fields."""
    return next((name for name, one in PROFILES.items() if one == pace), None) or pace.data()


def _fields(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        field = _NAMES.get(name.strip(), name.strip())
        if not equals:
            raise ScriptError(f"there is no pace {text[:80]!r}; {_known()}")
        _check(field)
        if field in fields:
            raise ScriptError(f"{name.strip()} is said twice in {text[:80]!r}")
        fields[field] = _share(value) if field == "jitter" else figure_of(name.strip(), value)
    return fields


def _share(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.strip()[:80]


def _check(field: str) -> None:
    if field not in Pace.__struct_fields__:
        raise ScriptError(f"a pace has no {field[:80]!r}; {_known()}")


def _known() -> str:
    return (
        f"known are the profiles {', '.join(PROFILES)}, and the figures first (or ttft), each (or "
        "tpot), jitter, total, headers, as in 'ttft=300ms, tpot=20ms'"
    )
