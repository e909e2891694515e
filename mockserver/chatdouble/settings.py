"""Everything that can be set, as one frozen value."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from chatdouble.errors import ChatdoubleError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8642

# 2026-01-01 00:00:00 UTC: what the clock says where it must not move
FIXED_CLOCK = 1767225600


Validation: TypeAlias = Literal["api", "schema", "off"]
VALIDATIONS: tuple[Validation, ...] = get_args(Validation)


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
        body_limit: the largest request body in bytes, before and after decompression; larger ones
            are answered with 413.
        fault_header: whether a request may ask for faults in its ``X-Chatdouble-Fault`` header.
        models: the models that there are, by name; other names are answered with 404, as the API
            does. A name also stands for its dated snapshot. None accepts any name.
        keys: the API keys that are accepted; other keys, and none, are answered with 401, as the
            API does. They are never logged or shown. None accepts any key, or none.
        validation: what is refused. ``api``: what the API refuses, in its words. ``schema``: only
            what the published OpenAPI document forbids; fields that it does not name pass, and no
            rule looks at several fields or at the model. ``off``: nothing that is a JSON object;
            what cannot be understood is disregarded.
        metrics: whether figures for Prometheus are served at ``/metrics``; needs
            ``chatdouble[metrics]``.
        worker: which of several processes on one port this is, from 1; each makes ids that no
            other makes. 0 is the only one.

    Raises:
        ChatdoubleError: models or keys are no list of texts, or there is no such validation.
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
    fault_header: bool = False
    models: Sequence[str] | None = None
    keys: Sequence[str] | None = None
    validation: Validation = "api"
    metrics: bool = False
    worker: int = 0

    def __post_init__(self) -> None:
        for field in ("models", "keys"):
            names = getattr(self, field)
            if names is not None and not _is_list_of_texts(names):
                raise ChatdoubleError(f"{field} is a list of texts or None")
        if self.validation not in VALIDATIONS:
            known = ", ".join(VALIDATIONS)
            raise ChatdoubleError(f"validation is one of {known}, got {self.validation!r}")

    def now(self) -> int:
        """Seconds since 1970, by the clock that is set."""
        return int(time.time()) if self.clock is None else self.clock

    def __repr__(self) -> str:
        """All fields but the keys, of which it only says how many there are."""
        values = {field: repr(getattr(self, field)) for field in self.__struct_fields__}
        if self.keys is not None:
            values["keys"] = f"<{len(self.keys)} hidden>"
        return f"Settings({', '.join(f'{field}={value}' for field, value in values.items())})"


def _is_list_of_texts(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(item, str) for item in value)
    )
