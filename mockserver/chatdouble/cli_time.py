"""The options of the command that say when answers leave, and how many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from chatdouble.settings import LIMIT_BY, QUEUE_FULL

# how a profile's or a figure's name is asked for on the command line
_FIGURES = {"ttft": "first", "tpot": "each", "jitter": "jitter", "header_delay": "headers"}


def _seconds(context: click.Context, parameter: click.Parameter, given: str | None) -> float | None:
    """The seconds that a text like 300ms names."""
    from chatdouble.schedule.figures import seconds_of

    seconds = None if given is None else seconds_of(given)
    if given is not None and seconds is None:
        problem = f"{given!r} is no time such as 300ms, 1.5s or 2m"
        raise click.BadParameter(problem, context, parameter)
    return seconds


def _figure(context: click.Context, parameter: click.Parameter, given: str | None) -> float | None:
    """The seconds of a pace's figure, which has a bound."""
    from chatdouble.schedule.figures import LONGEST

    seconds = _seconds(context, parameter, given)
    if seconds is not None and seconds > LONGEST:
        raise click.BadParameter(f"{given!r} is more than an hour", context, parameter)
    return seconds


def timed(command: Any) -> Any:
    """The command with these options."""
    for option in (
        click.option(
            "--limit-by",
            default="key",
            show_default=True,
            type=click.Choice(LIMIT_BY),
            help="What has limits of its own: each API key, the session, or each model of each "
            "key, as at the API.",
        ),
        click.option(
            "--tpm",
            type=click.IntRange(1),
            help="Tokens a minute, likewise.",
        ),
        click.option(
            "--rpm",
            type=click.IntRange(1),
            help="Requests a minute; what is beyond gets the API's 429 with the time to wait.",
        ),
        click.option(
            "--warm-up-after",
            metavar="TIME",
            callback=_seconds,
            help="After so long without a request it has to warm up again.  [default: never]",
        ),
        click.option(
            "--warm-up",
            default="0s",
            show_default=True,
            metavar="TIME",
            callback=_seconds,
            help="How much longer the first request takes.",
        ),
        click.option(
            "--queue-full",
            default="503",
            show_default=True,
            type=click.Choice(tuple(map(str, QUEUE_FULL))),
            callback=lambda context, parameter, given: int(given),
            help="The status of the error that requests beyond the queue get.",
        ),
        click.option(
            "--queue",
            default=0,
            show_default=True,
            type=click.IntRange(0),
            help="How many requests wait for one of the --max-concurrent places.",
        ),
        click.option(
            "--max-concurrent",
            type=click.IntRange(1),
            help="How many answers a session gives at once.  [default: any number]",
        ),
        click.option(
            "--load-factor",
            default=0.0,
            show_default=True,
            type=click.FloatRange(0),
            metavar="SHARE",
            help="By what share all times grow for each other answer that is on its way.",
        ),
        click.option(
            "--header-delay",
            metavar="TIME",
            callback=_figure,
            help="Time to the status and the headers, which otherwise leave with the first token.",
        ),
        click.option(
            "--jitter",
            type=click.FloatRange(0, 1),
            metavar="SHARE",
            help="How much times vary: 0.2 makes each 0.8 to 1.2 times as long, the same in each "
            "run.",
        ),
        click.option(
            "--tpot",
            metavar="TIME",
            callback=_figure,
            help="Time per token, for example 20ms.",
        ),
        click.option(
            "--ttft",
            metavar="TIME",
            callback=_figure,
            help="Time to the first token, for example 300ms.",
        ),
        click.option(
            "--pace",
            metavar="NAME|FILE",
            help="How fast answers are: fast, typical, slow or reasoning, or as the streams of a "
            "cassette FILE; the other options replace its figures. A rule's pace, or a request's "
            "X-Chatdouble-Pace header, such as ttft=1s, comes first. Without any answers leave at "
            "once.",
        ),
    ):
        command = option(command)
    return command


def with_pace(settings: dict[str, Any]) -> dict[str, Any]:
    """The command's options with its pace read.

    Raises:
        ScriptError: there is no such profile, a cassette has no times, or a figure is out of
            range.
    """
    from msgspec.structs import replace

    from chatdouble.schedule import Pace, pace_of

    others = dict(settings)
    given = {field: others.pop(option) for option, field in _FIGURES.items()}
    said = {field: value for field, value in given.items() if value is not None}
    named = others["pace"]
    if named is not None and Path(named).is_file():
        from chatdouble.cassette.pacing import recorded_pace

        pace: Pace | None = recorded_pace(named)
    else:
        pace = pace_of(named)
    if said:
        pace = replace(pace or Pace(), **said)
    return others | {"pace": pace}
