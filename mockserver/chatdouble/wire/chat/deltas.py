"""What a stream says piece by piece: the deltas of one choice, without its finish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, TypeAlias

from chatdouble.answers import Reply, ToolCall
from chatdouble.wire.chat.shape import Shape

Cut: TypeAlias = Callable[[str], list[str]]


def single(reply: Reply, shape: Shape, cut: Cut) -> Iterator[dict[str, Any]]:
    """What is said piece by piece when there is at most one tool call (WIRE 3.3, 3.4, 3.6)."""
    role: dict[str, Any] = {"role": "assistant", "content": None}
    if reply.refusal is not None:
        yield role | {"refusal": ""}
        yield from ({"refusal": piece} for piece in cut(reply.refusal))
        return
    opening = _opening(0, reply.tool_calls[0], shape) if reply.tool_calls else {}
    if opening and reply.content is None:
        yield role | opening | {"refusal": None}
    else:
        yield role | {"content": "", "refusal": None}
        yield from ({"content": piece} for piece in cut(reply.content or ""))
        if opening:
            yield opening
    for call in reply.tool_calls[:1]:
        yield from (_fragment(0, call, shape, piece) for piece in cut(call.arguments))


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
