"""``GET /v1/models`` and ``/v1/models/{id}``: the models that the server knows snapshots of."""

from __future__ import annotations

from typing import Any

from chatdouble.answers import ApiError, Document, Reply
from chatdouble.calls import Call
from chatdouble.wire.chat.models import SNAPSHOTS
from chatdouble.wire.response import Response, Stamp

_NAMES = sorted({*SNAPSHOTS, *SNAPSHOTS.values()})


class Models:
    """The dialect of the models; any other name is accepted in requests all the same."""

    name = "models"
    routes = (("GET", "/v1/models"), ("GET", "/v1/models/{id}"))

    def read(self, call: Call) -> None:
        """Settle the call: models are part of the contract, no source is asked."""
        name = call.path.removeprefix("/v1/models").lstrip("/")
        if not name:
            listed = [_model(known) for known in _NAMES]
            call.settle(Document({"object": "list", "data": listed}), "the list of models")
        elif name in _NAMES:
            call.settle(Document(_model(name)), "one of the models")
        else:
            call.settle(
                ApiError(
                    404,
                    f"The model `{name}` does not exist or you do not have access to it.",
                    code="model_not_found",
                ),
                "there is no such model",
            )

    def parse(self, body: bytes) -> None:
        """Never a reply: models are told by documents."""

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Never asked: the call is settled when it is read."""
        raise NotImplementedError("models are told by the contract, not by a reply")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1686935002, "owned_by": "openai"}
