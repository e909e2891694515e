"""Recordings of one tool as files of another, with nothing secret in them and nothing lost in
silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from chatdouble.cassette import families
from chatdouble.cassette.families import Family, Written
from chatdouble.cassette.families.family import Left, grouped
from chatdouble.cassette.files import write, writing
from chatdouble.cassette.redact import Placeholders, Redacted, redact
from chatdouble.cassette.take import Headers, Take
from chatdouble.errors import CassetteError


class Converted(Struct, frozen=True):
    """A file that is ready to be written.

    Attributes:
        data: its bytes.
        left: what of the sources is not in it, in words.
    """

    data: bytes
    left: tuple[str, ...]


def writable() -> tuple[Family, ...]:
    """The families that can be written."""
    return tuple(one for one in families.FAMILIES if one.write is not None)


def converted(takes: Sequence[Take], family: Family, file: Path) -> Converted:
    """The takes as a file of a family.

    What was written is read again and compared, so that everything that is lost is said.

    Args:
        takes: what is written, with nothing hidden yet.
        family: one of ``writable()``.
        file: what errors call the file.

    Raises:
        CassetteError: the family cannot hold these takes.
    """
    placeholders = Placeholders()
    safe = [redact(take, placeholders) for take in takes]
    written = _write(family, safe, file)
    again = families.parse(file, written.data).takes
    if len(again) != len(safe):
        raise CassetteError(file, f"{family.title} cannot hold these interactions")
    left = [*_hidden(takes, safe), *written.left, *_changed(safe, again)]
    return Converted(written.data, grouped(left))


def _write(family: Family, safe: Sequence[Redacted], file: Path) -> Written:
    if family.write is None:
        raise CassetteError(file, f"files of {family.title} cannot be written")
    return family.write(safe)


def put(file: Path, data: bytes, *, replace: bool) -> None:
    """Write a file in one step, with its folders.

    Args:
        file: the file.
        data: its bytes.
        replace: whether a file that is there already is replaced.

    Raises:
        CassetteError: there is such a file already, or it cannot be written.
    """
    with writing(file) as target:
        if not replace and target.exists():
            raise CassetteError(file, "is there already; --force replaces it")
        write(target, (data,), fsync=False)


def _hidden(takes: Sequence[Take], safe: Sequence[Redacted]) -> Iterator[Left]:
    """What redaction took away."""
    for number, (take, one) in enumerate(zip(takes, safe, strict=True), 1):
        body = b"".join(data for _, data in one.pieces)
        if (take.uri, take.request_body, take.body) != (one.uri, one.request_body, body):
            yield Left("what may be secret, which placeholders stand for", number)
        for which, was, now in (
            ("request", take.request_headers, one.request_headers),
            ("response", take.headers, one.headers),
        ):
            gone = sorted(_names(was) - _names(now))
            if gone:
                names = ", ".join(gone)
                yield Left(f"headers of the {which} not known to be harmless: {names}", number)


def _names(headers: Headers) -> set[str]:
    return {name.lower() for name, _ in headers}


def _changed(safe: Sequence[Redacted], again: Sequence[Take]) -> Iterator[Left]:
    """What reads otherwise from the written file."""
    for number, (one, take) in enumerate(zip(safe, again, strict=True), 1):
        body = b"".join(data for _, data in one.pieces)
        if (one.method, one.uri, one.status) != (take.method, take.uri, take.status):
            yield Left("its exact method, URL or status", number)
        if one.request_body != take.request_body and not _is_said(one.request_body):
            yield Left("the exact bytes of the request's body", number)
        if body != take.body:
            yield Left("the exact bytes of the response's body", number)


def _is_said(body: bytes) -> bool:
    """Whether the family says itself that a body that is no text is lost."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    return False
