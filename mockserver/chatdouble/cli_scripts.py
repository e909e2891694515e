"""What helps people who write scripts: ``check``, ``explain``, ``schema``, ``serve --reload``."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from chatdouble.errors import ChatdoubleError

if TYPE_CHECKING:
    from chatdouble.calls import Call
    from chatdouble.rules import Rule
    from chatdouble.sources.scripted import Explanation, Scripted

_PATHS = click.Path(path_type=Path)

# larger requests are not read
_LARGEST_REQUEST = 64 * 1024 * 1024


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="FILE_OR_FOLDER...")
@click.option(
    "--print",
    "form",
    type=click.Choice(["yaml", "python"]),
    help="Print the rules as one script, or as Python for the pytest fixture.",
)
@click.option(
    "--older-than",
    type=click.IntRange(0),
    metavar="DAYS",
    help="Recordings that are older are a mistake, too.",
)
def check(paths: tuple[Path, ...], form: str | None, older_than: int | None) -> None:
    """Say everything that is wrong with scripts and recordings: files, or folders with such files.

    Mistakes of scripts are told with file, line and path; rules that can never answer, and files in
    folders that no rule names, are warnings. In recordings, of vcrpy or any tool that "convert"
    reads, secrets and damage are mistakes. Secrets are told with file, interaction, place and kind,
    and never shown. The status is 1 if there is a mistake, and 0 otherwise.
    """
    from chatdouble.cassette import checking as recordings
    from chatdouble.script import checking as scripts

    recorded = recordings.check(paths, older_than, int(time.time()))
    written = scripts.check(paths, frozenset(recorded.files))
    mistakes = (*map(str, written.mistakes), *recorded.mistakes)
    warnings = (*written.warnings, *recorded.warnings)
    for mistake in mistakes:
        click.echo(f"error: {mistake}", err=True)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if form is None:
        found = [
            f"{_counted(len(written.rules), 'sound rule')} in {_counted(written.scripts, 'script')}"
        ] * bool(written.scripts or not recorded.files)
        if recorded.files:
            files = _counted(len(recorded.files), "recording")
            found.append(f"{_counted(recorded.interactions, 'interaction')} in {files}")
        found += [_counted(len(mistakes), "mistake"), _counted(len(warnings), "warning")]
        click.echo(", ".join(found))
    elif not mistakes:
        click.echo(_printed(written.rules, form), nl=False)
    sys.exit(1 if mistakes else 0)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _printed(rules: tuple[Rule, ...], form: str) -> str:
    from chatdouble.rules import printed

    if form == "yaml":
        return printed.script(rules)
    return "".join(f"{printed.python(rule)}\n" for rule in rules)


@click.command()
@click.argument("scripts", nargs=-1, required=True, type=_PATHS, metavar="SCRIPT...")
@click.argument("request", type=click.File("rb"), metavar="REQUEST")
def explain(scripts: tuple[Path, ...], request: IO[bytes]) -> None:
    """Say which rule of SCRIPTs answers a request, and why each other rule does not.

    REQUEST is a file with the JSON body of a POST /v1/chat/completions; "-" reads it from the
    standard input. It is taken for the first call of a session, with no headers of its own. The
    status is 0 if a rule answers, 1 if none does, and 2 if a SCRIPT or REQUEST cannot be read.
    """
    from chatdouble import script
    from chatdouble.calls import Call
    from chatdouble.sources.scripted import Scripted
    from chatdouble.wire import dialects

    body = request.read(_LARGEST_REQUEST + 1)
    if len(body) > _LARGEST_REQUEST:
        click.echo(f"chatdouble: the request is larger than {_LARGEST_REQUEST} bytes", err=True)
        sys.exit(2)
    try:
        scripted = Scripted(script.load(scripts))
    except ChatdoubleError as error:
        click.echo(f"chatdouble: {error}", err=True)
        sys.exit(2)
    call = Call(method="POST", path="/v1/chat/completions", body=body)
    dialects.read(call)
    if call.settled is not None:
        click.echo(_refusal(call))
        sys.exit(1)
    found = scripted.explain(call)
    click.echo(_explained(found, call, scripted.rules))
    sys.exit(0 if found.rule is not None else 1)


def _refusal(call: Call) -> str:
    from chatdouble.answers import ApiError

    refused = call.settled
    if not isinstance(refused, ApiError):
        return "No rule is asked."
    about = f", param {refused.param}" if refused.param else ""
    return (
        f"The API refuses this request, so no rule is asked: {refused.status} {refused.type}"
        f"{about}\n    {refused.message}"
    )


def _explained(found: Explanation, call: Call, rules: tuple[Rule, ...]) -> str:
    from msgspec.structs import replace

    from chatdouble.rules import printed
    from chatdouble.rules.explaining import suggestion

    lines: list[str] = []
    if found.rule is not None and found.step is not None:
        lines.append(f"{found.rule} answers:")
        due = replace(found.rule, when=type(found.rule.when)(), steps=(found.step,))
        lines += (f"    {line}" for line in printed.text(printed.data(due)).splitlines())
        if len(found.rule.steps) > 1:
            lines.append(f"  the first of its {len(found.rule.steps)} steps")
        if found.others:
            lines.append("The other rules, in the order in which they are tried:")
    else:
        lines.append("No rule answers." if rules else "No rule answers: there are none.")
    lines += (f"  {one.rule.origin}: {one.reason}" for one in found.others)
    if found.rule is None:
        lines += ["This one would:", suggestion(call, rules)]
    return "\n".join(lines)


@click.command()
def schema() -> None:
    """Print the JSON Schema (2020-12) of scripts, for editors to complete and check them."""
    from chatdouble.script.schema import schema as made

    click.echo(json.dumps(made(), indent=2, ensure_ascii=False))


def oversee(scripts: tuple[Path, ...], scripted: Scripted, *, reload: bool) -> None:
    """Warn of rules that never answer; with ``reload``, follow the scripts' files.

    Raises:
        click.UsageError: there are no scripts to follow.
    """
    from chatdouble.reloading import Reloading
    from chatdouble.script.checking import covered

    if reload and not scripts:
        raise click.UsageError("--reload goes with SCRIPTs")
    for warning in covered(scripted.rules):
        _tell(f"warning: {warning}")
    if reload:
        Reloading(scripts, scripted, _tell).start()


def _tell(line: str) -> None:
    # nobody may be reading
    with contextlib.suppress(OSError, ValueError):
        click.echo(f"chatdouble: {line}", err=True)


COMMANDS = (check, explain, schema)
