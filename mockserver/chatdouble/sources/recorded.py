"""Answers from cassettes."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from chatdouble.answers import Recording
from chatdouble.calls import Call
from chatdouble.cassette.format import Interaction
from chatdouble.cassette.match import Key, difference, key_of, nearest
from chatdouble.sources.source import Choice, Miss


class Recorded:
    """Gives recorded responses again, to requests that mean what the recorded ones meant.

    Identical requests get their recorded answers in order, then the last one again and again.

    Args:
        interactions: what the cassettes hold, in their order.
    """

    name = "recorded"

    def __init__(self, interactions: Iterable[Interaction]) -> None:
        self._lock = threading.Lock()
        self._uses: dict[Key, int] = {}
        self._by_key: dict[Key, list[Interaction]] = {}
        for interaction in interactions:
            key = key_of(interaction.method, interaction.path, interaction.query, interaction.body)
            self._by_key.setdefault(key, []).append(interaction)

    async def answer(self, call: Call) -> Choice | None:
        """The next recording of this very request."""
        key = key_of(call.method, call.path, call.query, call.body)
        found = self._by_key.get(key)
        if found is None:
            return None
        with self._lock:
            uses = self._uses.get(key, 0)
            self._uses[key] = uses + 1
        interaction = found[min(uses, len(found) - 1)]
        recording = Recording(interaction.status, interaction.headers, interaction.response)
        return Choice(recording, interaction.origin)

    def why_not(self, call: Call) -> Miss:
        """The nearest recording, and the first place where the request differs from it."""
        if not self._by_key:
            return Miss(("there are no recordings",))
        recordings = (one for same in self._by_key.values() for one in same)
        close = nearest(call.method, call.path, call.body, recordings)
        first = difference(call.method, call.path, call.query, call.body, close)
        return Miss((f"the nearest recording is {close.origin}: {first.words}",), first.param)
