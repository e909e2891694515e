"""``GET /v1/models``: the names that the server knows snapshots of, as the API lists them."""

from __future__ import annotations

from chatdouble.answers import Document, Reply
from chatdouble.calls import Call
from chatdouble.wire.chat.models import SNAPSHOTS
from chatdouble.wire.response import Response, Stamp


class Models:
    """The dialect of the list of models; any other name is accepted in requests all the same."""

    name = "models"
    routes = (("GET", "/v1/models"),)

    def read(self, call: Call) -> None:
        """Settle the call: the list is part of the contract, no source is asked."""
        names = sorted({*SNAPSHOTS, *SNAPSHOTS.values()})
        listed = [
            {"id": name, "object": "model", "created": 1686935002, "owned_by": "openai"}
            for name in names
        ]
        call.settle(Document({"object": "list", "data": listed}), "the list of models")

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Never asked: the call is settled when it is read."""
        raise NotImplementedError("GET /v1/models is answered by the contract, not by a reply")
