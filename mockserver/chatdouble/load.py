"""A server under load: answers that are open at once, those that wait for a place, warming up."""

from __future__ import annotations

import asyncio
from collections import deque

from chatdouble.answers import ApiError
from chatdouble.failures import api_error
from chatdouble.settings import Settings


class Load:
    """How busy a session is, and what that means for the next answer.

    Args:
        settings: how many answers may be open, how many wait, and how much slower they get.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._warm_at = 0.0
        self._last: float | None = None

    async def enter(self) -> ApiError | None:
        """Take a place for an answer, or wait for one; an error if too many wait already.

        Every call that got a place gives it back by ``leave()``.
        """
        most = self._settings.max_concurrent
        if most is None or self._open < most:
            self._open += 1
            return None
        if len(self._waiting) >= self._settings.queue:
            overloaded = api_error("overloaded")
            if self._settings.queue_full == overloaded.status:
                return overloaded
            # the API has said the same with another status, too
            return api_error(self._settings.queue_full, overloaded.message, type=overloaded.type)
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled() or not place.done():
                self._waiting.remove(place)
            else:
                self.leave()
            raise
        return None

    def leave(self) -> None:
        """Give a place back: to the call that waits longest, if one does."""
        self._last = self._settings.timer()
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._open -= 1

    @property
    def slower(self) -> float:
        """By what the times of an answer that has its place are multiplied."""
        return 1.0 + self._settings.load_factor * max(self._open - 1, 0)

    def warming(self) -> float:
        """Seconds until it is warm; a first call, or one after long idleness, warms it up."""
        now, settings = self._settings.timer(), self._settings
        idle = settings.warm_up_after
        if self._last is None or (
            idle is not None and self._open <= 1 and now - self._last >= idle
        ):
            self._warm_at = now + settings.warm_up
        self._last = now
        return max(self._warm_at - now, 0.0)
