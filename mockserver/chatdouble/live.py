"""What another server is answering at this moment: the one answer whose bytes are not known yet."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable

from msgspec import Struct


class BrokenError(Exception):
    """Raised by a live body that ends before it is whole; the text says why."""


class Live(Struct, kw_only=True, eq=False):
    """A response that an upstream server has begun.

    Attributes:
        status: its status.
        reason: the words behind the status.
        headers: its headers as (name, value) pairs, as they fit the body below.
        body: its bytes as they come; raises ``BrokenError`` when they end too early.
        give_up: ends the exchange with the upstream server; called once, whether it is over or not.
        note: what became of it otherwise, for the log; known when it is over.
    """

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: AsyncGenerator[bytes, None]
    give_up: Callable[[], Awaitable[None]]
    note: str = ""
