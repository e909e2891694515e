"""What a browser asks and is told when a page of another origin is the client (CORS).

Any page may use the mocked endpoints, as any program may, but none is let use the browser's
credentials. Source: the fetch standard; the exposed header is the recorded one.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from chatdouble.calls import Call
from chatdouble.wire.response import Header, Response

_ANY: Header = (b"access-control-allow-origin", b"*")
_EXPOSED: Header = (b"access-control-expose-headers", b"X-Request-ID")
_ALLOWED: tuple[Header, ...] = (
    _ANY,
    (b"access-control-allow-methods", b"GET, POST, DELETE"),
    (b"access-control-max-age", b"7200"),
    (b"vary", b"Access-Control-Request-Headers"),
)
_NAMES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z, -]*")


def preflight(call: Call) -> tuple[Header, ...] | None:
    """The headers that answer a browser's question whether a page may send a request, None if the
    call is no such question.
    """
    asked = call.named
    if b"origin" not in asked or b"access-control-request-method" not in asked:
        return None
    # "*" would not stand for authorization
    names = asked.get(b"access-control-request-headers", b"")
    if not names or not _NAMES.fullmatch(names):
        return _ALLOWED
    return (*_ALLOWED, (b"access-control-allow-headers", names))


def readable(response: Response, call: Call) -> Response:
    """The response, which a page may read if one asked."""
    if b"origin" not in call.named or any(name == _ANY[0] for name, _ in response.headers):
        return response
    return replace(response, own=(*response.own, _ANY, _EXPOSED))
