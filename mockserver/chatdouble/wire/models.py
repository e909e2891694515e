"""``GET /v1/models`` and ``/v1/models/{id}``: the models that the settings name.

Without a list in the settings, these are the models that the server knows snapshots of.
"""

from __future__ import annotations

from typing import Any

from chatdouble.answers import Document, Reply
from chatdouble.calls import Call
from chatdouble.settings import Settings
from chatdouble.wire import edge
from chatdouble.wire.chat.models import SNAPSHOTS
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Response, Stamp

_KNOWN = sorted({*SNAPSHOTS, *SNAPSHOTS.values()})


class Models:
    """The dialect of the models."""

    name = "models"
    routes = (("GET", "/v1/models"), ("GET", "/v1/models/{id}"))

    def read(self, call: Call, settings: Settings) -> None:
        """Settle the call: models are part of the contract, no source is asked."""
        names = _KNOWN if settings.models is None else settings.models
        name = call.path.removeprefix("/v1/models").lstrip("/")
        if not name:
            listed = [_model(known) for known in names]
            call.settle(Document({"object": "list", "data": listed}), "the list of models")
        elif edge.is_served(name, names):
            call.settle(Document(_model(name)), "one of the models")
        else:
            call.settle(edge.no_such_model(name), "there is no such model")

    def cost(self, call: Call) -> Cost | None:
        """Nothing: the list of models is no model's work."""
        return None

    def parse(self, body: bytes) -> None:
        """Never a reply: models are told by documents."""

    def tokens(self, call: Call, reply: Reply, *, whole: bool) -> int:
        """None: no model says anything."""
        return 0

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Never asked: the call is settled when it is read."""
        raise NotImplementedError("models are told by the contract, not by a reply")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1686935002, "owned_by": "openai"}
