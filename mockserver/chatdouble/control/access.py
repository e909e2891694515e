"""Who may use the control API: programs of this machine, never a page that a browser shows.

Beside what ``origin`` looks at, whatever changes something must come as JSON or YAML, which a
simple form cannot send.
"""

from __future__ import annotations

from chatdouble import origin
from chatdouble.calls import Call

_TYPES = frozenset({"application/json", "application/yaml"})


def refused(call: Call, host: str) -> str | None:
    """Why the request is refused, None if it is not.

    Args:
        call: the request.
        host: the address that the server listens on.
    """
    foreign = origin.foreign(call, host)
    if foreign is not None:
        return f"the control API does not answer to {foreign}"
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if call.method not in ("GET", "HEAD") and kind not in _TYPES:
        return "changes are sent as content-type application/json (or application/yaml for rules)"
    return None
