"""What of a request changes how a reply looks."""

from __future__ import annotations

from msgspec import Struct

from chatdouble.answers import Reply
from chatdouble.wire.chat.models import SNAPSHOTS
from chatdouble.wire.chat.request import (
    ChatRequest,
    ChosenCustom,
    ChosenFunction,
    CustomToolOffer,
)

_TIERS = {"flex": "flex", "priority": "priority", "fast": "priority"}


class Shape(Struct, frozen=True, gc=False):
    """What of a request changes how a reply looks; equal shapes share one template."""

    model: str
    n: int
    include_usage: bool
    named_tool: bool
    tier: str
    obfuscated: bool
    custom_tools: tuple[str, ...] = ()
    legacy: bool = False
    # how many likely tokens stand beside each token; None: no logprobs
    top_logprobs: int | None = None


def shape_of(request: ChatRequest, reply: Reply) -> Shape:
    """The shape in which the request wants the reply."""
    options = request.stream_options
    obfuscated = options is None or options.include_obfuscation is not False
    return Shape(
        reply.model or SNAPSHOTS.get(request.model, request.model),
        request.n or 1,
        options is not None and bool(options.include_usage),
        isinstance(request.tool_choice, ChosenFunction | ChosenCustom),
        reply.service_tier or _TIERS.get(request.service_tier or "", "default"),
        obfuscated and "obfuscation" not in reply.without,
        _custom_tools(request) if request.tools else (),
        request.functions is not None and request.tools is None,
        (request.top_logprobs or 0) if request.logprobs else None,
    )


def _custom_tools(request: ChatRequest) -> tuple[str, ...]:
    return tuple(
        tool.custom.name for tool in request.tools or () if isinstance(tool, CustomToolOffer)
    )
