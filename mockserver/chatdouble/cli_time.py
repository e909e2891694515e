"""The options of the command that say when answers leave."""

from __future__ import annotations

from typing import Any

import click

# how a profile's or a figure's name is asked for on the command line
_FIGURES = {"ttft": "first", "tpot": "each", "jitter": "jitter", "header_delay": "headers"}


def timed(command: Any) -> Any:
    """The command with these options."""
    for option in (
        click.option(
            "--header-delay",
            metavar="TIME",
            help="Time to the status and the headers; a body's leave with it.",
        ),
        click.option(
            "--jitter",
            type=click.FloatRange(0, 1),
            metavar="SHARE",
            help="How much times vary: 0.2 makes each 0.8 to 1.2 times as long, the same in each "
            "run.",
        ),
        click.option("--tpot", metavar="TIME", help="Time per token, for example 20ms."),
        click.option("--ttft", metavar="TIME", help="Time to the first token, for example 300ms."),
        click.option(
            "--pace",
            metavar="NAME",
            help="How fast answers are, by a profile's name: fast, typical, slow or reasoning; the "
            "other options replace its figures. A rule's pace, or a request's X-Chatdouble-Pace "
            "header, such as ttft=1s, comes first. Without any answers leave at once.",
        ),
    ):
        command = option(command)
    return command


def with_pace(settings: dict[str, Any]) -> dict[str, Any]:
    """The command's options with its pace read.

    Raises:
        ScriptError: there is no such profile, or a figure is out of range.
    """
    from msgspec.structs import replace

    from chatdouble.schedule import Pace, pace_of

    others = dict(settings)
    given = {field: others.pop(option) for option, field in _FIGURES.items()}
    said = {field: value for field, value in given.items() if value is not None}
    pace = pace_of(others["pace"])
    if said:
        pace = replace(pace or Pace(), **said)
    return others | {"pace": pace}
