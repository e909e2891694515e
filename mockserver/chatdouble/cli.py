"""The ``chatdouble`` command."""

from __future__ import annotations

import gc
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatdouble import (
    __version__,
    cli_cassettes,
    cli_options,
    cli_record,
    cli_replay,
    cli_scripts,
    cli_time,
    tokens,
)
from chatdouble.cli_running import or_exit, run
from chatdouble.errors import ChatdoubleError
from chatdouble.settings import DEFAULT_HOST, DEFAULT_PORT, VALIDATIONS, Settings

if TYPE_CHECKING:
    from chatdouble.modes import Unmatched
    from chatdouble.rules import Rule
    from chatdouble.sources.composing import Style
    from chatdouble.sources.generated import Generated

_PATHS = click.Path(path_type=Path)


_UNITS = {
    "": 1,
    "k": 1000,
    "ki": 1024,
    "m": 1000**2,
    "mi": 1024**2,
    "g": 1000**3,
    "gi": 1024**3,
}


def _size(context: click.Context, parameter: click.Parameter, given: str) -> int:
    """The number of bytes that a text like 64MiB names."""
    found = re.fullmatch(r"([0-9]{1,15}) ?([kmg]i?)?b?", given.lower())
    if found is None:
        problem = f"{given!r} is no size such as 500000, 10MB or 64MiB"
        raise click.BadParameter(problem, context, parameter)
    return int(found.group(1)) * _UNITS[found.group(2) or ""]


def _listening(command: Any) -> Any:
    for option in (
        *cli_options.LISTENING,
        click.option("--quiet", is_flag=True, help="Log no requests."),
        click.option(
            "--body-limit",
            default="64MiB",
            show_default=True,
            callback=_size,
            metavar="SIZE",
            help="The largest request body, in bytes or with a unit such as MB or MiB; larger ones "
            "get a 413.",
        ),
        click.option(
            "--port",
            default=DEFAULT_PORT,
            show_default=True,
            type=click.IntRange(0, 65535),
            help="Port to listen on; 0 takes a free one and prints it.",
        ),
        click.option(
            "--host",
            default=DEFAULT_HOST,
            show_default=True,
            help="Address to listen on. Anything but loopback can be reached by others.",
        ),
    ):
        command = option(command)
    return command


def _listed(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The names of a repeatable option that takes several at once, None without the option."""
    names = tuple(name for text in given for name in re.split(r"[,\s]+", text) if name)
    if given and not names:
        raise click.BadParameter("there is no name in it", context, parameter)
    return names or None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="chatdouble")
def main() -> None:
    """A test double for Chat Completions: a mock and replay server for /v1/chat/completions."""


for _command in (*cli_scripts.COMMANDS, *cli_cassettes.COMMANDS):
    main.add_command(_command)
main.add_command(_listening(cli_record.record))


@main.command()
@click.argument("scripts", nargs=-1, type=_PATHS, metavar="[SCRIPT]...")
@_listening
@cli_options.WORKERS
@click.option(
    "--reload", is_flag=True, help="Read the scripts again when one of their files changes."
)
@click.option(
    "--seed", default=0, show_default=True, help="Another seed gives other generated texts."
)
@click.option(
    "--style",
    default="prose",
    show_default=True,
    type=click.Choice(("prose", "echo", "lorem")),
    help="How generated texts are made: sentences, the last user message again, or Latin.",
)
@click.option(
    "--locale",
    default="en_US",
    show_default=True,
    help="The language of generated values, for example de_DE.",
)
@click.option(
    "--max-rounds",
    "most_rounds",
    default=10,
    show_default=True,
    type=click.IntRange(0),
    help="After so many rounds of tool calls for one user message the generated answer is a text.",
)
@click.option(
    "--control/--no-control",
    default=True,
    show_default=True,
    help="Serve the control API under /_chatdouble/, to programs of this machine.",
)
@click.option(
    "--control-folder",
    type=_PATHS,
    metavar="FOLDER",
    help="The folder in which users of the control API may name scripts and cassettes.",
)
@cli_options.CONTROL_TOKEN
@click.option(
    "--unmatched",
    default="generated",
    show_default=True,
    type=click.Choice(("error", "generated", "passthrough")),
    help="What becomes of calls that no rule answers: an error that says why, a made-up answer, or "
    "what the server of --upstream answers.",
)
@click.option(
    "--upstream",
    metavar="URL",
    help="The base URL of a real server for what rules and --unmatched pass through, with the "
    "client's key or that of CHATDOUBLE_UPSTREAM_API_KEY. Nothing is recorded.",
)
@click.option(
    "--validation",
    default="api",
    show_default=True,
    type=click.Choice(VALIDATIONS),
    help="What is refused: what the API refuses; what the published schema forbids (fields that it "
    "does not name pass); or nothing that is a JSON object.",
)
@click.option(
    "--models",
    multiple=True,
    callback=_listed,
    metavar="NAME[,NAME...]",
    help="The models that there are, repeatable; others get a 404. Without it any name will do.",
)
@click.option(
    "--api-key",
    "keys",
    multiple=True,
    callback=_listed,
    envvar="CHATDOUBLE_API_KEYS",
    show_envvar=True,
    metavar="KEY[,KEY...]",
    help="The keys that are accepted, repeatable; others, and none, get a 401. Without it any will "
    "do. Others on this machine can see it here, but not in the environment or in a file.",
)
@click.option("--api-key-file", type=_PATHS, metavar="FILE", help="More such keys, one a line.")
@cli_time.timed
def serve(
    scripts: tuple[Path, ...],
    reload: bool,
    workers: int,
    keys: tuple[str, ...] | None,
    api_key_file: Path | None,
    style: Style,
    locale: str,
    most_rounds: int,
    unmatched: Unmatched,
    **settings: Any,
) -> None:
    """Answer chat completions: by the rules of SCRIPTs, and with generated text otherwise.

    SCRIPTs are YAML files, or folders with such files. Without any, every valid request gets a
    generated answer. Use the printed base URL as OPENAI_BASE_URL, and any text as OPENAI_API_KEY
    unless you name the keys. A request's X-Chatdouble-Fault header, such as cut=3, asks for faults,
    its X-Chatdouble-Pace header, such as slow or ttft=1s, for a pace.
    """
    from chatdouble import modes
    from chatdouble.sources.generated import Generated
    from chatdouble.sources.scripted import Scripted

    if api_key_file is not None:
        keys = (*(keys or ()), *or_exit(lambda: _keys(api_key_file)))
    settings = or_exit(lambda: cli_time.with_pace(settings))
    rules = or_exit(lambda: _rules(scripts)) if scripts else ()
    generated = or_exit(
        lambda: Generated(settings["seed"], style=style, locale=locale, most_rounds=most_rounds)
    )
    if workers > 1:
        from chatdouble.sources.counting import check_rules

        if reload:
            raise click.UsageError("--reload goes with one worker")
        or_exit(lambda: check_rules(rules))
        settings["control"] = False
        # the processes share what is loaded before they begin
        _warm(generated)
    else:
        # faker takes longest to load: it does so while the server starts
        threading.Thread(target=_warm, args=(generated,), daemon=True).start()
    scripted = Scripted(rules)
    cli_scripts.oversee(scripts, scripted, reload=reload)
    passed = Settings(upstream=settings["upstream"], host=settings["host"])
    sources = or_exit(
        lambda: modes.arranged(
            scripted,
            unmatched=unmatched,
            settings=passed,
            generated=generated if unmatched == "generated" else None,
        )
    )
    last = {
        "error": "nothing else",
        "generated": "generated text",
        "passthrough": f"what {settings['upstream']} answers",
    }[unmatched]
    loaded = f"{len(rules)} rule{'s' * (len(rules) != 1)}, then {last}" if rules else last
    if workers > 1:
        loaded += f", no control API; {workers} workers"
    run(sources, loaded, workers=workers, keys=keys, **settings)


def _keys(file: Path) -> list[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ChatdoubleError(f"{file}: cannot be read: {why}") from None
    keys = [line.strip() for line in lines if line.strip()]
    if not keys:
        raise ChatdoubleError(f"{file}: there is no key in it")
    return keys


def _rules(scripts: tuple[Path, ...]) -> tuple[Rule, ...]:
    from chatdouble import script

    return script.load(scripts)


def _warm(generated: Generated) -> None:
    generated.warm()
    tokens.encoding()
    # what is loaded by now stays for ever: the collector need not look at it again
    gc.freeze()


@main.command()
@click.argument("cassettes", nargs=-1, required=True, type=_PATHS, metavar="FOLDER_OR_FILE...")
@_listening
@cli_options.WORKERS
@cli_replay.options
def replay(cassettes: tuple[Path, ...], workers: int, **given: Any) -> None:
    """Give recorded answers again: the vcrpy cassettes of files, and of folders at any depth.

    A request gets the answer that was recorded for one that means the same: the same method, path,
    query and JSON body, with defaults stated or left out. Identical requests get their answers in
    the recorded order. Any other request gets a 404 that shows how it differs from the nearest
    recording.

    YAML files in folders that are no vcrpy cassettes are named and left out; a damaged cassette,
    and any unreadable file that is named itself, ends the start.
    """
    replaying = {name: given.pop(name) for name in cli_replay.NAMES}
    sources, loaded = or_exit(lambda: cli_replay.sources(cassettes, **replaying))
    if workers > 1:
        from chatdouble.sources.counting import check

        or_exit(lambda: check(sources))
        loaded += f"; {workers} workers"
    run(sources, loaded, workers=workers, **given)
