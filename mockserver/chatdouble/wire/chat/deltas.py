"""What a stream says piece by piece: the deltas of one choice, without its finish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, TypeAlias

from chatdouble.answers import Audio, Reply, ToolCall, UrlCitation
from chatdouble.wire.chat.shape import Shape
from chatdouble.wire.chat.toolspec import is_spaced

Cut: TypeAlias = Callable[[str], list[str]]

# letters of sound in one chunk
_SOUND = 16_000


def single(reply: Reply, shape: Shape, cut: Cut) -> Iterator[dict[str, Any]]:
    """What is said piece by piece when there is at most one tool call (WIRE 3.3, 3.4, 3.6)."""
    if reply.audio is not None:
        yield from aloud(reply.audio, cut)
        return
    role: dict[str, Any] = {"role": "assistant", "content": None}
    if reply.refusal is not None:
        yield role | {"refusal": ""}
        yield from ({"refusal": piece} for piece in cut(reply.refusal))
        return
    last: dict[str, Any] = {"refusal": None}
    if reply.reasoning_content is not None:
        # not of the API itself: hosts that think aloud open with the thought, then say the rest
        yield role | {"reasoning_content": ""}
        yield from ({"reasoning_content": piece} for piece in cut(reply.reasoning_content))
        role, last = {}, {}
    opening = _opening(0, reply.tool_calls[0], shape) if reply.tool_calls else {}
    if opening and reply.content is None:
        yield role | opening | last
    else:
        yield role | {"content": ""} | last
        yield from ({"content": piece} for piece in cut(reply.content or ""))
        if opening:
            yield opening
    for call in reply.tool_calls[:1]:
        yield from (_fragment(0, call, shape, piece) for piece in cut(call.arguments))
    if reply.annotations:
        yield {"annotations": [citation(one) for one in reply.annotations]}


def aloud(audio: Audio, cut: Cut) -> Iterator[dict[str, Any]]:
    """What is said aloud: its words, then its sound.

    Source: recordings of gpt-audio-1.5 whose middle is cut out, so the sizes are a guess; the API
    says when it expires only behind the usage.
    """
    yield {"role": "assistant", "refusal": None}
    yield {"content": None, "audio": {"id": audio.id, "transcript": ""}}
    yield from ({"audio": {"transcript": piece}} for piece in cut(audio.transcript))
    for start in range(0, len(audio.data), _SOUND):
        yield {"audio": {"data": audio.data[start : start + _SOUND]}}
    yield {"audio": {"expires_at": audio.expires_at}}


def is_parallel(reply: Reply) -> bool:
    """Whether the API sends the reply's calls in its form for several (WIRE 3.5).

    Recorded: a single call that the model made in the way of several has spaces in its arguments.
    """
    calls = reply.tool_calls
    return len(calls) > 1 or (len(calls) == 1 and is_spaced(calls[0].arguments))


def parallel(reply: Reply, shape: Shape, cut: Cut) -> Iterator[dict[str, Any]]:
    """What is said piece by piece when several tools are called (WIRE 3.5)."""
    yield {"role": "assistant", "content": None if reply.content is None else ""}
    yield from ({"content": piece} for piece in cut(reply.content or ""))
    for index, call in enumerate(reply.tool_calls):
        yield _opening(index, call, shape)
        start = 0
        for step in cycle((4, 5, 6)):
            if start >= len(call.arguments):
                break
            yield _fragment(index, call, shape, call.arguments[start : start + step])
            start += step


def called(call: ToolCall, shape: Shape, arguments: str) -> dict[str, Any]:
    """A function and its arguments, or a custom tool and its input."""
    if call.name in shape.custom_tools:
        return {"type": "custom", "custom": {"name": call.name, "input": arguments}}
    return {"type": "function", "function": {"name": call.name, "arguments": arguments}}


def citation(one: UrlCitation) -> dict[str, Any]:
    """A page that is cited, as one of the annotations."""
    where = {"end_index": one.end_index, "start_index": one.start_index}
    return {"type": "url_citation", "url_citation": where | {"title": one.title, "url": one.url}}


def sound(audio: Audio) -> dict[str, Any]:
    """What is said aloud."""
    return {
        "id": audio.id,
        "data": audio.data,
        "expires_at": audio.expires_at,
        "transcript": audio.transcript,
    }


def _opening(index: int, call: ToolCall, shape: Shape) -> dict[str, Any]:
    if shape.legacy:
        return {"function_call": {"name": call.name, "arguments": ""}}
    return {"tool_calls": [{"index": index, "id": call.id} | called(call, shape, "")]}


def _fragment(index: int, call: ToolCall, shape: Shape, piece: str) -> dict[str, Any]:
    if shape.legacy:
        return {"function_call": {"arguments": piece}}
    if call.name in shape.custom_tools:
        return {"tool_calls": [{"index": index, "custom": {"input": piece}}]}
    return {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
