"""Everything that can be set, as one frozen value."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8642

# 2026-01-01 00:00:00 UTC: what the clock says where it must not move
FIXED_CLOCK = 1767225600


class Settings(Struct, frozen=True, kw_only=True):
    """How a server behaves.

    Attributes:
        host: the address to listen on; only loopback unless you say otherwise.
        port: the port to listen on; 0 takes a free one.
        seed: what ids and generated texts are made from; another seed gives others.
        clock: the seconds since 1970 that ``created`` and ``date`` always say; None follows the
            real clock.
        journal_limit: how many exchanges a session remembers; older ones are forgotten. None
            remembers all.
        journal_bytes: how many bytes of bodies a session remembers; None remembers all.
        control: whether the control API is served under ``/_chatdouble/``.
        control_folder: the folder in which its users may name scripts and cassettes; None lets
            them name none.
        body_limit: the largest request body, in bytes; larger ones are answered with 413.
    """

    host: str = DEFAULT_HOST
    port: int = 0
    seed: int = 0
    clock: int | None = FIXED_CLOCK
    journal_limit: int | None = None
    journal_bytes: int | None = None
    control: bool = False
    control_folder: Path | None = None
    body_limit: int = 64 * 1024 * 1024
