"""Everything that can be set, as one frozen value."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from msgspec import Struct
from msgspec.structs import force_setattr

from chatdouble.errors import ChatdoubleError
from chatdouble.schedule import Timing, pace_of

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8642

# 2026-01-01 00:00:00 UTC: what the clock says where it must not move
FIXED_CLOCK = 1767225600


Validation: TypeAlias = Literal["api", "schema", "off"]
VALIDATIONS: tuple[Validation, ...] = get_args(Validation)

LimitBy: TypeAlias = Literal["key", "session", "model"]
LIMIT_BY: tuple[LimitBy, ...] = get_args(LimitBy)
QUEUE_FULL = (503, 429)

# the least that figures may be
_LEAST = {
    "load_factor": 0,
    "max_concurrent": 1,
    "queue": 0,
    "warm_up": 0,
    "warm_up_after": 0,
    "rpm": 1,
    "tpm": 1,
}
# and the most
_MOST = 1_000_000_000

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
        pace: how answers are spread over time that no rule and no request gives a pace: a
            ``Pace``, the name of a profile such as ``typical``, a text such as ``ttft=300ms,
            tpot=20ms``, or a mapping; None sends them at once.
        pace_header: whether a request may ask for a pace in its ``X-Chatdouble-Pace`` header.
        load_factor: by what share all times of an answer grow for each other one that is open.
        max_concurrent: how many answers of a session may be open; further calls wait. None lets
            all in.
        queue: how many calls of a session wait then; further ones are answered with an error.
        queue_full: the status of that error, 503 or 429.
        warm_up: seconds that a session's first call takes longer; one that comes meanwhile is
            answered when they are over, too.
        warm_up_after: after so many seconds without a call that begins anew; None never lets it.
        rpm: how many requests a minute are admitted; None counts none.
        tpm: how many tokens a minute are admitted; None counts none.
        limit_by: what of a session has limits of its own: each ``key``, the ``session``, or each
            ``model`` of each key, as at the API.
        timer: seconds of a clock that only goes on, which rate limits and warming up are measured
            by; whatever ``clock`` says.
        models: the models that there are, by name; other names are answered with 404, as the API
            does. A name also stands for its dated snapshot. None accepts any name.
        keys: the API keys that are accepted; other keys, and none, are answered with 401, as the
            API does. They are never logged or shown. None accepts any key, or none.
        upstream: the base URL of the real server that calls are passed on to where a rule or the
            policy for what nothing answers says ``passthrough``; None for no server. The key in the
            environment variable ``CHATDOUBLE_UPSTREAM_API_KEY``, if there is one, is sent in the
            place of the client's.
        validation: what is refused. ``api``: what the API refuses, in its words. ``schema``: only
            what the published OpenAPI document forbids; fields that it does not name pass, and no
            rule looks at several fields or at the model. ``off``: nothing that is a JSON object;
            what cannot be understood is disregarded.
        metrics: whether figures for Prometheus are served at ``/metrics``; needs
            ``chatdouble[metrics]``.
        worker: which of several processes on one port this is, from 1; each makes ids that no
            other makes. 0 is the only one.

    Raises:
        ScriptError: the pace is none.
        ChatdoubleError: a list is no list of texts, a figure is out of range, a word is none of
            those that are known, or the token could not be sent.
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
    pace: Timing = None
    pace_header: bool = False
    load_factor: float = 0.0
    max_concurrent: int | None = None
    queue: int = 0
    queue_full: int = 503
    warm_up: float = 0.0
    warm_up_after: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    limit_by: LimitBy = "key"
    timer: Callable[[], float] = time.monotonic
    models: Sequence[str] | None = None
    keys: Sequence[str] | None = None
    upstream: str | None = None
    validation: Validation = "api"
    metrics: bool = False
    worker: int = 0

    def __post_init__(self) -> None:
        force_setattr(self, "pace", pace_of(self.pace))
        for field in ("models", "keys", "allowed_hosts"):
            names = getattr(self, field)
            if names is not None and not _is_list_of_texts(names):
                raise ChatdoubleError(f"{field} is a list of texts or None")
        for field, known in (
            ("validation", VALIDATIONS),
            ("limit_by", LIMIT_BY),
            ("queue_full", QUEUE_FULL),
        ):
            if getattr(self, field) not in known:
                names = ", ".join(map(str, known))
                raise ChatdoubleError(f"{field} is one of {names}, got {getattr(self, field)!r}")
        for field, least in _LEAST.items():
            figure = getattr(self, field)
            if figure is not None and (
                not isinstance(figure, int | float) or not least <= figure <= _MOST
            ):
                raise ChatdoubleError(
                    f"{field} is a number from {least} to {_MOST}, got {str(figure)[:80]}"
                )
        self._check_company()
        if self.control_token is not None and not _TOKEN.fullmatch(self.control_token):
            raise ChatdoubleError("control_token is made of printable ASCII characters, 1 or more")
        if not self.request_timeout > 0:
            raise ChatdoubleError(f"request_timeout is above 0, got {self.request_timeout!r}")

    def _check_company(self) -> None:
        """Refuse what has no effect without something else."""
        for field, usual, company in (
            ("queue", 0, ("max_concurrent",)),
            ("queue_full", 503, ("max_concurrent",)),
            ("warm_up_after", None, ("warm_up",)),
            ("limit_by", "key", ("rpm", "tpm")),
        ):
            if getattr(self, field) != usual and not any(getattr(self, one) for one in company):
                raise ChatdoubleError(f"{field} does nothing without {' or '.join(company)}")

    @property
    def is_loaded(self) -> bool:
        """Whether it matters how many answers are open, or when the last call came."""
        return bool(self.load_factor or self.warm_up) or self.max_concurrent is not None

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
