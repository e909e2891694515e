"""Headers that belong to one connection, and never pass a proxy (RFC 9110, section 7.6.1)."""

from __future__ import annotations

_HOP_BY_HOP = frozenset(
    {
        # says where else the server can be reached, which is not where its proxy can be
        "alt-svc",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def end_to_end(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The headers without those of the connection, and those that ``Connection`` names."""
    named = (value for name, value in headers if name.lower() == "connection")
    options = {option.strip().lower() for value in named for option in value.split(",")}
    dropped = _HOP_BY_HOP | options
    return tuple((name, value) for name, value in headers if name.lower() not in dropped)
