"""Modes: which sources a session asks, in which order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from chatdouble import script as scripts
from chatdouble.cassette import format as cassettes
from chatdouble.cassette.match import DEFAULT
from chatdouble.cassette.matching import Matching
from chatdouble.errors import CassetteError, ChatdoubleError
from chatdouble.settings import DEFAULT_HOST, Settings
from chatdouble.sources.generated import Generated
from chatdouble.sources.recorded import Recorded, UsedUp
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract, Source
from chatdouble.sources.stored import Stored
from chatdouble.sources.upstream import DEFAULT_TIMEOUT, Keep, Upstream

UPSTREAM_KEY = "CHATDOUBLE_UPSTREAM_API_KEY"

Mode: TypeAlias = Literal["none", "once", "new_episodes", "all"]
Unmatched: TypeAlias = Literal["error", "generated", "passthrough"]
UNMATCHED: tuple[Unmatched, ...] = get_args(Unmatched)

MODES: tuple[Mode, ...] = get_args(Mode)


def sources(
    script: Path | None = None,
    cassette: Path | None = None,
    *,
    unmatched: Unmatched = "error",
    settings: Settings | None = None,
    matching: Matching = DEFAULT,
    used_up: UsedUp = "repeat",
    missing: bool = False,
) -> tuple[Source, ...]:
    """The sources in the order in which they are asked.

    Args:
        script: a script or a folder of scripts, whose rules come first.
        cassette: a cassette or a folder of cassettes, whose recordings come next.
        unmatched: what becomes of calls that nothing else answers: an ``error``, a ``generated``
            answer, or ``passthrough`` to the server that the settings name.
        settings: those of the server.
        matching: which recording answers a request.
        used_up: what comes behind the last recorded answer to a request, see ``Recorded``.
        missing: whether a cassette that is not there is an empty one.

    Raises:
        ChatdoubleError: a file cannot be read, or there is no server to pass on to.
    """
    rules = scripts.load((script,)) if script is not None else ()
    recorded = None
    if cassette is not None:
        files = () if missing and not cassette.exists() else cassettes.find((cassette,))
        found = (one for file, _ in files for one in cassettes.load(file))
        recorded = Recorded(found, matching, used_up=used_up)
    return arranged(
        Scripted(rules),
        recorded,
        unmatched=unmatched,
        settings=settings,
        generated=Generated() if unmatched == "generated" else None,
    )


def arranged(
    scripted: Scripted,
    recorded: Source | None = None,
    *,
    unmatched: Unmatched,
    settings: Settings | None = None,
    generated: Generated | None = None,
) -> tuple[Source, ...]:
    """Sources in the order in which they are asked: rules, recordings, and what comes last.

    Args:
        scripted: the rules.
        recorded: the recordings.
        unmatched: as for ``sources()``.
        settings: as for ``sources()``.
        generated: what makes answers up, if that is what becomes of other calls.

    Raises:
        ChatdoubleError: there is no server to pass on to.
    """
    # a recorded refusal is replayed, so recordings come before the contract
    found: tuple[Source, ...] = (scripted,) if recorded is None else (scripted, recorded)
    if unmatched == "passthrough":
        upstream = None if settings is None else passing_on(settings)
        if upstream is None:
            raise ChatdoubleError(
                "passthrough needs a server to pass on to: name one with --upstream URL, "
                "Settings(upstream=URL) or pytest's chatdouble_upstream"
            )
        # what is broken the real server refuses itself
        return (*found, upstream)
    found = (*found, Contract(), Stored())
    return found if generated is None else (*found, generated)


def passing_on(settings: Settings) -> Upstream | None:
    """What passes calls on to the settings' upstream server, None if they name none.

    Raises:
        ChatdoubleError: its base URL is none.
    """
    if settings.upstream is None:
        return None
    return Upstream(
        settings.upstream, store=None, api_key=os.environ.get(UPSTREAM_KEY), host=settings.host
    )


def recording(
    mode: Mode,
    upstream: str,
    cassette: Path,
    *,
    folder: Path | None = None,
    rules: Scripted | None = None,
    matching: Matching = DEFAULT,
    used_up: UsedUp = "repeat",
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
        folder: where the recordings are that answer, a folder or another cassette; without it they
            are those of the cassette.
        rules: what comes first.
        matching: which recording answers a request.
        used_up: what comes behind the last recorded answer to a request, see ``Recorded``.
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

    read_from = folder if folder is not None and folder.is_file() else None

    def replaying() -> Source:
        try:
            # as in vcrpy, where each recording answers once while new ones may be made
            once: UsedUp = "fail" if mode == "new_episodes" else used_up
            return Recorded(_recorded(cassette, folder), matching, used_up=once)
        except CassetteError as error:
            if tell is None:
                raise
            tell(error)
            return Recorded(())

    def asking() -> Source:
        # takes a while to import, and only recording needs it
        from chatdouble.cassette.store import Store

        return Upstream(
            upstream,
            store=Store(cassette, fsync=fsync, fresh=mode == "all", before=read_from),
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
    first = () if rules is None else (rules,)
    return (*first, *(make() for make in asked[mode]))


def _recorded(cassette: Path, folder: Path | None) -> Iterator[cassettes.Interaction]:
    """What is recorded, nothing if that is not there; foreign files in the folder are left out."""
    path = folder or cassette
    for file, _ in cassettes.find((path,)) if path.exists() else ():
        try:
            yield from cassettes.load(file)
        except CassetteError as error:
            if file == cassette or not error.foreign:
                raise


def with_recordings(found: tuple[Source, ...], cassette: Path) -> tuple[Source, ...]:
    """The sources, and the recordings of a cassette, or of a folder of them, behind the rules.

    Raises:
        ChatdoubleError: a file cannot be read.
    """
    first = tuple(one for one in found if isinstance(one, Scripted | Recorded))
    others = tuple(one for one in found if not isinstance(one, Scripted | Recorded))
    files = cassettes.find((cassette,))
    recorded = Recorded(one for file, _ in files for one in cassettes.load(file))
    return (*first, recorded, *others)
