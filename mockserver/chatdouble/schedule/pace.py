"""A pace: how an answer is spread over time."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from chatdouble.dice import Dice
from chatdouble.errors import ScriptError
from chatdouble.schedule.figures import Distribution, Figure, data_of, drawn, figure_of

# of an answer of more tokens than this the others' gaps are taken to be alike
_MOST_DRAWN = 2_000


class Pace(Struct, frozen=True):
    """How an answer is spread over time.

    A figure is a number of seconds, a text such as ``300ms``, or a distribution: ``{"normal":
    [MEAN, DEVIATION]}`` or ``{"lognormal": [MEDIAN, SIGMA]}``. All moments count from the request.
    A stream's event is taken for one token; an answer in one body leaves, with its headers, when
    a stream of as many tokens would have said its last.

    Attributes:
        first: time to the first event.
        each: time between two events, or for each token of a body.
        jitter: the share by which each time varies: 0.2 makes it 0.8 to 1.2 times as long.
        total: when the last event leaves; the times between the events are stretched to that.
        headers: time to the status and the headers of a stream; nothing leaves before them. None
            lets them leave with the first event, as the API's do.

    Raises:
        ScriptError: a figure is negative, more than an hour, or no number.
    """

    first: Figure = 0.0
    each: Figure = 0.0
    jitter: float = 0.0
    total: Figure | None = None
    headers: Figure | None = None

    def __post_init__(self) -> None:
        for field in ("first", "each", "total", "headers"):
            said = getattr(self, field)
            if field not in ("total", "headers") or said is not None:
                force_setattr(self, field, figure_of(field, said))
        jitter = self.jitter
        if isinstance(jitter, bool) or not isinstance(jitter, int | float) or not 0 <= jitter <= 1:
            raise ScriptError(f"jitter is a number from 0 to 1, got {jitter!r}")

    def data(self) -> dict[str, Any]:
        """The pace as a script says it: what differs from the defaults."""
        usual = (0.0, 0.0, 0.0, None, None)
        said = {field: getattr(self, field) for field in self.__struct_fields__}
        pairs = zip(said.items(), usual, strict=True)
        return {field: data_of(value) for (field, value), default in pairs if value != default}

    def moments(self, count: int, dice: Dice) -> tuple[float, list[float]]:
        """When the headers leave, and when each of so many events does, in seconds."""
        before = 0.0 if self.headers is None else self._drawn("headers", self.headers, dice)
        first = max(self._drawn("first", self.first, dice), before)
        gaps = self._gaps(count - 1, dice)
        if self.total is not None and count > 1:
            gaps = _stretched(gaps, max(self._drawn("total", self.total, dice) - first, 0.0))
        elif self.total is not None:
            first = max(self._drawn("total", self.total, dice), before)
        if self.headers is None:
            before = first
        if len(set(gaps)) <= 1:
            # multiplied, not added up: no error grows with the number of events
            gap = gaps[0] if gaps else 0.0
            return before, [first + number * gap for number in range(count)]
        return before, list(accumulate(gaps, initial=first))

    def last(self, tokens: int, dice: Dice) -> float:
        """When an answer of so many tokens is whole, in seconds."""
        count = min(tokens, _MOST_DRAWN) + 1
        _, moments = self.moments(count, dice)
        if tokens < count or self.total is not None:
            return moments[-1]
        return moments[0] + (moments[-1] - moments[0]) * tokens / (count - 1)

    def _drawn(self, name: str, figure: Figure, dice: Dice) -> float:
        if not self.jitter and isinstance(figure, int | float):
            return figure
        share, jitter = dice.shares(name, 2)
        return drawn(figure, share) * (1 + self.jitter * (2 * jitter - 1))

    def _gaps(self, count: int, dice: Dice) -> list[float]:
        if isinstance(self.each, Distribution):
            gaps = [drawn(self.each, share) for share in dice.shares("each", count)]
        else:
            gaps = [drawn(self.each, 0.5)] * count
        if self.jitter and self.each:
            shares = dice.shares("jitter", count)
            return [
                gap * (1 + self.jitter * (2 * share - 1))
                for gap, share in zip(gaps, shares, strict=True)
            ]
        return gaps


def _stretched(gaps: list[float], seconds: float) -> list[float]:
    """The gaps in their proportions, or alike if there are none, so that they last so long."""
    whole = sum(gaps)
    if not whole:
        return [seconds / len(gaps)] * len(gaps)
    return [gap * seconds / whole for gap in gaps]
