"""Bounds of the implementation with h11."""

from __future__ import annotations

import re
from typing import Any

import h11

from chatdouble.connections.bounds import LARGEST_HEAD, Bounded

_LENGTHS = re.compile(rb"(?i)\ncontent-length[ \t]*:[^\n]*")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class BoundedH11(Bounded):
    """The protocol, which asks h11 what has come."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.conn = _Strict(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)

    def in_head(self) -> bool:
        """Whether what comes next is a request's line or its headers."""
        return self.conn.their_state is h11.IDLE

    def handle_events(self) -> None:
        """Called with each new part of a request, and when the next one may begin."""
        before = self.cycle
        super().handle_events()  # type: ignore[misc]
        if self.deaf:
            return
        state = self.conn.their_state
        begun = self.cycle is None or bool(self.conn.trailing_data[0])
        if state is h11.SEND_BODY:
            self.fed = 0
        elif state is not h11.IDLE or not begun:
            self.began, self.fed = None, 0
            return
        if self.began is None or self.cycle is not before:
            self.began = self.loop.time()


class _Strict(h11.Connection):
    """A connection that refuses what httptools refuses, too: a length that is told twice, however
    alike, and requests for tunnels and other versions.
    """

    def next_event(self) -> Any:
        """What came next."""
        came = self.trailing_data[0] if self.their_state is h11.IDLE else b""
        event = super().next_event()
        if isinstance(event, h11.Request):
            told = _LENGTHS.findall(_HEAD_END.split(came, maxsplit=1)[0])
            chunked = any(name == b"transfer-encoding" for name, _ in event.headers)
            if len(told) + chunked > 1 or any(b"," in length for length in told):
                raise h11.RemoteProtocolError("its length is told twice")
            if event.http_version not in (b"1.0", b"1.1") or event.method == b"CONNECT":
                raise h11.RemoteProtocolError("it is for another protocol")
        return event
