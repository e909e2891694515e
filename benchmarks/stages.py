"""Where the time of one answer goes: microseconds of processor time for each stage.

Each stage is called alone, again and again, which is kinder to it than real requests are: what it
needs stays in the caches. So the stages add up to less than the whole takes in a server.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar

from benchmarks.throughput import QUESTION, REPLY, requests
from chatdouble import bodies, contains
from chatdouble.calls import Call
from chatdouble.delivery import Delivery
from chatdouble.engine import Session
from chatdouble.settings import Settings
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract
from chatdouble.sources.stored import Stored
from chatdouble.wire import dialects
from chatdouble.wire.response import Stamp

_CALLS = 2_000
_REPEATS = 7
_PATH = "/v1/chat/completions"

_T = TypeVar("_T")


class Stage(NamedTuple):
    """Microseconds that a stage takes for each kind of request, in the order of ``KINDS``."""

    name: str
    micros: tuple[float, ...]


KINDS = ("JSON", "JSON, none alike", "stream")


def measure() -> list[Stage]:
    """The stages of one rule's answer of a hundred tokens."""
    columns = [
        _stages(_calls(QUESTION, stream=False)),
        _stages(_calls(f"{QUESTION} {{}}", stream=False)),
        _stages(_calls(QUESTION, stream=True)),
    ]
    names = [name for name, _ in columns[0]]
    rows = zip(*([micros for _, micros in column] for column in columns), strict=True)
    return [Stage(name, found) for name, found in zip(names, rows, strict=True)]


def render(stages: Sequence[Stage]) -> str:
    """The stages as a table in Markdown."""
    width = max(len(stage.name) for stage in stages)
    widths = [max(len(kind), 5) for kind in KINDS]
    titles = " | ".join(kind.rjust(size) for kind, size in zip(KINDS, widths, strict=True))
    lines = [
        f"| {'microseconds of one answer':{width}} | {titles} |",
        f"| {'-' * width} | {' | '.join('-' * (size - 1) + ':' for size in widths)} |",
    ]
    for stage in stages:
        cells = zip(stage.micros, widths, strict=True)
        figures = " | ".join(f"{micros:{size}.1f}" for micros, size in cells)
        lines.append(f"| {stage.name:{width}} | {figures} |")
    return "\n".join(lines)


def _stages(calls: Callable[[], list[Call]]) -> list[tuple[str, float]]:
    settings = Settings(clock=None, journal_limit=100, fault_header=True)
    session = Session("", settings, (Contract(), Stored(), Scripted()))
    session.on(user=contains("weather")).reply(REPLY)
    read = calls()
    for call in read:
        dialects.read(call, settings)
    answer = _ran(session.respond(read[0])).answer
    stamp = Stamp(settings.now(), bytes(range(64)))
    exchange = _ran(session.respond(calls()[0]))
    return [
        (
            "read the body",
            _micros(read, lambda call: _ran(bodies.read(_receiving(call), call, 1000))),
        ),
        ("read the request", _micros(calls, lambda call: dialects.read(call, settings))),
        ("find the rule", _micros(read, lambda call: _ran(_asked(session, call)))),
        (
            "render the answer",
            _micros(read, lambda call: dialects.render(call, answer, stamp).whole()),
        ),
        ("all of that, ids and journal", _micros(calls, lambda call: _ran(session.respond(call)))),
        (
            "send it to nobody",
            _micros(
                read,
                lambda _: _ran(Delivery(session.journal, exchange, 0.0)(_never, _sending_nowhere)),
            ),
        ),
    ]


def _calls(question: str, *, stream: bool) -> Callable[[], list[Call]]:
    """Makes calls that nobody has read yet."""
    asked = requests([question.format(number) for number in range(_CALLS)], stream)

    def made() -> list[Call]:
        return [
            Call(
                method="POST",
                path=_PATH,
                raw_headers=[
                    (b"host", b"127.0.0.1:8642"),
                    (b"authorization", b"Bearer any"),
                    (b"content-type", b"application/json"),
                    (b"content-length", b"%d" % len(body)),
                ],
                body=body,
            )
            for body in asked
        ]

    return made


def _micros(calls: list[Call] | Callable[[], list[Call]], do: Callable[[Call], object]) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        each = calls() if callable(calls) else calls
        gc.collect()
        started = time.process_time()
        for call in each:
            do(call)
        best = min(best, time.process_time() - started)
    return 1_000_000 * best / _CALLS


async def _asked(session: Session, call: Call) -> object:
    for source in session.sources:
        choice = await source.answer(call)
        if choice is not None:
            return choice
    return None


def _receiving(call: Call) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": call.body, "more_body": False}

    return receive


async def _never() -> dict[str, Any]:
    raise RuntimeError("nothing waits for the client here")


async def _sending_nowhere(message: object) -> None:
    pass


def _ran(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """What a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: _T = done.value
        return value
    raise RuntimeError("it waits")


if __name__ == "__main__":
    print(render(measure()))
