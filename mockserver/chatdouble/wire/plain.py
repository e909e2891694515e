"""What looks the same in every dialect: the error envelope, dictated documents, recordings."""

from __future__ import annotations

import json
from email.utils import formatdate
from functools import lru_cache

from chatdouble.answers import ApiError, Document, Recording
from chatdouble.wire import sse
from chatdouble.wire.response import Header, Response, Stamp, Template

JSON_TYPE: Header = (b"content-type", b"application/json")

_EDGE_TYPE: Header = (b"content-type", b"application/json; charset=utf-8")
_VARY: Header = (b"vary", b"Origin")


def api_headers(stamp: Stamp) -> tuple[Header, ...]:
    """The headers that every answer of the API carries, whatever the endpoint."""
    return (
        (b"date", _date(stamp.created)),
        (b"openai-version", b"2020-10-01"),
        _request_id(stamp),
    )


def _edge_headers(stamp: Stamp) -> tuple[Header, ...]:
    """The headers of what the layer in front of the API answers."""
    return ((b"date", _date(stamp.created)), _EDGE_TYPE, _VARY, _request_id(stamp))


def _request_id(stamp: Stamp) -> Header:
    return (b"x-request-id", b"req_" + stamp.hex(32, 32).encode())


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
    # layer in front of it (401, unknown model) uses indent=4 and a newline. Source: recordings.
    edge = answer.status == 401 or answer.code == "model_not_found"
    body = json.dumps(envelope, indent=4 if edge else 2, ensure_ascii=False) + "\n" * edge
    headers = _edge_headers(stamp) if edge else (JSON_TYPE, *api_headers(stamp))
    return Response(
        status=answer.status,
        headers=(*headers, *_encoded(answer.headers)),
        template=Template((body.encode("utf-8", "replace"),)),
    )


def document(answer: Document, stamp: Stamp) -> Response:
    """A JSON document, laid out as the API lays out its bodies."""
    body = json.dumps(answer.content, indent=2, ensure_ascii=False) + "\n"
    return Response(200, (JSON_TYPE, *api_headers(stamp)), Template((body.encode(),)))


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
