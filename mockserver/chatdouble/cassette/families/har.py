"""HAR 1.2, as browsers, proxies and PollyJS write it.

Source: the HAR 1.2 specification, and PollyJS's recordings (which keep a packed body as a JSON
array of base64 parts and mark it as base64).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chatdouble import __version__
from chatdouble.cassette.families.family import Family, Found, Left, Written, untold
from chatdouble.cassette.families.moments import iso, moment
from chatdouble.cassette.families.place import Place
from chatdouble.cassette.redact import Redacted
from chatdouble.cassette.take import Take


def _claims(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("log"), dict)


def _read(top: Place, data: bytes, base: str) -> Found:
    for number, entry in enumerate(top["log"]["entries"].items(), 1):
        request, response = entry["request"].mapping(), entry["response"].mapping()
        if response["status"].number() < 200:
            yield Left("the whole of it, which got no response", number)
            continue
        posted = request["postData"]
        if posted["text"].value is None and posted["params"].value:
            yield Left("the form's fields of which the request's body was made", number)
        seconds = max(entry["time"].number(), 0.0) / 1000
        yield Take(
            method=request["method"].text().upper(),
            uri=request["url"].text(),
            request_headers=request["headers"].headers(),
            request_body=posted["text"].body(),
            status=response["status"].status(),
            reason=response["statusText"].text(""),
            headers=tuple(_headers(response)),
            pieces=((seconds, _content(response["content"])),),
            recorded=moment(entry["startedDateTime"].value),
        )


def _headers(response: Place) -> Iterator[tuple[str, str]]:
    """A response's headers; only PollyJS keeps bodies packed."""
    packed = response["content"]["text"].text("").startswith("[")
    for name, value in response["headers"].headers():
        if packed or name.lower() != "content-encoding":
            yield name, value


def _content(content: Place) -> bytes:
    if content["encoding"].value != "base64":
        return content["text"].body()
    text = content["text"].text("")
    if text.startswith("["):
        # PollyJS: the packed chunks, each for itself
        try:
            chunks = json.loads(text)
        except (ValueError, RecursionError):
            raise content.broken("is no list of base64 chunks") from None
        parts = Place(content.file, f"{content.path}.text", chunks)
        return b"".join(part.base64() for part in parts.items())
    return content["text"].base64()


def _write(takes: Sequence[Redacted]) -> Written:
    document = {
        "log": {
            "version": "1.2",
            "creator": {"name": "chatdouble", "version": __version__},
            "entries": [_entry(take) for take in takes],
        }
    }
    data = json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    return Written(data, (*untold(takes), *_unlike(takes)))


def _unlike(takes: Sequence[Redacted]) -> Iterator[Left]:
    for number, take in enumerate(takes, 1):
        if _text(take.request_body) is None:
            yield Left("the request's body, which is no text", number)


def _entry(take: Redacted) -> dict[str, Any]:
    body = b"".join(data for _, data in take.pieces)
    milliseconds = round(max((at for at, _ in take.pieces), default=0.0) * 1000, 3)
    first = round(take.pieces[0][0] * 1000, 3) if take.pieces else 0
    sent, said = _text(take.request_body), _text(body)
    content: dict[str, Any] = {
        "size": len(body),
        "mimeType": _media_type(take.headers),
        "text": base64.b64encode(body).decode() if said is None else said,
    }
    if said is None:
        content["encoding"] = "base64"
    request: dict[str, Any] = {
        "method": take.method,
        "url": take.uri,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(take.request_headers),
        "queryString": _pairs(parse_qsl(urlsplit(take.uri).query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(take.request_body),
    }
    if take.request_body and sent is not None:
        request["postData"] = {"mimeType": _media_type(take.request_headers), "text": sent}
    return {
        "startedDateTime": iso(take.recorded),
        "time": milliseconds,
        "request": request,
        "response": {
            "status": take.status,
            "statusText": take.reason,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(take.headers),
            "content": content,
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": first, "receive": round(milliseconds - first, 3)},
    }


def _pairs(headers: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _media_type(headers: Sequence[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


FAMILY = Family("har", "HAR", ".har", _claims, _read, _write)
