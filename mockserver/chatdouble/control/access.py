"""Who may use the control API: programs of this machine, never a page that a browser shows.

A web page can send requests to loopback, and by DNS rebinding even read the answers. So the
``Host`` must be a name of loopback or the address that the server listens on, an ``Origin`` must be
one of these, too, and whatever changes something must come as JSON or YAML, which a simple form
cannot send.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from chatdouble.calls import Call

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TYPES = frozenset({"application/json", "application/yaml"})


def refused(call: Call, host: str) -> str | None:
    """Why the request is refused, None if it is not.

    Args:
        call: the request.
        host: the address that the server listens on.
    """
    headers = call.headers
    allowed = _LOOPBACK | {host.lower()}
    if _name(f"//{headers.get('host', '')}") not in allowed:
        return f"the control API does not answer to the host {headers.get('host', '')!r}"
    origin = headers.get("origin")
    if origin is not None and _name(origin) not in allowed:
        return f"the control API does not answer to pages of {origin!r}"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if call.method not in ("GET", "HEAD") and kind not in _TYPES:
        return "changes are sent as content-type application/json (or application/yaml for rules)"
    return None


def _name(address: str) -> str | None:
    try:
        name = urlsplit(address).hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None
