"""An answer in one write, past the checks that uvicorn makes for each part of any answer.

uvicorn looks at every header of every answer, and writes head and body one by one. Here both are
written at once, the head from lines that were made and checked before. That is done only in
uvicorn's own request cycle on httptools, and only where nothing is to be decided: on a keep-alive
connection that is open and takes bytes, with no header that says how the body is framed. All else
goes the usual way.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.types import Send

from chatdouble.wire.response import Response

try:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle as _Cycle
except ImportError:  # no httptools
    _Cycle = None  # type: ignore[assignment,misc]

# more than this goes the usual way, which minds what the client has read
_MOST_BYTES = 64 * 1024

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
    if status.value >= 200 and status.value not in (204, 304)
}


def write(send: Send, response: Response) -> int | None:
    """Write the whole answer, if that can be done at once.

    Args:
        send: uvicorn's, as the app was given it.
        response: the answer.

    Returns:
        How many bytes its body has; None if nothing was written.
    """
    cycle: Any = getattr(send, "__self__", None)
    if type(cycle) is not _Cycle or response.size > _MOST_BYTES or not _is_open(cycle):
        return None
    status, said = _STATUS_LINES.get(response.status), response.header_lines()
    if status is None or said is None:
        return None
    body = response.whole()
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    if response.length:
        head = b"%b%bcontent-length: %d\r\n\r\n" % (status, said, len(body))
        cycle.transport.write(head + body)
    elif body:
        head = b"%b%btransfer-encoding: chunked\r\n\r\n%x\r\n" % (status, said, len(body))
        cycle.transport.writelines((head, body, b"\r\n0\r\n\r\n"))
    else:
        cycle.transport.write(b"%b%btransfer-encoding: chunked\r\n\r\n0\r\n\r\n" % (status, said))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return len(body)


def _is_open(cycle: Any) -> bool:
    """Whether the answer may be written at once, and leaves the connection as it is."""
    return not (
        cycle.response_started
        or cycle.disconnected
        or not cycle.keep_alive
        or cycle.flow.write_paused
        or cycle.access_log
        or cycle.default_headers
        or cycle.scope["method"] == "HEAD"
        or cycle.transport.is_closing()
    )
