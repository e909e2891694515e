"""The objects that a reply is sent as: one completion, or its chunks.

What differs from call to call (ids, time, counted tokens) is a placeholder in them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from chatdouble import tokens
from chatdouble.answers import Reply, Usage
from chatdouble.wire.chat import deltas, logprobs
from chatdouble.wire.chat.models import (
    counts_media,
    encoding,
    has_fingerprint,
    is_search,
    reasons,
    says_cache_writes,
    says_logprobs,
)
from chatdouble.wire.chat.shape import Shape

# Placeholders, as they are put into the values that are rendered. NUL is escaped in JSON, and no
# text of a reply can end up looking like one by chance.
ID, CREATED = "\0chatdouble id\0", "\0chatdouble created\0"
PROMPT = "\0chatdouble prompt tokens\0"
COMPLETION = "\0chatdouble completion tokens\0"
TOTAL = "\0chatdouble total tokens\0"
# only models that hear or speak tell these apart
PROMPT_TEXT = "\0chatdouble prompt's text tokens\0"
COMPLETION_TEXT = "\0chatdouble completion's text tokens\0"


def call_hole(number: int) -> str:
    """The placeholder of the id of the call of this number, counted over all choices."""
    return f"\0chatdouble call {number}\0"


def completion(reply: Reply, shape: Shape) -> dict[str, Any]:
    """The ``chat.completion`` object."""
    cut = _cut(shape)
    choices = [
        _choice(index, "message", _message(one, shape), one, shape, _finish_reason(one, shape))
        | _logprobs(one, shape, cut)
        for index, one in enumerate(_choices(reply, shape))
    ]
    document = {
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": shape.model,
        "choices": choices,
        "usage": _usage(reply, shape),
        **_tier(shape),
        "system_fingerprint": _fingerprint(reply, shape.model),
    }
    return _kept(document, reply) | _read(reply.extra)


def chunks(reply: Reply, shape: Shape) -> Iterator[dict[str, Any]]:
    """The ``chat.completion.chunk`` objects, but for the one with the usage.

    Source: recordings. Each choice opens with its role and its first piece, then all take turns;
    all finish at the end, in their order.
    """
    # Two or more tool calls come from another part of the API, which puts usage before choices.
    choices = _choices(reply, shape)
    parallel = not shape.legacy and any(deltas.is_parallel(one) for one in choices)
    head = _head(reply, shape)
    no_usage = {"usage": None} if shape.include_usage else {}
    cut = _cut(shape)

    def chunk(choice: dict[str, Any]) -> dict[str, Any]:
        if parallel and choice["finish_reason"] is None:
            return head | no_usage | {"choices": [choice]}
        return head | {"choices": [choice]} | no_usage

    said = [list(_said(index, one, shape, cut)) for index, one in enumerate(choices)]
    for own in said:
        yield from map(chunk, own[:2])
    for turn in range(2, max(map(len, said))):
        yield from (chunk(own[turn]) for own in said if turn < len(own))
    for index, one in enumerate(choices):
        yield chunk(_choice(index, "delta", {}, one, shape, _finish_reason(one, shape)))


def usage_chunk(reply: Reply, shape: Shape) -> dict[str, Any]:
    """The chunk that carries the usage."""
    return _head(reply, shape) | {"choices": [], "usage": _usage(reply, shape)}


def _choices(reply: Reply, shape: Shape) -> list[Reply]:
    """What each choice says, with holes for the ids of its calls, which are its own."""
    choices: list[Reply] = []
    number = 0
    for index in range(shape.n):
        one = reply.choice(index)
        calls = tuple(
            call if call.id is not None else replace(call, id=call_hole(number + at))
            for at, call in enumerate(one.tool_calls)
        )
        number += len(calls)
        choices.append(replace(one, tool_calls=calls, without=reply.without))
    return choices


def _cut(shape: Shape) -> deltas.Cut:
    # the choices of n > 1 often say the same
    return cache(partial(tokens.pieces, name=encoding(shape.model)))


def _head(reply: Reply, shape: Shape) -> dict[str, Any]:
    head = {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": shape.model,
        **_tier(shape),
        "system_fingerprint": _fingerprint(reply, shape.model),
    }
    return _kept(head, reply) | _read(reply.extra)


def _read(extra: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in extra}


def _tier(shape: Shape) -> dict[str, str]:
    return {} if is_search(shape.model) else {"service_tier": shape.tier}


def _kept(document: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """The document in the form of the reply's age: without keys that the API did not send then."""
    if not reply.without:
        return document
    return {key: value for key, value in document.items() if key not in reply.without}


def _choice(
    index: int,
    key: str,
    said: dict[str, Any],
    reply: Reply,
    shape: Shape,
    finish_reason: str | None,
) -> dict[str, Any]:
    has_logprobs = says_logprobs(shape.model) or shape.top_logprobs is not None
    return {
        "index": index,
        key: _kept(said, reply),
        **({"logprobs": None} if has_logprobs else {}),
        "finish_reason": finish_reason,
    }


def _message(reply: Reply, shape: Shape) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.reasoning_content is not None:
        message["reasoning_content"] = reply.reasoning_content
    if reply.tool_calls and shape.legacy:
        first = reply.tool_calls[0]
        message["function_call"] = {"name": first.name, "arguments": first.arguments}
    elif reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, **deltas.called(call, shape, call.arguments)}
            for call in reply.tool_calls
        ]
    message["refusal"] = reply.refusal
    if reply.audio is not None:
        message["audio"] = deltas.sound(reply.audio)
    message["annotations"] = [deltas.citation(one) for one in reply.annotations]
    return message | _read(reply.message_extra)


def _said(index: int, reply: Reply, shape: Shape, cut: deltas.Cut) -> Iterator[dict[str, Any]]:
    """The choices of the chunks that one choice is sent in, but for its finish."""
    first = _read(reply.message_extra)
    cut_up = deltas.parallel if deltas.is_parallel(reply) and not shape.legacy else deltas.single
    if shape.top_logprobs is None or reply.tool_calls:
        for delta in cut_up(reply, shape, cut):
            yield _choice(index, "delta", delta | first, reply, shape, None)
            first = {}
        return
    entries = _entries(reply, shape, cut)
    pieces = [str(one["token"]) for one in entries]
    if "".join(pieces) == logprobs.text_of(reply):
        cut = {"": [], logprobs.text_of(reply): pieces}.__getitem__
    for delta in cut_up(reply, shape, cut):
        # recorded: none beside the role, then each piece with its own
        own = [entries.pop(0)] if entries and delta.get(logprobs.key_of(reply)) else []
        yield _choice(index, "delta", delta | first, reply, shape, None) | {
            "logprobs": {"content": None, "refusal": None, logprobs.key_of(reply): own}
        }
        first = {}


def _logprobs(reply: Reply, shape: Shape, cut: deltas.Cut) -> dict[str, Any]:
    if shape.top_logprobs is None or reply.tool_calls:
        return {}
    listed = {"content": None, "refusal": None, logprobs.key_of(reply): _entries(reply, shape, cut)}
    return {"logprobs": listed}


def _entries(reply: Reply, shape: Shape, cut: deltas.Cut) -> list[dict[str, Any]]:
    found = logprobs.logprobs_of(reply, shape.model, shape.top_logprobs or 0, cut)
    return [logprobs.entry(one) for one in found]


def _finish_reason(reply: Reply, shape: Shape) -> str:
    if reply.finish_reason is not None:
        return reply.finish_reason
    named = shape.named_tool and not shape.legacy and not reasons(shape.model)
    if not reply.tool_calls or named:
        return "stop"
    return "function_call" if shape.legacy else "tool_calls"


def _fingerprint(reply: Reply, model: str) -> str | None:
    if reply.system_fingerprint is not UNSET:
        return reply.system_fingerprint
    if is_search(model):
        return ""
    if not has_fingerprint(model):
        return None
    return "fp_" + hashlib.blake2b(model.encode(), digest_size=5).hexdigest()


def _usage(reply: Reply, shape: Shape) -> dict[str, Any]:
    usage = reply.usage or Usage()
    prompt: dict[str, Any] = {"cached_tokens": usage.cached_tokens}
    if says_cache_writes(shape.model):
        prompt["cache_write_tokens"] = usage.cache_write_tokens
    prompt["audio_tokens"] = usage.prompt_audio_tokens
    completion: dict[str, Any] = {
        "reasoning_tokens": usage.reasoning_tokens,
        "audio_tokens": usage.completion_audio_tokens,
        "accepted_prediction_tokens": usage.accepted_prediction_tokens,
        "rejected_prediction_tokens": usage.rejected_prediction_tokens,
    }
    if counts_media(shape.model):
        prompt |= {"text_tokens": PROMPT_TEXT, "image_tokens": 0}
        completion["text_tokens"] = COMPLETION_TEXT
    figures = {
        "prompt_tokens": PROMPT,
        "completion_tokens": COMPLETION,
        "total_tokens": TOTAL,
        "prompt_tokens_details": _kept(prompt, reply),
        "completion_tokens_details": _kept(completion, reply),
    }
    return _kept(figures, reply)
