"""Writing cassettes: what is appended is on disk, whole, whatever happens next."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from hashlib import blake2b
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct, structs

from chatdouble.cassette.files import read, write, writing
from chatdouble.cassette.format import parse
from chatdouble.cassette.redact import Placeholders, redact
from chatdouble.cassette.take import Take
from chatdouble.cassette.written import HEAD, TAIL, interaction
from chatdouble.errors import CassetteError

_HEAD = HEAD.encode()
_TAIL = TAIL.encode()

# the bodies of a larger interaction are not read again before it is stored
_LARGEST_CHECKED = 1_000_000

# lines of the document itself, neither items nor parts of them
_TOP_LINE = re.compile(rb"^[^\s#-].*$", re.MULTILINE)
_LINE_START = re.compile(rb"^(?=[^\r\n])", re.MULTILINE)


class _Place(Struct, frozen=True):
    """Where the next interaction goes: behind `at` bytes, `indent` spaces in."""

    at: int
    indent: int


class _Known(Struct, frozen=True):
    """What a file held when it was last read or written: up to the next interaction, and behind."""

    at: int
    digest: bytes
    tail: bytes
    indent: int


class Store:
    """A cassette that is appended to.

    Each :meth:`append` puts a whole new file in the cassette's place: a reader, and a process that
    is killed, finds either the old one or the new one. What other processes append meanwhile is
    kept; threads and processes wait for each other.

    Args:
        file: the cassette's path. It is made when the first interaction is appended, with its
            folders; the file that a symbolic link points to is the one that is written.
        fsync: whether each interaction survives a power cut, too; it takes milliseconds.
        fresh: whether the first interaction that is appended takes the place of all that the file
            holds.
        before: another cassette, which this one is to be merged into: no placeholder that it holds
            is given to another secret.
    """

    def __init__(
        self,
        file: Path,
        *,
        fsync: bool = False,
        fresh: bool = False,
        before: Path | None = None,
    ) -> None:
        self.file = file
        self._before = before
        self._fsync = fsync
        self._fresh = fresh
        self._known: _Known | None = None
        self._placeholders = Placeholders()
        self._rescue: Store | None = None

    def append(self, take: Take) -> None:
        """Add an interaction, without anything secret; it is on disk when this returns.

        Raises:
            CassetteError: the file is damaged, no cassette, or cannot be written; it is left as it
                was. Where that is possible, the interaction is written beside it instead, to
                ``NAME.rescued-1.yaml``, and the error says so.
        """
        try:
            with writing(self.file, losing=", the interaction is lost") as target:
                old = self._old(target)
                place = self._place(old)
                self._insert(target, old, place, self._item(take))
        except _RefusedError as refused:
            raise self._rescued(take, refused) from None

    def _item(self, take: Take) -> bytes:
        """The interaction as it is written; that it can be read again is seen to here."""
        if self._before is not None:
            self._placeholders.pass_over(read(self._before))
            self._before = None
        redacted = redact(take, self._placeholders)
        item = interaction(redacted).encode()
        checked = item
        if len(item) > _LARGEST_CHECKED:
            bare = structs.replace(redacted, request_body=b"", pieces=())
            checked = interaction(bare).encode()
        try:
            parse(_HEAD + checked + _TAIL, self.file)
        except CassetteError as error:
            problem = error.problem.removeprefix("interaction 1: ")
            raise CassetteError(self.file, f"cannot hold the interaction: {problem}") from None
        return item

    def _old(self, target: Path) -> bytes:
        data = read(target)
        if not self._fresh:
            return data
        if data.strip():
            try:
                parse(data, self.file)
            except CassetteError as error:
                if error.foreign:
                    raise _RefusedError(error.problem) from None
        return b""

    def _place(self, data: bytes) -> _Place | None:
        """Where an interaction goes in these bytes, None for a new file."""
        known = self._known
        if (
            known is not None
            and len(data) >= known.at + len(known.tail)
            and data.endswith(known.tail)
            and blake2b(data[: known.at]).digest() == known.digest
        ):
            end = len(data) - len(known.tail)
            if end > known.at:
                self._sound(_HEAD + data[known.at : end] + _TAIL)
                self._placeholders.pass_over(data[known.at : end])
            return _Place(end, known.indent)
        if not data.strip():
            return None
        count = self._sound(data)
        self._placeholders.pass_over(data)
        return _place_in(data, count)

    def _sound(self, data: bytes) -> int:
        """How many interactions these bytes of a cassette hold."""
        try:
            return len(parse(data, self.file))
        except CassetteError as error:
            raise _RefusedError(error.problem) from None

    def _insert(self, target: Path, old: bytes, place: _Place | None, item: bytes) -> None:
        if place is None:
            head, tail, indent = _HEAD, _TAIL, 0
        else:
            head, tail, indent = old[: place.at], old[place.at :], place.indent
            if not head.endswith(b"\n"):
                head += b"\n"
            if indent:
                item = _LINE_START.sub(b" " * indent, item)
        write(target, (head, item, tail), fsync=self._fsync)
        self._fresh = False
        digest = blake2b(head)
        digest.update(item)
        self._known = _Known(len(head) + len(item), digest.digest(), tail, indent)

    def _rescued(self, take: Take, refused: _RefusedError) -> CassetteError:
        problem = f"{refused}; it is left as it was"
        try:
            if self._rescue is None:
                self._rescue = Store(_unused(self.file), fsync=self._fsync)
            self._rescue.append(take)
        except (OSError, CassetteError) as error:
            return CassetteError(self.file, f"{problem}, and the interaction is lost: {error}")
        beside = self._rescue.file.name
        return CassetteError(
            self.file, f"{problem}, and the interaction stands in {beside}: mend or move the file"
        )


def merge(side: Path, into: Path, *, fresh: bool = False, fsync: bool = False) -> None:
    """Append all interactions of one cassette to another, as they stand there.

    Args:
        side: the cassette whose interactions are taken; it is left as it was, and may be missing.
        into: the cassette that gets them; it is made if need be.
        fresh: whether they take the place of all that the other holds.
        fsync: as for :class:`Store`.

    Raises:
        CassetteError: one of them is damaged or no cassette, or cannot be written; both are left as
            they were.
    """
    raw = read(side)
    if not raw.strip():
        return
    place = _place_in(raw, len(parse(raw, side)))
    if place is None:
        return
    if place.indent or not raw.startswith(_HEAD):
        raise CassetteError(side, "is laid out in a way that cannot be merged: record it again")
    store = Store(into, fsync=fsync, fresh=fresh)
    try:
        with writing(into) as target:
            old = store._old(target)
            store._insert(target, old, store._place(old), raw[len(_HEAD) : place.at])
    except _RefusedError as refused:
        raise CassetteError(into, f"{refused}; it is left as it was") from None


def remove(file: Path, numbers: frozenset[int]) -> None:
    """Take interactions out of a cassette; the others stay as they stand there.

    A cassette that would hold none is removed.

    Args:
        file: the cassette.
        numbers: which ones, counted from 1.

    Raises:
        CassetteError: it is missing, damaged or no cassette, holds none of such a number, or cannot
            be written; it is left as it was.
    """
    if not file.exists():
        raise CassetteError(file, "there is no such file")
    try:
        with writing(file) as target:
            data = read(target)
            held = len(parse(data, file))
            beyond = sorted(number for number in numbers if not 1 <= number <= held)
            if beyond:
                problem = f"there is no interaction {beyond[0]}, it holds {held}"
                raise CassetteError(file, f"{problem}; it is left as it was")
            starts, end = _items(data, held)
            kept = [
                data[start:behind]
                for number, (start, behind) in enumerate(pairwise((*starts, end)), 1)
                if number not in numbers
            ]
            if kept:
                write(target, (data[: starts[0]], *kept, data[end:]), fsync=False)
            else:
                target.unlink()
    except _RefusedError as refused:
        raise CassetteError(file, f"{refused}; it is left as it was") from None


def _items(data: bytes, count: int) -> tuple[list[int], int]:
    """Where each of so many interactions of a sound cassette begins; where the last one ends."""
    place = _place_in(data, count)
    text = data.decode()
    depth = 0
    starts: list[int] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            mark: Any = event.start_mark
            if depth == 3:  # document, list, interaction
                starts.append(len(text[: text.rfind("\n", 0, mark.index) + 1].encode()))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    if place is None or len(starts) != count:
        raise _RefusedError("is laid out in a way that nothing can be taken out of")
    return starts, place.at


class _RefusedError(Exception):
    """Raised when a file is none that may be written to."""


def _place_in(data: bytes, count: int) -> _Place | None:
    """Where the next interaction goes in a sound cassette of so many, None for a new file."""
    top = [match[0].rstrip() for match in _TOP_LINE.finditer(data)]
    if data.startswith(_HEAD + b"- ") and data.endswith(b"\n" + _TAIL) and len(top) == 2:
        return _Place(len(data) - len(_TAIL), 0)
    if not count and len(top) <= 2:
        return None
    # what a parser says of where the list ends
    text = data.decode().removeprefix("\ufeff")
    depth = 0
    name = indent = None
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        mark: Any = event.start_mark
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth == 2 and name == "interactions":
                if event.flow_style:
                    break
                indent = mark.column
        elif isinstance(event, yaml.CollectionEndEvent):
            if depth == 2 and indent is not None:
                at = min(len(text), mark.index - mark.column)
                return _Place(len(data) - len(text[at:].encode()), indent)
            depth -= 1
        elif depth == 1 and isinstance(event, yaml.ScalarEvent):
            name = event.value
    raise _RefusedError(
        "is laid out in a way that cannot be appended to (let vcrpy write it, or record anew)"
    )


def _unused(file: Path) -> Path:
    """A new, empty file beside the given one."""
    for number in count(1):
        beside = file.with_name(f"{file.stem}.rescued-{number}{file.suffix}")
        with suppress(FileExistsError):
            os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return beside
    raise AssertionError
