"""The reverse of rendering: what a recorded body or stream says, as a reply."""

from __future__ import annotations

from typing import Any

import msgspec

from chatdouble.answers import Reply, ToolCall, Usage


class NotAReplyError(ValueError):
    """Raised when a body or stream is no answer of one choice that a reply can hold."""


def reply_of_body(body: bytes) -> Reply:
    """The reply that a ``chat.completion`` object holds.

    Raises:
        NotAReplyError: it is another document, or has several choices.
    """
    completion = _object(body)
    choices = completion.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        raise NotAReplyError("it has not exactly one choice")
    return _reply(choices[0].get("message") or {}, choices[0], completion.get("usage"))


def reply_of_stream(body: bytes) -> Reply:
    """The reply that the events of a stream add up to.

    Raises:
        NotAReplyError: the events are no chunks, or are of several choices.
    """
    message: dict[str, Any] = {}
    last: dict[str, Any] = {}
    usage = None
    for line in body.splitlines():
        if not line.startswith(b"data: {"):
            continue
        chunk = _object(line[len(b"data: ") :])
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                raise NotAReplyError("it has several choices")
            _add(message, choice.get("delta") or {})
            last = choice if choice.get("finish_reason") else last
    if not message:
        raise NotAReplyError("it has no chunks")
    return _reply(message, last, usage)


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise NotAReplyError("it is no JSON") from None
    if not isinstance(value, dict):
        raise NotAReplyError("it is no JSON object")
    return value


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("content", "refusal"):
        if delta.get(key) is not None:
            message[key] = (message.get(key) or "") + delta[key]
    message.setdefault("role", delta.get("role"))
    for key, text in (delta.get("function_call") or {}).items():
        called = message.setdefault("function_call", {"name": "", "arguments": ""})
        called[key] += text or ""
    for part in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", {})
        call = calls.setdefault(part["index"], {"id": None})
        call["id"] = part.get("id") or call["id"]
        for kind in ("function", "custom"):
            for key, text in (part.get(kind) or {}).items():
                made = call.setdefault(kind, {})
                made[key] = made.get(key, "") + (text or "")


def _reply(message: dict[str, Any], choice: dict[str, Any], usage: Any) -> Reply:
    calls = message.get("tool_calls") or ()
    if isinstance(calls, dict):
        calls = [calls[index] for index in sorted(calls)]
    if message.get("function_call"):
        calls = [{"function": message["function_call"]}]
    return Reply(
        content=message.get("content"),
        tool_calls=tuple(_call(call) for call in calls),
        refusal=message.get("refusal"),
        finish_reason=choice.get("finish_reason"),
        usage=_usage(usage) if usage else None,
    )


def _call(call: dict[str, Any]) -> ToolCall:
    if "custom" in call:
        return ToolCall(call["custom"]["name"], call["custom"]["input"], call.get("id"))
    return ToolCall(call["function"]["name"], call["function"]["arguments"], call.get("id"))


def _usage(usage: dict[str, Any]) -> Usage:
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        prompt.get("cached_tokens") or 0,
        completion.get("reasoning_tokens") or 0,
    )
