"""Secrets in the files of any recorder that writes vcrpy's format: found, and cleaned in place."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from chatdouble.cassette.files import write, writing
from chatdouble.cassette.redact.names import stands_in
from chatdouble.cassette.redact.placeholders import Placeholders
from chatdouble.cassette.redact.redacted import hidden
from chatdouble.cassette.redact.scanning import SHORTEST, Found, Text, strongest
from chatdouble.cassette.scalars import quoted
from chatdouble.errors import CassetteError
from chatdouble.plainyaml import BROKEN

_BINARY = "tag:yaml.org,2002:binary"
_SHORTEST_IN_HEADERS = 4
_LARGEST = 128 * 1024 * 1024


class Finding(Struct, frozen=True):
    """A secret in a cassette.

    Attributes:
        path: the cassette's path.
        interaction: the number of the interaction, counted from 1; 0 outside of them.
        where: the place in it, for example ``request.headers.authorization``.
        kind: what it is, for example ``api-key``.
        hint: its first characters and its length, never more.
    """

    path: Path
    interaction: int
    where: str
    kind: str
    hint: str


class _Scalar(Struct):
    """A value of the document.

    Attributes:
        place: the keys and positions that lead to it.
        start: where it starts in the file, with its tag and anchor.
        end: where it ends.
        text: what it says, as bytes read as Latin-1, without base64 and gzip.
        packed: what was undone for that: nothing, ``binary`` or ``gzip``.
        literal: whether it is a literal block.
    """

    place: tuple[str | int, ...]
    start: int
    end: int
    text: str
    packed: str
    literal: bool


def findings(file: Path) -> tuple[Finding, ...]:
    """The secrets in a cassette, in the order in which they stand there.

    Raises:
        CassetteError: the file cannot be read, or is no sound YAML.
    """
    _, scalars = _read(file)
    return tuple(
        finding
        for scalar, found in zip(scalars, _secrets(scalars), strict=True)
        for finding in _told(file, scalar, found)
    )


def clean(file: Path) -> int:
    """Put placeholders in the places of all secrets in a cassette; return how many there were.

    All else stays byte for byte. Where a recording of chatdouble is changed inside its body, the
    times of its pieces no longer count.

    Raises:
        CassetteError: the file cannot be read or written, or is no sound YAML; it is left as it
            was.
    """
    with writing(file) as target:
        text, scalars = _read(target)
        placeholders = Placeholders()
        placeholders.pass_over(text.encode())
        pieces: list[str] = []
        at = count = 0
        for scalar, found in zip(scalars, _secrets(scalars), strict=True):
            if not found:
                continue
            before = scalar.text
            scalar.text, edits = placeholders.put(before, found)
            count += len(edits)
            source = text[scalar.start : scalar.end]
            pieces += (text[at : scalar.start], _rewritten(source, scalar, before))
            at = scalar.end
        if not count:
            return 0
        cleaned = "".join((*pieces, text[at:]))
        expected = [(scalar.place, scalar.text) for scalar in scalars]
        if [(scalar.place, scalar.text) for scalar in _scalars(cleaned)] != expected:
            raise CassetteError(file, "is laid out in a way that cannot be cleaned: record it anew")
        write(target, (cleaned.encode(),), fsync=False)
    return count


def _read(file: Path) -> tuple[str, list[_Scalar]]:
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        raise CassetteError(file, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise CassetteError(file, f"is not UTF-8 (byte {error.start})") from None
    try:
        return text, list(_scalars(text))
    except (*BROKEN, RecursionError) as error:
        raise CassetteError(file, f"is no sound YAML: {error}") from None


def _scalars(text: str) -> Iterator[_Scalar]:
    """The values of a document, in order."""
    # of each collection around: whether it is a list, where in it we are, whether a value is next
    stack: list[list[Any]] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            if stack and stack[-1][0]:
                stack[-1][1] += 1
            elif stack and not stack[-1][2]:
                stack[-1][1:] = [getattr(event, "value", ""), True]
                if isinstance(event, yaml.ScalarEvent):
                    continue
            elif stack:
                stack[-1][2] = False
            if isinstance(event, yaml.ScalarEvent):
                yield _scalar(event, tuple(entry[1] for entry in stack))
            elif isinstance(event, yaml.CollectionStartEvent):
                is_list = isinstance(event, yaml.SequenceStartEvent)
                stack.append([is_list, -1 if is_list else "", False])


def _scalar(event: Any, place: tuple[str | int, ...]) -> _Scalar:
    raw = event.value.encode("utf-8", "surrogatepass")
    packed = ""
    if event.tag == _BINARY:
        try:
            raw, packed = b64decode(raw), "binary"
            if raw.startswith(b"\x1f\x8b"):
                unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
                raw, packed = unpacker.decompress(raw, _LARGEST), "gzip"
        except (ValueError, zlib.error):
            pass
    return _Scalar(
        place=place,
        start=event.start_mark.index,
        end=event.end_mark.index,
        text=raw.decode("latin-1"),
        packed=packed,
        literal=event.style == "|",
    )


def _secrets(scalars: list[_Scalar]) -> list[list[Found]]:
    """The secrets in each scalar; what one of them shows is looked for in all others, too."""
    found = [[*Text(scalar.text).scan(), *_by_header(scalar)] for scalar in scalars]
    secrets = dict.fromkeys(
        (one.kind, one.secret)
        for several in found
        for one in several
        if len(one.secret) >= SHORTEST
    )
    if secrets:
        for scalar, several in zip(scalars, found, strict=True):
            several += Text(scalar.text).search(secrets)
    return found


def _by_header(scalar: _Scalar) -> Iterator[Found]:
    """What the name of a header tells of its value."""
    if "headers" not in scalar.place:
        return
    name = next(key for key in reversed(scalar.place) if isinstance(key, str))
    for kind, secret in hidden(((name, scalar.text),)):
        at = scalar.text.find(secret)
        if at >= 0 and len(secret) >= _SHORTEST_IN_HEADERS and not stands_in(secret):
            yield Found(kind, secret, ((at, at + len(secret)),))


def _told(file: Path, scalar: _Scalar, found: list[Found]) -> Iterator[Finding]:
    number = 0
    names: list[str] = []
    if len(scalar.place) > 1 and scalar.place[0] == "interactions":
        number = int(scalar.place[1]) + 1
    for key in scalar.place[2 if number else 0 :]:
        if isinstance(key, str):
            names.append(key)
    for _, _, value in strongest(found):
        if isinstance(value, Found):
            shown = value.secret[: min(4, len(value.secret) // 4)].split("\n")[0]
            hint = f"{shown}… ({len(value.secret)} characters)"
            yield Finding(file, number, ".".join(names), value.kind, hint)


def _rewritten(source: str, scalar: _Scalar, before: str) -> str:
    """The scalar in the file with what it says by now, as much of it as it was as possible."""
    raw = scalar.text.encode("latin-1")
    if scalar.packed:
        packed = gzip.compress(raw, mtime=0) if scalar.packed == "gzip" else raw
        return f'!!binary "{b64encode(packed).decode()}"' + _rest(source)
    text = raw.decode("utf-8", "replace")
    if scalar.literal:
        was = before.encode("latin-1").decode("utf-8", "replace").split("\n")
        lines = source.split("\n")
        changed = text.split("\n")
        if len(changed) == len(was) < len(lines) + 1:
            for number, (old, new) in enumerate(zip(was, changed, strict=True), 1):
                if old != new and lines[number].endswith(old):
                    lines[number] = lines[number].removesuffix(old) + new
            return "\n".join(lines)
    return f'"{quoted(text)}"' + _rest(source)


def _rest(source: str) -> str:
    """The line breaks behind a block, which belong to it."""
    return source[len(source.rstrip()) :]
