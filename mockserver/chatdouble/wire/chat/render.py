"""A reply as the API says it: one JSON body, or a stream of chunks.

Rendering a reply is dear, filling in its ids is cheap: what is rendered is kept with the ids, the
time and the counted tokens left open as holes, and only those are filled in for each call.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from chatdouble import tokens
from chatdouble.answers import Reply, Usage
from chatdouble.wire import sse
from chatdouble.wire.chat import deltas
from chatdouble.wire.chat.models import encoding, has_fingerprint, reasons, says_logprobs
from chatdouble.wire.chat.request import (
    ChatRequest,
)
from chatdouble.wire.chat.shape import Shape, shape_of
from chatdouble.wire.chat.usage import completion_tokens, prompt_tokens
from chatdouble.wire.plain import JSON_TYPE
from chatdouble.wire.response import BASE62, HEAD, Response, Stamp, Template

# Placeholders, as they are put into the values that are rendered. NUL is escaped in JSON, and no
# text of a reply can end up looking like one by chance.
_ID, _CREATED = "\0chatdouble id\0", "\0chatdouble created\0"
_PROMPT = "\0chatdouble prompt tokens\0"
_COMPLETION = "\0chatdouble completion tokens\0"
_TOTAL = "\0chatdouble total tokens\0"
_PADDING = "\0chatdouble padding\0"
_CALL_HOLE = re.compile(r'"\\u0000chatdouble call \d+\\u0000"')

# how many characters the ids have, quotes included
_ID_SIZE = len('"chatcmpl-"') + 29
_CALL_ID_SIZE = len('"call_"') + 24


def _quoted(placeholder: str) -> bytes:
    """The placeholder as it stands in rendered JSON, quotes included."""
    return json.dumps(placeholder).encode()


class _Layout(Struct, frozen=True):
    """How a body or a chunk is laid out, where values that are filled in stand side by side.

    Attributes:
        head: the text between id and created.
        usage: the texts between prompt, completion and total tokens.
    """

    head: bytes
    usage: tuple[bytes, bytes]

    def leave_open(self, text: str) -> bytes:
        """Rendered JSON with holes where its placeholders are."""
        first, second = self.usage
        counts = b"".join((_quoted(_PROMPT), first, _quoted(_COMPLETION), second, _quoted(_TOTAL)))
        return (
            text.encode("utf-8", "replace")
            .replace(_quoted(_ID) + self.head + _quoted(_CREATED), HEAD)
            .replace(counts, _USAGE_HOLE)
        )


_USAGE_HOLE = b"\0usage\0"
_BODY = _Layout(
    b',\n  "object": "chat.completion",\n  "created": ',
    (b',\n    "completion_tokens": ', b',\n    "total_tokens": '),
)
_CHUNK = _Layout(
    b',"object":"chat.completion.chunk","created":',
    (b',"completion_tokens":', b',"total_tokens":'),
)

# the API's ids begin with the base-62 digits of the seconds since this moment (WIRE 1)
_ID_EPOCH = 1576800000


_SSE_TYPE = (b"content-type", sse.MEDIA_TYPE)


def render(request: ChatRequest, reply: Reply, stamp: Stamp) -> Response:
    """The reply as one body or as chunks, as the request asks."""
    shape = shape_of(request, reply)
    if request.stream:
        template, layout, media_type = _stream(reply, shape), _CHUNK, _SSE_TYPE
    else:
        template, layout, media_type = _body(reply, shape), _BODY, JSON_TYPE
    holes = _call_ids(reply, shape.n, stamp) if reply.tool_calls else ()
    if not request.stream or shape.include_usage:
        counts = _counts(request, reply, layout)
        holes = (*holes, (_USAGE_HOLE, counts))
        if request.stream and shape.obfuscated:
            size = _usage_chunk_size(reply, shape) + len(counts)
            holes = (*holes, (_quoted(_PADDING), b'"%b"' % stamp.letters(24, -size % 16)))
    return Response(
        status=200,
        headers=(media_type,),
        template=template,
        head=b'"%b"%b%d' % (completion_id(stamp), layout.head, stamp.created),
        holes=holes,
        length=not request.stream,
    )


def _call_ids(reply: Reply, n: int, stamp: Stamp) -> tuple[tuple[bytes, bytes], ...]:
    holes: tuple[tuple[bytes, bytes], ...] = ()
    for number in range(n * len(reply.tool_calls)):
        digest = hashlib.blake2b(b"%d" % number, key=stamp.digest).digest()
        letters = Stamp(stamp.created, digest).letters(0, 24)
        holes += ((_quoted(_call_hole(number)), b'"call_%b"' % letters),)
    return holes


def _with_ids(reply: Reply, choice: int) -> Reply:
    """The reply with holes for the ids of its calls, which are others in each choice."""
    first = choice * len(reply.tool_calls)
    calls = (
        call if call.id is not None else replace(call, id=_call_hole(first + index))
        for index, call in enumerate(reply.tool_calls)
    )
    return replace(reply, tool_calls=tuple(calls))


def _counts(request: ChatRequest, reply: Reply, layout: _Layout) -> bytes:
    usage = reply.usage
    prompt = usage.prompt_tokens if usage else None
    completion = usage.completion_tokens if usage else None
    if prompt is None:
        prompt = prompt_tokens(request)
    if completion is None:
        completion = completion_tokens(request, reply, usage.reasoning_tokens if usage else 0)
    first, second = layout.usage
    return b"%d%b%d%b%d" % (prompt, first, completion, second, prompt + completion)


def completion_id(stamp: Stamp) -> bytes:
    """``chatcmpl-`` and 29 letters, the first five of which say when it was created."""
    return b"chatcmpl-%b%b" % (_time_letters(stamp.created), stamp.letters(0, 24))


@lru_cache(maxsize=16)
def _time_letters(created: int) -> bytes:
    rest, digits = created - _ID_EPOCH, b""
    for _ in range(5):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit : digit + 1] + digits
    return digits


def _finish_reason(reply: Reply, shape: Shape) -> str:
    if reply.finish_reason is not None:
        return reply.finish_reason
    named = shape.named_tool and not shape.legacy and not reasons(shape.model)
    if not reply.tool_calls or named:
        return "stop"
    return "function_call" if shape.legacy else "tool_calls"


def _fingerprint(model: str) -> str | None:
    if not has_fingerprint(model):
        return None
    return "fp_" + hashlib.blake2b(model.encode(), digest_size=5).hexdigest()


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": _PROMPT,
        "completion_tokens": _COMPLETION,
        "total_tokens": _TOTAL,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _call_hole(index: int) -> str:
    return f"\0chatdouble call {index}\0"


@lru_cache(maxsize=1024)
def _body(reply: Reply, shape: Shape) -> Template:
    completion = {
        "id": _ID,
        "object": "chat.completion",
        "created": _CREATED,
        "model": shape.model,
        "choices": [
            _choice(
                index,
                "message",
                _message(_with_ids(reply, index), shape),
                shape,
                _finish_reason(reply, shape),
            )
            for index in range(shape.n)
        ],
        "usage": _usage(reply.usage or Usage()),
        "service_tier": shape.tier,
        "system_fingerprint": _fingerprint(shape.model),
    }
    text = json.dumps(completion, indent=2, ensure_ascii=False) + "\n"
    return Template((_BODY.leave_open(text),))


def _message(reply: Reply, shape: Shape) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.tool_calls and shape.legacy:
        first = reply.tool_calls[0]
        message["function_call"] = {"name": first.name, "arguments": first.arguments}
    elif reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, **deltas.called(call, shape, call.arguments)}
            for call in reply.tool_calls
        ]
    return message | {"refusal": reply.refusal, "annotations": []}


@lru_cache(maxsize=1024)
def _stream(reply: Reply, shape: Shape) -> Template:
    chunks = [_compact(chunk) for chunk in _chunks(reply, shape)]
    usage = [_compact(_usage_chunk(reply, shape))] if shape.include_usage else []
    if shape.obfuscated:
        chunks = [_obfuscated(chunk) for chunk in chunks]
        usage = [_with_padding(chunk, _PADDING) for chunk in usage]
    frames = (sse.event(_CHUNK.leave_open(chunk)) for chunk in [*chunks, *usage])
    return Template((*frames, sse.DONE))


def _compact(chunk: dict[str, Any]) -> str:
    return json.dumps(chunk, ensure_ascii=False, separators=(",", ":"))


def _obfuscated(chunk: str) -> str:
    """The chunk with letters at its end that make its length a multiple of 16 (WIRE 3.9)."""
    digest = hashlib.blake2b(chunk.encode("utf-8", "replace")).digest()
    letters = Stamp(0, digest).letters(0, -_sent_size(chunk) % 16)
    return _with_padding(chunk, letters.decode())


def _with_padding(chunk: str, padding: str) -> str:
    return f'{chunk[:-1]},"obfuscation":{json.dumps(padding)}}}'


def _sent_size(chunk: str) -> int:
    """How many characters the chunk has once its ids and its time are filled in."""
    size = len(_CALL_HOLE.sub("x" * _CALL_ID_SIZE, chunk))
    for placeholder, sent in ((_ID, _ID_SIZE), (_CREATED, 10)):
        size += sent - len(json.dumps(placeholder))
    return size


@lru_cache(maxsize=64)
def _usage_chunk_size(reply: Reply, shape: Shape) -> int:
    """How many characters the usage chunk has without its counts."""
    chunk = _compact(_usage_chunk(reply, shape))
    counts = (_quoted(_PROMPT), *_CHUNK.usage, _quoted(_COMPLETION), _quoted(_TOTAL))
    return _sent_size(chunk) - sum(map(len, counts))


def _choice(
    index: int, key: str, said: dict[str, Any], shape: Shape, finish_reason: str | None
) -> dict[str, Any]:
    return {
        "index": index,
        key: said,
        **({"logprobs": None} if says_logprobs(shape.model) else {}),
        "finish_reason": finish_reason,
    }


def _chunks(reply: Reply, shape: Shape) -> Iterator[dict[str, Any]]:
    # Two or more tool calls come from another part of the API, which puts usage before choices.
    parallel = len(reply.tool_calls) > 1 and not shape.legacy
    head = _head(shape)
    no_usage = {"usage": None} if shape.include_usage else {}

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choices = {"choices": [_choice(index, "delta", delta, shape, finish)]}
        if parallel and finish is None:
            return head | no_usage | choices
        return head | choices | no_usage

    cut = partial(tokens.pieces, name=encoding(shape.model))
    cut_up = deltas.parallel if parallel else deltas.single
    said = [list(cut_up(_with_ids(reply, index), shape, cut)) for index in range(shape.n)]
    # recorded: each choice opens with its role and its first piece, then all take turns
    for index, own in enumerate(said):
        yield from (chunk(index, delta) for delta in own[:2])
    for turn in zip(*(own[2:] for own in said), strict=True):
        yield from (chunk(index, delta) for index, delta in enumerate(turn))
    for index in range(shape.n):
        yield chunk(index, {}, _finish_reason(reply, shape))


def _head(shape: Shape) -> dict[str, Any]:
    return {
        "id": _ID,
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": shape.model,
        "service_tier": shape.tier,
        "system_fingerprint": _fingerprint(shape.model),
    }


def _usage_chunk(reply: Reply, shape: Shape) -> dict[str, Any]:
    return _head(shape) | {"choices": [], "usage": _usage(reply.usage or Usage())}
