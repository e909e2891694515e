"""Recorded conversations as people read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from chatdouble.answers import Reply, ToolCall
from chatdouble.calls import Call, Said, View
from chatdouble.cassette.age import days
from chatdouble.cassette.take import Take
from chatdouble.settings import Settings
from chatdouble.wire import dialects, sse

CHAT = "/v1/chat/completions"

# what a request of a conversation has beside its messages and tools, in words of its own
_TOLD = frozenset({"messages", "model", "stream", "stream_options", "tools", "functions"})
_ABSENT = object()

# recorded requests are shown however odd they are
_LENIENT = Settings(validation="off")

# further choices of n > 1, and further tools, are only counted
_MOST_CHOICES = 8
_MOST_TOOLS = 40


class Bounds(Struct, frozen=True):
    """How much of recorded texts is shown.

    Attributes:
        width: the longest line, in letters.
        lines: the most lines of one text; None shows all, and cuts no line.
    """

    width: int = 100
    lines: int | None = 12


def printable(text: str) -> str:
    """The text with everything escaped that a terminal would obey instead of showing it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(letter: str) -> str:
    return " " if letter == "\t" else letter.encode("unicode_escape").decode("ascii")


def call_of(take: Take) -> Call:
    """The take's request as a call, read by its endpoint where it is a known one."""
    uri = urlsplit(take.uri)
    path = uri.path
    if path.endswith("/chat/completions"):
        path = CHAT  # whatever stands before it, as with Azure's deployments
    elif "/v1/" in path:
        path = path[path.rfind("/v1/") :]
    call = Call(method=take.method, path=path, query=uri.query, body=take.request_body)
    dialects.read(call, _LENIENT)
    return call


def told(takes: Iterable[Take], bounds: Bounds, now: int) -> Iterator[str]:
    """A cassette's interactions, a few lines each.

    A conversation that goes on shows its new messages only, and of its other fields what changed.

    Args:
        takes: the interactions, in order.
        bounds: how much of texts is shown.
        now: the present time, in seconds since 1970, from which ages are told.
    """
    said = _Said()
    for number, take in enumerate(takes, 1):
        call = call_of(take)
        if call.view is None or call.path != CHAT:
            yield _line(number, take, bounds)
            continue
        for line in _conversation(number, take, call, call.view, said, bounds, now):
            yield line.rstrip()


class _Said:
    """What was said so far: which interaction sent which beginning of a conversation last."""

    def __init__(self) -> None:
        self._by_beginning: dict[bytes, tuple[int, dict[str, Any]]] = {}

    def before(self, messages: list[Any]) -> tuple[int, int, dict[str, Any]] | None:
        """How many of the messages an earlier interaction sent, its number and its body."""
        found = None
        for count, key in enumerate(_beginnings(messages), 1):
            if key in self._by_beginning:
                found = (count, *self._by_beginning[key])
        return found

    def add(self, number: int, messages: list[Any], body: dict[str, Any]) -> None:
        for key in list(_beginnings(messages))[-1:]:
            self._by_beginning[key] = (number, body)


def _beginnings(messages: list[Any]) -> Iterator[bytes]:
    so_far = hashlib.sha256()
    for message in messages:
        so_far.update(_canonical(message).encode("utf-8", "surrogatepass") + b"\n")
        yield so_far.digest()


def _canonical(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:
        return repr(type(value))


def _line(number: int, take: Take, bounds: Bounds) -> str:
    """An interaction that is no conversation, in one line."""
    kind = next((value for name, value in take.headers if name.lower() == "content-type"), "")
    size = f"{len(take.body)} bytes" + (f" of {kind}" if kind and take.body else "")
    path = urlsplit(take.uri).path
    told = f"{number}. {take.method} {path} -> {take.status} {size}{_ending(take)}"
    return _cut(printable(told), bounds)


def _conversation(
    number: int, take: Take, call: Call, view: View, said: _Said, bounds: Bounds, now: int
) -> Iterator[str]:
    age = days(take, now)
    old = "" if age is None else f", {_counted(age, 'day')} old"
    stream = " (stream)" if view.stream else ""
    head = f"{number}. {take.method} {urlsplit(take.uri).path} {view.model}{stream}{old}"
    yield _cut(printable(head), bounds)
    body = call.json if isinstance(call.json, dict) else {}
    messages = call.messages
    before = said.before(messages)
    said.add(number, messages, body)
    shown = 0
    old_body: dict[str, Any] = {}
    if before is not None:
        shown, earlier, old_body = before
        same = "the same messages as" if shown == len(messages) else "goes on from"
        yield f"   {same} {earlier}"
    told = view.conversation
    start = min(shown, len(told))
    for index, one in enumerate(told[start:], start):
        extra = _beside_text(messages[index]) if len(messages) == len(told) else ""
        yield from _message(one, extra, bounds)
    yield from _offered(view, body, old_body, bounds)
    yield from _options(body, old_body, before is not None, bounds)
    yield from _answer(take, call, bounds)


def _message(one: Said, extra: str, bounds: Bounds) -> Iterator[str]:
    who = one.role + (f" {one.name}" if one.name else "")
    if one.call_id is not None:
        who += f" ({one.call_id})"
    if one.text or extra or not one.tool_calls:
        yield from _text(f"   {who}: ", one.text + extra, bounds)
    else:
        yield _cut(printable(f"   {who}:"), bounds)
    yield from _calls(one.tool_calls, bounds)


def _beside_text(message: Any) -> str:
    """What a message has beside its text: images, sounds, files."""
    content = message.get("content") if isinstance(message, dict) else None
    parts = content if isinstance(content, list) else ()
    kinds = [str(part.get("type")) for part in parts if isinstance(part, dict)]
    return "".join(f" [{kind}]" for kind in kinds if kind not in ("text", "refusal"))


def _calls(calls: tuple[ToolCall, ...], bounds: Bounds) -> Iterator[str]:
    for made in calls:
        name = f" ({made.id})" if made.id else ""
        yield from _text(f"     calls {made.name}{name} ", made.arguments, bounds)


def _offered(
    view: View, body: dict[str, Any], old: dict[str, Any], bounds: Bounds
) -> Iterator[str]:
    keys = ("tools", "functions")
    if old and all(_canonical(body.get(key)) == _canonical(old.get(key)) for key in keys):
        return
    names = [tool.name for tool in view.tools]
    if names:
        more = f" and {len(names) - _MOST_TOOLS} more" if len(names) > _MOST_TOOLS else ""
        yield _cut(printable(f"   tools: {', '.join(names[:_MOST_TOOLS])}{more}"), bounds)
    elif old and any(old.get(key) for key in keys):
        yield "   tools: none any more"


def _options(
    body: dict[str, Any], old: dict[str, Any], goes_on: bool, bounds: Bounds
) -> Iterator[str]:
    """What else the request says; of one that goes on, what is unlike the request before."""
    for key in dict.fromkeys((*body, *old)):
        if key in _TOLD and not (goes_on and key == "model"):
            continue
        now, was = body.get(key, _ABSENT), old.get(key, _ABSENT)
        if not goes_on:
            yield _cut(printable(f"   {key} = {_json(now)}"), bounds)
        elif _canonical(now if now is not _ABSENT else None) != _canonical(
            was if was is not _ABSENT else None
        ):
            yield _cut(printable(f"   {key} = {_json(now)}, was {_json(was)}"), bounds)


def _json(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "something nested deep"


def _answer(take: Take, call: Call, bounds: Bounds) -> Iterator[str]:
    how = ""
    if take.body.startswith(b"data:"):
        events = [one for one in sse.split(take.body) if one.startswith(b"data: {")]
        how = f" in {_counted(len(events), 'chunk')}"
    yield f"   -> {take.status}{how}{_ending(take)}"
    reply = dialects.parse(call, take.body) if take.status < 400 else None
    if reply is not None:
        choices = (reply, *reply.others)
        for index, choice in enumerate(choices[:_MOST_CHOICES]):
            yield from _choice(choice, f" {index}" if len(choices) > 1 else "", bounds)
        if len(choices) > _MOST_CHOICES:
            yield f"   and {len(choices) - _MOST_CHOICES} more choices"
        yield _figures(reply)
        return
    yield from _error(take, bounds)


def _ending(take: Take) -> str:
    """How long the response took, and how it ended."""
    last = max((at for at, _ in take.pieces), default=0.0)
    long = f", {last:.2f} s" if last else ""
    first = take.pieces[0][0] if take.pieces else 0.0
    if last and len(take.pieces) > 1:
        long += f" (the first after {first:.2f} s)"
    return long + (", cut off" if take.cut else "")


def _choice(reply: Reply, index: str, bounds: Bounds) -> Iterator[str]:
    if reply.reasoning_content is not None:
        yield from _text(f"   assistant{index} thinks: ", reply.reasoning_content, bounds)
    if reply.content is not None or not (reply.tool_calls or reply.refusal or reply.audio):
        yield from _text(f"   assistant{index}: ", reply.content or "", bounds)
    if reply.audio is not None:
        yield from _text(f"   assistant{index} says aloud: ", reply.audio.transcript, bounds)
    if reply.refusal is not None:
        yield from _text(f"   assistant{index} refuses: ", reply.refusal, bounds)
    yield from _calls(reply.tool_calls, bounds)


def _figures(reply: Reply) -> str:
    parts = [one.finish_reason or "no finish reason" for one in (reply, *reply.others)]
    told = f"   finish: {', '.join(dict.fromkeys(parts))}"
    usage = reply.usage
    if usage is None or usage.prompt_tokens is None:
        return told
    details = {
        "cached": usage.cached_tokens,
        "reasoning": usage.reasoning_tokens,
        "audio": usage.prompt_audio_tokens + usage.completion_audio_tokens,
    }
    beside = "".join(f", {count} {name}" for name, count in details.items() if count)
    return f"{told}; tokens: {usage.prompt_tokens} + {usage.completion_tokens or 0}{beside}"


def _error(take: Take, bounds: Bounds) -> Iterator[str]:
    try:
        document = json.loads(take.body)
    except (ValueError, RecursionError):
        document = None
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        named = [str(error[key]) for key in ("type", "code", "param") if error.get(key)]
        yield from _text("   error: ", str(error.get("message")), bounds)
        if named:
            yield _cut(printable(f"     {', '.join(named)}"), bounds)
        return
    text = take.body[: bounds.width * 20].decode("utf-8", "replace")
    whole = "no whole reply" if take.status < 400 else "no error of the API's form"
    yield from _text(f"   {whole}, {len(take.body)} bytes: ", text, bounds)


def _text(head: str, text: str, bounds: Bounds) -> Iterator[str]:
    """A text behind its head, further lines below it."""
    lines = text.splitlines() or [""]
    most = len(lines) if bounds.lines is None else bounds.lines
    yield _cut(printable(head + lines[0]), bounds)
    yield from (_cut(printable(f"     {line}"), bounds) for line in lines[1:most])
    if len(lines) > most:
        yield f"     ({_counted(len(lines) - most, 'more line')})"


def _cut(line: str, bounds: Bounds) -> str:
    if bounds.lines is None or len(line) <= bounds.width:
        return line
    more = f"... ({len(line) - bounds.width} more)"
    return line[: max(bounds.width - len(more), 10)] + more


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
