"""What can be answered to a call: plain values, the same whatever source made them.

An answer says *what* is said, never how it looks on the wire: that is the dialect's business.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeAlias

from msgspec import Struct

from chatdouble.errors import ScriptError

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


class ToolCall(Struct, frozen=True):
    """One call of a tool.

    Attributes:
        name: the function's name.
        arguments: the arguments as the text that goes over the wire, usually JSON.
        id: the call's id; None lets the server make one of the API's form (``call_`` + 24).
    """

    name: str
    arguments: str = "{}"
    id: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ScriptError(
                "a tool's name is made of letters, digits, _ and -, at most 128 of them, got "
                f"{self.name!r}"
            )
        if not isinstance(self.arguments, str):
            raise ScriptError(
                f"a ToolCall's arguments are the text that is sent, got {self.arguments!r}; "
                "call(name, argument=value) writes them as JSON"
            )
        if not isinstance(self.id, str | None):
            raise ScriptError(f"a tool call's id is a text, got {self.id!r}")


class Usage(Struct, frozen=True):
    """Token figures of a completion, when a script sets them by hand.

    Attributes:
        prompt_tokens: tokens of the request; None means counted.
        completion_tokens: tokens of the reply; None means counted.
        cached_tokens: how many of the prompt's tokens were in the cache.
        reasoning_tokens: how many of the completion's tokens the model thought with.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            unset = value is None and field in ("prompt_tokens", "completion_tokens")
            if not unset and (type(value) is not int or value < 0):
                raise ScriptError(f"{field} is a whole number, 0 or more, got {value!r}")


class Refusal(Struct, frozen=True):
    """A reply's refusal text, as ``refusal()`` makes it."""

    text: str


class Reply(Struct, frozen=True):
    """What the model says.

    Attributes:
        content: the text, or None when the reply has none (a bare tool call, a refusal).
        tool_calls: the calls of tools, in order.
        refusal: the refusal text, or None.
        finish_reason: ``stop``, ``length``, ``tool_calls``, ``content_filter`` or
            ``function_call``; None lets the dialect choose as the API does.
        usage: figures that replace the counted ones; None means counted.
        stopped_by: the stop sequence that ended the text; it is not returned, but billed.
    """

    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    stopped_by: str | None = None

    def __post_init__(self) -> None:
        for field in ("content", "refusal"):
            if not isinstance(getattr(self, field), str | None):
                raise ScriptError(f"a reply's {field} is a text, got {getattr(self, field)!r}")
        calls = self.tool_calls
        if not isinstance(calls, tuple) or not all(isinstance(one, ToolCall) for one in calls):
            raise ScriptError(f"a reply's tool_calls are a tuple of ToolCalls, got {calls!r}")
        if self.finish_reason is not None and self.finish_reason not in FINISH_REASONS:
            raise ScriptError(
                f"finish_reason is one of {', '.join(FINISH_REASONS)}, got {self.finish_reason!r}"
            )
        if not isinstance(self.usage, Usage | None):
            raise ScriptError(f"a reply's usage is a Usage, got {self.usage!r}")


class ApiError(Struct, frozen=True):
    """An error as the API answers it: a status and the four fields of its envelope.

    Attributes:
        status: the HTTP status, 400 to 599.
        message: the sentence for people.
        type: the envelope's ``type``, for example ``invalid_request_error``.
        param: the request's field it is about, as a path, or None.
        code: the envelope's ``code``, or None.
        headers: further response headers, as (name, value) pairs.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Recording(Struct, frozen=True):
    """A recorded response, sent again as it was.

    Attributes:
        status: the recorded status.
        headers: the recorded headers as (name, value) pairs, without those that belong to one
            connection or describe a body's encoding.
        body: the recorded body, decoded.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Document(Struct, frozen=True):
    """A JSON document that the contract itself dictates, such as the list of models.

    Attributes:
        content: what it holds.
        compact: whether it is laid out in one line without spaces.
    """

    content: Any
    compact: bool = False


Answer: TypeAlias = Reply | ApiError | Recording | Document


def call(name: str, /, **arguments: Any) -> ToolCall:
    """Say that the model calls the tool ``name`` with these arguments.

    The arguments are written as compact JSON, without escaping non-ASCII text. For arguments that
    are no valid JSON on purpose, make a ``ToolCall(name, "text")``.

    Raises:
        ScriptError: an argument cannot be written as JSON.
    """
    return tool_call(name, arguments)


def tool_call(name: str, arguments: dict[str, Any] | str, id: str | None = None) -> ToolCall:  # noqa: A002 - the wire's word
    """Make a tool call from arguments given as a mapping, or as raw text that is sent as it is."""
    if isinstance(arguments, str):
        return ToolCall(name, arguments, id)
    try:
        text = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ScriptError(
            f"the arguments of the call of {name!r} cannot be written as JSON ({error}); "
            "give values that JSON knows, or a ToolCall with the raw text"
        ) from None
    return ToolCall(name, text, id)


def refusal(text: str) -> Refusal:
    """Say that the model refuses, with this text."""
    return Refusal(text)


ReplyPart: TypeAlias = "str | ToolCall | Refusal"


def reply_of(
    parts: tuple[ReplyPart | Reply, ...],
    *,
    finish_reason: str | None = None,
    usage: Usage | None = None,
) -> Reply:
    """Put the parts that a rule names (texts, tool calls, a refusal) together into one reply.

    Raises:
        ScriptError: there is no part, one is of another type, or they contradict each other.
    """
    if len(parts) == 1 and isinstance(parts[0], Reply):
        whole = parts[0]
        if finish_reason is not None or usage is not None:
            raise ScriptError(
                "a whole Reply already has its finish_reason and usage; set them there"
            )
        return whole
    texts: list[str] = []
    calls: list[ToolCall] = []
    refusals: list[str] = []
    for part in parts:
        match part:
            case str():
                texts.append(part)
            case ToolCall():
                calls.append(part)
            case Refusal():
                refusals.append(part.text)
            case _:
                raise ScriptError(
                    f"a reply is made of texts, call(...) and refusal(...), not of {part!r}"
                )
    if not parts:
        raise ScriptError("a reply needs something to say: a text, call(...) or refusal(...)")
    if refusals and (texts or calls or len(refusals) > 1):
        raise ScriptError(
            "a refusal stands alone: no text, no call and no second refusal beside it"
        )
    return Reply(
        content="".join(texts) if texts else None,
        tool_calls=tuple(calls),
        refusal=refusals[0] if refusals else None,
        finish_reason=finish_reason,
        usage=usage,
    )
