"""The pace of recorded streams, for answers that are others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate, pairwise
from pathlib import Path

from chatdouble.cassette import format as cassettes
from chatdouble.cassette.format import Interaction
from chatdouble.errors import CassetteError, ScriptError
from chatdouble.schedule import Pace
from chatdouble.schedule.figures import LONGEST, MOST_SAMPLES, Samples
from chatdouble.wire import sse


def recorded_pace(file: Path | str) -> Pace:
    """The pace of a cassette's streams: how long their first events took, and each further one.

    Every recorded time is as likely as any other. What vcrpy recorded has no times.

    Args:
        file: a cassette that chatdouble recorded.

    Raises:
        ScriptError: it cannot be read, or holds no stream with the times of its pieces.
    """
    file = Path(file)
    try:
        found = cassettes.load(file)
    except CassetteError as error:
        raise ScriptError(str(error)) from None
    firsts: list[float] = []
    gaps: list[float] = []
    for one in found:
        moments = _moments(one)
        firsts += moments[:1]
        gaps += (later - sooner for sooner, later in pairwise(moments))
    if not firsts:
        raise ScriptError(f"{file.name} holds no stream whose times were recorded")
    return Pace(first=_samples(firsts), each=_samples(gaps) if gaps else 0.0)


def _moments(one: Interaction) -> list[float]:
    """When each event of a recorded stream was there whole, in seconds since the request."""
    kind = next((value for name, value in one.headers if name.lower() == "content-type"), "")
    if not one.pieces or not kind.startswith("text/event-stream"):
        return []
    ends = list(accumulate(size for _, size in one.pieces))
    lasts = accumulate(map(len, sse.split(one.response)))
    return [one.pieces[min(bisect_left(ends, last), len(ends) - 1)][0] for last in lasts]


def _samples(seconds: Iterable[float]) -> Samples:
    """So many of the seconds as a figure holds, evenly taken from the least to the most."""
    known = sorted(min(max(one, 0.0), LONGEST) for one in seconds)
    count = min(len(known), MOST_SAMPLES)
    return Samples(tuple(known[at * len(known) // count] for at in range(count)))
