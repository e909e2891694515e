"""What a connection may do: how large a head and how slow a request may be, and which framing.

uvicorn has two implementations. httptools takes heads of any size and refuses ambiguous framing;
h11 bounds heads and answers a request that hides behind a content-length beside a
transfer-encoding. Neither minds a request that never comes whole, and both answer what is no HTTP
with plain text. Here both are held to one behaviour, which ``tests/live/test_hostile_connections``
pins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def bounded(base: type[Any]) -> type[Any]:
    """One of uvicorn's protocol classes, or one that is built on it, with these bounds."""
    # only one of the two parsers is loaded
    if hasattr(base, "on_headers_complete"):
        from chatdouble.connections.with_httptools import BoundedHttpTools

        return type(base.__name__, (BoundedHttpTools, base), {})
    from chatdouble.connections.with_h11 import BoundedH11

    return type(base.__name__, (BoundedH11, base), {})


def close_idle(connections: Iterable[Any]) -> None:
    """Close the connections that no answer is due on, and each other one behind its answer.

    Args:
        connections: those of ``bounded`` classes.
    """
    for connection in tuple(connections):
        if connection.is_idle():
            connection.transport.close()
        elif connection.cycle is not None:
            connection.cycle.keep_alive = False


def sweep(connections: Iterable[Any], now: float, timeout: float) -> None:
    """Close the connections that wait too long for the rest of a request, or for a first one.

    Args:
        connections: those of ``bounded`` classes.
        now: the event loop's time.
        timeout: how many seconds a request may take to come whole.
    """
    for connection in tuple(connections):
        connection.look_at_the_clock(now, timeout)
