"""What every source can do."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from chatdouble.answers import Answer
from chatdouble.calls import Call
from chatdouble.faults import Chance
from chatdouble.schedule import AsRecorded, Pace


class Choice(Struct, frozen=True, gc=False):
    """An answer, why it is the one, at which pace it is to be sent, and what goes wrong then."""

    answer: Answer
    because: str
    pace: Pace | AsRecorded | None = None
    faults: tuple[Chance, ...] = ()


class Miss(Struct, frozen=True):
    """Why a source has no answer.

    Attributes:
        reasons: an entry each, nearest first.
        param: the request's field that made the difference, None if there is no single one.
        looked_at: what of the request was looked at, by name.
        suggestion: what to write to have an answer, "" if nothing can be said.
        diff: the lines of a diff to what comes nearest; none if nothing is near.
    """

    reasons: tuple[str, ...] = ()
    param: str | None = None
    looked_at: dict[str, str] = {}
    suggestion: str = ""
    diff: tuple[str, ...] = ()


class Source(Protocol):
    """Answers calls, or leaves them to the next source."""

    @property
    def name(self) -> str:
        """One word for the log and the journal, for example ``scripted``."""
        ...

    async def answer(self, call: Call) -> Choice | None:
        """The answer, or None to let the next source try."""
        ...

    def why_not(self, call: Call) -> Miss:
        """Why there was no answer; asked only when no source had one."""
        ...


class Contract:
    """What the contract itself answers: refusals of broken requests, the list of models."""

    name = "contract"

    async def answer(self, call: Call) -> Choice | None:
        """The answer that reading the call settled, if it did."""
        return None if call.settled is None else Choice(call.settled, call.because)

    def why_not(self, call: Call) -> Miss:
        """Nothing to report: a call that keeps the contract is for the other sources."""
        return Miss()
