"""What looks the same in every dialect: errors, dictated documents, recordings, live answers."""

from __future__ import annotations

import json
from functools import lru_cache

import msgspec

from chatdouble.answers import ApiError, Document, Recording
from chatdouble.live import Live
from chatdouble.wire import hops, sse
from chatdouble.wire.response import Header, Response, Shared, Template, lines

JSON_TYPE: Header = (b"content-type", b"application/json")

_EDGE_TYPE: Header = (b"content-type", b"application/json; charset=utf-8")


def _encoded(headers: tuple[tuple[str, str], ...]) -> tuple[Header, ...]:
    return tuple(
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
    )


def is_of_edge(answer: ApiError) -> bool:
    """Whether the layer in front of the API says it, which knows keys and models."""
    return answer.status == 401 or answer.code == "model_not_found"


def error(answer: ApiError) -> Response:
    """The API's error envelope, with all four fields in the API's order."""
    envelope = {
        "error": {
            "message": answer.message,
            "type": answer.type,
            "param": answer.param,
            "code": answer.code,
        }
    }
    # Errors found by the API itself are laid out with indent=2 and no newline at the end; the
    # layer in front of it uses indent=4 and a newline, the one that looks at media writes one line.
    # Source: recordings.
    edge = is_of_edge(answer)
    indent = None if answer.layer == "media" else 4 if edge else 2
    body = json.dumps(envelope, indent=indent, ensure_ascii=False) + "\n" * edge
    return Response(
        status=answer.status,
        own=(_EDGE_TYPE if edge else JSON_TYPE, *_encoded(answer.headers)),
        template=Template((body.encode("utf-8", "replace"),)),
    )


def document(answer: Document) -> Response:
    """A JSON document, laid out as the API lays out its bodies."""
    if answer.compact:
        body = msgspec.json.encode(answer.content)
    else:
        body = f"{json.dumps(answer.content, indent=2, ensure_ascii=False)}\n".encode()
    return Response(200, (JSON_TYPE,), Template((body,)))


@lru_cache(maxsize=256)
def recording(answer: Recording) -> Response:
    """A recorded response: nothing is added to it and nothing is changed in it.

    No length is announced of a body that was cut off: it never came to that.
    """
    headers = _encoded(answer.headers)
    streamed = any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in headers
    )
    return Response(
        answer.status,
        (),
        Template((answer.body,), sse.split if streamed else None),
        length=not (streamed or answer.cut),
        shared=Shared(headers, lines(headers)),
    )


def live(answer: Live) -> Response:
    """The head of a live response: only the headers of its own connection are left out."""
    headers = hops.end_to_end(answer.headers)
    if answer.status in (204, 304):  # the length is that of a body that is not sent
        headers = tuple(pair for pair in headers if pair[0].lower() != "content-length")
    return Response(answer.status, _encoded(headers), Template(()), length=False)
