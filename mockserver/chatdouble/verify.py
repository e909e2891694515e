"""What a test asks of the calls that came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatdouble import retrying
from chatdouble.calls import Call
from chatdouble.journal import Exchange, Journal
from chatdouble.match import When, when
from chatdouble.retrying import Retry, Truncated
from chatdouble.rules import check_times

# so many calls are shown when none is right
_MOST_SHOWN = 10


class Verification:
    """Assertions over a journal; conditions are those of ``on()``."""

    journal: Journal

    def filter(self, **conditions: Any) -> list[Call]:
        """The calls that fulfil the conditions, oldest first.

        Raises:
            ScriptError: a condition is of the wrong kind.
        """
        return [exchange.call for exchange in self._matching(when(**conditions))]

    def assert_called(self, *, times: int | None = None, **conditions: Any) -> Call:
        """Some call fulfils the conditions; with ``times``, exactly so many do.

        Returns:
            The last of them.

        Raises:
            AssertionError: none or another number does; it says what came and why it was not it.
            ScriptError: ``times`` is no whole number from 1.
        """
        __tracebackhide__ = True
        if times is not None:
            check_times(times)
        asked = when(**conditions)
        found = [exchange.call for exchange in self._matching(asked)]
        if found and times in (None, len(found)):
            return found[-1]
        wanted = "a call" if times is None else f"{times} call{'s' * (times != 1)}"
        raise AssertionError(
            f"expected {wanted}{_with(asked)}, got {len(found)}; {self._came(asked)}"
        )

    def assert_not_called(self, **conditions: Any) -> None:
        """No call fulfils the conditions; without conditions, no call came at all.

        Raises:
            AssertionError: one does; it says which.
        """
        __tracebackhide__ = True
        asked = when(**conditions)
        found = [exchange.call for exchange in self._matching(asked)]
        if found:
            raise AssertionError(
                f"expected no call{_with(asked)}, got {len(found)}: {_shown(found[0])}"
            )

    def assert_order(self, *sets: Mapping[str, Any]) -> None:
        """Calls that fulfil these sets of conditions came in this order, others between them.

        Raises:
            AssertionError: they did not; it says which one is missing.
        """
        __tracebackhide__ = True
        calls = iter(self.journal.calls)
        for number, conditions in enumerate(sets, start=1):
            asked = when(**conditions)
            if not any(asked.matches(call) for call in calls):
                raise AssertionError(
                    f"expected a call with {asked} as number {number} of {len(sets)}, behind "
                    f"those before it; {self._came(asked)}"
                )

    def wait_for(self, calls: int = 1, *, timeout: float = 5.0, **conditions: Any) -> list[Call]:
        """Wait until so many calls that fulfil the conditions are answered.

        It blocks its thread: in async code, run it in another one (``asyncio.to_thread``).

        Args:
            calls: how many.
            timeout: seconds.
            conditions: as for ``on()``.

        Raises:
            AssertionError: they did not come in time.
        """
        __tracebackhide__ = True
        asked = when(**conditions)

        def answered() -> list[Call]:
            return [one.call for one in self._matching(asked) if one.outcome != "open"]

        if not self.journal.wait(lambda: len(answered()) >= calls, timeout):
            raise AssertionError(
                f"expected {calls} answered call{'s' * (calls != 1)}{_with(asked)} within "
                f"{timeout} s, got {len(answered())}; {self._came(asked)}"
            )
        return answered()

    @property
    def retries(self) -> list[Retry]:
        """The requests that were sent again after a failed or broken answer, oldest first."""
        return retrying.retries(self.journal.exchanges)

    @property
    def truncated(self) -> list[Truncated]:
        """The streamed answers that a fault cut, with what the client made of each."""
        return retrying.truncated(self.journal.exchanges)

    @property
    def notes(self) -> str:
        """What is odd about how the client behaved, a line each, "" if nothing is."""
        return "\n".join(retrying.notes(self.journal.exchanges))

    def _matching(self, asked: When) -> Iterator[Exchange]:
        return (exchange for exchange in self.journal if asked.matches(exchange.call))

    def _came(self, asked: When) -> str:
        calls = self.journal.calls
        if not calls:
            return "no call came"
        lines = [
            f"  {_shown(call)}: {asked.why_not(call) or 'fulfils it'}"
            for call in calls[-_MOST_SHOWN:]
        ]
        return "\n".join((f"{len(calls)} came, the last of them:", *lines))


def _with(asked: When) -> str:
    return f" with {asked}" if asked.parts else ""


def _shown(call: Call) -> str:
    return f"{call.method} {call.path} model={call.model!r} user={(call.user or '')[:80]!r}"
