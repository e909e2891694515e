"""Modes: which sources a session asks, in which order."""

from __future__ import annotations

from pathlib import Path

from chatdouble import script as scripts
from chatdouble.cassette import format as cassettes
from chatdouble.sources.generated import Generated
from chatdouble.sources.recorded import Recorded
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract, Source
from chatdouble.sources.stored import Stored


def sources(
    script: Path | None = None, cassette: Path | None = None, *, generated: bool = False
) -> tuple[Source, ...]:
    """The sources in the order in which they are asked.

    Args:
        script: a script or a folder of scripts, whose rules come first.
        cassette: a cassette or a folder of cassettes, whose recordings come next.
        generated: whether what nothing else answers is made up.

    Raises:
        ChatdoubleError: a file cannot be read.
    """
    rules = scripts.load((script,)) if script is not None else ()
    found: list[Source] = [Scripted(rules)]
    if cassette is not None:
        found.append(_recorded(cassette))
    found += [Contract(), Stored()]
    if generated:
        found.append(Generated())
    return tuple(found)


def with_recordings(found: tuple[Source, ...], cassette: Path) -> tuple[Source, ...]:
    """The sources, and the recordings of a cassette, or of a folder of them, behind the rules.

    Raises:
        ChatdoubleError: a file cannot be read.
    """
    first = tuple(one for one in found if isinstance(one, Scripted | Recorded))
    others = tuple(one for one in found if not isinstance(one, Scripted | Recorded))
    return (*first, _recorded(cassette), *others)


def _recorded(cassette: Path) -> Recorded:
    # a recorded refusal is replayed, so recordings come before the contract
    files = cassettes.find((cassette,))
    return Recorded(one for file, _ in files for one in cassettes.load(file))
