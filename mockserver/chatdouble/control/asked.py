"""What may be asked of the control API, as JSON bodies."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

_ID = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class NewSession(Struct, forbid_unknown_fields=True):
    """A session that is to be made.

    Attributes:
        id: its name in ``/s/<id>/v1``; without one it gets a name of its own.
        unmatched: what becomes of calls that nothing answers.
        script: the name of a script in a configured folder.
        cassette: the name of a cassette in a configured folder.
    """

    id: _ID | None = None
    unmatched: Literal["error", "generated", "passthrough"] = "error"
    script: str | None = None
    cassette: str | None = None


class Loading(Struct, forbid_unknown_fields=True):
    """What a session is to answer with, too.

    Attributes:
        script: the name of a script in a configured folder.
        cassette: the name of a cassette in a configured folder.
    """

    script: str | None = None
    cassette: str | None = None


class Refusing(Struct, forbid_unknown_fields=True):
    """Connections that are to be refused.

    Attributes:
        seconds: for how long, at most 60.
    """

    seconds: Annotated[float, Meta(gt=0, le=60)]


class Waiting(Struct, forbid_unknown_fields=True):
    """Calls that are waited for.

    Attributes:
        calls: how many.
        timeout: seconds, at most 60.
        when: conditions as a script says them.
    """

    calls: Annotated[int, Meta(ge=1, le=100_000)] = 1
    timeout: Annotated[float, Meta(ge=0, le=60)] = 5.0
    when: dict[str, Any] = msgspec.field(default_factory=dict)
