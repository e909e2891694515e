"""Answers from cassettes."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Literal, TypeAlias, get_args

from chatdouble.answers import Recording, Reply, own_error
from chatdouble.calls import Call
from chatdouble.cassette.diff import diff
from chatdouble.cassette.format import Interaction
from chatdouble.cassette.index import Entry, Group, Index
from chatdouble.cassette.match import DEFAULT, Request, difference, nearest
from chatdouble.cassette.matching import Matching
from chatdouble.errors import ChatdoubleError
from chatdouble.schedule import AsRecorded, Pace
from chatdouble.sources.source import Choice, Miss
from chatdouble.wire import dialects

UsedUp: TypeAlias = Literal["repeat", "cycle", "fail"]
USED_UP: tuple[UsedUp, ...] = get_args(UsedUp)

_OK = 200

_RECORD = (
    "chatdouble record --upstream https://api.openai.com/v1 --cassettes DIR --mode new_episodes\n"
    "pytest --chatdouble-mode=new_episodes  (in tests)"
)


class Recorded:
    """Gives recorded responses again, to requests that mean what the recorded ones meant.

    Identical requests get their recorded answers in order, each one once; parallel ones, too. A
    request that was only recorded in the other way of sending, streamed or as one body, gets what
    that recording says in the way that it asks for.

    Args:
        interactions: what the cassettes hold, in their order.
        matching: which requests are the same.
        used_up: what comes behind the last recorded answer: ``repeat`` it, begin again (``cycle``),
            or have no answer (``fail``).
        speed: how many times faster than it was recorded an answer is sent: 1 as recorded, 10 ten
            times faster, 0 at once. What was recorded without timings leaves at the session's pace.

    Raises:
        ChatdoubleError: ``used_up`` or ``speed`` is out of range, or the user's function fails.
    """

    name = "recorded"

    def __init__(
        self,
        interactions: Iterable[Interaction],
        matching: Matching = DEFAULT,
        *,
        used_up: UsedUp = "repeat",
        speed: float = 0,
    ) -> None:
        if used_up not in USED_UP:
            raise ChatdoubleError(f"used_up is one of {', '.join(USED_UP)}, got {used_up!r}")
        if not 0 <= speed < float("inf"):
            raise ChatdoubleError(f"speed is a number, 0 or more, got {speed!r}")
        self._lock = threading.Lock()
        self._index = Index(interactions, matching)
        self._used_up = used_up
        self._speed = speed

    @property
    def uses(self) -> tuple[tuple[Interaction, int], ...]:
        """The recordings in their order, and how many calls each answered."""
        return tuple((entry.interaction, entry.uses) for entry in self._index.entries)

    @property
    def unused(self) -> tuple[Interaction, ...]:
        """The recordings that answered no call yet."""
        return tuple(one for one, uses in self.uses if not uses)

    def reset(self) -> None:
        """Begin anew: all recordings are unused again."""
        with self._lock:
            self._index.reset()

    async def answer(self, call: Call) -> Choice | None:
        """The next recording of this request."""
        try:
            found = self._index.known((call.method, call.path, call.query, call.body))
            group, entries, streamed = found or self._index.find(_request(call))
        except ChatdoubleError as error:
            return Choice(own_error(500, str(error), "broken_matching"), str(error))
        with self._lock:
            entry = self._due(group, entries)
            if entry is None:
                return None
            one = entry.interaction
            answer: Recording | Reply | None
            if entry.streamed == streamed:
                answer = entry.answer = entry.answer or _as_it_was(one)
            else:
                answer = _turned(call, one)
            if answer is None:
                return None
            entry.uses += 1
        if isinstance(answer, Reply):
            way = "one body" if call.stream else "a stream"
            return Choice(answer, f"{one.origin}, recorded as {way}", self._whole(one))
        return Choice(answer, one.origin, self._as_recorded(one))

    def _due(self, group: Group, entries: list[Entry]) -> Entry | None:
        """The recording that comes next; None if they are used up."""
        entry = group.fresh(entries)
        if entry is not None or self._used_up == "fail" or not entries:
            return entry
        return entries[-1] if self._used_up == "repeat" else min(entries, key=_uses)

    def _as_recorded(self, one: Interaction) -> AsRecorded | None:
        """When the pieces of an answer leave that is sent as it was."""
        if not self._speed or not one.pieces:
            return None
        return AsRecorded(tuple((at / self._speed, size) for at, size in one.pieces))

    def _whole(self, one: Interaction) -> Pace | None:
        """When an answer leaves that is sent in the other way: all of it when all was there."""
        if not self._speed or not one.pieces:
            return None
        return Pace(total=one.pieces[-1][0] / self._speed)

    def why_not(self, call: Call) -> Miss:
        """The nearest recording, and the first place where the request differs from it."""
        request = _request(call)
        recordings = [entry.interaction for entry in self._index.entries]
        if not recordings:
            return Miss(("there are no recordings",), suggestion=_RECORD)
        try:
            _, entries, streamed = self._index.find(request)
            if entries:
                return Miss((_why_unused(entries, streamed),), suggestion=_RECORD)
            matching = self._index.matching
            request = self._index.comparable(request)
            close = nearest(request, recordings, matching)
            first = difference(request, close, matching)
            lines = diff(request, close, matching)
        except ChatdoubleError as error:
            return Miss((str(error),))
        reason = f"the nearest recording is {close.origin}: {first.words}"
        return Miss((reason,), first.param, suggestion=_RECORD, diff=lines)


def replayed(call: Call, one: Interaction) -> Recording | Reply | None:
    """The recorded answer as the call wants it sent; None if it was cut off, so says too little."""
    streamed = one.response.startswith(b"data:")
    return _as_it_was(one) if streamed == call.stream else _turned(call, one)


def _turned(call: Call, one: Interaction) -> Recording | Reply | None:
    """The recorded answer for a call that wants it sent in the other way."""
    if call.view is None:
        return None
    # an error is the same in both ways
    return dialects.parse(call, one.response) if one.status == _OK else _as_it_was(one)


def _as_it_was(one: Interaction) -> Recording:
    return Recording(one.status, one.headers, one.response, one.cut)


def _request(call: Call) -> Request:
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in call.raw_headers
    )
    return Request(call.method, call.path, call.query, call.body, headers)


def _uses(entry: Entry) -> int:
    return entry.uses


def _why_unused(entries: list[Entry], streamed: bool) -> str:
    last = entries[-1].interaction.origin
    if any(entry.streamed != streamed for entry in entries):
        return f"{last} has it only as a stream or body that was cut off, so not in this way"
    number = len(entries)
    recordings = "its one recording is" if number == 1 else f"all its {number} recordings are"
    return f"{recordings} used up, the last of them {last}"
