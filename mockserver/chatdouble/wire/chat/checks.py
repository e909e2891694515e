"""What is wrong with a request whose fields are as they are declared, in the API's order.

Most requests are plain: they use nothing that any rule speaks of. Those are told apart first and
quickly, because every request waits for it.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from operator import attrgetter

import msgspec
from msgspec import Struct

from chatdouble.answers import ApiError
from chatdouble.wire.chat.capabilities import (
    refused_at_field,
    refused_format,
    refused_role,
    refused_values,
    unknown_to,
)
from chatdouble.wire.chat.crossfield import (
    broken_options,
    broken_sequence,
    missing_content,
    missing_json,
)
from chatdouble.wire.chat.media import refused_media
from chatdouble.wire.chat.models import (
    counts_media,
    efforts,
    family,
    is_chat,
    is_search,
    only_responds,
    reasons,
)
from chatdouble.wire.chat.refusals import refused_key, refused_model
from chatdouble.wire.chat.request import (
    AssistantMessage,
    ChatRequest,
    FunctionMessage,
    ToolMessage,
    role_of,
)
from chatdouble.wire.chat.schemas import refused_schema
from chatdouble.wire.chat.windows import too_long, too_much_asked, window_of

# what no rule of any model speaks of
_FREE = {
    "model",
    "messages",
    "top_k",
    "user",
    "seed",
    "moderation",
    "safety_identifier",
    "prompt_cache_options",
    "prompt_cache_key",
    "service_tier",
    "stream",
    "store",
    "metadata",
}
# what is common, and has rules that are looked at one by one
_COMMON = {"max_completion_tokens", "max_tokens", "reasoning_effort", "stream_options"}
# what no rule of a model that does not reason speaks of either
_FREE_WITHOUT_REASONING = {
    "n",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "stop",
}
_ANSWERS = (ToolMessage, FunctionMessage)
# a model's name that is longer is not remembered
_LONGEST_NAME = 100
_FIELDS = ChatRequest.__struct_fields__
_VALUES = attrgetter(*_FIELDS)


class _Plain(Struct, frozen=True, gc=False):
    """What a plain request to a model is.

    Attributes:
        ruled: gives the fields that it does not have.
        nothing: what they are.
        size: the most bytes that it has, together with the tokens asked for.
        output: the most tokens that it asks for.
        efforts: how much reasoning it asks for.
    """

    ruled: attrgetter[tuple[object, ...]]
    nothing: tuple[None, ...]
    size: int
    output: int
    efforts: tuple[str | None, ...]


def refused(request: ChatRequest, body: bytes) -> ApiError | None:
    """The refusal of a well-typed request, None if the API takes it.

    Args:
        request: the request.
        body: what it was read from.
    """
    return None if _is_plain(request, len(body)) else _first_fault(request, body)


def _is_plain(request: ChatRequest, size: int) -> bool:
    model = request.model
    if len(model) > _LONGEST_NAME:
        return False
    plain = _plain(model)
    if plain.ruled(request) != plain.nothing or request.reasoning_effort not in plain.efforts:
        return False
    if request.stream_options is not None and not request.stream:
        return False
    asked = request.max_completion_tokens or request.max_tokens or 0
    if asked > plain.output or size + asked > plain.size:
        return False
    if request.max_tokens and (request.max_completion_tokens or reasons(model)):
        return False
    for message in request.messages:
        if type(message.content) is not str or isinstance(message, _ANSWERS):
            return False
        if isinstance(message, AssistantMessage) and message.tool_calls:
            return False
    return True


@lru_cache(maxsize=256)
def _plain(model: str) -> _Plain:
    free = _FREE | _COMMON | (set() if reasons(model) else _FREE_WITHOUT_REASONING)
    ruled = [name for name in _FIELDS if name not in free]
    window = window_of(model)
    size, output = sys.maxsize, sys.maxsize
    if (
        not is_chat(model)
        or only_responds(model)
        or counts_media(model)
        or is_search(model)
        or family(model).startswith("o1-mini")
    ):
        size = 0
    elif window is not None:
        size = window.input or window.tokens
        output = window.output or window.tokens
    return _Plain(attrgetter(*ruled), (None,) * len(ruled), size, output, (None, *efforts(model)))


def _first_fault(request: ChatRequest, body: bytes) -> ApiError | None:
    model = request.model
    return (
        refused_model(model)
        or _unknown_field(request, body)
        or refused_role(model, map(role_of, request.messages))
        or _refused_field(request)
        or broken_options(request)
        or refused_format(request)
        or refused_schema(request)
        or too_much_asked(request)
        or refused_values(request, body)
        or missing_content(request)
        or broken_sequence(request)
        or missing_json(request)
        or refused_media(request)
        or too_long(request, len(body))
    )


def _unknown_field(request: ChatRequest, body: bytes) -> ApiError | None:
    if all(getattr(request, field) is None for field in unknown_to(request.model)):
        return None
    return refused_key(request.model, msgspec.json.decode(body))


def _refused_field(request: ChatRequest) -> ApiError | None:
    for field, value in zip(_FIELDS, _VALUES(request), strict=True):
        fault = None if value is None else refused_at_field(request.model, field, value)
        if fault is not None:
            return fault
    return None
