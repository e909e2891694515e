"""httprr traces, as Go's tools write them: the bytes of HTTP/1 messages behind one another.

Source: recordings of langchaingo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chatdouble.cassette.families.family import Family, Found, Left
from chatdouble.cassette.families.place import Place
from chatdouble.cassette.take import Headers, Take
from chatdouble.errors import CassetteError

MAGIC = b"httprr trace v1\n"

_SIZES = re.compile(rb"([0-9]{1,12}) ([0-9]{1,12})\n")
_SIZES_AND_START = re.compile(rb"[0-9]{1,12} [0-9]{1,12}\n(?=[A-Z]+ \S+ HTTP/[0-9.]+\r?\n)")
_ANSWER = re.compile(rb"HTTP/[0-9.]+ [0-9]{3}[^\r\n]*\r?\n")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r\n")
_START = re.compile(rb"([A-Z]+) (\S+) HTTP/[0-9.]+\r?\Z")
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})(?: ([^\r\n]*))?\r?\Z")


def _claims(document: Any) -> bool:
    return isinstance(document, bytes) and document.startswith(MAGIC)


def _read(top: Place, data: bytes, base: str) -> Found:
    try:
        takes = list(_by_size(top, base, data))
    except CassetteError:
        # whoever takes a key out of such a file by hand makes its sizes wrong
        takes = list(_by_lines(top, base, data))
        yield Left("the sizes of its messages, which do not fit: it was edited")
    yield from takes


def _by_size(top: Place, base: str, data: bytes) -> Iterator[Take]:
    at, number = len(MAGIC), 0
    while at < len(data):
        number += 1
        place = Place(top.file, f"interaction {number}", None)
        sizes = _SIZES.match(data, at)
        if sizes is None:
            raise place.broken(f"expected two sizes at byte {at}")
        start, asked, answered = sizes.end(), int(sizes[1]), int(sizes[2])
        at = start + asked + answered
        if at > len(data):
            raise place.broken("is cut off")
        yield _take(place, data[start : start + asked], data[start + asked : at], base)


def _by_lines(top: Place, base: str, data: bytes) -> Iterator[Take]:
    starts = list(_SIZES_AND_START.finditer(data))
    if not starts:
        raise CassetteError(top.file, "has no sound message behind its first line")
    ends = [one.start() for one in starts[1:]] + [len(data)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        place = Place(top.file, f"interaction {number}", None)
        message = data[start.end() : end]
        answer = _ANSWER.search(message)
        if answer is None:
            raise place.broken("has no response")
        yield _take(place, message[: answer.start()], message[answer.start() :], base)


def _take(place: Place, asked: bytes, answered: bytes, base: str) -> Take:
    first, request_headers, request_body = _message(place, asked)
    request = _START.match(first)
    line, headers, body = _message(place, answered)
    status = _STATUS.match(line)
    if request is None or status is None:
        raise place.broken("is no HTTP message")
    uri = request[2].decode("latin-1")
    if "://" not in uri:
        host = next((value for name, value in request_headers if name.lower() == "host"), None)
        uri = base.rstrip("/") + uri if host is None else f"https://{host}{uri}"
    return Take(
        method=request[1].decode(),
        uri=uri,
        request_headers=request_headers,
        request_body=request_body,
        status=Place(place.file, place.path, int(status[1])).status(),
        reason=(status[2] or b"").decode("latin-1").strip(),
        headers=headers,
        pieces=((0.0, _unchunked(place, headers, body)),),
    )


def _message(place: Place, data: bytes) -> tuple[bytes, Headers, bytes]:
    end = re.search(rb"\r?\n\r?\n", data)
    if end is None:
        raise place.broken("has no end of its headers")
    first, *lines = re.split(rb"\r?\n", data[: end.start()])
    pairs = [line.decode("latin-1").partition(":")[::2] for line in lines]
    listed = [{"name": name, "value": value.strip()} for name, value in pairs]
    headers = Place(place.file, f"{place.path}: headers", listed).headers()
    return first, headers, data[end.end() :]


def _unchunked(place: Place, headers: Headers, body: bytes) -> bytes:
    if not any(name.lower() == "transfer-encoding" and "chunked" in v for name, v in headers):
        return body
    if not _CHUNK.match(body):
        return body  # undone already
    parts: list[bytes] = []
    at = 0
    while size := _CHUNK.match(body, at):
        length = int(size[1], 16)
        if length == 0:
            return b"".join(parts)
        parts.append(body[size.end() : size.end() + length])
        at = size.end() + length + 2
    raise place.broken("its chunked body is cut off")


FAMILY = Family("httprr", "httprr", ".httprr", _claims, _read)
