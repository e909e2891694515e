"""A reply as the API says it: one JSON body, or a stream of chunks.

Rendering a reply is dear, filling in its ids is cheap: what is rendered is kept with the ids, the
time and the counted tokens left open as holes, and only those are filled in for each call.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from chatdouble.answers import Reply, Usage
from chatdouble.wire import sse
from chatdouble.wire.chat import documents, logprobs
from chatdouble.wire.chat.models import counts_media, is_search
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.chat.shape import Shape, shape_of
from chatdouble.wire.chat.usage import completion_tokens, prompt_tokens
from chatdouble.wire.plain import JSON_TYPE
from chatdouble.wire.response import BASE62, HEAD, Header, Response, Stamp, Template

# made once: checking its figures takes a while
_COUNTED = Usage()

_SSE_TYPE = (b"content-type", sse.MEDIA_TYPE)

# bytes of a reply that is kept for one request
_LARGEST_KEPT = 64 * 1024

_PADDING = "\0chatdouble padding\0"
_CALL_HOLE = re.compile(r'"\\u0000chatdouble call \d+\\u0000"')

# how many characters a call's id has, quotes included
_CALL_ID_SIZE = len('"call_"') + 24

# the API's ids begin with the base-62 digits of the seconds since this moment (WIRE 1)
_ID_EPOCH = 1576800000


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
        counts = b"".join(
            (
                _quoted(documents.PROMPT),
                first,
                _quoted(documents.COMPLETION),
                second,
                _quoted(documents.TOTAL),
            )
        )
        return (
            text.encode("utf-8", "replace")
            .replace(_quoted(documents.ID) + self.head + _quoted(documents.CREATED), HEAD)
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


class Prepared(Struct, frozen=True, gc=False):
    """A reply as it is said to a request, but for what its stamp adds.

    Attributes:
        media_type: the header that says whether it is a body or a stream.
        template: what is said, with holes.
        between: the text between id and created.
        holes: the holes whose fillings are known.
        calls: how many ids of tool calls are to be made.
        padding: how many letters the usage chunk is padded with, None without such padding.
        length: whether it is one body.
        id: the completion's id as it is sent, None if it is to be made.
        created: when it was made, None if that is now.
        model: the model that says it.
    """

    media_type: Header
    template: Template
    between: bytes
    holes: tuple[tuple[bytes, bytes], ...]
    calls: int
    padding: int | None
    length: bool
    id: bytes | None
    created: int | None
    model: str

    @property
    def is_large(self) -> bool:
        """Whether there should be one of it for all requests, and few such."""
        return self.template.size > _LARGEST_KEPT

    def kept(self) -> Prepared:
        """The same with its known holes filled, which is worth it if it is said again."""
        template = self.template
        for hole, filling in self.holes:
            template = Template(tuple(one.replace(hole, filling) for one in template.frames))
        return replace(self, template=template, holes=())

    def stamped(self, stamp: Stamp) -> Response:
        """The response that this makes at the stamp's time with its share of chance."""
        holes = self.holes
        if self.calls:
            holes = (*_call_ids(self.calls, stamp), *holes)
        if self.padding is not None:
            letters = stamp.letters(24, self.padding)
            holes = (*holes, (_quoted(_PADDING), b'"%b"' % letters))
        id = b'"%b"' % completion_id(stamp, self.model) if self.id is None else self.id  # noqa: A001
        created = stamp.created if self.created is None else self.created
        return Response(
            status=200,
            own=(self.media_type,),
            template=self.template,
            head=b"%b%b%d" % (id, self.between, created),
            holes=holes,
            length=self.length,
        )


def prepared(request: ChatRequest, reply: Reply) -> Prepared:
    """The reply as one body or as chunks, as the request asks."""
    shape = shape_of(request, reply)
    kept = _KEPT if _letters(reply, shape) < _FEW_LETTERS else _KEPT_LARGE
    if request.stream:
        template, layout, media_type = kept.stream(reply, shape), _CHUNK, _SSE_TYPE
    else:
        template, layout, media_type = kept.body(reply, shape), _BODY, JSON_TYPE
    holes: tuple[tuple[bytes, bytes], ...] = ()
    padding = None
    if shape.include_usage if request.stream else "usage" not in reply.without:
        holes = _counts(request, reply, layout, shape.model)
        if request.stream and shape.obfuscated:
            filled = sum(len(filling) for _, filling in holes)
            padding = -(_usage_chunk_size(reply, shape) + filled) % 16
    calls = 0
    if reply.tool_calls or reply.others:
        calls = sum(len(reply.choice(index).tool_calls) for index in range(shape.n))
    return Prepared(
        media_type=media_type,
        template=template,
        between=layout.head,
        holes=holes,
        calls=calls,
        padding=padding,
        length=not request.stream,
        id=None if reply.id is None else _quoted(reply.id),
        created=reply.created,
        model=shape.model,
    )


def _call_ids(count: int, stamp: Stamp) -> tuple[tuple[bytes, bytes], ...]:
    holes: tuple[tuple[bytes, bytes], ...] = ()
    for number in range(count):
        digest = hashlib.blake2b(b"%d" % number, key=stamp.digest).digest()
        letters = Stamp(stamp.created, digest).letters(0, 24)
        holes += ((_quoted(documents.call_hole(number)), b'"call_%b"' % letters),)
    return holes


def _counts(
    request: ChatRequest, reply: Reply, layout: _Layout, model: str
) -> tuple[tuple[bytes, bytes], ...]:
    usage = reply.usage or _COUNTED
    prompt = asked_tokens(request, reply)
    completion = said_tokens(request, reply)
    first, second = layout.usage
    counts = (_USAGE_HOLE, b"%d%b%d%b%d" % (prompt, first, completion, second, prompt + completion))
    if not counts_media(model):
        return (counts,)
    spoken, heard = usage.completion_audio_tokens, usage.prompt_audio_tokens
    return (
        counts,
        (_quoted(documents.PROMPT_TEXT), b"%d" % max(prompt - heard, 0)),
        (_quoted(documents.COMPLETION_TEXT), b"%d" % max(completion - spoken, 0)),
    )


def asked_tokens(request: ChatRequest, reply: Reply) -> int:
    """The tokens of the prompt: counted, or as the reply's own figures say."""
    usage = reply.usage or _COUNTED
    return prompt_tokens(request) if usage.prompt_tokens is None else usage.prompt_tokens


def said_tokens(request: ChatRequest, reply: Reply) -> int:
    """The tokens of completion: counted, or as the reply's own figures say."""
    usage = reply.usage or _COUNTED
    if usage.completion_tokens is not None:
        return usage.completion_tokens
    return completion_tokens(request, reply, usage.reasoning_tokens)


def _id(reply: Reply, shape: Shape, stamp: Stamp) -> bytes:
    """The completion's id as it is sent, quotes included."""
    return (
        _quoted(reply.id) if reply.id is not None else b'"%b"' % completion_id(stamp, shape.model)
    )


def completion_id(stamp: Stamp, model: str = "") -> bytes:
    """``chatcmpl-`` and 29 letters, the first five of which say when it was created; a UUID on
    search models.
    """
    if is_search(model):
        return b"chatcmpl-" + stamp.uuid(32).encode()
    return b"chatcmpl-%b%b" % (_time_letters(stamp.created), stamp.letters(0, 24))


@lru_cache(maxsize=16)
def _time_letters(created: int) -> bytes:
    rest, digits = created - _ID_EPOCH, b""
    for _ in range(5):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit : digit + 1] + digits
    return digits


def _body(reply: Reply, shape: Shape) -> Template:
    completion = documents.completion(reply, shape)
    if shape.n > _FEW_CHOICES and not reply.tool_calls and not reply.extra:
        text = _many_choices(completion, reply)
    else:
        text = _indented(completion)
    return Template((_BODY.leave_open(f"{text}\n"),))


def _many_choices(completion: dict[str, Any], reply: Reply) -> str:
    """The completion, whose choices mostly say the same; with logprobs each takes its time."""
    texts: dict[int, str] = {}
    choices: list[str] = []
    for index, choice in enumerate(completion["choices"]):
        said = id(reply.choice(index))
        if said not in texts:
            texts[said] = _indented(choice).replace("\n", "\n    ")
        choices.append(re.sub(_INDEX, rf"\g<1>{index}", texts[said], count=1))
    around = _indented(completion | {"choices": [_CHOICES]})
    return around.replace(json.dumps(_CHOICES), ",\n    ".join(choices), 1)


def _indented(value: dict[str, Any]) -> str:
    return logprobs.written(json.dumps(value, indent=2, ensure_ascii=False))


def _stream(reply: Reply, shape: Shape) -> Template:
    chunks = [_compact(chunk) for chunk in documents.chunks(reply, shape)]
    usage = [_compact(documents.usage_chunk(reply, shape))] if shape.include_usage else []
    if shape.obfuscated:
        chunks = [_obfuscated(chunk, reply, shape) for chunk in chunks]
        usage = [_with_padding(chunk, _PADDING) for chunk in usage]
    frames = (sse.event(_CHUNK.leave_open(chunk)) for chunk in [*chunks, *usage])
    return Template((*frames, sse.DONE))


# up to so many choices are rendered each by itself
_FEW_CHOICES = 8
_CHOICES = "\0chatdouble choices\0"
_INDEX = re.compile(r'("index": )\d+')


class _Kept:
    """Templates that are remembered, up to a number of them.

    A stream is about a hundred times as large as the text that it says, so there are few of the
    large ones.
    """

    def __init__(self, most: int) -> None:
        self.body = lru_cache(maxsize=most)(_body)
        self.stream = lru_cache(maxsize=most)(_stream)


_KEPT, _KEPT_LARGE = _Kept(512), _Kept(8)
_FEW_LETTERS = 2_000


def _letters(reply: Reply, shape: Shape) -> int:
    """About how many letters the reply says, and how often something stands beside each."""
    said = len(reply.content or "") + len(reply.refusal or "")
    if reply.tool_calls:
        said += sum(len(call.arguments) for call in reply.tool_calls)
    if reply.others or reply.audio or reply.reasoning_content:
        said += _FEW_LETTERS
    return said * shape.n * (1 + (shape.top_logprobs or 0))


def _compact(chunk: dict[str, Any]) -> str:
    return logprobs.written(json.dumps(chunk, ensure_ascii=False, separators=(",", ":")))


def _obfuscated(chunk: str, reply: Reply, shape: Shape) -> str:
    """The chunk with letters at its end that make its length a multiple of 16 (WIRE 3.9)."""
    digest = hashlib.blake2b(chunk.encode("utf-8", "replace")).digest()
    letters = Stamp(0, digest).letters(0, -_sent_size(chunk, reply, shape) % 16)
    return _with_padding(chunk, letters.decode())


def _with_padding(chunk: str, padding: str) -> str:
    return f'{chunk[:-1]},"obfuscation":{json.dumps(padding)}}}'


def _sent_size(chunk: str, reply: Reply, shape: Shape) -> int:
    """How many characters the chunk has once its ids and its time are filled in."""
    size = len(_CALL_HOLE.sub("x" * _CALL_ID_SIZE, chunk))
    id_size = len(_id(reply, shape, Stamp(_ID_EPOCH, bytes(64))))
    created_size = 10 if reply.created is None else len(str(reply.created))
    for placeholder, sent in ((documents.ID, id_size), (documents.CREATED, created_size)):
        size += sent - len(_quoted(placeholder))
    return size


@lru_cache(maxsize=64)
def _usage_chunk_size(reply: Reply, shape: Shape) -> int:
    """How many characters the usage chunk has without its counts."""
    chunk = _CHUNK.leave_open(_compact(documents.usage_chunk(reply, shape))).decode()
    for hole in (_USAGE_HOLE, *map(_quoted, (documents.PROMPT_TEXT, documents.COMPLETION_TEXT))):
        chunk = chunk.replace(hole.decode(), "")
    head = _quoted(documents.ID) + _CHUNK.head + _quoted(documents.CREATED)
    return _sent_size(chunk.replace(HEAD.decode(), head.decode()), reply, shape)
