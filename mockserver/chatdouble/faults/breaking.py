"""Answers that are broken on purpose: another answer, other bytes, or another end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate

from msgspec import Struct

from chatdouble.answers import ApiError
from chatdouble.dice import Dice
from chatdouble.faults.events import EVENT_FAULTS
from chatdouble.faults.saying import NOTHING, SAID_FAULTS, offset
from chatdouble.faults.values import ENDS, Fault, error_of
from chatdouble.schedule import Ending, Piece, joined
from chatdouble.wire.response import Response

# seconds between two writes that would otherwise leave, and arrive, as one
_GAP = 0.02

# bytes that a wrong content-length is off by
_OFF = 10

_BEYOND_ASCII = re.compile(rb"[\xc0-\xff][\x80-\xbf]+")

# a body with fewer bytes has nothing between two of them
_LEAST = 2

_NO_STREAM = f"{NOTHING}, it is no stream"

# the media type that is wrong, by whether the answer is a stream
_OTHER_TYPE = {True: "application/json", False: "text/plain"}


class Sending(Struct, frozen=True):
    """How a broken answer leaves.

    Attributes:
        response: the response with its headers.
        pieces: the body as it leaves.
        ending: what happens before the headers and behind the last piece.
        notes: what each fault did, and at which byte.
    """

    response: Response
    pieces: tuple[Piece, ...]
    ending: Ending
    notes: tuple[str, ...]


def instead(faults: tuple[Fault, ...]) -> ApiError | None:
    """The error that is answered instead of anything else, None if the faults name none."""
    found = next((fault for fault in faults if fault.name == "status"), None)
    return None if found is None else error_of(found)


def sending(
    response: Response, pieces: Iterable[Piece], faults: tuple[Fault, ...], dice: Dice
) -> Sending:
    """Break an answer on its way.

    Args:
        response: the answer as the endpoint says it.
        pieces: its body, each event of a stream as a piece of its own.
        faults: what goes wrong.
        dice: chooses the places that the faults leave open.
    """
    breaking = _Breaking(response, pieces, faults, dice)
    breaking.break_words()
    breaking.break_events()
    breaking.break_body()
    ending = breaking.ending()
    sent = joined(breaking.pieces) or (Piece(0.0, b""),)
    return Sending(breaking.response, sent, ending, tuple(breaking.notes))


class _Breaking:
    """An answer while its faults are applied, in an order of their own."""

    def __init__(
        self,
        response: Response,
        pieces: Iterable[Piece],
        faults: tuple[Fault, ...],
        dice: Dice,
    ) -> None:
        self.response = response
        self.pieces = list(pieces)
        self.notes = [
            f"{fault}: in place of the answer" for fault in faults if fault.name == "status"
        ]
        self._faults = faults
        self._dice = dice
        self._streamed = not response.length
        # the bytes between events, and the body's first and last, before any write is split
        self._boundaries: list[int] = []

    def break_words(self) -> None:
        """What goes wrong with what is said."""
        for name, broken in SAID_FAULTS.items():
            for fault in self._named(name):
                self.pieces, note = broken(self.pieces, fault, self._streamed)
                self._note(fault, note)

    def break_events(self) -> None:
        """What goes wrong with a stream's events; a body that is no stream has none."""
        for name, broken in EVENT_FAULTS.items():
            for fault in self._named(name):
                if self._streamed:
                    self.pieces, note = broken(self.pieces, fault, self._dice)
                else:
                    note = _NO_STREAM
                self._note(fault, note)

    def break_body(self) -> None:
        """What goes wrong with the body's bytes and what is said of them."""
        for fault in self._named("media_type"):
            media_type = str(fault.value or _OTHER_TYPE[self._streamed]).encode()
            headers = (
                (name, media_type if name == b"content-type" else value)
                for name, value in self.response.headers
            )
            self.response = self.response.saying(tuple(headers))
            self._note(fault, "in the headers")
        for fault in self._named("truncate"):
            at = self._byte(fault.number, fault, last=self._size)
            self.pieces = _until(self.pieces, at)
            self._note(fault, f"the body ends at byte {at}")
        ends = list(accumulate(len(piece.data) for piece in self.pieces))
        # a comment belongs to the event behind it
        said = zip(self.pieces, ends, strict=True)
        behind = [end for piece, end in said if not piece.data.startswith(b":")]
        self._boundaries = [0, *behind]
        if self._boundaries[-1] != self._size:
            self._boundaries.append(self._size)
        for fault in self._named("one_write"):
            self.pieces = [Piece(self.pieces[-1].at, piece.data) for piece in self.pieces]
            self._note(fault, "from byte 0")
        for fault in self._named("split"):
            self._split(fault, self._inside(fault))
        for fault in self._named("split_utf8"):
            self._split(fault, self._inside_a_character(fault))

    def ending(self) -> Ending:
        """How it ends; what is behind that is cut off."""
        delay = 0.0
        for fault in self._named("delay"):
            delay += float(fault.value or 0)
            self._note(fault, "before the headers")
        length = self._length()
        end = next((one for one in self._faults if one.name in ENDS), None)
        if end is None:
            return Ending("end" if length is None else "close", delay=delay, length=length)
        way, words = ENDS[end.name]
        if end.name == "close" or (end.value is None and end.name != "cut"):
            self.pieces = []
            self._note(end, f"{words} before the answer")
            return Ending(way, headers=False, delay=delay)
        if length is None and not self._streamed:
            length = self._size
        at, size = self._place(end), self._size
        self.pieces = _until(self.pieces, at)
        self._note(end, f"{words} at byte {at} of {size}")
        return Ending(way, delay=delay, length=length)

    def _named(self, name: str) -> list[Fault]:
        return [fault for fault in self._faults if fault.name == name]

    def _note(self, fault: Fault, words: str) -> None:
        self.notes.append(f"{fault}: {words}")

    @property
    def _size(self) -> int:
        return offset(self.pieces, len(self.pieces))

    def _length(self) -> int | None:
        """The content-length that is announced instead of the right one, None to leave that."""
        length = None
        for name, sign in (("short_length", -1), ("long_length", 1)):
            for fault in self._named(name):
                length = max(self._size + sign * (fault.number or _OFF), 0)
                self._note(fault, f"{length} announced for {self._size} bytes")
        return length

    def _byte(self, wanted: int | None, fault: Fault, *, last: int) -> int:
        return min(wanted or self._dice.number(fault.name, 1, last - 1), last)

    def _place(self, fault: Fault) -> int:
        """The byte at which a fault strikes: a given one, or behind so many events.

        A body that is no stream has no events to count, so the dice choose a byte of it.
        """
        events = len(self._boundaries) - 1
        if fault.bytes and fault.number is not None:
            return min(fault.number, self._size)
        if fault.number == 0:
            return 0
        if not self._streamed:
            return self._byte(None, fault, last=self._size)
        return self._boundaries[self._byte(fault.number, fault, last=events)]

    def _inside(self, fault: Fault) -> int | None:
        """A byte in the middle of an event, or of a body that is no stream."""
        if self._size < _LEAST:
            return None
        if fault.bytes and fault.number is not None:
            return min(max(fault.number, 1), self._size - 1)
        events = len(self._boundaries) - 1
        at = self._dice.number("event", 1, events) if fault.number is None else fault.number
        at = min(max(at, 1), events)
        first, end = self._boundaries[at - 1 : at + 1]
        return self._dice.number(fault.name, first + 1, end - 1)

    def _inside_a_character(self, fault: Fault) -> int | None:
        body = b"".join(piece.data for piece in self.pieces)
        found = [character.start() for character in _BEYOND_ASCII.finditer(body)]
        if not found:
            return None
        number = fault.number or self._dice.number(fault.name, 1, len(found))
        return found[min(number, len(found)) - 1] + 1

    def _split(self, fault: Fault, at: int | None) -> None:
        if at is not None:
            self.pieces = _split_at(self.pieces, at)
        self._note(fault, NOTHING if at is None else f"two writes, the second from byte {at}")


def _until(pieces: list[Piece], end: int) -> list[Piece]:
    """The pieces up to this byte."""
    kept: list[Piece] = []
    for piece in pieces:
        if end <= 0:
            break
        kept.append(Piece(piece.at, piece.data[:end]))
        end -= len(piece.data)
    return kept


def _split_at(pieces: list[Piece], place: int) -> list[Piece]:
    """The pieces with what is behind this byte in writes of its own, a moment later."""
    before = _until(pieces, place)
    behind: list[Piece] = []
    at = 0
    for piece in pieces:
        if at + len(piece.data) > place:
            behind.append(Piece(piece.at + _GAP, piece.data[max(place - at, 0) :]))
        at += len(piece.data)
    return before + behind
