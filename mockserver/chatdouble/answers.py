"""What can be answered to a call: plain values, the same whatever source made them.

An answer says *what* is said, never how it looks on the wire: that is the dialect's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from chatdouble.errors import ScriptError
from chatdouble.live import Live

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")

# the fields of a reply that are texts
_TEXTS = (
    "content",
    "refusal",
    "reasoning_content",
    "id",
    "model",
    "service_tier",
)


def is_tool_name(name: str) -> bool:
    """Whether the model can call a tool of this name."""
    return _NAME.fullmatch(name) is not None


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
        if not isinstance(self.name, str) or not is_tool_name(self.name):
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
        prompt_audio_tokens: how many of the prompt's tokens are sound.
        completion_audio_tokens: how many of the completion's tokens are sound.
        accepted_prediction_tokens: how many tokens of the request's prediction were used.
        rejected_prediction_tokens: how many were not, and are billed all the same.
        cache_write_tokens: how many of the prompt's tokens were put into the cache; only some
            models say so.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    prompt_audio_tokens: int = 0
    completion_audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0
    cache_write_tokens: int = 0

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            unset = value is None and field in ("prompt_tokens", "completion_tokens")
            if not unset and (type(value) is not int or value < 0):
                raise ScriptError(f"{field} is a whole number, 0 or more, got {value!r}")


class TokenLogprob(Struct, frozen=True):
    """How likely a token of the reply was.

    Attributes:
        token: the token's text.
        logprob: the natural logarithm of its probability, 0 or less.
        bytes: the token in UTF-8, None if the API did not say.
        top: the likeliest tokens at this place, if they were asked for.
    """

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple[TokenLogprob, ...] = ()


class UrlCitation(Struct, frozen=True):
    """A place of the reply's text that a page on the web is cited for.

    Attributes:
        url: the page's address.
        title: the page's title.
        start_index: the first character that it is cited for.
        end_index: the character behind the last one.
    """

    url: str
    title: str
    start_index: int
    end_index: int


class Audio(Struct, frozen=True):
    """What the reply says aloud.

    Attributes:
        id: its name in later requests.
        data: the sound, base64.
        transcript: what is said.
        expires_at: until when the id is known, in seconds since 1970.
    """

    id: str
    data: str
    transcript: str
    expires_at: int


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
        reasoning_content: what the model thought, as OpenAI-compatible hosts send it.
        annotations: the pages that the text cites.
        audio: what is said aloud.
        logprobs: how likely each token of the text, or of the refusal, was; None means made up
            when the request asks for them.
        id: the completion's id; None lets the server make one of the API's form.
        created: when it was made, in seconds since 1970; None means when it is answered.
        model: the model that says it; None means the snapshot of the requested one.
        system_fingerprint: without one it is made from the model.
        service_tier: None means the one that the request asks for.
        others: what the second and further choices of ``n > 1`` say; there are as many choices as
            the request asks for, which say this reply and the others in turn.
        extra: further keys of the completion and of each chunk, as pairs of a name and JSON text.
        message_extra: further keys of the message, and of a stream's first delta, likewise.
        without: keys that are left out, because the API did not send them when this was recorded.
    """

    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    stopped_by: str | None = None
    reasoning_content: str | None = None
    annotations: tuple[UrlCitation, ...] = ()
    audio: Audio | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    id: str | None = None
    created: int | None = None
    model: str | None = None
    system_fingerprint: str | UnsetType | None = UNSET
    service_tier: str | None = None
    others: tuple[Reply, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    message_extra: tuple[tuple[str, str], ...] = ()
    without: frozenset[str] = frozenset()

    def choice(self, index: int) -> Reply:
        """What the choice of this index says."""
        return (self, *self.others)[index % (1 + len(self.others))] if self.others else self

    def __post_init__(self) -> None:
        for field in _TEXTS:
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
        others = self.others
        if not isinstance(others, tuple) or not all(isinstance(one, Reply) for one in others):
            raise ScriptError(f"a reply's others are a tuple of Replies, got {others!r}")


class ApiError(Struct, frozen=True):
    """An error as the API answers it: a status and the four fields of its envelope.

    Attributes:
        status: the HTTP status, 400 to 599.
        message: the sentence for people.
        type: the envelope's ``type``, for example ``invalid_request_error``.
        param: the request's field it is about, as a path, or None.
        code: the envelope's ``code``, or None.
        headers: further response headers, as (name, value) pairs.
        layer: which of the API's layers answers so, each of which writes JSON in its own way:
            ``api``, or ``media`` that looks at the parts of messages before.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    layer: Literal["api", "media"] = "api"


def own_error(status: int, message: str, code: str, param: str | None = None) -> ApiError:
    """An error that chatdouble itself has to report: the mistake is in the test or in us, so the
    openai clients are told not to try again.
    """
    again = (("x-should-retry", "false"),)
    return ApiError(status, message, "chatdouble_error", param, code, again)


class Recording(Struct, frozen=True):
    """A recorded response, sent again as it was.

    Attributes:
        status: the recorded status.
        headers: the recorded headers as (name, value) pairs, without those that belong to one
            connection or describe a body's encoding.
        body: the recorded body, decoded.
        cut: whether the connection ended before the body did.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool = False


def is_cut(answer: object) -> bool:
    """Whether it is a recording whose connection ended too early."""
    return isinstance(answer, Recording) and answer.cut


class Document(Struct, frozen=True):
    """A JSON document that the contract itself dictates, such as the list of models.

    Attributes:
        content: what it holds.
        compact: whether it is laid out in one line without spaces.
    """

    content: Any
    compact: bool = False


Answer: TypeAlias = Reply | ApiError | Recording | Document | Live


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


# the fields of a reply that its parts fill
_SAID = ("content", "tool_calls", "refusal")


def _extra(name: str, keys: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(
            (key, json.dumps(value, ensure_ascii=False, allow_nan=False))
            for key, value in keys.items()
        )
    except (TypeError, ValueError) as error:
        raise ScriptError(f"{name} cannot be written as JSON ({error})") from None


ReplyPart: TypeAlias = "str | ToolCall | Refusal"


def reply_of(
    parts: tuple[ReplyPart | Reply, ...],
    *,
    finish_reason: str | None = None,
    usage: Usage | None = None,
    **fields: Any,
) -> Reply:
    """Put the parts that a rule names (texts, tool calls, a refusal) together into one reply.

    Args:
        parts: what is said; or one whole Reply.
        finish_reason: the reply's finish reason.
        usage: the reply's token figures.
        fields: further fields of a Reply.

    Raises:
        ScriptError: there is no part, one is of another type, or they contradict each other.
    """
    known = [name for name in Reply.__struct_fields__ if name not in _SAID]
    unknown = next((name for name in fields if name not in known), None)
    if unknown is not None:
        raise ScriptError(f"a reply has no field {unknown!r}; its fields are {', '.join(known)}")
    if len(parts) == 1 and isinstance(parts[0], Reply):
        if finish_reason is not None or usage is not None or fields:
            raise ScriptError("a whole Reply already has its own finish_reason, usage and so on")
        return parts[0]
    for name in ("extra", "message_extra"):
        if isinstance(fields.get(name), Mapping):
            fields[name] = _extra(name, fields[name])
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
        **fields,
    )
