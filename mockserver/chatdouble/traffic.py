"""What a session's calls meet before they are answered, and when their answers leave."""

from __future__ import annotations

import time

from msgspec import Struct

from chatdouble import schedule
from chatdouble.answers import Answer, Recording, Reply, own_error
from chatdouble.calls import Call
from chatdouble.dice import Dice
from chatdouble.errors import ScriptError
from chatdouble.load import Load
from chatdouble.ratelimits import Admission, RateLimits
from chatdouble.schedule import AsRecorded, Pace, Timetable, Timing, pace_of
from chatdouble.settings import Settings
from chatdouble.sources.source import Choice
from chatdouble.wire import dialects
from chatdouble.wire.response import Header, Response


class Passage(Struct, gc=False):
    """How a call fares before a source is asked.

    Attributes:
        choice: the answer if it gets no further, None if it does.
        name: who says so.
        pace: the pace that the call itself asks for.
        admission: what the rate limits say of it, None if they do not count it.
        placed: whether it has a place that it has to give back.
        waited: how many seconds it waited for that.
    """

    choice: Choice | None = None
    name: str = ""
    pace: Pace | None = None
    admission: Admission | None = None
    placed: bool = False
    waited: float = 0.0

    @property
    def headers(self) -> tuple[Header, ...] | None:
        """What the answer says of the rate limits, None to say the usual."""
        return None if self.admission is None else self.admission.headers


FREE = Passage()


class Traffic:
    """A session's rate limits, its load and its pace.

    Args:
        settings: what there is of them.
        pace: the pace of answers that have none of their own; None takes that of the settings.
    """

    def __init__(self, settings: Settings, pace: Timing) -> None:
        self.pace = pace_of(settings.pace if pace is None else pace)
        self._header = settings.pace_header
        self.limits = (
            None if settings.rpm is None and settings.tpm is None else RateLimits(settings)
        )
        self.load = Load(settings) if settings.is_loaded else None
        self.is_limited = self.limits is not None or self.load is not None

    def asked(self, call: Call) -> Passage:
        """What the call itself says: a passage with its pace, or with what is wrong with that."""
        if not self._header or schedule.HEADER not in call.named:
            return FREE
        try:
            pace = schedule.asked(call.raw_headers)
        except ScriptError as error:
            said = f"X-Chatdouble-Pace: {error.problem}"
            return Passage(Choice(own_error(400, said, "bad_pace"), said), "pace")
        return FREE if pace is None else Passage(pace=pace)

    async def enter(self, call: Call, asked: Passage) -> Passage:
        """Let a call in, when there is a place for it."""
        if asked.choice is not None:
            return asked
        passage = Passage(pace=asked.pace)
        if self.limits is not None:
            admission = passage.admission = self.limits.admit(call)
            if admission is not None and admission.error is not None:
                passage.choice = Choice(admission.error, admission.error.message)
                passage.name = "limits"
                return passage
        if self.load is not None and call.view is not None:
            came = time.perf_counter()
            refused = await self.load.enter()
            passage.waited = time.perf_counter() - came
            if refused is not None:
                passage.choice, passage.name = Choice(refused, "the queue is full"), "load"
            passage.placed = refused is None
        return passage

    def charge(self, admission: Admission, call: Call, answer: Answer) -> None:
        """Count the tokens of what is answered to a call that was let in."""
        if self.limits is None or not self.limits.counts_tokens or admission.error is not None:
            return
        if isinstance(answer, Reply | Recording):
            self.limits.charge(admission, dialects.tokens(call, answer, whole=True))

    def leave(self) -> None:
        """Give the place of a call back whose passage has one."""
        if self.load is not None:
            self.load.leave()

    def spread(
        self,
        call: Call,
        answer: Answer,
        response: Response,
        pace: Pace | AsRecorded | None,
        dice: Dice,
        *,
        broken: bool = False,
    ) -> Timetable:
        """When each part of an answer leaves; of a broken one each event by itself."""
        said = isinstance(answer, Reply | Recording)
        if isinstance(pace, AsRecorded) and not isinstance(answer, Recording):
            # a fault has put something else in its place
            pace = None
        if isinstance(pace, Pace) and not said:
            # no model says it, so it takes no time but that of the way
            pace = Pace(headers=pace.headers, jitter=pace.jitter)
        timed = isinstance(pace, Pace) and response.length
        tokens = dialects.tokens(call, answer) if timed else None
        slower, wait = 1.0, 0.0
        if self.load is not None and said:
            slower, wait = self.load.slower, self.load.warming()
        return schedule.spread(
            response.frames(),
            pace,
            dice,
            tokens=tokens,
            slower=slower,
            wait=wait,
            apart=broken,
        )
