"""vcrpy's YAML and JSON, which is chatdouble's own format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatdouble.cassette import format as cassettes
from chatdouble.cassette.families.family import Family, Found, Written
from chatdouble.cassette.families.moments import sound
from chatdouble.cassette.families.place import Place
from chatdouble.cassette.redact import Redacted
from chatdouble.cassette.take import Take
from chatdouble.cassette.written import HEAD, TAIL, interaction


def _claims(document: Any) -> bool:
    return isinstance(document, dict) and "interactions" in document


def _read(top: Place, data: bytes, base: str) -> Found:
    found = cassettes.parse(data, top.file)
    # what answering has no use for stands only in the document
    for one, place in zip(found, top["interactions"].items(), strict=True):
        yield Take(
            method=one.method,
            uri=place["request"]["uri"].text(),
            request_headers=place["request"]["headers"].headers(),
            request_body=one.body,
            status=one.status,
            reason=place["response"]["status"]["message"].text(""),
            headers=one.headers,
            pieces=_pieces(one),
            cut=one.cut,
            recorded=sound(one.recorded),
        )


def _pieces(one: cassettes.Interaction) -> tuple[tuple[float, bytes], ...]:
    if not one.pieces:
        return ((0.0, one.response),)
    pieces, start = [], 0
    for seconds, length in one.pieces:
        pieces.append((seconds, one.response[start : start + length]))
        start += length
    return tuple(pieces)


def _write(takes: Sequence[Redacted]) -> Written:
    return Written("".join((HEAD, *map(interaction, takes), TAIL)).encode())


FAMILY = Family("vcrpy", "vcrpy", ".yaml", _claims, _read, _write)
