"""Which files are made of which sources: cassettes of recordings, scripts of fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from chatdouble.cassette import families
from chatdouble.cassette.converting import converted, writable
from chatdouble.cassette.families import Family, Reading, document
from chatdouble.cassette.redact import Placeholders
from chatdouble.cassette.redact.scanning import Text
from chatdouble.errors import CassetteError, ChatdoubleError
from chatdouble.rules import printed
from chatdouble.script import aimock, parse

_BY_ENDING = {".har": "har", ".yaml": "vcrpy", ".yml": "vcrpy"}


class Conversion(Struct, frozen=True):
    """A file that is to be written.

    Attributes:
        file: its path.
        data: its bytes.
        what: what it holds, in words.
        left: what of its sources it does not hold, in words.
    """

    file: Path
    data: bytes
    what: str
    left: tuple[str, ...]


def conversions(
    sources: Sequence[Path],
    target: Path,
    name: str | None,
    base: str,
    skip: Callable[[CassetteError], None],
) -> list[Conversion]:
    """The files that sources become; none is written yet.

    Args:
        sources: files and folders.
        target: a folder for a file of each source; or a file, which has an ending, for all of them.
        name: the family that is written; None takes it from the target's ending.
        base: the URL that recorded paths without a host are below.
        skip: told of each file in a folder that is nothing that could be converted.

    Raises:
        CassetteError: a source cannot be read, or not be written so.
        ChatdoubleError: the target's ending does not say what is to be written.
    """
    folder = target.is_dir() or not target.suffix
    family = _family(name, None if folder else target)
    found = list(_found(sources, base, skip))
    if not found:
        raise ChatdoubleError("nothing was found that could be converted")
    if folder:
        return list(_each(found, target, family))
    fixtures = [one for _, one in found if isinstance(one, aimock.Read)]
    readings = [one for _, one in found if isinstance(one, Reading)]
    if fixtures and readings:
        raise CassetteError(target, "rules and recordings do not go into one file")
    return [_script(fixtures, target) if fixtures else _cassette(readings, family, target)]


def _family(name: str | None, target: Path | None) -> Family:
    if name is None:
        ending = ".yaml" if target is None else target.suffix.lower()
        name = _BY_ENDING.get(ending)
    if name is None:
        raise ChatdoubleError(f"the ending of {target} does not say what to write: use --format")
    return next(one for one in writable() if one.name == name)


def _found(
    sources: Sequence[Path], base: str, skip: Callable[[CassetteError], None]
) -> Iterator[tuple[Path, Reading | aimock.Read]]:
    """What each source holds, with its path below the folder that was named."""
    for source in sources:
        for file, named in families.find((source,)):
            inside = Path(file.name) if named else file.relative_to(source)
            try:
                data = document.read_bytes(file)
                root = families.top(file, data)
                is_aimock = aimock.claims(root.value)
                yield inside, aimock.read(root) if is_aimock else families.of(root, data, base)
            except CassetteError as error:
                if named or not error.foreign:
                    raise
                skip(error)


def _each(
    found: list[tuple[Path, Reading | aimock.Read]], folder: Path, family: Family
) -> Iterator[Conversion]:
    taken: set[Path] = set()
    for inside, one in found:
        ending = ".yaml" if isinstance(one, aimock.Read) else family.ending
        file = folder / inside.with_suffix(ending)
        number = 1
        while file in taken:
            number += 1
            file = (folder / inside).with_name(f"{inside.stem}-{number}{ending}")
        taken.add(file)
        if isinstance(one, aimock.Read):
            yield _script([one], file)
        else:
            yield _cassette([one], family, file)


def _cassette(readings: list[Reading], family: Family, file: Path) -> Conversion:
    takes = [take for one in readings for take in one.takes]
    made = converted(takes, family, file)
    left = (*(words for one in readings for words in one.left), *made.left)
    what = f"{len(takes)} interaction{'s' * (len(takes) != 1)} for {family.title}"
    return Conversion(file, made.data, what, left)


def _script(fixtures: list[aimock.Read], file: Path) -> Conversion:
    rules = tuple(rule for one in fixtures for rule in one.rules)
    left = [words for one in fixtures for words in one.left]
    left += (f"{rule.origin}: {words}" for rule in rules for words in printed.unwritable(rule))
    text = _without_secrets(printed.script(rules))
    parse(text, file)
    what = f"a script of {len(rules)} rule{'s' * (len(rules) != 1)}"
    return Conversion(file, text.encode(), what, tuple(left))


def _without_secrets(text: str) -> str:
    # places are counted in bytes
    raw = text.encode("utf-8", "replace").decode("latin-1")
    return Placeholders().put(raw, Text(raw).scan())[0].encode("latin-1").decode()
