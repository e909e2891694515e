"""Server-sent events as the API sends them: ``data:`` lines, LF, one blank line behind each."""

from __future__ import annotations

import re

MEDIA_TYPE = b"text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"

# the blank line that ends an event, whatever line ends the recorded server used
_EVENT_END = re.compile(rb"(?:\r\n|\n|\r)(?:\r\n|\n|\r)")


def event(data: bytes) -> bytes:
    """One event that carries this one line of data."""
    return b"data: %b\n\n" % data


def split(body: bytes) -> tuple[bytes, ...]:
    """Cut a stream's bytes behind each event; joined they are the same bytes again."""
    events: list[bytes] = []
    start = 0
    for end in _EVENT_END.finditer(body):
        events.append(body[start : end.end()])
        start = end.end()
    if start < len(body) or not events:
        events.append(body[start:])
    return tuple(events)
