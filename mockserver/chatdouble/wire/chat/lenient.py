"""Requests read more leniently than the API reads them.

The lenient types are made from those in ``request``, so that a field is declared once. They are
subclasses of them which take any further key and have only the bounds that the published OpenAPI
document states.
"""

from __future__ import annotations

from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct, inspect

from chatdouble.answers import ApiError
from chatdouble.wire.chat import faults, fitting, refusals
from chatdouble.wire.chat.request import ChatRequest

# the fields whose bounds the document states, in its schemas or its words; top_k is this endpoint's
# own. All other bounds are the API's alone.
_STATED = frozenset(
    (
        "ChatRequest.frequency_penalty",
        "ChatRequest.functions",
        "ChatRequest.logit_bias",
        "ChatRequest.messages",
        "ChatRequest.metadata",
        "ChatRequest.n",
        "ChatRequest.presence_penalty",
        "ChatRequest.safety_identifier",
        "ChatRequest.seed",
        "ChatRequest.stop",
        "ChatRequest.temperature",
        "ChatRequest.top_k",
        "ChatRequest.top_logprobs",
        "ChatRequest.top_p",
        "CustomTool.name",
        "Function.name",
        "FunctionCall.name",
        "JsonSchema.name",
    )
)
# the texts that the document allows and the API does not
_FURTHER = {"ChatRequest.service_tier": ("scale",)}
# what the document does not require, though the API does, and the reverse
_OPTIONAL = frozenset(("JsonSchema.schema",))
_REQUIRED = frozenset(("SystemMessage.content", "ToolMessage.content", "UserMessage.content"))


def read(body: bytes, *, refuse: bool) -> ChatRequest | ApiError:
    """The request that a body makes, or why it makes none.

    Args:
        body: the body as it was sent.
        refuse: whether what the published document forbids is refused. If not, it is left out, and
            any JSON object makes a request.
    """
    try:
        return _with_limits(_decoder().decode(body))
    except (ValueError, RecursionError):
        value = refusals.json_object(body)
    if isinstance(value, ApiError):
        return value
    if refuse:
        if not isinstance(value.get("model"), str):
            return refusals.refusal(body)
        fault = faults.find(_declared(), value, "")
        if fault is not None:
            return fault
    fields = {"model": "", "messages": []} | fitting.fields_of(_declared(), value)
    return _with_limits(lenient(ChatRequest)(**fields))


def _with_limits(request: ChatRequest) -> ChatRequest:
    """The request without limits below 1, by which some clients mean that there is none."""
    for field in ("max_tokens", "max_completion_tokens"):
        limit = getattr(request, field)
        if limit is not None and limit < 1:
            setattr(request, field, None)
    return request


@lru_cache(maxsize=1)
def _decoder() -> msgspec.json.Decoder[ChatRequest]:
    return msgspec.json.Decoder(lenient(ChatRequest))


@lru_cache(maxsize=1)
def _declared() -> inspect.StructType:
    kind = inspect.type_info(lenient(ChatRequest))
    if not isinstance(kind, inspect.StructType):
        raise TypeError("a request is declared as a struct")
    return kind


@lru_cache(maxsize=128)
def lenient(kind: type[Struct]) -> Any:
    """The lenient form of one of the request's types."""
    hints = get_type_hints(kind, include_extras=True)
    fields: list[Any] = []
    for field in msgspec.structs.fields(kind):
        place = f"{kind.__name__}.{field.name}"
        hint = _lenient(hints[field.name], place)
        if place in _REQUIRED:
            present = tuple(part for part in get_args(hint) if part is not type(None))
            fields.append((field.name, Union[present]))  # noqa: UP007 - as many as there are
        elif place in _OPTIONAL:
            fields.append((field.name, hint | None, None))
        elif field.default is NODEFAULT:
            fields.append((field.name, hint))
        else:
            fields.append((field.name, hint, field.default))
    config = kind.__struct_config__
    return msgspec.defstruct(
        kind.__name__,
        fields,
        bases=(kind,),
        module=kind.__module__,
        tag_field=config.tag_field,
        tag=config.tag,
        forbid_unknown_fields=False,
        omit_defaults=config.omit_defaults,
        kw_only=True,
        gc=False,
    )


def _lenient(hint: Any, place: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return lenient(hint)
    if origin is Annotated:
        bare, *bounds = inner
        changed = _lenient(bare, place)
        # that a list of parts has one is stated, how long a text may be is not
        stated = place in _STATED or (place.endswith(".content") and get_origin(bare) is list)
        return Annotated[changed, *bounds] if stated else changed
    if origin is Literal:
        return Literal[(*inner, *_FURTHER.get(place, ()))]
    if origin in (Union, UnionType):
        return Union[tuple(_lenient(part, place) for part in inner)]  # noqa: UP007 - as above
    if origin in (list, dict):
        return origin[tuple(_lenient(part, place) for part in inner)]
    return hint
