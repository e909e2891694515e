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


def shape_of(request: ChatRequest, reply: Reply) -> Shape:
    """The shape in which the request wants the reply."""
    options = request.stream_options
    return Shape(
        SNAPSHOTS.get(request.model, request.model),
        request.n or 1,
        options is not None and bool(options.include_usage),
        isinstance(request.tool_choice, ChosenFunction | ChosenCustom),
        _TIERS.get(request.service_tier or "", "default"),
        options is None or options.include_obfuscation is not False,
        _custom_tools(request) if reply.tool_calls and request.tools else (),
        request.functions is not None and request.tools is None,
    )


def _custom_tools(request: ChatRequest) -> tuple[str, ...]:
    return tuple(
        tool.custom.name for tool in request.tools or () if isinstance(tool, CustomToolOffer)
    )
