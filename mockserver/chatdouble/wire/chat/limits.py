"""Where a reply ends before it has said everything: ``max_tokens`` and ``stop``."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from msgspec.structs import replace

from chatdouble import tokens
from chatdouble.answers import Reply, ToolCall, Usage
from chatdouble.tokens import EncodingName
from chatdouble.wire.chat.models import encoding, reasons_unasked
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.chat.usage import choice_tokens, limit_of

# tokens of a call besides its name and its arguments
_OVERHEAD = 6


def limited(request: ChatRequest, reply: Reply) -> Reply:
    """The reply as far as the request lets it go.

    Source: recordings. A choice that is cut by the limit has exactly that many completion tokens
    and ends with ``length``; a model that reasons has spent them all on thinking, and says nothing.
    A stop sequence is not part of the text, but its tokens are billed; tool calls behind it are not
    made.
    """
    limit = limit_of(request)
    stop = request.stop
    if limit is None and not stop:
        return reply
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    first = _limited(request, reply, limit, stops)
    if not reply.others:
        return first
    others = tuple(_limited(request, other, limit, stops) for other in reply.others)
    return replace(first, others=others)


def _limited(
    request: ChatRequest, reply: Reply, limit: int | None, stops: tuple[str, ...]
) -> Reply:
    thought = reply.usage.reasoning_tokens if reply.usage else 0
    if limit is not None and choice_tokens(request, reply, thought) > limit:
        if reasons_unasked(request.model) and request.reasoning_effort != "none":
            return _spent(reply, limit * (request.n or 1))
        reply = _cut(reply, limit, encoding(request.model))
    return _stopped(reply, stops) if stops else reply


def _spent(reply: Reply, thought: int) -> Reply:
    usage = replace(reply.usage or Usage(), reasoning_tokens=thought)
    return replace(
        reply, content="", refusal=None, tool_calls=(), finish_reason="length", usage=usage
    )


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
    first = list(islice(tokens.encoding(name).tokens(text), left))
    # a character whose last bytes are cut off is left out
    return b"".join(first).decode("utf-8", "ignore"), left - len(first)
