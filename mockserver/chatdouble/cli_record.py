"""``chatdouble record``."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chatdouble.errors import CassetteError
    from chatdouble.modes import Mode
    from chatdouble.sources.source import Source
    from chatdouble.sources.upstream import Keep

# repeated from modules that are slow to load; a test holds them to it
_MODES = ("none", "once", "new_episodes", "all")
_KEEPS = ("success", "answers", "all")

_log = logging.getLogger("chatdouble")


@click.command()
@click.option(
    "--upstream",
    metavar="URL",
    help="The base URL of the real server, such as https://api.openai.com/v1; our /v1 stands for "
    "it. Nothing is sent anywhere else. Only the mode none does without.",
)
@click.option(
    "--cassettes",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where recordings are read and written; recorded.yaml in it is written.",
)
@click.option(
    "--mode",
    default="new_episodes",
    show_default=True,
    type=click.Choice(_MODES),
    help="When upstream is asked. new_episodes: when no recording answers. once: if there is no "
    "recorded.yaml yet. all: always, and the new recordings replace the old. none: never; what is "
    "not recorded gets a 404.",
)
@click.option(
    "--keep",
    default="answers",
    show_default=True,
    type=click.Choice(_KEEPS),
    help="What is recorded. success: answers of status 2xx. answers: all but 429 and 5xx. all: "
    "these, too, and answers that broke off, marked as such.",
)
@click.option(
    "--upstream-timeout",
    "timeout",
    default=600.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long upstream may take for the first byte, and between two.",
)
@click.option(
    "--fsync/--no-fsync",
    default=False,
    show_default=True,
    help="Wait for the disk itself before an answer ends, so that not even a power cut loses it.",
)
def record(
    upstream: str | None,
    folder: Path,
    mode: Mode,
    keep: Keep,
    timeout: float,
    fsync: bool,
    **settings: Any,
) -> None:
    """Pass requests on to a real server, and record what it answers for replay.

    Answers stream through as they come, and each is on disk before the client has its end. The
    key is the client's own, or that of the environment variable CHATDOUBLE_UPSTREAM_API_KEY, which
    is sent in its place and which no client sees.

    A request to /s/NAME/v1 is recorded in, and answered from, a cassette of its own: NAME.yaml.
    """
    from chatdouble import modes
    from chatdouble.cli_running import or_exit, run

    if upstream is None and mode != "none":
        raise click.UsageError(f"the mode {mode} asks a real server: name it with --upstream URL")
    recording: Callable[..., tuple[Source, ...]] = partial(
        modes.recording,
        mode,
        upstream or "",
        timeout=timeout,
        keep=keep,
        fsync=fsync,
        host=settings["host"],
        allowed_hosts=settings.get("allowed_hosts"),
    )
    sources = or_exit(lambda: recording(folder / "recorded.yaml", folder=folder))

    def named(name: str) -> tuple[Source, ...]:
        return recording(folder / f"{name}.yaml", tell=_not_replayed)

    loaded = f"mode {mode}, {upstream or 'no upstream'}, recorded in {folder}"
    key = "any" if mode == "none" or os.environ.get(modes.UPSTREAM_KEY) else "YOUR_KEY"
    run(sources, loaded, key=key, on_demand=named, fault_header=False, **settings)


def _not_replayed(error: CassetteError) -> None:
    # the client gets its answer all the same, where there is one to be had
    _log.error("NOT REPLAYED: %s", error)
