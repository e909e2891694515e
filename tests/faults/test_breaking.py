"""What faults make of an answer's bytes and of its end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdouble import Pace
from chatdouble.dice import Dice
from chatdouble.faults import Sending, due, faults_of, sending
from chatdouble.faults.values import KNOWN
from chatdouble.schedule import Ending, spread
from chatdouble.wire.response import Response, Template


def chunk(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    document = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


USAGE = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'
DONE = b"data: [DONE]\n\n"
EVENTS = (chunk("a"), chunk("é"), chunk("c"), chunk(None, "stop"), USAGE, DONE)
# the byte at which each of them begins
AT = [len(b"".join(EVENTS[:number])) for number in range(len(EVENTS))]
STREAM = Response(200, ((b"content-type", b"text/event-stream"),), Template(EVENTS), length=False)
BODY = '{"content": "é, and more"}\n'.encode()
JSON = Response(200, ((b"content-type", b"application/json"),), Template((BODY,)))
DICE = Dice(b"seed")
AT_ONCE = spread(EVENTS, None, DICE).pieces


def broken(written: Any, response: Response = STREAM, pace: Pace | None = None) -> Sending:
    pieces = spread(response.frames(), pace, DICE).pieces
    return sending(response, pieces, due(faults_of(written), DICE), DICE)


def body(sent: Sending) -> bytes:
    return b"".join(piece.data for piece in sent.pieces)


@pytest.mark.parametrize(
    ("fault", "kept", "note"),
    [
        ("no_finish", [0, 1, 2, 4, 5], f"left out at byte {AT[3]}"),
        ("no_done", [0, 1, 2, 3, 4], f"left out at byte {AT[5]}"),
        ("no_usage", [0, 1, 2, 3, 5], f"left out at byte {AT[4]}"),
        ("lost_chunk=2", [0, 2, 3, 4, 5], f"event 2 (byte {AT[1]}) left out"),
        ("lost_chunk=99", [0, 1, 2, 3, 5], f"event 5 (byte {AT[4]}) left out"),
        ("doubled_chunk=1", [0, 0, 1, 2, 3, 4, 5], "event 1 (byte 0) sent twice"),
        ("swapped_chunk=1", [1, 0, 2, 3, 4, 5], "event 1 (byte 0) swapped with the next"),
        ("swapped_chunk=99", [0, 1, 2, 4, 3, 5], f"event 4 (byte {AT[3]}) swapped with the next"),
    ],
)
def test_events_are_lost_doubled_or_swapped(fault: str, kept: list[int], note: str) -> None:
    sent = broken(fault)
    assert body(sent) == b"".join(EVENTS[at] for at in kept)
    assert sent.notes == (f"{fault}: {note}",)
    assert sent.ending == Ending("end")


def test_faults_of_events_go_together() -> None:
    assert body(broken("no_done, no_finish")) == b"".join((*EVENTS[:3], USAGE))


def test_a_bad_chunk_is_an_event_that_is_no_json() -> None:
    events = body(broken("bad_chunk=2")).split(b"\n\n")
    assert len(events) == len(EVENTS) + 1
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(events[1].removeprefix(b"data: "))
    assert json.loads(events[2].removeprefix(b"data: "))


def test_an_error_event_ends_the_stream() -> None:
    first, second, error, end = body(broken("error_event=3")).split(b"\n\n")
    assert (first + b"\n\n", second + b"\n\n", end) == (*EVENTS[:2], b"")
    envelope = json.loads(error.removeprefix(b"data: "))["error"]
    assert list(envelope) == ["message", "type", "param", "code"]
    assert envelope["type"] == "server_error"


def test_pings_are_comments_between_events() -> None:
    ping = b": ping\n\n"
    assert body(broken("pings")) == b"".join(ping + event for event in EVENTS)
    wanted = (ping, EVENTS[0], EVENTS[1], ping, EVENTS[2], EVENTS[3], ping, EVENTS[4], EVENTS[5])
    assert body(broken("pings=2")) == b"".join(wanted)


def test_crlf_ends_every_line() -> None:
    assert body(broken("crlf")) == b"".join(EVENTS).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("place", ["cut=3", "split=3"])
def test_comments_are_no_events_of_a_place(place: str) -> None:
    sent = broken(f"pings, {place}")
    first = sent.pieces[0].data
    assert first.startswith(b": ping\n\n" + EVENTS[0] + b": ping\n\n" + EVENTS[1])
    assert EVENTS[3] not in first
    assert (first.endswith(EVENTS[2])) is place.startswith("cut")


@pytest.mark.parametrize("response", [STREAM, JSON])
def test_another_media_type_is_said(response: Response) -> None:
    assert broken("media_type=text/html", response).response.headers[0][1] == b"text/html"
    other = broken("media_type", response).response.headers[0][1]
    assert other != response.headers[0][1]


def test_a_cut_is_made_behind_so_many_events() -> None:
    sent = broken("cut=2")
    assert body(sent) == b"".join(EVENTS[:2])
    assert sent.ending == Ending("close")
    size = len(b"".join(EVENTS))
    assert sent.notes == (f"cut=2: closed at byte {len(body(sent))} of {size}",)
    assert body(broken("cut=0")) == b""
    assert body(broken("cut=99")) == b"".join(EVENTS)
    assert body(broken("cut=7b")) == EVENTS[0][:7]
    assert broken("reset=1").ending == Ending("reset")
    assert broken("hang=1").ending == Ending("hang")


def test_a_body_that_is_no_stream_is_cut_at_a_byte_and_announced_whole() -> None:
    for fault in ("cut", "cut=3", "cut=5b"):
        sent = broken(fault, JSON)
        assert BODY.startswith(body(sent))
        assert 0 < len(body(sent)) < len(BODY)
        assert sent.ending == Ending("close", length=len(BODY))
    assert body(broken("cut=5b", JSON)) == BODY[:5]


@pytest.mark.parametrize("fault", ["close", "reset", "hang"])
def test_without_a_place_nothing_of_the_answer_is_sent(fault: str) -> None:
    sent = broken(fault)
    assert body(sent) == b""
    assert not sent.ending.headers


def test_a_place_that_is_left_open_depends_on_the_seed_alone() -> None:
    def cut(seed: bytes) -> bytes:
        return body(sending(STREAM, AT_ONCE, due(faults_of("cut"), DICE), Dice(seed)))

    assert cut(b"1") == cut(b"1")
    assert len({cut(b"%d" % seed) for seed in range(40)}) == len(EVENTS) - 1


def test_a_delay_and_a_pace_go_together() -> None:
    sent = broken("delay=0.5, cut=2", pace=Pace(0.1, 0.2))
    assert [piece.at for piece in sent.pieces] == pytest.approx([0.1, 0.3])
    assert sent.ending == Ending("close", delay=0.5)
    sent = broken("one_write", pace=Pace(0.1, 0.2))
    assert len(sent.pieces) == 1
    assert sent.pieces[0].at == pytest.approx(1.1)


def test_one_event_leaves_in_two_writes() -> None:
    first, second = broken("split=2").pieces
    assert len(EVENTS[0]) < len(first.data) < len(EVENTS[0] + EVENTS[1])
    assert first.data + second.data == b"".join(EVENTS)
    assert second.at > first.at
    assert broken("split=9b").pieces[0].data == EVENTS[0][:9]


@pytest.mark.parametrize("response", [STREAM, JSON])
def test_one_character_leaves_in_two_writes(response: Response) -> None:
    first, second = broken("split_utf8", response).pieces
    assert first.data.endswith("é".encode()[:1])
    assert second.data.startswith("é".encode()[1:])


def test_a_body_ends_early_with_its_right_length_or_a_wrong_one() -> None:
    sent = broken("truncate=5", JSON)
    assert (body(sent), sent.ending) == (BODY[:5], Ending("end"))
    sent = broken("short_length=4", JSON)
    assert (body(sent), sent.ending) == (BODY, Ending("close", length=len(BODY) - 4))
    sent = broken("truncate=5, long_length=20", JSON)
    assert (body(sent), sent.ending) == (BODY[:5], Ending("close", length=25))


def test_a_fault_of_streams_leaves_other_bodies_alone_and_says_so() -> None:
    sent = broken("lost_chunk=1", JSON)
    assert body(sent) == BODY
    assert sent.notes == ("lost_chunk=1: nothing to do, it is no stream",)


@given(
    st.lists(st.sampled_from(sorted(set(KNOWN) - {"delay", "finish_reason"})), min_size=1),
    st.lists(st.binary(max_size=30), min_size=1, max_size=4),
    st.booleans(),
    st.binary(max_size=2),
)
def test_no_combination_fails_whatever_the_body(
    names: list[str], frames: list[bytes], length: bool, seed: bytes
) -> None:
    frames = [frame.replace(b"\0", b"") for frame in frames]
    response = Response(200, (), Template(tuple(frames)), length=length)
    faults = due(faults_of(names[:20]), DICE)
    pieces = spread(response.frames(), None, DICE).pieces
    sent = sending(response, pieces, faults, Dice(seed))
    assert sent.pieces
    assert len(sent.notes) >= len({fault.name for fault in faults}) - 3
