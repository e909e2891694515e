"""go-vcr's YAML: version 1 (go-vcr 1 and 2) and version 2 (go-vcr 3 and 4).

Source: recordings of these versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import yaml

from chatdouble.cassette.families.family import Family, Found, Left, Written, untold
from chatdouble.cassette.families.moments import duration, go
from chatdouble.cassette.families.place import Place
from chatdouble.cassette.redact import Redacted
from chatdouble.cassette.take import Headers, Take


def _claims(document: Any) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
        return False
    first = next(iter(document["interactions"]), None)
    request = first.get("request") if isinstance(first, dict) else None
    return isinstance(request, dict) and "url" in request and "uri" not in request


def _read(top: Place, data: bytes, base: str) -> Found:
    for number, one in enumerate(top["interactions"].items(), 1):
        request, response = one["request"].mapping(), one["response"].mapping()
        if response["trailer"].value:
            yield Left("response.trailer", number)
        code = response["code"]
        status = response["status"].value
        yield Take(
            method=request["method"].text().upper(),
            uri=request["url"].text(),
            request_headers=request["headers"].headers(),
            request_body=request["body"].body(),
            status=(response["status"] if code.value is None else code).status(),
            reason=status[4:] if isinstance(status, str) else "",
            headers=response["headers"].headers(),
            pieces=((duration(response["duration"].value), response["body"].body()),),
        )


def _write(takes: Sequence[Redacted]) -> Written:
    document = {
        "version": 2,
        "interactions": [_interaction(number, take) for number, take in enumerate(takes)],
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1_000_000)
    return Written(f"---\n{text}".encode(), tuple(untold(takes, recorded=True)))


def _interaction(number: int, take: Redacted) -> dict[str, Any]:
    body = b"".join(data for _, data in take.pieces)
    return {
        "id": number,
        "request": {
            "proto": "HTTP/1.1",
            "proto_major": 1,
            "proto_minor": 1,
            "content_length": len(take.request_body),
            "host": urlsplit(take.uri).netloc,
            "body": _text(take.request_body),
            "headers": _listed(take.request_headers),
            "url": take.uri,
            "method": take.method,
        },
        "response": {
            "proto": "HTTP/1.1",
            "proto_major": 1,
            "proto_minor": 1,
            "content_length": len(body),
            "body": _text(body),
            "headers": _listed(take.headers),
            "status": f"{take.status} {take.reason or _reason(take.status)}",
            "code": take.status,
            "duration": go(max((at for at, _ in take.pieces), default=0.0)),
        },
    }


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _text(body: bytes) -> str | bytes:
    # bytes become YAML's !!binary, which Go reads as the text's bytes
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _listed(headers: Headers) -> dict[str, list[str]]:
    # Go looks headers up in this spelling
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault("-".join(map(str.capitalize, name.split("-"))), []).append(value)
    return found


FAMILY = Family("go-vcr", "go-vcr", ".yaml", _claims, _read, _write)
