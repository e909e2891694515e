"""What every source can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import replace

from chatdouble.answers import Answer, own_error
from chatdouble.calls import Call
from chatdouble.faults import Chance
from chatdouble.schedule import AsRecorded, Pace


class Choice(Struct, frozen=True, gc=False):
    """An answer, why it is the one, at which pace it is to be sent, and what goes wrong then."""

    answer: Answer
    because: str
    pace: Pace | AsRecorded | None = None
    faults: tuple[Chance, ...] = ()


class Overlay(Struct, frozen=True, gc=False):
    """What goes wrong with the answer that the next sources give, and who says so."""

    because: str
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

    async def answer(self, call: Call) -> Choice | Overlay | None:
        """The answer; None, or what is laid over the answer, to let the next source try."""
        ...

    def why_not(self, call: Call) -> Miss:
        """Why there was no answer; asked only when no source had one."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A source that has something to close when its session is over."""

    async def aclose(self) -> None:
        """Close it, in the server's event loop."""
        ...


@runtime_checkable
class Resetting(Protocol):
    """A source that counts what it answered, and can begin anew."""

    def reset(self) -> None:
        """Forget what was answered."""
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


async def chosen(call: Call, sources: Sequence[Source]) -> tuple[Choice, str]:
    """The answer of the first source that has one, with what others lay over it, and its name."""
    over: Overlay | None = None
    for source in sources:
        choice = await source.answer(call)
        if choice is None:
            continue
        if isinstance(choice, Overlay):
            over = choice
        else:
            if over is not None:
                because = f"{choice.because} ({over.because})"
                choice = replace(choice, because=because, faults=over.faults + choice.faults)
            return choice, source.name
    return _unmatched(
        call, [(source.name, source.why_not(call)) for source in sources]
    ), "unmatched"


def _unmatched(call: Call, misses: Sequence[tuple[str, Miss]]) -> Choice:
    """The error for a call that no source has an answer to, each named with why not."""
    shown: dict[str, str] = {}
    for _, miss in misses:
        shown |= miss.looked_at
    came = [f"  {label}: {value}" for label, value in shown.items()]
    reasons = [
        line
        for name, miss in misses
        for line in (
            *(f"- {name}: {reason}" for reason in miss.reasons),
            *(f"    {line}" for line in miss.diff),
        )
    ]
    suggestions = (miss.suggestion.replace("\n", "\n  ") for _, miss in misses if miss.suggestion)
    advice = [
        f"{'or' if number else 'To answer it'}:\n  {suggestion}"
        for number, suggestion in enumerate(suggestions)
    ]
    message = "\n".join(
        (
            f"chatdouble has no answer to this call: {call.method} {call.path}",
            *came,
            *(reasons or ["- there is nothing to answer with"]),
            *advice,
        )
    )
    param = next((miss.param for _, miss in misses if miss.param), None)
    return Choice(own_error(404, message, "no_answer", param), message)
