"""The headers around a body, in the recorded order.

The API sends some, and the layer in front of it others. Left out is what the network before that
layer adds (``server``, ``cf-*``, ``alt-svc``, cookies, ``x-content-type-options``) and
``access-control-expose-headers``, which does nothing where no origin is allowed: no client of the
API reads them. ``strict-transport-security`` would even keep browsers from plain HTTP to this host.
"""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache

from chatdouble.wire import ratelimits
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Header, Response, Shared, Stamp, lines

_ORGANIZATION: Header = (b"openai-organization", b"org-chatdouble")
_PROJECT: Header = (b"openai-project", b"proj_chatdouble")
_VERSION: Header = (b"openai-version", b"2020-10-01")
_TOOK = b"openai-processing-ms"
_VARY: Header = (b"vary", b"Origin")

# how large a body is that says nothing
_BARE = 765


def of_api(
    response: Response, stamp: Stamp, cost: Cost | None, limits: tuple[Header, ...] | None = None
) -> Response:
    """The response with what the API itself adds to it.

    Args:
        response: its headers begin with its media type.
        stamp: its time and its share of chance.
        cost: what the request counts against the rate limits; None leaves those out.
        limits: what is said of the rate limits instead; None says that of the cost.
    """
    own = response.own
    size = response.size if response.length else 0
    said = _of_api(own[0], stamp.created, cost, size)
    if limits is not None:
        # an error that a rule gives says by itself what is used up
        set_by_answer = {name for name, _ in own}
        headers = (
            *(one for one in said.headers if not one[0].startswith(ratelimits.PREFIX)),
            *(one for one in limits if one[0] not in set_by_answer),
        )
        said = Shared(headers, lines(headers))
    return _with(response, said, own[1:], stamp)


@lru_cache(maxsize=1024)
def _of_api(media_type: Header, created: int, cost: Cost | None, size: int) -> Shared:
    headers = (
        _date(created),
        media_type,
        _ORGANIZATION,
        (_TOOK, b"%d" % _milliseconds(cost, size)),
        _PROJECT,
        _VERSION,
        *(ratelimits.headers(cost) if cost else ()),
    )
    return Shared(headers, lines(headers))


def of_edge(response: Response, stamp: Stamp) -> Response:
    """The response with what the layer in front of the API adds to it."""
    own = response.own
    said = (_date(stamp.created), own[0], _VARY)
    return _with(response, Shared(said, lines(said)), own[1:], stamp)


def _with(response: Response, shared: Shared, own: tuple[Header, ...], stamp: Stamp) -> Response:
    return Response(
        response.status,
        own,
        response.template,
        response.head,
        response.holes,
        response.length,
        shared,
        request_id(stamp).encode(),
    )


def _milliseconds(cost: Cost | None, size: int) -> int:
    """A plausible time: reading the prompt takes some, and writing a whole body some more.

    Recorded since 2025-06: a stream begins after about 0.2 s, a body takes about 0.25 s and 13 ms
    for each token. Here it is made from sizes, not from the clock, so that it is always the same.
    """
    return 150 + (cost.tokens // 50 if cost else 0) + 3 * max(size - _BARE, 0)


def taking(response: Response, seconds: float) -> Response:
    """The response with the time that it says it took, if it says one: that to its headers."""
    said = (
        (name, b"%d" % round(1000 * seconds) if name == _TOOK else value)
        for name, value in response.headers
    )
    return response.saying(tuple(said))


def request_id(stamp: Stamp) -> str:
    """The id of the request that this answer is to: ``req_`` and 32 hexadecimal digits."""
    return "req_" + stamp.digest[32:48].hex()


@lru_cache(maxsize=16)
def _date(seconds: int) -> Header:
    return (b"date", formatdate(seconds, usegmt=True).encode())
