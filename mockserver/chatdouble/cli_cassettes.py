"""Housekeeping of cassettes: ``show``, ``diff``, ``convert``, ``redact``, and so on."""

from __future__ import annotations

import os
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

    from chatdouble.cassette.cleaning import Secret
    from chatdouble.cassette.comparing import Pair
    from chatdouble.cassette.families import Reading
    from chatdouble.cassette.resending import Resending

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


@click.command()
@click.argument("cassettes", nargs=-1, required=True, type=_PATHS, metavar="CASSETTE...")
@click.option(
    "--upstream",
    required=True,
    metavar="URL",
    help="Where the API begins, for example https://api.openai.com/v1.",
)
@click.option(
    "--upstream-timeout",
    "timeout",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.001, 3600),
    metavar="SECONDS",
    help="How long it may be silent.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.IntRange(1),
    metavar="N",
    help="Send only the interaction of this number; repeatable.",
)
def verify(
    cassettes: tuple[Path, ...], upstream: str, timeout: float, only: tuple[int, ...]
) -> None:
    """Send the requests of CASSETTEs again, and say where the shape of the answers has drifted.

    Compared are status, media type, fields and their types, and the order of a stream's events;
    words and figures are not; null beside another type is the same. Each request costs what it
    costs; those that could change something (DELETE and the like) are not sent. The key comes from
    CHATDOUBLE_UPSTREAM_API_KEY, or else OPENAI_API_KEY. The status is 1 if something drifted,
    otherwise 2 if an answer could not be compared, and 0 if none drifted.
    """
    from chatdouble.cassette.resending import Resending

    key = os.environ.get("CHATDOUBLE_UPSTREAM_API_KEY") or os.environ.get("OPENAI_API_KEY")

    def compare_all() -> set[int]:
        found = tuple(readings(cassettes))
        with Resending(upstream, key, timeout) as resending:
            return {status for one in found for status in _verified(one, resending, only)}

    statuses = _or_exit(compare_all)
    sys.exit(1 if 1 in statuses else max(statuses, default=0))


# what says more of the key, or of the hour, than of the API
_NOT_NOW = frozenset({401, 403, 407, 408, 429, *range(500, 600)})


def _verified(reading: Reading, resending: Resending, only: tuple[int, ...]) -> Iterator[int]:
    """The status that each interaction of a cassette leads to; says how its answer drifted."""
    from chatdouble.cassette.drift import drift
    from chatdouble.cassette.resending import NotSentError

    for number, take in enumerate(reading.takes, 1):
        if only and number not in only:
            continue
        where = f"{reading.file}, interaction {number}"
        try:
            if take.cut:
                raise NotSentError("its recorded answer was cut off")
            new = resending.again(take)
            if new.status != take.status and new.status in _NOT_NOW:
                raise NotSentError(f"the answer is a {new.status}")
        except NotSentError as error:
            _say(f"{where}: not compared: {error}", err=True)
            yield 2
            continue
        changes = drift(take, new)
        for words in changes or ("the same shape",):
            _say(f"{where}: {words}")
        yield 1 if changes else 0


@click.command()
@click.argument("sources", nargs=-1, required=True, type=_PATHS, metavar="SOURCE...")
@click.option(
    "--to",
    "target",
    required=True,
    type=_PATHS,
    metavar="FILE_OR_FOLDER",
    help="The file that gets everything, or the folder that gets a file for each SOURCE.",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(["vcrpy", "har", "ruby-vcr", "betamax", "go-vcr"]),
    help="What is written; by default what FILE's ending says, and vcrpy otherwise.",
)
@click.option(
    "--base-url",
    "base",
    default="https://api.openai.com/v1",
    show_default=True,
    help="Where recorded paths belong whose file names no host.",
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
def convert(
    sources: tuple[Path, ...], target: Path, name: str | None, base: str, force: bool
) -> None:
    """Turn recordings of other tools into cassettes, and cassettes into theirs.

    SOURCEs are files, or folders with such files: HAR (PollyJS, too), Ruby VCR, Betamax, go-vcr,
    httprr, Azure's test proxy, WireMock, Datadog's test agent, nock, vcrpy. Their content says what
    they are. aimock's fixtures are rules, and become a script. All that is written is redacted, and
    all that cannot be carried over is said. The status is 2 if a file cannot be read or written.
    """
    from chatdouble.cassette.converting import put
    from chatdouble.script.conversions import conversions

    def skip(error: CassetteError) -> None:
        _say(f"left out: {error}", err=True)

    def convert_all() -> None:
        # all is read and made before the first file is written
        for one in conversions(sources, target, name, base, skip):
            put(one.file, one.data, replace=force)
            _say(f"{one.file}: {one.what}")
            for words in one.left:
                _say(f"  left out: {words}")

    _or_exit(convert_all)


@click.command()
@click.argument("cassettes", nargs=-1, required=True, type=_PATHS, metavar="CASSETTE...")
def redact(cassettes: tuple[Path, ...]) -> None:
    """Put placeholders in the places of all secrets in CASSETTEs; everything else stays as it is.

    CASSETTEs are files, or folders with such files, of vcrpy or any tool that "convert" reads. Each
    file is replaced in one step. A key that was in version control is known to others: revoke it.
    The status is 2 if a file cannot be read, written or cleaned in place, and is left as it was.
    """
    from chatdouble.cassette.cleaning import clean

    status = 0
    for reading in _or_exit(lambda: list(readings(cassettes))):
        try:
            found = clean(reading)
        except ChatdoubleError as error:
            _say(f"chatdouble: {error}", err=True)
            status = 2
            continue
        _say(f"{reading.file}: {_cleaned(found)}")
        for secret in found:
            _say(f"  {secret}")
    sys.exit(status)


def _cleaned(found: tuple[Secret, ...]) -> str:
    if not found:
        return "nothing secret was found"
    return f"{len(found)} place{'s' * (len(found) != 1)} cleaned"


@click.command()
@click.argument("cassette", type=_PATHS, metavar="CASSETTE")
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(1), metavar="N...")
def forget(cassette: Path, numbers: tuple[int, ...]) -> None:
    """Take the interactions N... out of CASSETTE, so that they can be recorded again.

    They are counted from 1, as "show" counts them; the others stay as they stand there. A cassette
    that would hold none is removed. CASSETTE is vcrpy's YAML, as chatdouble and vcrpy write it. The
    status is 2 if there is no such interaction, or the file cannot be read or written; it is left
    as it was.
    """
    from chatdouble.cassette.store import remove

    wanted = frozenset(numbers)
    _or_exit(lambda: remove(cassette, wanted))
    which = f"interaction{'s' * (len(wanted) > 1)} {', '.join(map(str, sorted(wanted)))}"
    _say(f"{cassette}: {which} removed{'' if cassette.exists() else ', and the file with it'}")


COMMANDS = (show, diff, convert, redact, forget, verify)
