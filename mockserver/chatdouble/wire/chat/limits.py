"""Where a reply ends before it has said everything: ``max_tokens`` and ``stop``."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from chatdouble import tokens
from chatdouble.answers import Reply, ToolCall
from chatdouble.tokens import EncodingName
from chatdouble.wire.chat.models import encoding
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.chat.usage import completion_tokens

# tokens of a call besides its name and its arguments
_OVERHEAD = 6


def limited(request: ChatRequest, reply: Reply) -> Reply:
    """The reply as far as the request lets it go.

    Source: recordings. A reply that is cut by the limit has exactly that many completion tokens and
    ends with ``length``. A stop sequence is not part of the text, but its tokens are billed; tool
    calls behind it are not made.
    """
    limit = request.max_completion_tokens or request.max_tokens
    stop = request.stop
    if limit is None and not stop:
        return reply
    name = encoding(request.model)
    if limit is not None and completion_tokens(request, reply) > limit * (request.n or 1):
        reply = _cut(reply, limit, name)
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    return _stopped(reply, stops) if stops else reply


@lru_cache(maxsize=1024)
def _stopped(reply: Reply, stops: tuple[str, ...]) -> Reply:
    text = reply.content or ""
    found = [(text.index(stop), stop) for stop in stops if stop and stop in text]
    if not found:
        return reply
    at, stop = min(found)
    return replace(reply, content=text[:at], tool_calls=(), finish_reason="stop", stopped_by=stop)


@lru_cache(maxsize=1024)
def _cut(reply: Reply, limit: int, name: EncodingName) -> Reply:
    left = limit
    content, left = _head(reply.content, left, name)
    refusal, left = _head(reply.refusal, left, name)
    calls: list[ToolCall] = []
    for call in reply.tool_calls:
        if left <= 0:
            break
        left -= _OVERHEAD + tokens.count(f"functions.{call.name}", name)
        arguments, left = _head(call.arguments, max(left, 0), name)
        calls.append(replace(call, arguments=arguments or ""))
    return replace(
        reply,
        content=content,
        refusal=refusal,
        tool_calls=tuple(calls),
        finish_reason="length",
    )


def _head(text: str | None, left: int, name: EncodingName) -> tuple[str | None, int]:
    """The text's first tokens, and how many are left behind it."""
    if not text:
        return text, left
    whole = tokens.encoding(name).split(text)
    # a character whose last bytes are cut off is left out
    return b"".join(whole[:left]).decode("utf-8", "ignore"), max(left - len(whole), 0)
