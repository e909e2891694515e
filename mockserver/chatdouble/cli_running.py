"""What the serving commands share: they run a server, say how to use it, and log what comes."""

from __future__ import annotations

import json
import logging
import os
import queue
import shlex
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from chatdouble import __version__, masking
from chatdouble.errors import ChatdoubleError
from chatdouble.settings import Settings

if TYPE_CHECKING:
    from chatdouble.journal import Exchange
    from chatdouble.sources.source import Source

# what a process that runs for weeks remembers
_JOURNAL_LIMIT = 100
_JOURNAL_BYTES = 32 * 1024 * 1024

# how many lines wait for a reader of the log before further ones are dropped
_MOST_LINES = 10_000

# how many lines of an explanation are logged
_MOST_REASONS = 40


def run(
    sources: tuple[Source, ...],
    loaded: str,
    *,
    quiet: bool,
    workers: int = 1,
    key: str | None = None,
    on_demand: Callable[[str], tuple[Source, ...]] | None = None,
    fault_header: bool = True,
    **given: Any,
) -> None:
    """Serve these sources at /v1, and those of further sessions on demand, until it is ended.

    The key is the one to use, None if that depends on the settings.
    """
    from chatdouble.origin import is_loopback
    from chatdouble.server import Server

    # what uvicorn has to say of odd requests is no help here
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    settings: Settings = or_exit(
        lambda: Settings(
            clock=None,
            journal_limit=_JOURNAL_LIMIT,
            journal_bytes=_JOURNAL_BYTES,
            fault_header=fault_header,
            pace_header=fault_header,
            **given,
        )
    )
    if not is_loopback(settings.host):
        click.echo(
            f"chatdouble: warning: it listens on {settings.host}, where others can reach it; only "
            "loopback is private (--host)",
            err=True,
        )
    if key is None:
        key = "any" if settings.keys is None else "YOUR_KEY"
    model = settings.models[0] if settings.models else "gpt-4o-mini"

    def greet(base_url: str) -> None:
        _greet(base_url, loaded, key, model)

    if workers > 1:
        sys.exit(_run_workers(workers, sources, settings, greet, quiet=quiet))
    log = None if quiet else _Log()
    server: Server = or_exit(lambda: Server(settings, log, on_demand))
    or_exit(server.listen)
    session = server.session("", sources)
    server.run(lambda: greet(session.base_url))
    if log is not None:
        log.end()
    if any(thread is not threading.main_thread() for thread in threading.enumerate()):
        # Python itself would wait for what is still made for clients that are gone
        sys.stdout.flush()
        os._exit(0)


def _run_workers(
    count: int,
    sources: tuple[Source, ...],
    settings: Settings,
    greet: Callable[[str], None],
    *,
    quiet: bool,
) -> int:
    from chatdouble.server import Server
    from chatdouble.workers import Worker, Workers

    if settings.metrics:
        raise click.UsageError("--metrics goes with one worker: each would tell its own figures")

    def work(worker: Worker) -> None:
        log = None if quiet else _Log()
        server = Server(replace(settings, worker=worker.number), log)
        server.listen(worker.listening)
        server.session("", sources)
        worker.orphaned(server.stop)
        server.run(worker.ready)
        if log is not None:
            log.end()

    workers: Workers = or_exit(lambda: Workers(count, settings.host, settings.port))
    server = Server(settings)
    server.listen(workers.address)
    base_url = f"{server.url}/v1"
    return workers.run(work, lambda: greet(base_url))


def _greet(base_url: str, loaded: str, key: str, model: str) -> None:
    # a key is never shown
    header = "" if key == "any" else f" -H 'Authorization: Bearer {key}'"
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
    plain = masking.hidden(text[:500]).encode("ascii", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in plain)


def or_exit(do: Any) -> Any:
    """What ``do`` gives; an error of ours ends the command with its one clear sentence."""
    try:
        return do()
    except ChatdoubleError as error:
        click.echo(f"chatdouble: {error}", err=True)
        sys.exit(2)
