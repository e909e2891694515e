"""What a request counts against the rate limits, as far as recorded headers tell.

Recorded since 2025-06: a quarter of each message's letters, about one more for each message and two
for the request; images and files count alike whatever they hold; ``max_tokens`` does not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from chatdouble.wire.chat.request import ChatRequest, FilePart, ImagePart, TextPart
from chatdouble.wire.ratelimits import Cost

_MEDIUM = 765


class _Unread(Struct):
    """A message that was not read by its type."""

    content: Any


def cost_of(request: ChatRequest) -> Cost:
    """What a request counts."""
    return _cost(request.model, request.messages)


def cost_of_refused(body: Any) -> Cost | None:
    """What a body that breaks the contract counts; None if it does not even name a model."""
    model = body.get("model") if isinstance(body, dict) else None
    if not isinstance(model, str) or not model:
        return None
    found = body.get("messages")
    messages = found if isinstance(found, list) else []
    return _cost(model, [_Unread(one.get("content")) for one in messages if isinstance(one, dict)])


def _cost(model: str, messages: Iterable[Any]) -> Cost:
    tokens, images = 2, 0
    for message in messages:
        content = message.content
        if isinstance(content, str):
            tokens += 1 + len(content) // 4
            continue
        tokens += 1
        for part in content if isinstance(content, list) else ():
            text, kind = _read(part)
            tokens += len(text) // 4 + (_MEDIUM if kind in ("image_url", "file") else 0)
            images += kind == "image_url"
    return Cost(model, tokens, images)


def _read(part: Any) -> tuple[str, Any]:
    """The part's text and its kind, whether it is read by its type or as it came."""
    match part:
        case TextPart():
            return part.text, "text"
        case ImagePart():
            return "", "image_url"
        case FilePart():
            return "", "file"
        case {"text": str(text)}:
            return text, "text"
        case {"type": kind}:
            return "", kind
        case _:
            return "", None
