"""``POST /v1/chat/completions``."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from chatdouble.answers import ApiError, Reply
from chatdouble.calls import Call, View
from chatdouble.settings import Settings
from chatdouble.wire.chat import checks, lenient, limits, parse, refusals, render
from chatdouble.wire.chat.cost import cost_of, cost_of_refused
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.chat.view import view_of
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Response, Stamp

# what is remembered of bodies: of so many, and of none with more bytes
_MOST_KEPT = 128
_LONGEST_KEPT = 4096

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class ChatCompletions:
    """The dialect of chat completions."""

    name = "chat.completions"
    routes = (("POST", "/v1/chat/completions"),)

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(ChatRequest).decode
        # what was read of a body, and how a reply to it looks: tests and loads repeat themselves
        self._views: dict[bytes, View] = {}
        self._prepared: dict[tuple[bytes, Reply], tuple[ChatRequest, render.Prepared]] = {}

    def read(self, call: Call, settings: Settings) -> None:
        """Check the body against the contract; fill in the view, or settle the call."""
        if settings.validation != "api":
            found = lenient.read(call.body, refuse=settings.validation == "schema")
            if isinstance(found, ApiError):
                call.settle(found, f"the schema forbids it: {found.param or 'the body'}")
            else:
                call.view = view_of(found)
            return
        call.view = self._views.get(call.body)
        if call.view is not None:
            return
        request: ChatRequest | None
        try:
            request = self._decode(call.body)
        except msgspec.ValidationError:
            request = self._with_whole_floats(call.body)
        except (ValueError, RecursionError):
            request = None
        if request is None:
            refused = refusals.refusal(call.body)
            call.settle(refused, f"the API refuses it: {refused.param or 'the body'}")
            return
        try:
            broken = checks.refused(request, call.body)
        except RecursionError:
            # nested as deep as could just be read
            broken = refusals.refusal(call.body)
        if broken is not None:
            call.settle(broken, f"the API refuses it: {broken.param or 'the request'}")
            return
        call.view = view_of(request)
        _keep(self._views, call.body, call.view, len(call.body))

    def _with_whole_floats(self, body: bytes) -> ChatRequest | None:
        """The request read once more, with 2.0 taken for 2 as JSON Schema does; None if refused."""
        try:
            return msgspec.convert(_whole(msgspec.json.decode(body)), ChatRequest)
        except (ValueError, RecursionError):
            return None

    def cost(self, call: Call) -> Cost | None:
        """A refused request counts, too."""
        return cost_of_refused(call.json) if call.view is None else cost_of(call.view.detail)

    def parse(self, body: bytes) -> Reply | None:
        """The reply that a recorded body or stream says, None if it is no whole reply."""
        try:
            return parse.reply_of(body)
        except parse.NotAReplyError:
            return None

    def usage(self, call: Call, reply: Reply) -> tuple[int, int]:
        """The tokens that are counted, or that the reply's own figures say."""
        if call.view is None:
            return 0, 0
        request = call.view.detail
        return render.usage(request, limits.limited(request, reply))

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Render the reply as one body or as chunks, as the request asks."""
        view = call.view
        if view is None:
            raise ValueError("a call that could not be read is answered by its refusal")
        request = view.detail
        found = self._prepared.get((call.body, reply))
        if found is not None and found[0] is request:
            return found[1].stamped(stamp)
        prepared = render.prepared(request, limits.limited(request, reply))
        _keep(self._prepared, (call.body, reply), (request, prepared), len(call.body))
        return prepared.stamped(stamp)


def _keep(memo: dict[_Key, _Value], key: _Key, value: _Value, size: int) -> None:
    """Remember what was made of a body that is not long, of the last few."""
    if size <= _LONGEST_KEPT:
        if len(memo) >= _MOST_KEPT:
            memo.clear()
        memo[key] = value


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
