"""Servers with each of uvicorn's implementations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chatdouble import Server, Settings
from chatdouble import server as server_module

# with httptools and uvloop, or with what Python itself and h11 offer
BOTH = ("quick", "plain")


@contextmanager
def running(implementation: str, settings: Settings | None = None) -> Iterator[Server]:
    """A server that runs with one of them."""
    server = Server(settings)
    with pytest.MonkeyPatch.context() as patch:
        if implementation == "plain":
            patch.setattr(server_module, "_installed", lambda wanted, otherwise: otherwise)
        server.__enter__()
    try:
        yield server
    finally:
        server.__exit__(None, None, None)
