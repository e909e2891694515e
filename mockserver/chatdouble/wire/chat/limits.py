"""Where a reply ends before it has said everything: ``max_tokens`` and ``stop``."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from chatdouble import tokens
from chatdouble.answers import Reply, ToolCall
from chatdouble.tokens import EncodingName
from chatdouble.wire.chat.models import encoding
from chatdouble.wire.chat.request import ChatRequest


def limited(request: ChatRequest, reply: Reply) -> Reply:
    """The reply as far as the request lets it go.

    Source: recordings. A reply that is cut by the limit has exactly that many completion tokens and
    ends with ``length``. A stop sequence is not part of the text, but its tokens are billed.
    """
    limit = request.max_completion_tokens or request.max_tokens
    stop = request.stop
    if limit is None and not stop:
        return reply
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    return _limited(reply, limit, stops, encoding(request.model))


@lru_cache(maxsize=1024)
def _limited(reply: Reply, limit: int | None, stops: tuple[str, ...], name: EncodingName) -> Reply:
    shorter = reply if limit is None else _cut(reply, limit, name)
    at, stop = _first(shorter.content or "", stops)
    if stop is None:
        return shorter
    return replace(
        reply,
        content=(shorter.content or "")[:at],
        tool_calls=(),
        finish_reason="stop",
        stopped_by=stop,
    )


def _first(text: str, stops: tuple[str, ...]) -> tuple[int, str | None]:
    found = [(text.index(stop), stop) for stop in stops if stop and stop in text]
    return min(found) if found else (-1, None)


def _cut(reply: Reply, limit: int, name: EncodingName) -> Reply:
    left = limit
    content, left = _head(reply.content, left, name)
    refusal, left = _head(reply.refusal, left, name)
    calls: list[ToolCall] = []
    for call in reply.tool_calls:
        if left <= 0:
            break
        arguments, left = _head(call.arguments, left, name)
        calls.append(replace(call, arguments=arguments or ""))
    if left >= 0:
        return reply
    return replace(
        reply,
        content=content,
        refusal=refusal,
        tool_calls=tuple(calls),
        finish_reason="length",
    )


def _head(text: str | None, left: int, name: EncodingName) -> tuple[str | None, int]:
    """The text's first tokens, and how many are left then; below zero when it had to be cut."""
    if not text:
        return text, left
    if left < 0:
        return "", left
    whole = tokens.encoding(name).split(text)
    if len(whole) <= left:
        return text, left - len(whole)
    # a character whose last bytes are cut off is left out
    return b"".join(whole[:left]).decode("utf-8", "ignore"), -1
