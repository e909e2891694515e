"""Modes: which sources a session asks, in which order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from chatdouble import script as scripts
from chatdouble.cassette import format as cassettes
from chatdouble.cassette.store import Store
from chatdouble.errors import CassetteError, ChatdoubleError
from chatdouble.settings import DEFAULT_HOST
from chatdouble.sources.generated import Generated
from chatdouble.sources.recorded import Recorded, UsedUp
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract, Source
from chatdouble.sources.stored import Stored
from chatdouble.sources.upstream import DEFAULT_TIMEOUT, Keep, Upstream

UPSTREAM_KEY = "CHATDOUBLE_UPSTREAM_API_KEY"

Mode: TypeAlias = Literal["none", "once", "new_episodes", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)


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
        files = cassettes.find((cassette,))
        # a recorded refusal is replayed, so recordings come before the contract
        found.append(Recorded(one for file, _ in files for one in cassettes.load(file)))
    found += [Contract(), Stored()]
    if generated:
        found.append(Generated())
    return tuple(found)


def recording(
    mode: Mode,
    upstream: str,
    cassette: Path,
    *,
    folder: Path | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    keep: Keep = "answers",
    fsync: bool = False,
    host: str = DEFAULT_HOST,
    allowed_hosts: Sequence[str] | None = None,
    tell: Callable[[CassetteError], None] | None = None,
) -> tuple[Source, ...]:
    """The sources of a session that records, in the order in which they are asked.

    What is recorded is replayed in later sessions, not in the one that records it. The key in the
    environment variable ``CHATDOUBLE_UPSTREAM_API_KEY``, if there is one, is sent in the place of
    the client's.

    Args:
        mode: vcrpy's word for it. ``none``: only recordings answer. ``new_episodes``: each of them
            once, and what they do not answer, the upstream server does. ``all``: it answers
            everything, which takes the place of what the cassette held. ``once``: it does if there
            is no cassette yet; otherwise only the cassette does.
        upstream: the base URL of the upstream server, which stands for our ``/v1``.
        cassette: the file that is written.
        folder: where the recordings are that answer; without it they are those of the cassette.
        timeout: seconds that the server may take for the first byte, and between two.
        keep: which answers are recorded, see ``Upstream``.
        fsync: whether each recording is on the disk itself before the client has its answer's end.
        host: the address that our own server listens on.
        allowed_hosts: its further names; requests to other hosts are not passed on.
        tell: called with what is wrong with a cassette, which answers nothing then; without it that
            is raised.

    Raises:
        CassetteError: a recording cannot be read.
        ChatdoubleError: there is no such mode, or the upstream server is none.
    """

    def replaying() -> Source:
        try:
            # as in vcrpy, where each recording answers once while new ones may be made
            used_up: UsedUp = "fail" if mode == "new_episodes" else "repeat"
            return Recorded(_recorded(cassette, folder), used_up=used_up)
        except CassetteError as error:
            if tell is None:
                raise
            tell(error)
            return Recorded(())

    def asking() -> Source:
        return Upstream(
            upstream,
            store=Store(cassette, fsync=fsync, fresh=mode == "all"),
            api_key=os.environ.get(UPSTREAM_KEY),
            timeout=timeout,
            keep=keep,
            host=host,
            allowed_hosts=allowed_hosts,
        )

    asked: dict[Mode, tuple[Callable[[], Source], ...]] = {
        "none": (replaying,),
        "once": (replaying,) if cassette.exists() else (asking,),
        "new_episodes": (replaying, asking),
        "all": (asking,),
    }
    if mode not in asked:
        raise ChatdoubleError(f"a mode is one of {', '.join(MODES)}, got {mode!r}")
    return tuple(make() for make in asked[mode])


def _recorded(cassette: Path, folder: Path | None) -> Iterator[cassettes.Interaction]:
    """What is recorded, nothing if that is not there; foreign files in the folder are left out."""
    path = folder or cassette
    for file, _ in cassettes.find((path,)) if path.exists() else ():
        try:
            yield from cassettes.load(file)
        except CassetteError as error:
            if file == cassette or not error.foreign:
                raise
