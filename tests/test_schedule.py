"""Paces as they are written, and the timetables that they make."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from chatdouble import Pace, ScriptError
from chatdouble.dice import Dice
from chatdouble.schedule import PROFILES, Piece, Timetable, asked, pace_of, timetable, written

FRAMES = (b"a", b"b", b"c")
DICE = Dice(b"seed")


def at(pace: Pace, count: int = 3, **more: float) -> list[float]:
    frames = tuple(b"%d" % number for number in range(count))
    return [piece.at for piece in timetable(frames, pace, DICE, **more).pieces]  # type: ignore[arg-type]


def test_frames_without_times_leave_as_one_piece() -> None:
    assert timetable(FRAMES, Pace(), DICE) == Timetable(0.0, (Piece(0.0, b"abc"),))


def test_only_a_first_delay_keeps_the_frames_together() -> None:
    assert timetable(FRAMES, Pace(first=0.5), DICE).pieces == (Piece(0.5, b"abc"),)


def test_times_are_absolute() -> None:
    assert timetable(FRAMES, Pace(first=1.0, each=0.5), DICE).pieces == (
        Piece(1.0, b"a"),
        Piece(1.5, b"b"),
        Piece(2.0, b"c"),
    )
    # not a sum of ten thousand rounded steps
    assert at(Pace(each=0.1), 10_001)[-1] == 1000.0


def test_nothing_leaves_before_the_headers() -> None:
    table = timetable(FRAMES, Pace(first=0.1, each=1, headers=0.5), DICE)
    assert (table.headers, table.pieces[0].at) == (0.5, 0.5)
    assert timetable(FRAMES, Pace(first=0.5, headers="50ms"), DICE).headers == 0.05


def test_headers_leave_with_the_first_event_unless_said_otherwise() -> None:
    assert timetable(FRAMES, Pace(first=0.5, each=1), DICE).headers == 0.5
    assert timetable(FRAMES, Pace(first=0.5, each=1, headers=0), DICE).headers == 0


def test_a_total_stretches_the_gaps() -> None:
    assert at(Pace(first=1, total=2)) == [1, 1.5, 2]
    assert at(Pace(each=1, total=10)) == [0, 5, 10]
    assert at(Pace(first=3, total=2)) == [3]
    assert at(Pace(total=2), 1) == [2]


def test_a_body_leaves_with_its_headers_when_all_its_tokens_are_said() -> None:
    table = timetable((b"{}",), Pace(first=1.0, each=0.5, headers=0.2), DICE, tokens=10)
    assert table == Timetable(6.0, (Piece(6.0, b"{}"),))
    assert timetable((b"{}",), Pace(each=0.001), DICE, tokens=128_000).headers == pytest.approx(128)


def test_jitter_varies_each_gap_and_is_the_same_for_the_same_dice() -> None:
    pace = Pace(each=0.1, jitter=0.2)
    times = at(pace, 500)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert 0.08 <= min(gaps) < 0.085 < 0.115 < max(gaps) <= 0.12
    assert at(pace, 500) == times
    frames = tuple(b"%d" % number for number in range(500))
    assert [piece.at for piece in timetable(frames, pace, Dice(b"other")).pieces] != times


@pytest.mark.parametrize(
    ("each", "median", "deviation"),
    [
        ({"normal": [0.1, 0.01]}, 0.1, 0.01),
        ({"lognormal": {"median": "100ms", "sigma": 0.1}}, 0.1, 0.01),
    ],
)
def test_figures_are_drawn_from_a_distribution(
    each: dict[str, object], median: float, deviation: float
) -> None:
    times = at(Pace(each=each), 2000)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert statistics.median(gaps) == pytest.approx(median, rel=0.02)
    assert statistics.stdev(gaps) == pytest.approx(deviation, rel=0.1)


def test_a_draw_is_never_negative_nor_longer_than_an_hour() -> None:
    assert min(at(Pace(first={"normal": [0, 5]}, each=1), 2)) >= 0
    times = at(Pace(each={"lognormal": [3600, 100]}), 100)
    assert max(b - a for a, b in pairwise(times)) <= 3600.001


def test_load_stretches_all_times_and_a_wait_comes_before_them() -> None:
    assert at(Pace(first=1, each=0.5), slower=2.0, wait=10.0) == [12, 13, 14]


@pytest.mark.parametrize(
    ("said", "pace"),
    [
        ("ttft=300ms, tpot=20ms, jitter=0.2", Pace(0.3, 0.02, 0.2)),
        ("first=1.5s,each=2m,total=3,headers=500us", Pace(1.5, 120, 0, 3, 0.0005)),
        ({"first": "1s", "each": 0.5}, Pace(1.0, 0.5)),
        (" slow ", PROFILES["slow"]),
        (None, None),
    ],
)
def test_a_pace_is_written_in_several_ways(said: object, pace: Pace | None) -> None:
    assert pace_of(said) == pace  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [-0.1, float("inf"), float("nan"), True, "fast", 3601, []])
def test_a_pace_out_of_range_is_refused(seconds: object) -> None:
    with pytest.raises(ScriptError, match="each is a number of seconds, 0 or more"):
        Pace(each=seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("quick", "there is no pace 'quick'; known are the profiles fast, typical, slow"),
        ("tpto=3", "a pace has no 'tpto'; known are"),
        ("", "there is no pace ''"),
        ({"eech": 1}, "a pace has no 'eech'"),
        ("ttft=5h", "ttft is a number of seconds, 0 or more"),
        ("ttft=1s, first=2s", "first is said twice in 'ttft=1s, first=2s'"),
        ("jitter=2", r"jitter is a number from 0 to 1, got 2\.0"),
        ("jitter=a", "jitter is a number from 0 to 1, got 'a'"),
        ({"each": {"pareto": [1, 2]}}, "each is a distribution by one of the names normal, logn"),
        ({"each": {"normal": [1]}}, "each: normal takes mean and deviation"),
        ({"each": {"samples": []}}, "each: samples is a list of 1 to 1000 times"),
        ({"each": {"samples": 3}}, "each: samples is a list of 1 to 1000 times"),
        ({"each": {"samples": [1, -1]}}, "each: samples is a number of seconds"),
        ({"each": {"lognormal": {"median": 1, "mean": 2}}}, "each: lognormal takes median and"),
        ({"each": {"normal": [1, "x"]}}, "each: normal is a number of seconds"),
        (0.1, r"pace is a Pace\(first=\.\.\., each=\.\.\.\)"),
    ],
)
def test_what_is_no_pace_is_refused(said: object, problem: str) -> None:
    with pytest.raises(ScriptError, match=problem):
        pace_of(said)  # type: ignore[arg-type]


def test_a_request_may_ask_for_a_pace() -> None:
    assert asked([(b"host", b"x"), (b"x-chatdouble-pace", b"ttft=1s")]) == Pace(1.0)
    assert asked([(b"host", b"x")]) is None


def test_a_pace_is_written_as_it_can_be_read() -> None:
    for pace in (*PROFILES.values(), Pace(1, {"normal": [1, 2]}, 0.5, {"lognormal": [3, 1]}, 2)):
        assert pace_of(written(pace)) == pace
    assert written(Pace(0.5, total=3)) == {"first": 0.5, "total": 3}
