"""``POST /v1/chat/completions``."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from chatdouble.answers import ApiError, Reply
from chatdouble.calls import Call, View
from chatdouble.settings import Settings
from chatdouble.wire.chat import checks, lenient, limits, parse, refusals, render
from chatdouble.wire.chat.cost import cost_of, cost_of_refused
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.chat.view import view_of
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Response, Stamp

# what is remembered: so many bodies, none with more bytes, and so many replies to each
_MOST_KNOWN = 128
_LONGEST_KNOWN = 4096
_MOST_REPLIES = 8
# so many large replies, to all bodies together
_MOST_LARGE = 8
# so many bodies came once
_MOST_SEEN = 4096


class _Known(Struct, frozen=True):
    """What a body says, and how replies to it look."""

    view: View
    prepared: dict[Reply, render.Prepared]


class ChatCompletions:
    """The dialect of chat completions."""

    name = "chat.completions"
    routes = (("POST", "/v1/chat/completions"),)

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(ChatRequest).decode
        # tests and load generators send the same body again
        self._known: dict[bytes, _Known] = {}
        self._seen: set[int] = set()
        self._large: dict[tuple[bytes, Reply], render.Prepared] = {}

    def read(self, call: Call, settings: Settings) -> None:
        """Check the body against the contract; fill in the view, or settle the call."""
        if settings.validation != "api":
            found = lenient.read(call.body, refuse=settings.validation == "schema")
            if isinstance(found, ApiError):
                call.settle(found, f"the schema forbids it: {found.param or 'the body'}")
            else:
                call.view = view_of(found)
            return
        known = self._known.get(call.body)
        if known is not None:
            call.view = known.view
            return
        request: ChatRequest | None
        try:
            request = self._decode(call.body)
        except msgspec.ValidationError as error:
            of_floats = "got `float`" in str(error)
            request = self._with_whole_floats(call.body) if of_floats else None
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
        self._note(call.body, call.view)

    def _note(self, body: bytes, view: View) -> None:
        """Remember what a short body says once it comes again."""
        if len(body) > _LONGEST_KNOWN:
            return
        # Python's own hash will do: at worst a body is remembered that came once
        seen = hash(body)
        if seen not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(seen)
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[body] = _Known(view, {})

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

    def tokens(self, call: Call, reply: Reply, *, whole: bool) -> int:
        """The tokens of all choices, thoughts included."""
        if call.view is None:
            return 0
        request = call.view.detail
        said = render.said_tokens(request, limits.limited(request, reply))
        return said + render.asked_tokens(request, reply) if whole else said

    def begun(self, body: bytes) -> Reply | None:
        """What a stream says that may have been cut, None if it is no stream of a reply."""
        try:
            return parse.begun_by_stream(body)
        except parse.NotAReplyError:
            return None

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Render the reply as one body or as chunks, as the request asks."""
        view = call.view
        if view is None:
            raise ValueError("a call that could not be read is answered by its refusal")
        known = self._known.get(call.body)
        if known is None or known.view is not view:
            return _prepared(view.detail, reply).stamped(stamp)
        prepared = known.prepared.get(reply) or self._large.get((call.body, reply))
        if prepared is None:
            prepared = _prepared(view.detail, reply)
            if prepared.is_large:
                if len(self._large) >= _MOST_LARGE:
                    self._large.clear()
                self._large[call.body, reply] = prepared
            else:
                prepared = prepared.kept()
                if len(known.prepared) >= _MOST_REPLIES:
                    known.prepared.clear()
                known.prepared[reply] = prepared
        return prepared.stamped(stamp)


def _prepared(request: ChatRequest, reply: Reply) -> render.Prepared:
    return render.prepared(request, limits.limited(request, reply))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
