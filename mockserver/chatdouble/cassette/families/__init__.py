"""Recording files of vcrpy and of other tools: which one it is, what it holds, how to write one."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from chatdouble.cassette import format as cassettes
from chatdouble.cassette.encodings import decoded
from chatdouble.cassette.families import document, govcr, har, httprr, others, rubyvcr, vcrpy
from chatdouble.cassette.families.family import Family, Left, Written, grouped
from chatdouble.cassette.families.place import Place
from chatdouble.cassette.take import Take
from chatdouble.errors import CassetteError

# in the order in which a document is offered to them: the particular before the general
FAMILIES: tuple[Family, ...] = (
    httprr.FAMILY,
    har.FAMILY,
    rubyvcr.BETAMAX,
    rubyvcr.RUBY,
    govcr.FAMILY,
    vcrpy.FAMILY,
    *others.families(),
)

# the ending of every file that may be one of them
ENDINGS = (".yaml", ".yml", ".json", ".har", ".httprr")

# where a path without a host belongs
DEFAULT_BASE = "https://api.openai.com/v1"

# they describe how the bytes were packed, which is undone
_PACKING = frozenset({"content-encoding", "content-length", "transfer-encoding"})

__all__ = [
    "DEFAULT_BASE",
    "ENDINGS",
    "FAMILIES",
    "Family",
    "Reading",
    "Written",
    "document",
    "find",
    "of",
    "parse",
    "read",
    "top",
]


class Reading(Struct, frozen=True):
    """What a recording file holds.

    Attributes:
        file: the file.
        family: the tool whose file it is.
        takes: its interactions, with nothing hidden; those of the API and any others.
        left: what of the file is in none of them, in words.
    """

    file: Path
    family: Family
    takes: tuple[Take, ...]
    left: tuple[str, ...] = ()


def read(file: Path, base: str = DEFAULT_BASE) -> Reading:
    """Read a recording file of any family.

    Args:
        file: the file; its content says which family it is of.
        base: the URL that paths without a host are taken to be below.

    Raises:
        CassetteError: it cannot be read, is of no known family, or is no sound file of its family.
    """
    return parse(file, document.read_bytes(file), base)


def parse(file: Path, data: bytes, base: str = DEFAULT_BASE) -> Reading:
    """Read the bytes of a recording file; ``file`` is what errors call it.

    Raises:
        CassetteError: as for ``read()``.
    """
    return of(top(file, data), data, base)


def top(file: Path, data: bytes) -> Place:
    """The document that a file's bytes are; the bytes themselves where they are none.

    Raises:
        CassetteError: it is no sound document.
    """
    if data.startswith(httprr.MAGIC):
        return Place(file, "", data)
    return document.parse(file, data)


def of(root: Place, data: bytes, base: str = DEFAULT_BASE) -> Reading:
    """What a document, with the bytes that it was made of, holds."""
    file = root.file
    family = next((one for one in FAMILIES if one.claims(root.value)), None)
    if family is None:
        known = ", ".join(one.title for one in FAMILIES)
        raise CassetteError(file, f"is no recording of a known tool ({known})", foreign=True)
    found = list(family.read(root, data, base))
    takes = [one for one in found if isinstance(one, Take)]
    for number, take in enumerate(takes, 1):
        _check(file, number, take)
    if family is not vcrpy.FAMILY:
        takes = [_unpacked(file, number, take) for number, take in enumerate(takes, 1)]
    left = grouped(one for one in found if isinstance(one, Left))
    return Reading(file, family, tuple(takes), left)


def find(paths: tuple[Path, ...]) -> tuple[tuple[Path, bool], ...]:
    """The files that may be recordings, each with whether it was named itself.

    Files in folders are found at any depth and come in the order of their paths.

    Raises:
        CassetteError: a path does not exist.
    """
    return cassettes.find(paths, ENDINGS)


def _check(file: Path, number: int, take: Take) -> None:
    """Refuse what could not be sent again."""
    if not re.fullmatch(r"[A-Z-]{1,32}", take.method):
        raise CassetteError(file, f"interaction {number}: {take.method[:40]!r} is no method")
    try:
        urlsplit(take.uri)
    except ValueError as error:
        raise CassetteError(file, f"interaction {number}: its URL: {error}") from None


def _unpacked(file: Path, number: int, take: Take) -> Take:
    """The take with its response's content-encoding undone."""
    body = decoded(file, number, take.headers, take.body)
    kept = tuple((name, value) for name, value in take.headers if name.lower() not in _PACKING)
    last = max((at for at, _ in take.pieces), default=0.0)
    pieces = take.pieces if body == take.body else ((last, body),)
    return replace(take, headers=kept, pieces=pieces)
