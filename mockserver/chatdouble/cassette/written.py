"""An interaction as text: vcrpy's YAML, laid out for people and for diffs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from chatdouble.cassette.format import NOTES
from chatdouble.cassette.layout import indented
from chatdouble.cassette.redact import Redacted
from chatdouble.cassette.scalars import block, scalar
from chatdouble.cassette.take import Headers

HEAD = "interactions:\n"
# vcrpy writes it last, so a file that has it was written to its end
TAIL = "version: 1\n"

_PIECES_WIDTH = 100


def interaction(redacted: Redacted) -> str:
    """One item of the list of interactions, with a line break at its end.

    Keys stand in vcrpy's order, headers in that of their names. Bodies are readable where that can
    be undone: what `format.load` needs for it stands in the response, where vcrpy keeps it.
    """
    if type(redacted) is not Redacted:
        raise TypeError(f"expected what was redacted, got a {type(redacted).__name__}")
    body = b"".join(data for _, data in redacted.pieces)
    sent, sent_layout = indented(redacted.request_body)
    received, layout = indented(body)
    return "\n".join(
        (
            "- request:",
            f"    body: {block(sent, 6)}",
            *_headers(redacted.request_headers),
            f"    method: {scalar(redacted.method)}",
            f"    uri: {scalar(redacted.uri)}",
            "  response:",
            "    body:",
            f"      string: {block(received, 8)}",
            f"    {NOTES}:",
            *(("      cut: true",) if redacted.cut else ()),
            *((f"      layout: {layout}",) if layout else ()),
            *_pieces(redacted),
            f"      recorded: '{_moment(redacted.recorded)}'",
            *((f"      request_layout: {sent_layout}",) if sent_layout else ()),
            *_headers(redacted.headers),
            "    status:",
            f"      code: {redacted.status}",
            f"      message: {scalar(redacted.reason)}",
            "",
        )
    )


def _headers(headers: Headers) -> Iterator[str]:
    values: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
        names.setdefault(name.lower(), name)
    if not values:
        yield "    headers: {}"
        return
    yield "    headers:"
    for key in sorted(values):
        yield f"      {scalar(names[key])}:"
        yield from (f"      - {scalar(value)}" for value in values[key])


def _pieces(redacted: Redacted) -> Iterator[str]:
    """The time and size of each piece, as many on a line as fit."""
    line = "      pieces: ["
    for at, (seconds, data) in enumerate(redacted.pieces):
        piece = f"{', ' if at else ''}[{round(seconds, 3):g}, {len(data)}]"
        if len(line) + len(piece) > _PIECES_WIDTH:
            yield line + ","
            line, piece = "        ", piece.removeprefix(", ")
        line += piece
    if redacted.pieces:
        yield line + "]"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
