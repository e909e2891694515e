"""Figures of time: seconds, texts such as ``300ms``, and distributions of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from msgspec import Struct

from chatdouble.errors import ScriptError

# seconds; what lasts longer is a mistake
LONGEST = 3600.0

# how many measured times a figure holds
MOST_SAMPLES = 1_000

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(us|ms|s|m)?", re.ASCII)
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, None: 1.0}


class Normal(Struct, frozen=True):
    """Seconds around a mean; those below 0 are 0."""

    mean: float
    deviation: float

    def drawn(self, share: float) -> float:
        """The seconds that this share of all draws stays below."""
        return self.mean + self.deviation * _quantile(share)


class LogNormal(Struct, frozen=True):
    """Seconds whose logarithm is normally distributed, as those of networks and queues are."""

    median: float
    sigma: float

    def drawn(self, share: float) -> float:
        """The seconds that this share of all draws stays below."""
        return self.median * math.exp(min(self.sigma * _quantile(share), 50.0))


class Samples(Struct, frozen=True):
    """Seconds that were measured, in rising order; each is as likely as any other."""

    samples: tuple[float, ...]

    def drawn(self, share: float) -> float:
        """The seconds that this share of all draws stays below."""
        return self.samples[min(int(share * len(self.samples)), len(self.samples) - 1)]


Distribution: TypeAlias = Normal | LogNormal | Samples
Figure: TypeAlias = "float | str | Mapping[str, Any] | Distribution"

DISTRIBUTIONS: dict[str, type[Normal] | type[LogNormal]] = {
    "normal": Normal,
    "lognormal": LogNormal,
}
SAMPLES = "samples"


def seconds_of(text: str) -> float | None:
    """The seconds that a text such as ``300ms``, ``1.5s``, ``2m`` or ``0.3`` names, if it does."""
    found = _DURATION.fullmatch(text.strip())
    return None if found is None else float(found[1]) * _UNITS[found[2]]


def figure_of(name: str, said: object) -> float | Distribution:
    """Read a figure.

    Raises:
        ScriptError: it is none, or out of range.
    """
    if isinstance(said, Mapping):
        return _distribution(name, said)
    if isinstance(said, Samples):
        return _samples(name, said.samples)
    if isinstance(said, Normal | LogNormal):
        return type(said)(*(_number(name, one) for one in _parameters(said)))
    return _number(name, said)


def data_of(figure: Figure) -> Any:
    """The figure as a script says it."""
    if isinstance(figure, Samples):
        return {SAMPLES: list(figure.samples)}
    for name, kind in DISTRIBUTIONS.items():
        if isinstance(figure, kind):
            return {name: {key: getattr(figure, key) for key in kind.__struct_fields__}}
    return figure


def drawn(figure: Figure, share: float) -> float:
    """The seconds that a figure stands for, given a share of chance."""
    if isinstance(figure, Distribution):
        return min(max(figure.drawn(share), 0.0), LONGEST)
    return cast(float, figure)  # a pace reads its figures when it is made


def _distribution(name: str, said: Mapping[str, Any]) -> Distribution:
    if set(said) == {SAMPLES}:
        return _samples(name, said[SAMPLES])
    if len(said) != 1 or next(iter(said)) not in DISTRIBUTIONS:
        names = ", ".join((*DISTRIBUTIONS, SAMPLES))
        raise ScriptError(
            f"{name} is a distribution by one of the names {names}, got {str(dict(said))[:80]}"
        )
    ((kind, parameters),) = said.items()
    wanted = DISTRIBUTIONS[kind].__struct_fields__
    if isinstance(parameters, Mapping) and set(parameters) == set(wanted):
        values = [parameters[key] for key in wanted]
    elif isinstance(parameters, Sequence) and not isinstance(parameters, str | bytes):
        values = list(parameters)
    else:
        values = []
    if len(values) != len(wanted):
        raise ScriptError(
            f"{name}: {kind} takes {' and '.join(wanted)}, got {str(parameters)[:80]}"
        )
    return DISTRIBUTIONS[kind](*(_number(f"{name}: {kind}", one) for one in values))


def _samples(name: str, said: object) -> Samples:
    if not isinstance(said, list | tuple) or not 1 <= len(said) <= MOST_SAMPLES:
        raise ScriptError(
            f"{name}: {SAMPLES} is a list of 1 to {MOST_SAMPLES} times, got {str(said)[:80]}"
        )
    return Samples(tuple(sorted(_number(f"{name}: {SAMPLES}", one) for one in said)))


def _parameters(said: Normal | LogNormal) -> tuple[object, ...]:
    return tuple(getattr(said, key) for key in said.__struct_fields__)


def _number(name: str, said: object) -> float:
    seconds = seconds_of(said) if isinstance(said, str) else said
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 <= seconds <= LONGEST
    ):
        raise ScriptError(
            f"{name} is a number of seconds, 0 or more and at most {LONGEST:g}, a text such as "
            f"300ms, or a distribution such as {{normal: [0.02, 0.005]}}; got {str(said)[:80]!r}"
        )
    return seconds


def _quantile(share: float) -> float:
    # takes a while to load, and few ask for it
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
