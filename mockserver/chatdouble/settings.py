"""Everything that can be set, as one frozen value."""

from __future__ import annotations

import re
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


_TOKEN = re.compile(r"[!-~]+")


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
        control_token: the token that users of the control API bring, as a bearer token; None lets
            every program of this machine use it. It is never logged or shown.
        allowed_hosts: further names and addresses by which this server may be called where pages of
            other hosts are refused; loopback and ``host`` always may.
        body_limit: the largest request body in bytes, before and after decompression; larger ones
            are answered with 413.
        request_timeout: how many seconds a request may take to come whole, and a connection to say
            anything; then it is closed.
        fault_header: whether a request may ask for faults in its ``X-Chatdouble-Fault`` header.
        models: the models that there are, by name; other names are answered with 404, as the API
            does. A name also stands for its dated snapshot. None accepts any name.
        keys: the API keys that are accepted; other keys, and none, are answered with 401, as the
            API does. They are never logged or shown. None accepts any key, or none.
        validation: what is refused. ``api``: what the API refuses, in its words. ``schema``: only
            what the published OpenAPI document forbids; fields that it does not name pass, and no
            rule looks at several fields or at the model. ``off``: nothing that is a JSON object;
            what cannot be understood is disregarded.

    Raises:
        ChatdoubleError: a list is no list of texts, there is no such validation, the token could
            not be sent, or the time for a request is not above 0.
    """

    host: str = DEFAULT_HOST
    port: int = 0
    seed: int = 0
    clock: int | None = FIXED_CLOCK
    journal_limit: int | None = None
    journal_bytes: int | None = None
    control: bool = False
    control_folder: Path | None = None
    control_token: str | None = None
    allowed_hosts: Sequence[str] | None = None
    body_limit: int = 64 * 1024 * 1024
    request_timeout: float = 20.0
    fault_header: bool = False
    models: Sequence[str] | None = None
    keys: Sequence[str] | None = None
    validation: Validation = "api"

    def __post_init__(self) -> None:
        for field in ("models", "keys", "allowed_hosts"):
            names = getattr(self, field)
            if names is not None and not _is_list_of_texts(names):
                raise ChatdoubleError(f"{field} is a list of texts or None")
        if self.validation not in VALIDATIONS:
            known = ", ".join(VALIDATIONS)
            raise ChatdoubleError(f"validation is one of {known}, got {self.validation!r}")
        if self.control_token is not None and not _TOKEN.fullmatch(self.control_token):
            raise ChatdoubleError("control_token is made of printable ASCII characters, 1 or more")
        if not self.request_timeout > 0:
            raise ChatdoubleError(f"request_timeout is above 0, got {self.request_timeout!r}")

    def now(self) -> int:
        """Seconds since 1970, by the clock that is set."""
        return int(time.time()) if self.clock is None else self.clock

    def __repr__(self) -> str:
        """All fields but the keys, of which it only says how many there are, and the token."""
        values = {field: repr(getattr(self, field)) for field in self.__struct_fields__}
        if self.keys is not None:
            values["keys"] = f"<{len(self.keys)} hidden>"
        if self.control_token is not None:
            values["control_token"] = "<hidden>"  # noqa: S105 - no token
        return f"Settings({', '.join(f'{field}={value}' for field, value in values.items())})"


def _is_list_of_texts(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(item, str) for item in value)
    )
