"""The sessions of one server."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chatdouble.engine import Session
from chatdouble.errors import ChatdoubleError


class Hub:
    """The sessions of one server, by their ids.

    Args:
        make: opens the session of an id that there is none of, or says with None that there is to
            be none; without it there is none.
    """

    def __init__(self, make: Callable[[str], Session | None] | None = None) -> None:
        self._make = make
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def add(self, session: Session) -> Session:
        """Take a session in.

        Raises:
            ChatdoubleError: there is one of this id already.
        """
        with self._lock:
            if session.id in self._sessions:
                raise ChatdoubleError(f"there is a session {session.id!r} already")
            self._sessions[session.id] = session
        return session

    def drop(self, session: Session) -> None:
        """Forget a session; what still comes for it is answered with 404."""
        with self._lock:
            self._sessions.pop(session.id, None)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions, in the order in which they were opened."""
        with self._lock:
            return tuple(self._sessions.values())

    def session(self, id: str) -> Session | None:  # noqa: A002 - what it is
        """The session of this id, None if there is none."""
        found = self._sessions.get(id)
        if found is None and self._make is not None:
            return self._make(id)
        return found
