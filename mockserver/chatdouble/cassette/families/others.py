"""Families with a few words each: Azure's test proxy, WireMock, Datadog's test agent, nock."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Any

from chatdouble.cassette.families.family import Family, Found, Left
from chatdouble.cassette.families.place import Place
from chatdouble.cassette.take import Take

_LAYOUT = "how the JSON bodies were laid out, which the file does not know"


def _under(base: str, path: str) -> str:
    return path if "://" in path else base.rstrip("/") + "/" + path.lstrip("/")


# --- Azure SDK's test proxy; source: its recordings


def _is_test_proxy(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("Entries"), list)


def _read_test_proxy(top: Place, data: bytes, base: str) -> Found:
    for number, entry in enumerate(top["Entries"].items(), 1):
        entry.mapping()
        sent, got = entry["RequestBody"], entry["ResponseBody"]
        streamed = isinstance(got.value, list) and all(isinstance(one, str) for one in got.value)
        if isinstance(sent.value, dict | list) or isinstance(got.value, dict):
            yield Left(_LAYOUT, number)
        yield Take(
            method=entry["RequestMethod"].text().upper(),
            uri=_under(base, entry["RequestUri"].text()),
            request_headers=entry["RequestHeaders"].headers(),
            request_body=_joined(sent),
            status=entry["StatusCode"].status(),
            headers=entry["ResponseHeaders"].headers(),
            pieces=((0.0, _joined(got) if streamed else got.body()),),
        )


def _joined(body: Place) -> bytes:
    """A body that is kept as a list of its lines."""
    if isinstance(body.value, list) and all(isinstance(one, str) for one in body.value):
        return b"".join(one.body() for one in body.items())
    return body.body()


# --- WireMock; source: its recorded mappings


def _is_wiremock(document: Any) -> bool:
    listed = document.get("mappings") if isinstance(document, dict) else document
    one = listed[0] if isinstance(listed, list) and listed else document
    if not isinstance(one, dict) or not isinstance(one.get("response"), dict):
        return False
    request = one.get("request")
    return isinstance(request, dict) and any(key in request for key in _PATHS)


_PATHS = ("url", "urlPath", "urlPattern", "urlPathPattern", "urlPathTemplate")
_BODIES = {
    "body": Place.body,
    "jsonBody": Place.body,
    "base64Body": Place.base64,
}


def _read_wiremock(top: Place, data: bytes, base: str) -> Found:
    if isinstance(top.value, list):
        places = top.items()  # a YAML file of several documents
    else:
        places = iter((top,)) if top["mappings"].value is None else top["mappings"].items()
    for number, one in enumerate(places, 1):
        request, response = one["request"].mapping(), one["response"].mapping()
        path = request["url"] if request["url"].value is not None else request["urlPath"]
        if path.value is None:
            yield Left("the whole of it, whose path is a pattern", number)
            continue
        patterns = list(request["bodyPatterns"].items()) if request["bodyPatterns"].value else []
        sent, left = _wiremock_body(patterns)
        yield from (Left(words, number) for words in left)
        how = next((key for key in _BODIES if response[key].value is not None), None)
        if how is None and response["bodyFileName"].value is not None:
            yield Left("the whole of it, whose body is in a file of its own", number)
            continue
        yield from (
            Left(f"{where}.{key}", number)
            for where, place, key in (
                ("request", request, "headers"),
                ("request", request, "queryParameters"),
                ("response", response, "fault"),
                ("response", response, "transformers"),
            )
            if place[key].value
        )
        body = b"" if how is None else _BODIES[how](response[how])
        delay = max(response["fixedDelayMilliseconds"].number(), 0.0) / 1000
        yield Take(
            method=request["method"].text("POST").upper(),
            uri=_under(base, path.text()),
            request_headers=(("Content-Type", "application/json"),) if sent else (),
            request_body=sent,
            status=response["status"].status(),
            reason=response["statusMessage"].text(""),
            headers=response["headers"].headers(),
            pieces=((delay, body),),
        )


def _wiremock_body(patterns: list[Place]) -> tuple[bytes, list[str]]:
    sent, left = b"", []
    for pattern in patterns:
        exact = next((key for key in ("equalToJson", "equalTo") if pattern[key].value), None)
        if exact is not None and not sent:
            sent = pattern[exact].body()
        else:
            left.append(pattern.path.rpartition(".")[2] + ", a condition on the request's body")
    return sent, left


# --- Datadog's APM test agent; source: its vcr proxy


def _is_test_agent(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("request"), dict)
        and isinstance(document.get("response"), dict)
        and isinstance(document["request"].get("url"), str)
        and isinstance(document["response"].get("status"), dict)
    )


def _read_test_agent(top: Place, data: bytes, base: str) -> Found:
    request, response = top["request"], top["response"]
    yield Take(
        method=request["method"].text().upper(),
        uri=request["url"].text(),
        request_headers=request["headers"].headers(),
        request_body=_marked(request["body"]),
        status=response["status"]["code"].status(),
        reason=response["status"]["message"].text(""),
        headers=response["headers"].headers(),
        pieces=((0.0, _marked(response["body"])),),
    )


def _marked(body: Place) -> bytes:
    text = body.value
    if isinstance(text, str) and text.startswith("base64:"):
        return Place(body.file, body.path, text.removeprefix("base64:")).base64()
    return body.body()


# --- nock; source: its documentation of recorded objects


def _is_nock(document: Any) -> bool:
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(one, dict) and "scope" in one and "path" in one for one in document)
    )


def _read_nock(top: Place, data: bytes, base: str) -> Found:
    for number, one in enumerate(top.items(), 1):
        sent, got = one["body"], one["response"]
        if isinstance(sent.value, dict | list) or isinstance(got.value, dict):
            yield Left(_LAYOUT, number)
        headers = one["rawHeaders"] if one["rawHeaders"].value is not None else one["headers"]
        yield Take(
            method=one["method"].text("GET").upper(),
            uri=one["scope"].text() + one["path"].text(),
            request_headers=one["reqheaders"].headers(),
            request_body=sent.body(),
            status=one["status"].status(),
            headers=headers.headers(),
            pieces=((0.0, _hexed(got)),),
        )


def _hexed(body: Place) -> bytes:
    """A body; a packed or binary one is kept in hexadecimal, in one text or a list of chunks."""
    chunks = body.value if isinstance(body.value, list) else [body.value]
    if not chunks or not all(isinstance(one, str) and one for one in chunks):
        return body.body()
    if isinstance(body.value, str) and not body.value.startswith("1f8b"):
        return body.body()
    try:
        return b"".join(map(binascii.unhexlify, chunks))
    except (ValueError, binascii.Error):
        return body.body()


def families() -> Iterator[Family]:
    """They can be read; none of them keeps enough to be written honestly."""
    proxy = ("azure-test-proxy", "Azure's test proxy", ".json", _is_test_proxy, _read_test_proxy)
    yield Family(*proxy)
    # before WireMock, whose mappings look alike
    agent = ("dd-apm-test-agent", "Datadog's test agent", ".json", _is_test_agent)
    yield Family(*agent, _read_test_agent)
    yield Family("wiremock", "WireMock", ".json", _is_wiremock, _read_wiremock)
    yield Family("nock", "nock", ".json", _is_nock, _read_nock)
