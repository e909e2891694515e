"""The ``chatdouble`` command."""

from __future__ import annotations

import gc
import json
import logging
import os
import queue
import re
import shlex
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from chatdouble import __version__, cli_scripts, cli_time, tokens
from chatdouble.errors import CassetteError, ChatdoubleError
from chatdouble.settings import DEFAULT_HOST, DEFAULT_PORT, VALIDATIONS, Settings

if TYPE_CHECKING:
    from chatdouble.cassette.format import Interaction
    from chatdouble.journal import Exchange
    from chatdouble.rules import Rule
    from chatdouble.sources.composing import Style
    from chatdouble.sources.generated import Generated
    from chatdouble.sources.source import Source

# what a process that runs for weeks remembers
_JOURNAL_LIMIT = 100
_JOURNAL_BYTES = 32 * 1024 * 1024

# how many lines wait for a reader of the log before further ones are dropped
_MOST_LINES = 10_000

# how many lines of an explanation are logged
_MOST_REASONS = 40

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
        click.option(
            "--workers",
            default=1,
            show_default=True,
            type=click.IntRange(1, 64),
            help="Processes that answer on the port. Each has its own counts, journal and stored "
            "completions, so scripts that count calls are refused; there is no control API.",
        ),
        click.option(
            "--metrics",
            is_flag=True,
            help="Serve figures for Prometheus at /metrics; needs chatdouble[metrics].",
        ),
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


for _command in cli_scripts.COMMANDS:
    main.add_command(_command)


@main.command()
@click.argument("scripts", nargs=-1, type=_PATHS, metavar="[SCRIPT]...")
@_listening
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
    **settings: Any,
) -> None:
    """Answer chat completions: by the rules of SCRIPTs, and with generated text otherwise.

    SCRIPTs are YAML files, or folders with such files. Without any, every valid request gets a
    generated answer. Use the printed base URL as OPENAI_BASE_URL, and any text as OPENAI_API_KEY
    unless you name the keys. A request's X-Chatdouble-Fault header, such as cut=3, asks for faults,
    its X-Chatdouble-Pace header, such as slow or ttft=1s, for a pace.
    """
    from chatdouble.sources.generated import Generated
    from chatdouble.sources.scripted import Scripted
    from chatdouble.sources.source import Contract
    from chatdouble.sources.stored import Stored

    if api_key_file is not None:
        keys = (*(keys or ()), *_or_exit(lambda: _keys(api_key_file)))
    settings = _or_exit(lambda: cli_time.with_pace(settings))
    rules = _or_exit(lambda: _rules(scripts)) if scripts else ()
    generated = _or_exit(
        lambda: Generated(settings["seed"], style=style, locale=locale, most_rounds=most_rounds)
    )
    if workers > 1:
        from chatdouble.sources.counting import check_rules

        if reload:
            raise click.UsageError("--reload goes with one worker")
        _or_exit(lambda: check_rules(rules))
        settings["control"] = False
        # the processes share what is loaded before they begin
        _warm(generated)
    else:
        # faker takes longest to load: it does so while the server starts
        threading.Thread(target=_warm, args=(generated,), daemon=True).start()
    scripted = Scripted(rules)
    cli_scripts.oversee(scripts, scripted, reload=reload)
    sources: tuple[Source, ...] = (Contract(), Stored(), scripted, generated)
    loaded = f"{len(rules)} rule{'s' * (len(rules) != 1)}, then generated text"
    loaded = loaded if rules else "generated text"
    if workers > 1:
        loaded += ", no control API"
    _run(sources, loaded, workers=workers, keys=keys, **settings)


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
def replay(cassettes: tuple[Path, ...], workers: int, **settings: Any) -> None:
    """Give recorded answers again: the vcrpy cassettes of files, and of folders at any depth.

    A request gets the answer that was recorded for the same method, path, query and JSON body.
    Identical requests get their answers in the recorded order, then the last one again. Any other
    request gets a 404 that names the nearest recording and the first difference.

    YAML files in folders that are no vcrpy cassettes are named and left out; a damaged cassette,
    and any unreadable file that is named itself, ends the start.
    """
    from chatdouble.sources.recorded import Recorded

    interactions, files = _or_exit(lambda: _recordings(cassettes))
    if workers > 1:
        from chatdouble.sources.counting import check_recordings

        _or_exit(lambda: check_recordings(interactions))
    loaded = f"{len(interactions)} recorded interactions of {files} cassettes"
    _run((Recorded(interactions),), loaded, workers=workers, **settings)


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


def _run(
    sources: tuple[Source, ...], loaded: str, *, workers: int, quiet: bool, **given: Any
) -> None:
    from chatdouble.server import Server

    # what uvicorn has to say of odd requests is no help here
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    settings = Settings(
        clock=None,
        journal_limit=_JOURNAL_LIMIT,
        journal_bytes=_JOURNAL_BYTES,
        fault_header=True,
        pace_header=True,
        **given,
    )
    if workers > 1:
        if settings.metrics:
            raise click.UsageError(
                "--metrics goes with one worker: each would tell its own figures"
            )
        sys.exit(_run_workers(workers, sources, loaded, settings, quiet=quiet))
    log = None if quiet else _Log()
    server: Server = _or_exit(lambda: Server(settings, log))
    _or_exit(server.listen)
    session = server.session("", sources)
    server.run(lambda: _greet(session.base_url, loaded, settings))
    if log is not None:
        log.end()


def _run_workers(
    count: int, sources: tuple[Source, ...], loaded: str, settings: Settings, *, quiet: bool
) -> int:
    from chatdouble.server import Server
    from chatdouble.workers import Worker, Workers

    def work(worker: Worker) -> None:
        log = None if quiet else _Log()
        server = Server(replace(settings, worker=worker.number), log)
        server.listen(worker.listening)
        server.session("", sources)
        worker.orphaned(server.stop)
        server.run(worker.ready)
        if log is not None:
            log.end()

    workers: Workers = _or_exit(lambda: Workers(count, settings.host, settings.port))
    server = Server(settings)
    server.listen(workers.address)
    base_url = f"{server.url}/v1"
    return workers.run(work, lambda: _greet(base_url, f"{loaded}; {count} workers", settings))


def _greet(base_url: str, loaded: str, settings: Settings) -> None:
    # a key is never shown
    key = "any" if settings.keys is None else "YOUR_KEY"
    header = "" if settings.keys is None else f" -H 'Authorization: Bearer {key}'"
    model = settings.models[0] if settings.models else "gpt-4o-mini"
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
    click.echo(
        f"chatdouble {__version__} answers at {base_url} ({loaded})\n"
        "\n"
        "Try it from another terminal:\n"
        f"  curl {base_url}/chat/completions -H 'Content-Type: application/json'{header} \\\n"
        f"    -d {shlex.quote(body)}\n"
        "\n"
        "Point any OpenAI client at it:\n"
        f"  export OPENAI_BASE_URL={base_url} OPENAI_API_KEY={key}\n"
        f'  client = openai.OpenAI(base_url="{base_url}", api_key="{key}")\n'
        "\n"
        "Ctrl-C ends it. Requests:"
    )
    sys.stdout.flush()


class _Log:
    """One line for each exchange, written by a thread of its own.

    Nobody may be reading: a full pipe must not hold up answers, and a closed one ends the log.
    """

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="chatdouble-log", daemon=True)
        self._thread.start()

    def __call__(self, exchange: Exchange) -> None:
        if self._thread.is_alive() and self._lines.qsize() < _MOST_LINES:
            self._lines.put(_line(exchange))

    def end(self) -> None:
        """Write what waits. A reader that takes nothing for a second does not hold up the end."""
        self._lines.put(None)
        self._thread.join(timeout=1)
        if self._thread.is_alive():
            os._exit(0)  # Python itself would wait for the blocked write

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                click.echo(line)
            except (OSError, ValueError):
                return


def _line(exchange: Exchange) -> str:
    call = exchange.call
    shape = " stream" if call.stream else ""
    ended = "" if exchange.outcome == "complete" else f" ({exchange.outcome})"
    return (
        f"{call.method} {_printable(call.path)}{shape} {exchange.response.status} "
        f"{exchange.source}: {_explained(exchange.why)} [{exchange.seconds * 1000:.1f} ms]{ended}"
        f"{''.join(f' {{{fault}}}' for fault in exchange.faults)}"
    )


def _explained(why: str) -> str:
    """Why it was answered so; the further lines of an explanation are indented."""
    return "\n    ".join(map(_printable, why.splitlines()[:_MOST_REASONS]))


def _printable(text: str) -> str:
    plain = text[:500].encode("ascii", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in plain)


def _or_exit(do: Any) -> Any:
    """What ``do`` gives; an error of ours ends the command with its one clear sentence."""
    try:
        return do()
    except ChatdoubleError as error:
        click.echo(f"chatdouble: {error}", err=True)
        sys.exit(2)
