"""Who may use the control API: programs of this machine, never a page that a browser shows.

Beside what ``origin`` looks at, whatever changes something must come as JSON or YAML, which a
simple form cannot send.
"""

from __future__ import annotations

from hmac import compare_digest

from chatdouble import origin
from chatdouble.calls import Call
from chatdouble.settings import Settings

_TYPES = frozenset({"application/json", "application/yaml"})


def refused(call: Call, settings: Settings) -> str | None:
    """Why the request is refused, None if it is not.

    Args:
        call: the request.
        settings: where the server listens, and the further names that it has.
    """
    foreign = origin.foreign(call, settings.host, settings.allowed_hosts)
    if foreign is not None:
        return f"the control API does not answer to {foreign}"
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if call.method not in ("GET", "HEAD") and kind not in _TYPES:
        return "changes are sent as content-type application/json (or application/yaml for rules)"
    return None


def has_token(call: Call, token: str) -> bool:
    """Whether the request brings this token, as a bearer token."""
    given = next((value for name, value in call.raw_headers if name == b"authorization"), b"")
    # in a time that does not tell how much of it is right
    return compare_digest(given, b"Bearer " + token.encode())
