"""Answers that a rule takes from elsewhere: made up, from a cassette, or from a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from chatdouble.answers import Answer, Reply
from chatdouble.calls import Call
from chatdouble.cassette import format as cassettes
from chatdouble.cassette.format import Interaction
from chatdouble.errors import CassetteError, ScriptError
from chatdouble.rules import Maker
from chatdouble.sources.generated import Generated
from chatdouble.sources.recorded import replayed


class Generating:
    """Makes the answer up, as ``chatdouble serve`` does without rules."""

    def __init__(self, hint: str | None, seed: int) -> None:
        self._hint = hint
        self._seed = seed
        self._generated = Generated(seed)

    async def make(self, call: Call, count: int) -> Answer:
        """What is made up for this call; with a hint, one such value as the text."""
        if self._hint is not None:
            return Reply(self._generated.value(self._hint, call))
        choice = await self._generated.answer(call)
        if choice is None:
            raise ScriptError("the request could not be read")
        return choice.answer

    def __str__(self) -> str:
        return "generated" if self._hint is None else f"generated {self._hint}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Generating) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash(self._said())

    def _said(self) -> tuple[str | None, int]:
        return self._hint, self._seed

    def data(self) -> Any:
        """The reply as a script says it."""
        seed = {"seed": self._seed} if self._seed else {}
        return {"generated": True if self._hint is None else self._hint, **seed}

    def python(self) -> str:
        """The reply as Python says it."""
        said = [] if self._hint is None else [repr(self._hint)]
        if self._seed:
            said.append(f"seed={self._seed!r}")
        return f"generated({', '.join(said)})"


def generated(hint: str | None = None, *, seed: int = 0) -> Maker:
    """Let a rule's answer be made up, for ``reply(generated())``.

    Args:
        hint: what the text is to be, for example ``city`` or ``email``; None for an answer as
            ``chatdouble serve`` makes it up.
        seed: another seed gives other words.
    """
    return Generating(hint, seed)


class Replayed(Struct, frozen=True):
    """Gives a cassette's answers in their order, then the last one again."""

    interactions: tuple[Interaction, ...]
    name: str

    @classmethod
    def of(cls, file: Path, name: str) -> Replayed:
        """The answers of a cassette's chat completions; ``name`` is what the script calls it.

        Raises:
            ScriptError: the file is no cassette, or has none.
        """
        try:
            found = cassettes.load(file)
        except CassetteError as error:
            raise ScriptError(str(error)) from None
        chats = tuple(one for one in found if one.path.endswith("/chat/completions"))
        if not chats:
            raise ScriptError(f"{file.name} has no recorded chat completion")
        return cls(chats, name)

    async def make(self, call: Call, count: int) -> Answer:
        """The answer of the interaction that is due, sent in the way that the call asks for."""
        one = self.interactions[min(count, len(self.interactions)) - 1]
        answer = replayed(call, one)
        if answer is None:
            raise ScriptError(f"{one.origin} was cut off, so it is no answer to this call")
        return answer

    def __str__(self) -> str:
        return f"recorded, {len(self.interactions)} answers"

    def data(self) -> Any:
        """The reply as a script says it."""
        return {"recorded": self.name}


class PassingOn(Struct, frozen=True):
    """Gives what the session's upstream server answers."""

    async def make(self, call: Call, count: int) -> Answer:
        """What the upstream server answers this call, live."""
        if call.pass_on is None:
            raise ScriptError(
                "there is no server to pass the call on to: name one with --upstream URL, "
                "Settings(upstream=URL) or pytest's chatdouble_upstream"
            )
        return await call.pass_on()

    def __str__(self) -> str:
        return "passthrough"

    def data(self) -> Any:
        """The reply as a script says it."""
        return {"passthrough": True}

    def python(self) -> str:
        """The reply as Python says it."""
        return "passthrough()"


def passthrough() -> Maker:
    """Let the real server answer, for ``reply(passthrough())``: the one of ``Settings.upstream``.

    Nothing is recorded of it, unless the session records.
    """
    return PassingOn()
