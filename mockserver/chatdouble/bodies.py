"""Reading a request's body: whole, decoded, and never more of it than the limit."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence

from starlette.types import Receive

from chatdouble.answers import ApiError
from chatdouble.calls import Call

# how the codings that can be read are called, and in which wrappers zlib tries them, in this order
_WRAPPERS = {
    "gzip": (16 + zlib.MAX_WBITS,),
    "x-gzip": (16 + zlib.MAX_WBITS,),
    # in zlib's wrapper by the standard, without one by a widespread habit
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),
}

# each further coding costs as much time again as the limit allows, and so does each gzip member
_MOST_CODINGS = 4
_MOST_MEMBERS = 16


async def read(receive: Receive, call: Call, limit: int) -> bytes | ApiError | None:
    """Read the body that the headers of a call announce.

    A body that is announced to be too large is not waited for: a client that asked whether it may
    send it hears of the refusal instead.

    Args:
        receive: where the body comes from.
        call: the request, as far as it is known.
        limit: how many bytes it may have, before and after decoding.

    Returns:
        The body as it was before it was encoded, the refusal of one that is too large or cannot be
        decoded, or None if the client left.
    """
    named = call.named
    if int(named.get(b"content-length", 0)) > limit:
        return _unread(named, limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
    else:
        chunks: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > limit or not message.get("more_body"):
                break
            message = await receive()
        body = b"".join(chunks)
    if len(body) > limit:
        return _too_large(limit)
    if b"content-encoding" not in named or not body:
        return body
    codings = b",".join(value for name, value in call.raw_headers if name == b"content-encoding")
    # in a thread, because other requests should not wait for a body that unfolds to the limit
    return await asyncio.to_thread(decoded, body, codings.decode("latin-1"), limit)


def decoded(body: bytes, codings: str, limit: int) -> bytes | ApiError:
    """Undo the codings that a ``content-encoding`` header lists, the last one first.

    Args:
        body: the encoded body.
        codings: ``gzip``, ``deflate`` and ``identity``, separated by commas.
        limit: how many bytes may come out of each.
    """
    names = [name.strip().lower() for name in codings.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MOST_CODINGS:
        return ApiError(
            400,
            f"The request's Content-Encoding lists {len(names)} codings; at most {_MOST_CODINGS} "
            "can be undone.",
        )
    for name in reversed(names):
        if name not in _WRAPPERS:
            return ApiError(
                400,
                f"The request's Content-Encoding {name[:40]!r} is not supported. Supported codings "
                "are gzip, deflate and identity.",
            )
        inflated = _inflated(body, _WRAPPERS[name], limit)
        if inflated is None:
            return ApiError(
                400, f"The request's body is not what its Content-Encoding says: no valid {name}."
            )
        if len(inflated) > limit:
            return _too_large(limit)
        body = inflated
    return body


def _inflated(data: bytes, wrappers: Sequence[int], limit: int) -> bytes | None:
    """What was compressed, more than the limit if it is too much, None if it is broken."""
    for wrapper in wrappers:
        try:
            return _members(data, wrapper, limit)
        except zlib.error:
            continue
    return None


def _members(data: bytes, wrapper: int, limit: int) -> bytes:
    whole = b""
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(wrapper)
        whole += member.decompress(data, limit + 1 - len(whole))
        if len(whole) > limit:
            return whole
        if not member.eof:
            raise zlib.error("it ends too early")
        data = member.unused_data
        if not data:
            return whole
    raise zlib.error("more follows")


def _too_large(limit: int) -> ApiError:
    # the connection stays open: the rest is taken and dropped, so that the client, which is still
    # sending, gets to the answer
    return ApiError(413, f"The request's body is larger than {limit} bytes.")


def _unread(headers: Mapping[bytes, bytes], limit: int) -> ApiError:
    refusal = _too_large(limit)
    if headers.get(b"expect", b"").lower() != b"100-continue":
        return refusal
    # what comes next on this connection, the body or another request, nobody could tell
    return ApiError(refusal.status, refusal.message, headers=(("connection", "close"),))
