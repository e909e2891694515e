"""Undoing the content-encodings of recorded bodies."""

from __future__ import annotations

import zlib
from pathlib import Path

from chatdouble.errors import CassetteError

_LARGEST_BODY = 128 * 1024 * 1024


def decoded(file: Path, number: int, headers: tuple[tuple[str, str], ...], body: bytes) -> bytes:
    """A body with the content-encodings undone that its headers name.

    A body that the recorder has already decoded is left as it is.

    Raises:
        CassetteError: it cannot be undone; names the file and the interaction's number.
    """
    encodings = _encodings(headers)
    if len(encodings) > 2:
        raise CassetteError(file, f"interaction {number}: more than two content-encodings")
    for encoding in reversed(encodings):
        body = _decode(file, number, encoding, body)
    return body


def _encodings(headers: tuple[tuple[str, str], ...]) -> list[str]:
    return [
        encoding.strip().lower()
        for name, value in headers
        if name.lower() == "content-encoding"
        for encoding in value.split(",")
    ]


def _decode(file: Path, number: int, encoding: str, body: bytes) -> bytes:
    """Undo one content-encoding; a body that a recorder already decoded is left as it is."""
    if not body or encoding in ("", "identity"):
        return body
    try:
        if encoding in ("gzip", "x-gzip"):
            packed = body.startswith(b"\x1f\x8b")
            return _inflate(body, zlib.MAX_WBITS | 16) if packed else body
        if encoding == "deflate" and not _is_text(body):
            return _inflate_either(body)
    except zlib.error as error:
        raise CassetteError(
            file, f"interaction {number}: the response's body is no sound {encoding}: {error}"
        ) from None
    if _is_text(body):
        return body
    raise CassetteError(
        file,
        f"interaction {number}: the response's body is encoded as {encoding}, which cannot be "
        "undone here; record it again with Accept-Encoding: gzip",
    )


def _inflate_either(data: bytes) -> bytes:
    try:
        return _inflate(data, zlib.MAX_WBITS)
    except zlib.error:
        return _inflate(data, -zlib.MAX_WBITS)


def _inflate(data: bytes, wbits: int) -> bytes:
    unpacker = zlib.decompressobj(wbits)
    unpacked = unpacker.decompress(data, _LARGEST_BODY)
    if unpacker.unconsumed_tail:
        raise zlib.error(f"it unpacks to more than {_LARGEST_BODY} bytes")
    if not unpacker.eof:
        raise zlib.error("it is cut off")
    return unpacked


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
