"""Answers from cassettes."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from chatdouble.answers import Recording, Reply
from chatdouble.calls import Call
from chatdouble.cassette.format import Interaction
from chatdouble.cassette.match import Key, difference, key_of, nearest
from chatdouble.sources.source import Choice, Miss
from chatdouble.wire import dialects

# fields that say how an answer is sent, not what it says
_SENDING = ("stream", "stream_options")


class Recorded:
    """Gives recorded responses again, to requests that mean what the recorded ones meant.

    Identical requests get their recorded answers in order, then the last one again and again. A
    request that was only recorded in the other way of sending, streamed or as one body, gets what
    that recording says in the way that it asks for.

    Args:
        interactions: what the cassettes hold, in their order.
    """

    name = "recorded"

    def __init__(self, interactions: Iterable[Interaction]) -> None:
        self._lock = threading.Lock()
        self._uses: dict[Key, int] = {}
        self._by_key: dict[Key, list[Interaction]] = {}
        self._by_meaning: dict[Key, list[Interaction]] = {}
        for one in interactions:
            request = (one.method, one.path, one.query, one.body)
            self._by_key.setdefault(key_of(*request), []).append(one)
            self._by_meaning.setdefault(key_of(*request, ignoring=_SENDING), []).append(one)

    async def answer(self, call: Call) -> Choice | None:
        """The next recording of this request."""
        request = (call.method, call.path, call.query, call.body)
        key = key_of(*request)
        found = self._by_key.get(key)
        if found is not None:
            one = self._next(key, found)
            return Choice(_as_it_was(one), one.origin)
        found = self._by_meaning.get(key_of(*request, ignoring=_SENDING))
        if found is None or call.view is None:
            return None
        one = self._next(key, found)
        answer = replayed(call, one)
        if answer is None:
            return None
        way = "one body" if call.stream else "a stream"
        return Choice(answer, f"{one.origin}, recorded as {way}")

    def _next(self, key: Key, found: list[Interaction]) -> Interaction:
        with self._lock:
            uses = self._uses.get(key, 0)
            self._uses[key] = uses + 1
        return found[min(uses, len(found) - 1)]

    def why_not(self, call: Call) -> Miss:
        """The nearest recording, and the first place where the request differs from it."""
        if not self._by_key:
            return Miss(("there are no recordings",))
        recordings = (one for same in self._by_key.values() for one in same)
        close = nearest(call.method, call.path, call.body, recordings)
        first = difference(call.method, call.path, call.query, call.body, close)
        return Miss((f"the nearest recording is {close.origin}: {first.words}",), first.param)


def replayed(call: Call, one: Interaction) -> Recording | Reply | None:
    """The recorded answer as the call wants it sent; None if it was cut off, so says too little."""
    streamed = one.response.startswith(b"data:")
    # an error is the same in both ways
    if streamed == call.stream or one.status != 200:
        return _as_it_was(one)
    return dialects.parse(call, one.response)


def _as_it_was(one: Interaction) -> Recording:
    return Recording(one.status, one.headers, one.response)
