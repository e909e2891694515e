"""What a request's body means: its JSON without what makes no difference.

What leaving a field out of a chat completion means is declared here, once. Sources: the ``default``
values and the ``nullable`` fields of the published document, and the contract's own for ``top_k``
and ``tool_choice``. ``reasoning_effort`` and the figures of caching differ by model, so they have
no default here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from chatdouble.cassette.matching import Matching
from chatdouble.errors import ChatdoubleError
from chatdouble.match.fields import PART
from chatdouble.wire.chat.request import ChatRequest

# fields that say how an answer is sent, not what it says
SENDING = ("stream", "stream_options")

DEFAULTS: dict[str, Any] = {
    "frequency_penalty": 0,
    "logprobs": False,
    "modalities": ["text"],
    "n": 1,
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "service_tier": "auto",
    "store": False,
    "stream": False,
    "temperature": 1,
    "top_k": 50,
    "top_p": 1,
    "verbosity": "medium",
}
# fields whose default depends on another one being there: (with it, without it)
_DEPENDING: dict[str, tuple[str, Any, Any]] = {
    "function_call": ("functions", "auto", "none"),
    "parallel_tool_calls": ("tools", True, True),
    "tool_choice": ("tools", "auto", "none"),
}
# of objects inside the body, by the field that holds them
_INNER_DEFAULTS: dict[str, dict[str, Any]] = {
    "function": {"strict": False},
    "image_url": {"detail": "auto"},
    "json_schema": {"strict": False},
    "stream_options": {"include_obfuscation": True, "include_usage": False},
    "web_search_options": {"search_context_size": "medium"},
}
# what the user wrote, in which null and defaults mean what the user's schema says
_FREE = frozenset(("arguments", "input", "logit_bias", "metadata", "parameters", "schema"))
_KNOWN = frozenset(ChatRequest.__struct_fields__)

_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    "|Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY = "(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_TIME = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm]\b)?"
    r"(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\b)?"
)
_DATE = re.compile(
    rf"\b(?:{_DAY}, ?)?"
    rf"(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,4}}/\d{{1,2}}/\d{{1,4}}|\d{{1,2}}\.\d{{1,2}}\.\d{{4}}"
    rf"|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\.? {_MONTH}\.?,? \d{{4}})"
    rf"(?:(?:T|,? (?:at )?){_TIME})?(?!\d)"
    rf"|\b{_TIME}(?!\d)"
)
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")

# what the recorder puts in the place of a secret
_PLACEHOLDER_TEXT = re.compile(r"<([a-z]+(?:-[a-z]+)*)-[0-9]{1,9}>")
_PLACEHOLDER = re.compile(_PLACEHOLDER_TEXT.pattern.encode())

_LARGEST_EXACT = 2**53


def parsed(body: bytes) -> Any:
    """The body as JSON, numbers without a useless fraction; the bytes themselves if it is none."""
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_number)
    except (ValueError, RecursionError):
        return body


def is_chat(method: str, path: str) -> bool:
    """Whether the request asks for a chat completion, whatever the host's prefix."""
    return method.upper() == "POST" and path.endswith("/chat/completions")


def meaning(body: bytes, matching: Matching, *, chat: bool, stated: bool = False) -> Any:
    """What of a body is compared; the bytes themselves if it is no JSON.

    Args:
        body: the request's body.
        matching: what does not count.
        chat: whether it asks for a chat completion, so that defaults are known.
        stated: whether it counts that a default is stated, as it does where just that was refused.

    Raises:
        ChatdoubleError: the user's function fails.
    """
    value = parsed(body)
    if isinstance(value, bytes):
        return value
    if matching.transform is not None:
        value = _transformed(matching.transform, value)
    try:
        compared = _compared(value, matching, chat=chat, stated=stated)
        return _renumbered(compared, {}) if holds_placeholder(body) else compared
    except RecursionError:
        return body


def canonical(value: Any) -> bytes:
    """What is compared as bytes: equal for equal values, whatever the order of their keys."""
    if isinstance(value, bytes):
        return value
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return text.encode()


def _compared(value: Any, matching: Matching, *, chat: bool, stated: bool) -> Any:
    knows = chat and isinstance(value, dict)
    if knows and not stated:
        value = _without_defaults(value)
    for path in matching.ignore_fields:
        _remove(value, PART.findall(path))
    if knows and not stated:
        _join_texts(value.get("messages"))
    ignore = matching.ignore
    patterns = [(re.compile(text), f"<text {n}>") for n, text in enumerate(matching.ignore_texts)]
    patterns += [(_DATE, "<date>")] * ("dates" in ignore) + [(_UUID, "<uuid>")] * (
        "uuids" in ignore
    )
    if "call_ids" in ignore and isinstance(value, dict):
        _number_calls(value.get("messages"))
    if patterns:
        value = _with_texts(value, patterns)
    if "tool_order" in ignore and isinstance(value, dict):
        for key in ("tools", "functions"):
            if isinstance(value.get(key), list):
                value[key] = sorted(value[key], key=canonical)
    return value


def holds_placeholder(body: bytes) -> bool:
    """Whether a secret was hidden in the body when it was recorded."""
    return _PLACEHOLDER.search(body) is not None


def _renumbered(value: Any, given: dict[str, str]) -> Any:
    """The value with its placeholders numbered anew: a cassette numbers those of all requests."""
    if isinstance(value, str):

        def number(found: re.Match[str]) -> str:
            return given.setdefault(found[0], f"<{found[1]}-{len(given) + 1}>")

        return _PLACEHOLDER_TEXT.sub(number, value)
    if isinstance(value, dict):
        return {key: _renumbered(value[key], given) for key in sorted(value)}
    return [_renumbered(item, given) for item in value] if isinstance(value, list) else value


def _transformed(transform: Callable[[Any], Any], value: Any) -> Any:
    try:
        made = transform(value)
        json.dumps(made)
    except Exception as error:
        raise ChatdoubleError(
            f"the transform of a Matching failed: {type(error).__name__}: {error}"
        ) from error
    return made


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _LARGEST_EXACT else value


def _without_defaults(body: dict[str, Any]) -> dict[str, Any]:
    """The body without what says the same when it is left out."""
    kept: dict[str, Any] = {}
    for key, value in body.items():
        if key not in _KNOWN:
            kept[key] = value
            continue
        if value is None or (key in DEFAULTS and _equal(value, DEFAULTS[key])):
            continue
        if key in _DEPENDING:
            needed, beside, alone = _DEPENDING[key]
            if _equal(value, alone if body.get(needed) is None else beside):
                continue
        kept[key] = value if key in _FREE else _plain(value, key)
    return kept


def _plain(value: Any, key: str) -> Any:
    """A value inside a field that the API declares, without nulls and stated defaults."""
    if isinstance(value, list):
        return [_plain(item, key) for item in value]
    if not isinstance(value, dict):
        return value
    defaults = _INNER_DEFAULTS.get(key, {})
    return {
        name: item if name in _FREE else _plain(item, name)
        for name, item in value.items()
        if item is not None and not (name in defaults and _equal(item, defaults[name]))
    }


def _equal(value: Any, default: Any) -> bool:
    return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)


def _join_texts(messages: Any) -> None:
    """A content that is a single text part, which is prompted and billed as the text itself."""
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list) or len(content) != 1 or not isinstance(content[0], dict):
            continue
        (part,) = content
        if part.keys() == {"type", "text"} and part["type"] == "text":
            message["content"] = part["text"]


def _remove(value: Any, parts: list[str]) -> None:
    """Take what stands at the path out of the value, in place."""
    *above, last = parts
    places = [value]
    for part in above:
        places = [place[at] for place in places for at in _inside(place, part)]
    for place in places:
        for at in reversed(list(_inside(place, last))):
            del place[at]


def _inside(value: Any, part: str) -> Iterator[Any]:
    """The keys or indexes that a part of a path names and that are there."""
    if not part.startswith("["):
        if isinstance(value, dict) and part in value:
            yield part
    elif isinstance(value, list):
        index = None if part == "[*]" else int(part[1:-1][:9])
        if index is None:
            yield from range(len(value))
        elif -len(value) <= index < len(value):
            yield index


def _with_texts(value: Any, patterns: list[tuple[re.Pattern[str], str]]) -> Any:
    if isinstance(value, str):
        for pattern, name in patterns:
            value = pattern.sub(name, value)
        return value
    if isinstance(value, dict):
        return {key: _with_texts(item, patterns) for key, item in value.items()}
    return [_with_texts(item, patterns) for item in value] if isinstance(value, list) else value


def _number_calls(messages: Any) -> None:
    """Rename the ids of tool calls to their numbers, in the calls and in their results alike."""
    numbers: dict[str, str] = {}

    def number(place: Any, key: str) -> None:
        if isinstance(place, dict) and isinstance(place.get(key), str):
            place[key] = numbers.setdefault(place[key], f"<call {len(numbers) + 1}>")

    for message in messages if isinstance(messages, list) else ():
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            number(call, "id")
        number(message, "tool_call_id")
