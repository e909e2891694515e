"""Faults in the events of a stream: chunks lost, doubled, broken, and what stands between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chatdouble.answers import ApiError
from chatdouble.dice import Dice
from chatdouble.failures import api_error
from chatdouble.faults.saying import NOTHING, Told, document, is_done, offset, without
from chatdouble.faults.values import Fault
from chatdouble.schedule import Piece
from chatdouble.wire import sse


def _no_finish(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    return without(events, lambda event: _finishes(document(event)))


def _no_done(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    return without(events, is_done)


def _lost_chunk(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    at = _chosen(events, fault, dice)
    if at is None:
        return events, NOTHING
    return events[:at] + events[at + 1 :], f"{_event(events, at)} left out"


def _doubled_chunk(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    at = _chosen(events, fault, dice)
    if at is None:
        return events, NOTHING
    return events[: at + 1] + events[at:], f"{_event(events, at)} sent twice"


def _swapped_chunk(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    at = _chosen(events, fault, dice, behind=1)
    if at is None:
        return events, NOTHING
    first, second = events[at], events[at + 1]
    swapped = [Piece(first.at, second.data), Piece(second.at, first.data)]
    return events[:at] + swapped + events[at + 2 :], f"{_event(events, at)} swapped with the next"


def _bad_chunk(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    at = _chosen(events, fault, dice)
    if at is None:
        return events, NOTHING
    line = events[at].data.rstrip()
    broken = Piece(events[at].at, line[: max(len(line) // 2, len(b"data: {"))] + b"\n\n")
    return [*events[:at], broken, *events[at + 1 :]], f"{_event(events, at)} is no JSON"


def _error_event(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    at = _chosen(events, fault, dice)
    if at is None:
        return events, NOTHING
    error = Piece(events[at].at, sse.event(_envelope(api_error("server_error"))))
    return [*events[:at], error], f"an error in place of {_event(events, at)}, then the end"


def _envelope(error: ApiError) -> bytes:
    # Source: the one report there is of an error behind the start of a stream (2023), which has
    # the fields of any error in one line.
    fields = {"message": error.message, "type": error.type, "param": None, "code": None}
    return msgspec.json.encode({"error": fields})


def _pings(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    every = fault.number or 1
    told: list[Piece] = []
    for at, event in enumerate(events):
        if at % every == 0:
            told.append(Piece(event.at, b": ping\n\n"))
        told.append(event)
    return told, f"{len(told) - len(events)} comments, the first at byte 0"


def _crlf(events: list[Piece], fault: Fault, dice: Dice) -> Told:
    told = [
        Piece(event.at, event.data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        for event in events
    ]
    return told, "lines end with CRLF from byte 0"


def _chosen(events: list[Piece], fault: Fault, dice: Dice, behind: int = 0) -> int | None:
    """The index of the chunk that the fault names, or else of one that the dice choose.

    A number beyond the last chunk means the last one; ``behind`` so many must follow it.
    """
    chunks = [at for at, event in enumerate(events) if not is_done(event)]
    count = len(chunks) - behind
    if count < 1:
        return None
    number = fault.number or dice.number(fault.name, 1, count)
    return chunks[min(number, count) - 1]


def _event(events: list[Piece], at: int) -> str:
    return f"event {at + 1} (byte {offset(events, at)})"


def _finishes(said: dict[str, Any]) -> bool:
    choices = said.get("choices")
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and choice.get("finish_reason") is not None for choice in choices
    )


# in the order in which they are applied
EVENT_FAULTS: dict[str, Callable[[list[Piece], Fault, Dice], Told]] = {
    "no_finish": _no_finish,
    "no_done": _no_done,
    "lost_chunk": _lost_chunk,
    "doubled_chunk": _doubled_chunk,
    "swapped_chunk": _swapped_chunk,
    "bad_chunk": _bad_chunk,
    "error_event": _error_event,
    "pings": _pings,
    "crlf": _crlf,
}
