"""How JSON bodies look in a cassette: indented for people, and put back byte for byte."""

from __future__ import annotations

import msgspec.json
from msgspec import DecodeError

# what `msgspec.json.format` takes for each layout that a client's JSON library writes
_LAYOUTS = {"compact": -1, "spaced": 0}
_INDENT = 2
# a larger body is not read by people, and would be written twice as large
_LARGEST = 1_000_000


def indented(body: bytes) -> tuple[bytes, str | None]:
    """The body as people read it, and the layout that :func:`restored` needs to undo that.

    The layout is None when the body is given back as it was: when it is no JSON document, has lines
    already, or is written in a way that could not be put back byte for byte.
    """
    core = body.rstrip(b"\n")
    if not core.startswith((b"{", b"[")) or b"\n" in core or len(core) > _LARGEST:
        return body, None
    try:
        pretty = msgspec.json.format(core, indent=_INDENT)
        if pretty != core:
            for layout, indent in _LAYOUTS.items():
                if msgspec.json.format(pretty, indent=indent) == core:
                    return pretty + body[len(core) :], layout
    except (DecodeError, RecursionError):
        pass
    return body, None


def restored(body: bytes, layout: object) -> bytes:
    """Undo :func:`indented`; what is no JSON, or of an unknown layout, is left as it is."""
    if not isinstance(layout, str) or layout not in _LAYOUTS:
        return body
    core = body.rstrip(b"\n")
    try:
        return msgspec.json.format(core, indent=_LAYOUTS[layout]) + body[len(core) :]
    except (DecodeError, RecursionError):
        return body
