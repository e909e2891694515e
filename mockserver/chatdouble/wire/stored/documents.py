"""What is stored of a completion, and the documents that tell it.

The fields, their order and the layout in one line are those of the recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from chatdouble.answers import Answer, ApiError, Document, Reply
from chatdouble.calls import Call
from chatdouble.wire.chat import ChatCompletions
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.headers import request_id
from chatdouble.wire.response import Stamp
from chatdouble.wire.stored import Page

_CHAT = ChatCompletions()
_NULL = Raw(b"null")

# what a message carries only when it says something
_RARE_IN_ANSWERS = ("refusal", "annotations", "audio")
_RARE_IN_REQUESTS = ("tool_calls", "tool_call_id", "function_call", "refusal", "audio")


class Usage(Struct, frozen=True, gc=False):
    """The token figures that are stored."""

    total_tokens: int
    completion_tokens: int
    prompt_tokens: int


class Completion(Struct, frozen=True, kw_only=True, gc=False):
    """A stored completion as it is told, field by field in the API's order.

    What clients may nest is kept as text, so that telling it again is cheap and cannot fail.
    """

    object: Literal["chat.completion"] = "chat.completion"
    id: str
    model: str
    created: int
    request_id: str
    tool_choice: Raw
    usage: Usage
    seed: int
    top_p: float
    temperature: float
    presence_penalty: float
    frequency_penalty: float
    system_fingerprint: str | None
    input_user: str | None
    service_tier: str | None
    tools: Raw
    metadata: dict[str, str]
    choices: Raw
    response_format: Raw


class Message(Struct, frozen=True, gc=False):
    """A message of a stored completion's request: its id, and the document that tells it."""

    id: str
    document: Raw


class Kept(Struct, frozen=True):
    """What is kept of one call: its completion, its messages, and how many bytes they have."""

    completion: Completion
    messages: tuple[Message, ...]
    size: int


_Item = TypeVar("_Item", Completion, Message)


def listed(
    items: Sequence[_Item],
    page: Page,
    tell: Callable[[_Item], Any],
    wanted: Callable[[_Item], bool] = lambda _: True,
) -> Document | ApiError:
    """A page of a list that is in its order already; a refusal if it begins after nothing known."""
    start = 0
    if page.after:
        start = next((at for at, item in enumerate(items, 1) if item.id == page.after), 0)
        if not start:
            return ApiError(404, f"Item {page.after} not found", param="after", code="not_found")
    rest = [item for item in items[start:] if wanted(item)]
    shown = rest[: page.limit]
    return Document(
        {
            "object": "list",
            "data": [tell(item) for item in shown],
            "first_id": shown[0].id if shown else None,
            "last_id": shown[-1].id if shown else None,
            "has_more": len(rest) > len(shown),
        },
        compact=True,
    )


def deleted(id: str) -> Document:  # noqa: A002 - what it is
    """What confirms that a completion is forgotten."""
    content = {"object": "chat.completion.deleted", "id": id, "deleted": True}
    return Document(content, compact=True)


def not_found(id: str) -> ApiError:  # noqa: A002 - what it is
    """The refusal of an id that nothing is stored under."""
    message = f"Completion {id} not found"
    return ApiError(404, message, param="completion_id", code="not_found")


def kept(call: Call, answer: Answer, stamp: Stamp) -> Kept | None:
    """What is to be stored of a call that got this answer.

    None unless it asks for that and got a completion. A request that is nested so deep that it
    could only just be read is not stored either.
    """
    view = call.view
    if view is None or not isinstance(answer, Reply):
        return None
    request = view.detail
    if not isinstance(request, ChatRequest) or not request.store:
        return None
    # a streamed completion is stored as the whole one that it would have been
    whole = replace(request, stream=None, stream_options=None)
    unstreamed = replace(call, view=replace(view, stream=False, detail=whole))
    created = msgspec.json.decode(_CHAT.render(unstreamed, answer, stamp).whole())
    try:
        completion = _completion(call, request, created, stamp)
        messages = tuple(
            Message(f"{completion.id}-{number}", _message(f"{completion.id}-{number}", message))
            for number, message in enumerate(msgspec.to_builtins(request.messages))
        )
    except RecursionError:
        return None
    return _weighed(completion, messages)


def updated(kept: Kept, metadata: dict[str, str]) -> Kept:
    """The same with other metadata."""
    return _weighed(replace(kept.completion, metadata=metadata), kept.messages)


def _weighed(completion: Completion, messages: tuple[Message, ...]) -> Kept:
    size = len(msgspec.json.encode(completion))
    return Kept(completion, messages, size + sum(len(memoryview(m.document)) for m in messages))


def _completion(
    call: Call, request: ChatRequest, created: dict[str, Any], stamp: Stamp
) -> Completion:
    usage = created["usage"]
    return Completion(
        id=created["id"],
        model=created["model"],
        created=created["created"],
        request_id=request_id(stamp),
        tool_choice=_sent(call, "tool_choice"),
        usage=Usage(usage["total_tokens"], usage["completion_tokens"], usage["prompt_tokens"]),
        seed=_seed(stamp) if request.seed is None else request.seed,
        top_p=_or(request.top_p, 1.0),
        temperature=_or(request.temperature, 1.0),
        presence_penalty=_or(request.presence_penalty, 0.0),
        frequency_penalty=_or(request.frequency_penalty, 0.0),
        system_fingerprint=created.get("system_fingerprint"),
        input_user=request.user,
        service_tier=created.get("service_tier"),
        tools=_sent(call, "tools"),
        metadata=request.metadata or {},
        choices=_raw([_choice(choice) for choice in created["choices"]]),
        response_format=_sent(call, "response_format"),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _seed(stamp: Stamp) -> int:
    """The seed that the API chose itself, any 64 bits."""
    return int.from_bytes(stamp.digest[48:56], signed=True)


def _raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


def _sent(call: Call, field: str) -> Raw:
    value = call.json.get(field) if isinstance(call.json, dict) else None
    return _NULL if value is None else _raw(value)


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    said = {key: message.get(key) for key in ("content", "role", "tool_calls", "function_call")}
    return {
        "index": choice["index"],
        "message": said | {key: message[key] for key in _RARE_IN_ANSWERS if message.get(key)},
        "finish_reason": choice["finish_reason"],
        "logprobs": choice.get("logprobs"),
    }


def _message(id: str, message: dict[str, Any]) -> Raw:  # noqa: A002 - what it is
    content = message.get("content")
    parts = content if isinstance(content, list) else None
    if parts is not None:
        # recorded: a part without text counts as an empty one
        content = " ".join(part.get("text") or "" for part in parts)
    told = {
        "id": id,
        "role": message["role"],
        "content": content,
        "content_parts": None if parts is None else [_part(part) for part in parts],
        "name": message.get("name"),
    }
    return _raw(told | {key: message[key] for key in _RARE_IN_REQUESTS if message.get(key)})


def _part(part: dict[str, Any]) -> dict[str, Any]:
    image = part.get("image_url")
    return {
        "type": part["type"],
        "text": part.get("text"),
        "image_url": image and {"url": image["url"], "detail": image.get("detail")},
        "input_audio": part.get("input_audio"),
        "file": part.get("file"),
        **({"refusal": part["refusal"]} if "refusal" in part else {}),
    }
