"""What looks the same in every dialect: the error envelope, dictated documents, recordings."""

from __future__ import annotations

import json
from email.utils import formatdate
from functools import lru_cache

import msgspec

from chatdouble.answers import ApiError, Document, Recording
from chatdouble.wire import sse
from chatdouble.wire.response import Header, Response, Stamp, Template

JSON_TYPE: Header = (b"content-type", b"application/json")


def api_headers(stamp: Stamp) -> tuple[Header, ...]:
    """The headers that every answer of the API carries, whatever the endpoint."""
    return (
        (b"date", _date(stamp.created)),
        (b"openai-version", b"2020-10-01"),
        (b"x-request-id", request_id(stamp).encode()),
    )


def request_id(stamp: Stamp) -> str:
    """The id of the request that this answer is to: ``req_`` and 32 hexadecimal digits."""
    return "req_" + stamp.hex(32, 32)


@lru_cache(maxsize=16)
def _date(seconds: int) -> bytes:
    return formatdate(seconds, usegmt=True).encode()


def _encoded(headers: tuple[tuple[str, str], ...]) -> tuple[Header, ...]:
    return tuple(
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
    )


def error(answer: ApiError, stamp: Stamp) -> Response:
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
    # layer in front of it (401, unknown model) uses indent=4 and a newline, the one that looks at
    # media writes one line. Source: recordings.
    edge = answer.code in ("invalid_api_key", "model_not_found")
    indent = None if answer.layer == "media" else 4 if edge else 2
    body = json.dumps(envelope, indent=indent, ensure_ascii=False) + "\n" * edge
    return Response(
        status=answer.status,
        headers=(JSON_TYPE, *api_headers(stamp), *_encoded(answer.headers)),
        template=Template((body.encode("utf-8", "replace"),)),
    )


def document(answer: Document, stamp: Stamp) -> Response:
    """A JSON document, laid out as the API lays out its bodies."""
    if answer.compact:
        body = msgspec.json.encode(answer.content)
    else:
        body = f"{json.dumps(answer.content, indent=2, ensure_ascii=False)}\n".encode()
    return Response(200, (JSON_TYPE, *api_headers(stamp)), Template((body,)))


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
