from __future__ import annotations

import pytest

from chatdouble import Pace, ScriptError
from chatdouble.schedule import Piece, timetable

FRAMES = (b"a", b"b", b"c")


def test_frames_without_a_pace_leave_as_one_piece() -> None:
    assert timetable(FRAMES, None) == (Piece(0.0, b"abc"),)
    assert timetable(FRAMES, Pace()) == (Piece(0.0, b"abc"),)


def test_only_a_first_delay_keeps_the_frames_together() -> None:
    assert timetable(FRAMES, Pace(first=0.5)) == (Piece(0.5, b"abc"),)


def test_times_are_absolute() -> None:
    assert timetable(FRAMES, Pace(first=1.0, each=0.5)) == (
        Piece(1.0, b"a"),
        Piece(1.5, b"b"),
        Piece(2.0, b"c"),
    )


@pytest.mark.parametrize("seconds", [-0.1, float("inf"), float("nan"), True, "1"])
def test_a_pace_out_of_range_is_refused(seconds: object) -> None:
    with pytest.raises(ScriptError, match="each is a number of seconds, 0 or more"):
        Pace(each=seconds)  # type: ignore[arg-type]
