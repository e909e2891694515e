"""Housekeeping of cassettes: ``show``, ``diff``, ``convert``, ``redact``, ``verify``."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatdouble.errors import CassetteError, ChatdoubleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from chatdouble.cassette.comparing import Pair
    from chatdouble.cassette.families import Reading

_PATHS = click.Path(path_type=Path)

# how wide and how narrow texts are shown at most
_WIDEST = 200
_NARROWEST = 40


def _say(line: str, *, err: bool = False) -> None:
    """Print a line; what a terminal would obey, or cannot show, is escaped."""
    from chatdouble.cassette.telling import printable

    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    shown = printable(line).encode(encoding, "backslashreplace").decode(encoding)
    click.echo(shown, err=err)


def _or_exit(do: Callable[[], Any]) -> Any:
    """What ``do`` gives; an error of ours ends the command with status 2."""
    try:
        return do()
    except ChatdoubleError as error:
        _say(f"chatdouble: {error}", err=True)
        sys.exit(2)


def readings(paths: tuple[Path, ...]) -> Iterator[Reading]:
    """The recordings of files and folders; what in folders is none is named and left out.

    Raises:
        CassetteError: a file that is named itself, or a damaged one, cannot be read.
    """
    from chatdouble.cassette import families

    for file, named in families.find(paths):
        try:
            yield families.read(file)
        except CassetteError as error:
            if named or not error.foreign:
                raise
            _say(f"left out: {error}", err=True)


@click.command()
@click.argument("cassettes", nargs=-1, required=True, type=_PATHS, metavar="CASSETTE...")
@click.option("--full", is_flag=True, help="Show texts whole; otherwise long ones are cut.")
@click.option(
    "--width",
    type=click.IntRange(_NARROWEST, 10_000),
    help="The longest line; by default that of the terminal.",
)
def show(cassettes: tuple[Path, ...], full: bool, width: int | None) -> None:
    """Print the conversations of CASSETTEs as people read them.

    CASSETTEs are files, or folders with such files, of vcrpy or any tool that "convert" reads. Of a
    conversation that goes on only the new messages are shown. Recorded control characters are
    escaped. The status is 2 if a file cannot be read.
    """
    from chatdouble.cassette import telling

    columns = min(max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST), _WIDEST)
    bounds = telling.Bounds(width or columns, None if full else 12)
    now = int(time.time())

    def print_all() -> None:
        for reading in readings(cassettes):
            count = len(reading.takes)
            noun = "interaction" if count == 1 else "interactions"
            _say(f"{reading.file} ({reading.family.title}, {count} {noun})")
            for line in telling.told(reading.takes, bounds, now):
                _say(f"  {line}")
            for words in reading.left:
                _say(f"  not read: {words}")

    _or_exit(print_all)


@click.command()
@click.argument("left", type=_PATHS, metavar="A")
@click.argument("right", type=_PATHS, metavar="B")
@click.option(
    "--all",
    "exact",
    is_flag=True,
    help="Also compare ids, times, fingerprints, paddings and headers.",
)
def diff(left: Path, right: Path, exact: bool) -> None:
    """Say what differs between the cassettes A and B, by meaning.

    Named are the interactions that only one of them has, and what changed in those of the same
    request, or of the same place: as a unified diff of canonical JSON. The status is 0 if they say
    the same, 1 if not, and 2 if one cannot be read, as with diff.
    """
    from chatdouble.cassette import families
    from chatdouble.cassette.comparing import compare

    was, now = _or_exit(lambda: (families.read(left), families.read(right)))
    pairs = [pair for pair in compare(was.takes, now.takes, exact=exact) if pair.differs]
    for pair in pairs:
        for line in _told(pair, left, right):
            _say(line)
    sys.exit(1 if pairs else 0)


def _told(pair: Pair, left: Path, right: Path) -> Iterator[str]:
    if pair.right is None:
        yield f"only in {left}, interaction {pair.left}: {pair.title}"
        return
    if pair.left is None:
        yield f"only in {right}, interaction {pair.right}: {pair.title}"
        return
    where = f"interaction {pair.left}"
    if pair.left != pair.right:
        where += f" (now {pair.right})"
    for what, lines in (("request", pair.request), ("response", pair.response)):
        if lines:
            yield f"{where}: {pair.title}: the {what} differs"
            yield from (f"  {line}" for line in lines)


COMMANDS = (show, diff)
