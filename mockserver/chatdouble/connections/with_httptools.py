"""Bounds of the implementation with httptools."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from chatdouble.connections.bounds import Bounded

_FRAMING = (b"content-length", b"transfer-encoding")


class BoundedHttpTools(Bounded):
    """The protocol, whose methods httptools' parser calls."""

    if TYPE_CHECKING:
        headers: list[tuple[bytes, bytes]]
        parser: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called with each new connection."""
        super().connection_made(transport)
        self._in_head = True
        self._resumes = False

    def in_head(self) -> bool:
        """Whether what comes next is a request's line or its headers."""
        return self._in_head

    def on_message_begin(self) -> None:
        """Called at a request's first byte."""
        self.began = self.loop.time()
        super().on_message_begin()  # type: ignore[misc]

    def on_headers_complete(self) -> None:
        """Called behind a request's headers."""
        if self._resumes:
            self._in_head = False
            return
        super().on_headers_complete()  # type: ignore[misc]
        self._in_head = False
        # what comes as a trailer may not pass for a header
        self.headers = []

    def on_body(self, body: bytes) -> None:
        """Called with a part of a request's body."""
        self.fed = 0
        super().on_body(body)  # type: ignore[misc]

    def on_message_complete(self) -> None:
        """Called behind a request's last byte."""
        self.began, self.fed, self._in_head = None, 0, True
        super().on_message_complete()  # type: ignore[misc]

    def _unsupported_upgrade_warning(self) -> None:
        # no other protocol is spoken here: the parser has taken the body for the beginning of it,
        # so a new one is told how long the body is
        upgrade = sys.exc_info()[1]
        rest = self.given[upgrade.args[0] :] if upgrade is not None else b""
        self.parser = type(self.parser)(self)
        framing = [header for header in self.cycle.scope["headers"] if header[0] in _FRAMING]
        if framing:
            self.cycle.more_body = True
            self.cycle.message_event.clear()
            lines = b"".join(b"%b: %b\r\n" % header for header in framing)
            self._resumes = True
            self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % lines)
            self._resumes = False
        if rest:
            super().data_received(rest)
