"""Whether a program of this machine asks, or a page that a browser shows.

A web page can send requests to loopback, and by DNS rebinding even read the answers. So the
``Host`` must be a name of loopback, the address that the server listens on or a name that it was
told, and an ``Origin`` must be one of these, too. A browser that sends no ``Origin`` says in
``Sec-Fetch-Site`` that another site asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from chatdouble.calls import Call

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def foreign(call: Call, host: str, allowed_hosts: Sequence[str] | None = None) -> str | None:
    """The host or page that the request is of, as words behind "to"; None if it is of ours.

    Args:
        call: the request.
        host: the address that the server listens on.
        allowed_hosts: further names and addresses of this server.
    """
    headers = call.headers
    allowed = _LOOPBACK | {host.lower(), *map(str.lower, allowed_hosts or ())}
    if _name(f"//{headers.get('host', '')}") not in allowed:
        return f"the host {headers.get('host', '')!r}"
    origin = headers.get("origin")
    if origin is not None:
        return None if _name(origin) in allowed else f"pages of {origin!r}"
    if headers.get("sec-fetch-site") == "cross-site":
        return "pages of other sites"
    return None


def _name(address: str) -> str | None:
    try:
        name = urlsplit(address).hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach this address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
