"""What ``chatdouble replay`` takes, and the sources that it makes of it."""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatdouble.errors import CassetteError, ChatdoubleError

if TYPE_CHECKING:
    from chatdouble.cassette.format import Interaction
    from chatdouble.cassette.matching import Matching
    from chatdouble.sources.source import Source

_PATHS = click.Path(path_type=Path)

# in the order of --help
_OPTIONS = (
    click.option(
        "--script",
        "scripts",
        multiple=True,
        type=_PATHS,
        metavar="SCRIPT",
        help="Lay the rules of a script, or of a folder of scripts, over the recordings: what no "
        "rule answers is replayed. Repeatable.",
    ),
    click.option(
        "--match-on",
        multiple=True,
        metavar="NAME[,NAME...]",
        help="What must be equal, by vcrpy's names: method, path, query, body (the default), "
        "raw_body, headers, uri; scheme, host and port hold always.",
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="NAME[,NAME...]",
        help="What of a body does not count: call_ids, dates, stream, tool_order, uuids.",
    ),
    click.option(
        "--ignore-field",
        "ignore_fields",
        multiple=True,
        metavar="PATH",
        help="A field that does not count, such as metadata.run_id or messages[*].name. "
        "Repeatable.",
    ),
    click.option(
        "--ignore-text",
        "ignore_texts",
        multiple=True,
        metavar="REGEX",
        help="What it finds in texts is taken as equal. Repeatable.",
    ),
    click.option(
        "--transform",
        metavar="MODULE:FUNCTION",
        help="A Python function that is given a body's JSON and returns what is compared.",
    ),
    click.option(
        "--used-up",
        default="repeat",
        show_default=True,
        type=click.Choice(("repeat", "cycle", "fail")),
        help="What comes behind the last recorded answer to a request: it again, the first one, "
        "or an error.",
    ),
    click.option(
        "--speed",
        default=0.0,
        show_default=True,
        type=click.FloatRange(0),
        help="How many times faster than recorded answers are sent; 1 as recorded, 0 at once.",
    ),
)

# the parameters that they give
NAMES = (
    "scripts",
    "match_on",
    "ignore",
    "ignore_fields",
    "ignore_texts",
    "transform",
    "used_up",
    "speed",
)


def options(command: Any) -> Any:
    """Declare what says which recording answers, in which order and when."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def sources(
    cassettes: tuple[Path, ...],
    *,
    scripts: tuple[Path, ...],
    used_up: Any,
    speed: float,
    **declared: Any,
) -> tuple[tuple[Source, ...], str]:
    """The sources of a replay, and what was loaded, in words.

    Raises:
        ChatdoubleError: a file cannot be read, or an option cannot be meant.
    """
    from chatdouble import script
    from chatdouble.sources.recorded import Recorded
    from chatdouble.sources.scripted import Scripted

    matching = _matching(**declared)
    rules = script.load(scripts) if scripts else ()
    interactions, files = _recordings(cassettes)
    loaded = (
        f"{len(interactions)} recorded interaction{'s' * (len(interactions) != 1)} "
        f"of {files} cassette{'s' * (files != 1)}"
    )
    recorded = Recorded(interactions, matching, used_up=used_up, speed=speed)
    if not scripts:
        return (recorded,), loaded
    return (Scripted(rules), recorded), f"{len(rules)} rule{'s' * (len(rules) != 1)}, then {loaded}"


def _matching(
    *,
    match_on: tuple[str, ...],
    ignore: tuple[str, ...],
    ignore_fields: tuple[str, ...],
    ignore_texts: tuple[str, ...],
    transform: str | None,
) -> Matching:
    from chatdouble.cassette.matching import Matching

    given: dict[str, Any] = {"ignore_fields": ignore_fields, "ignore_texts": ignore_texts}
    for field, texts in (("match_on", match_on), ("ignore", ignore)):
        names = tuple(name for text in texts for name in re.split(r"[,\s]+", text) if name)
        if names:
            given[field] = names
    if transform is not None:
        given["transform"] = _function(transform)
    return Matching(**given)


def _function(name: str) -> Callable[[Any], Any]:
    """The function that ``module:function`` names, also of a module of the working folder."""
    if ":" not in name:
        raise ChatdoubleError(f"--transform is MODULE:FUNCTION, got {name!r}")
    sys.path.insert(0, "")
    try:
        found = pkgutil.resolve_name(name)
    except Exception as error:
        problem = f"--transform: {name!r} cannot be imported: {type(error).__name__}: {error}"
        raise ChatdoubleError(problem) from None
    finally:
        sys.path.remove("")
    return found  # type: ignore[no-any-return]


def _recordings(paths: tuple[Path, ...]) -> tuple[list[Interaction], int]:
    from chatdouble.cassette import format as cassettes

    interactions: list[Interaction] = []
    files = 0
    for file, named in cassettes.find(paths):
        try:
            interactions += cassettes.load(file)
        except CassetteError as error:
            if named or not error.foreign:
                raise
            click.echo(f"left out: {error}", err=True)
            continue
        files += 1
    if not files:
        raise CassetteError(", ".join(map(str, paths)), "there is no vcrpy cassette in it")
    return interactions, files
