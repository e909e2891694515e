"""Ruby's VCR (YAML) and Betamax (JSON), which share one layout.

Source: recordings of VCR 2 to 6, and Betamax's documentation of its cassettes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml

from chatdouble.cassette.families.family import Family, Found, Left, Written, untold
from chatdouble.cassette.families.moments import http, iso, moment
from chatdouble.cassette.families.place import Place
from chatdouble.cassette.redact import Redacted
from chatdouble.cassette.take import Headers, Take


def _is_betamax(document: Any) -> bool:
    return (
        _is_either(document)
        and isinstance(document.get("recorded_with"), str)
        and document["recorded_with"].lower().startswith("betamax")
    )


def _is_either(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("http_interactions"), list)


def _read(top: Place, data: bytes, base: str) -> Found:
    for number, one in enumerate(top["http_interactions"].items(), 1):
        request, response = one["request"].mapping(), one["response"].mapping()
        if response["adapter_metadata"].value:
            yield Left("response.adapter_metadata", number)
        status = response["status"].mapping()
        yield Take(
            method=request["method"].text().upper(),
            uri=request["uri"].text(),
            request_headers=request["headers"].headers(),
            request_body=_body(request["body"]),
            status=status["code"].status(),
            reason=status["message"].text(""),
            headers=response["headers"].headers(),
            pieces=((0.0, _body(response["body"])),),
            recorded=moment(one["recorded_at"].value),
        )


def _body(body: Place) -> bytes:
    if not isinstance(body.value, dict):
        return body.body()
    packed = body["base64_string"]
    return body["string"].body() if packed.value is None else packed.base64()


def _document(
    takes: Sequence[Redacted], written: Callable[[int], str], recorder: str
) -> dict[str, Any]:
    return {
        "http_interactions": [
            {
                "request": {
                    "method": take.method.lower() if recorder.startswith("VCR") else take.method,
                    "uri": take.uri,
                    "body": _said(take.request_body),
                    "headers": _listed(take.request_headers),
                },
                "response": {
                    "status": {"code": take.status, "message": take.reason},
                    "headers": _listed(take.headers),
                    "body": _said(b"".join(data for _, data in take.pieces)),
                    # Betamax reads it
                    **({} if recorder.startswith("VCR") else {"url": take.uri}),
                },
                "recorded_at": written(take.recorded),
            }
            for take in takes
        ],
        "recorded_with": recorder,
    }


def _said(body: bytes) -> dict[str, str]:
    try:
        return {"encoding": "UTF-8", "string": body.decode()}
    except UnicodeDecodeError:
        return {"encoding": "ASCII-8BIT", "base64_string": base64.b64encode(body).decode()}


def _listed(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def _left(takes: Sequence[Redacted]) -> Iterator[Left]:
    yield from untold(takes)
    for number, take in enumerate(takes, 1):
        if len(take.pieces) == 1 and take.pieces[0][0]:
            yield Left("how long the response took", number)


def _write_yaml(takes: Sequence[Redacted]) -> Written:
    document = _document(takes, http, "VCR 6.3.1")
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1_000_000)
    return Written(f"---\n{text}".encode(), tuple(_left(takes)))


def _write_json(takes: Sequence[Redacted]) -> Written:
    document = _document(takes, lambda seconds: iso(seconds)[:19], "betamax/0.9.0")
    return Written(json.dumps(document, indent=2).encode() + b"\n", tuple(_left(takes)))


BETAMAX = Family("betamax", "Betamax", ".json", _is_betamax, _read, _write_json)
RUBY = Family("ruby-vcr", "Ruby VCR", ".yml", _is_either, _read, _write_yaml)
