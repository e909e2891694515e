"""The reverse of rendering: what a recorded body or stream says, as a reply.

Keys that today's API sends and the recording lacks are noted in ``Reply.without``, so that an
answer of an older form is rendered in its own form again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from chatdouble.answers import Audio, Reply, TokenLogprob, ToolCall, UrlCitation, Usage
from chatdouble.errors import ScriptError

# keys of a detail of the usage -> the field that holds the figure
_PROMPT_DETAILS = {
    "cached_tokens": "cached_tokens",
    "audio_tokens": "prompt_audio_tokens",
}
_COMPLETION_DETAILS = {
    "reasoning_tokens": "reasoning_tokens",
    "audio_tokens": "completion_audio_tokens",
    "accepted_prediction_tokens": "accepted_prediction_tokens",
    "rejected_prediction_tokens": "rejected_prediction_tokens",
}


class NotAReplyError(ValueError):
    """Raised when a body or stream is no whole answer that a reply can hold."""


def reply_of(body: bytes) -> Reply:
    """The reply that a body or a stream holds.

    Raises:
        NotAReplyError: it holds none, or not the whole of it.
    """
    return reply_of_stream(body) if body.startswith(b"data:") else reply_of_body(body)


def reply_of_body(body: bytes) -> Reply:
    """The reply that a ``chat.completion`` object holds.

    Raises:
        NotAReplyError: it is another document.
    """
    return _guarded(_body, body)


def reply_of_stream(body: bytes) -> Reply:
    """The reply that the events of a stream add up to.

    Raises:
        NotAReplyError: the events are no chunks, or they end before the reply does.
    """
    return _guarded(_stream, body)


def begun_by_stream(body: bytes) -> Reply:
    """What the events of a stream say up to its end or its first broken event.

    Raises:
        NotAReplyError: the events are no chunks.
    """
    return _guarded(_begun, body)


def _guarded(read: Callable[[bytes], Reply], body: bytes) -> Reply:
    try:
        return read(body)
    except NotAReplyError:
        raise
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        ScriptError,  # no reply is made of such values
    ) as error:
        raise NotAReplyError(f"it is not formed like an answer ({error!r})") from None


def _body(body: bytes) -> Reply:
    completion = _object(body)
    choices = completion.get("choices")
    if not choices:
        raise NotAReplyError("it has no choices")
    without = _lacks(completion, "service_tier", "system_fingerprint")
    for choice in choices:
        without |= _lacks(choice["message"], "refusal", "annotations")
    said = [(choice["message"], choice) for choice in sorted(choices, key=lambda one: one["index"])]
    return _reply(said, completion, completion.get("usage"), without)


def _begun(body: bytes) -> Reply:
    return _stream(body, whole=False)


def _stream(body: bytes, *, whole: bool = True) -> Reply:
    messages: dict[int, dict[str, Any]] = {}
    ends: dict[int, dict[str, Any]] = {}
    usage, first, without = None, None, frozenset[str]()
    for line in body.splitlines():
        if not line.startswith(b"data: {"):
            continue
        try:
            chunk = _object(line[len(b"data: ") :])
        except NotAReplyError:
            if whole:
                raise
            break
        if first is None:
            first = chunk
            without |= _lacks(chunk, "service_tier", "system_fingerprint", "obfuscation")
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            message = messages.setdefault(choice["index"], {})
            if _opens_without_refusal(delta):
                without |= {"refusal"}
            _add(message, delta)
            _add_logprobs(message, choice.get("logprobs"))
            if choice.get("finish_reason"):
                ends[choice["index"]] = {**choice, "logprobs": message.get("logprobs")}
    if first is None or not messages:
        raise NotAReplyError("it has no chunks")
    if whole and ends.keys() != messages.keys():
        raise NotAReplyError("it ends before the reply does")
    if any(len(message.get("tool_calls") or ()) > 1 for message in messages.values()):
        without -= {"refusal"}  # streams of several calls never had it
    said = [(messages[index], ends.get(index, {})) for index in sorted(messages)]
    return _reply(said, first, usage, without)


def _opens_without_refusal(delta: dict[str, Any]) -> bool:
    """Whether a first delta that has the key today has it not."""
    opens = "role" in delta and (delta.get("content") == "" or "tool_calls" in delta)
    return opens and "refusal" not in delta


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise NotAReplyError("it is no JSON") from None
    if not isinstance(value, dict):
        raise NotAReplyError("it is no JSON object")
    return value


def _lacks(document: dict[str, Any], *keys: str) -> frozenset[str]:
    return frozenset(key for key in keys if key not in document)


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("content", "refusal", "reasoning_content"):
        if delta.get(key) is not None:
            message[key] = (message.get(key) or "") + delta[key]
    message["annotations"] = [*message.get("annotations", ()), *(delta.get("annotations") or ())]
    for key, part in (delta.get("audio") or {}).items():
        sound = message.setdefault("audio", {})
        sound[key] = sound.get(key, "") + part if key in ("data", "transcript") else part
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


def _add_logprobs(message: dict[str, Any], logprobs: Any) -> None:
    if logprobs is None:
        return
    whole = message.setdefault("logprobs", {"content": None, "refusal": None})
    for key in ("content", "refusal"):
        if logprobs.get(key) is not None:
            whole[key] = [*(whole[key] or ()), *logprobs[key]]


def _reply(
    said: list[tuple[dict[str, Any], dict[str, Any]]],
    whole: dict[str, Any],
    usage: Any,
    without: frozenset[str],
) -> Reply:
    figures = None
    if usage:
        figures = _usage(usage)
        without |= _lacks(usage, "prompt_tokens_details", "completion_tokens_details")
        without |= _lacks(usage.get("prompt_tokens_details") or _PROMPT_DETAILS, *_PROMPT_DETAILS)
        without |= _lacks(
            usage.get("completion_tokens_details") or _COMPLETION_DETAILS, *_COMPLETION_DETAILS
        )
    first, *others = (_choice(message, choice) for message, choice in said)
    return replace(
        first,
        usage=figures,
        id=whole.get("id"),
        created=whole.get("created"),
        model=whole.get("model"),
        system_fingerprint=whole.get("system_fingerprint", UNSET),
        service_tier=whole.get("service_tier"),
        others=tuple(others),
        without=without,
    )


def _choice(message: dict[str, Any], choice: dict[str, Any]) -> Reply:
    calls = message.get("tool_calls") or ()
    if isinstance(calls, dict):
        calls = [calls[index] for index in sorted(calls)]
    if message.get("function_call"):
        calls = [{"function": message["function_call"]}]
    logprobs = choice.get("logprobs") or {}
    audio = message.get("audio")
    return Reply(
        content=message.get("content"),
        tool_calls=tuple(_call(call) for call in calls),
        refusal=message.get("refusal"),
        finish_reason=choice.get("finish_reason"),
        reasoning_content=message.get("reasoning_content"),
        annotations=tuple(
            UrlCitation(**one["url_citation"]) for one in message.get("annotations") or ()
        ),
        audio=Audio(**audio) if audio else None,
        logprobs=_logprobs(logprobs.get("content") or logprobs.get("refusal")),
    )


def _call(call: dict[str, Any]) -> ToolCall:
    if "custom" in call:
        return ToolCall(call["custom"]["name"], call["custom"]["input"], call.get("id"))
    return ToolCall(call["function"]["name"], call["function"]["arguments"], call.get("id"))


def _logprobs(recorded: Any) -> tuple[TokenLogprob, ...] | None:
    if recorded is None:
        return None
    return tuple(
        TokenLogprob(
            one["token"],
            one["logprob"],
            None if one.get("bytes") is None else tuple(one["bytes"]),
            _logprobs(one.get("top_logprobs")) or (),
        )
        for one in recorded
    )


def _usage(usage: dict[str, Any]) -> Usage:
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    details = {field: prompt.get(key) or 0 for key, field in _PROMPT_DETAILS.items()}
    details |= {field: completion.get(key) or 0 for key, field in _COMPLETION_DETAILS.items()}
    return Usage(
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        **details,
    )
