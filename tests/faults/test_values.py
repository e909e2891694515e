"""Faults as they are written, and the ones that are due."""

from __future__ import annotations

from typing import Any

import pytest

from chatdouble import ScriptError
from chatdouble.answers import ApiError
from chatdouble.dice import Dice
from chatdouble.faults import KNOWN, Chance, Fault, asked, due, faults_of


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, ()),
        ("cut", (Chance((Fault("cut"),)),)),
        ("cut=3", (Chance((Fault("cut", 3),)),)),
        (" cut = 120b ,delay=1.5", (Chance((Fault("cut", 120, True), Fault("delay", 1.5))),)),
        ("delay=300ms, delay=2m", (Chance((Fault("delay", 0.3), Fault("delay", 120.0))),)),
        ("429", (Chance((Fault("status", "429"),)),)),
        (503, (Chance((Fault("status", "503"),)),)),
        ("rate_limit", (Chance((Fault("status", "rate_limit"),)),)),
        ({"cut": 3, "probability": 0.2}, (Chance((Fault("cut", 3),), 0.2),)),
        ({"close": True}, (Chance((Fault("close"),)),)),
        (["pings=2", {"crlf": None}], (Chance((Fault("pings", 2),)), Chance((Fault("crlf"),)))),
    ],
)
def test_faults_are_read(written: Any, read: tuple[Chance, ...]) -> None:
    assert faults_of(written) == read


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("nonsense", "there is no fault 'nonsense'; known are delay, close"),
        ("", "expected a fault"),
        ("probability=1", "expected a fault"),
        ("cut=x", "cut takes a number of events such as 3, or of bytes such as 120b, got 'x'"),
        ("cut=99999999999999", "cut takes"),
        ("lost_chunk=0", "lost_chunk takes a whole number from 1, got '0'"),
        ("close=3", "close takes no value, got '3'"),
        ("delay", "delay takes seconds from 0 to 3600, or a time such as 300ms, got nothing"),
        ("delay=nan", "delay takes seconds"),
        ("delay=1e9", "delay takes seconds"),
        ("cut,probability=2", "probability takes a number from 0 to 1, got '2'"),
        ("media_type=a\r\nb", "media_type takes a media type such as text/html"),
        ("finish_reason=tired", "finish_reason takes one of stop, length"),
        ("cut=1,reset=2", "cut=1 and reset=2 exclude each other"),
        ("429,500", "429 and 500 exclude each other"),
        ("399", "there is no fault '399'"),
        (True, "a fault is a text"),
        ({"cut": [3]}, "the value of cut is a number, a text or true"),
        (",".join(["pings"] * 21), "expected at most 20 faults, got 21"),
    ],
)
def test_what_cannot_be_meant_is_refused(written: Any, problem: str) -> None:
    with pytest.raises(ScriptError) as caught:
        faults_of(written)
    assert caught.value.problem.startswith(problem)


def test_a_header_that_cannot_be_read_is_a_400_that_lists_the_known_faults() -> None:
    error = asked([(b"x-chatdouble-fault", b"cut=3"), (b"x-chatdouble-fault", b"nonsense")])
    assert isinstance(error, ApiError)
    assert error.status == 400
    assert all(name in error.message for name in (*KNOWN, "rate_limit"))


def test_faults_come_by_their_probability_and_always_to_the_same_calls() -> None:
    chances = faults_of("cut=3, delay=1, probability=0.2")

    def drawn(seed: bytes) -> list[tuple[Fault, ...]]:
        return [due(chances, Dice(seed + b"%d" % number)) for number in range(1000)]

    hit = [faults for faults in drawn(b"") if faults]
    assert 150 < len(hit) < 250
    assert all(len(faults) == 2 for faults in hit)
    assert drawn(b"") == drawn(b"")
    assert drawn(b"") != drawn(b"another seed")
    assert due(faults_of("cut,probability=0"), Dice(b"")) == ()
