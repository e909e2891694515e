"""What looks the same in every dialect: the error envelope, dictated documents, recordings."""

from __future__ import annotations

import json
from functools import lru_cache

import msgspec

from chatdouble.answers import ApiError, Document, Recording
from chatdouble.wire import sse
from chatdouble.wire.response import Header, Response, Template

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
        headers=(_EDGE_TYPE if edge else JSON_TYPE, *_encoded(answer.headers)),
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
    """A recorded response: nothing is added to it and nothing is changed in it."""
    headers = _encoded(answer.headers)
    streamed = any(
        name == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in headers
    )
    frames = sse.split(answer.body) if streamed else (answer.body,)
    return Response(answer.status, headers, Template(frames), length=not streamed)
