"""When bytes leave: frames become timed pieces."""

from __future__ import annotations

from chatdouble.schedule.pace import Pace
from chatdouble.schedule.pieces import (
    CUT,
    AsRecorded,
    Ending,
    Piece,
    Timetable,
    Way,
    joined,
    spread,
    timetable,
)
from chatdouble.schedule.profiles import HEADER, PROFILES, Timing, asked, pace_of, written

__all__ = [
    "CUT",
    "HEADER",
    "PROFILES",
    "AsRecorded",
    "Ending",
    "Pace",
    "Piece",
    "Timetable",
    "Timing",
    "Way",
    "asked",
    "joined",
    "pace_of",
    "spread",
    "timetable",
    "written",
]
