"""What an endpoint has to know to be served: how to read a call and how to render a reply."""

from __future__ import annotations

from typing import Protocol

from chatdouble.answers import Reply
from chatdouble.calls import Call
from chatdouble.settings import Settings
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Response, Stamp


class Dialect(Protocol):
    """One endpoint: adding one is a file that has this shape and a line in ``dialects``."""

    @property
    def name(self) -> str:
        """The endpoint's name, for example ``chat.completions``."""
        ...

    @property
    def routes(self) -> tuple[tuple[str, str], ...]:
        """The (method, path) pairs that it reads; one part of a path may be ``{id}``, which
        stands for any text.
        """
        ...

    def read(self, call: Call, settings: Settings) -> None:
        """Fill in the call's view, or settle it with the answer that the contract dictates."""
        ...

    def parse(self, body: bytes) -> Reply | None:
        """The reply that a recorded answer says, None if it is no whole reply."""
        ...

    def cost(self, call: Call) -> Cost | None:
        """What the call counts against the rate limits, None if nothing."""
        ...

    def tokens(self, call: Call, reply: Reply, *, whole: bool) -> int:
        """How many tokens of completion the reply has, as ``usage`` says; with ``whole``, those of
        the request, too.
        """
        ...

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Say the reply as the endpoint says it; of the headers, only the media type."""
        ...
