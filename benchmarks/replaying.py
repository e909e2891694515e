"""Loading a cassette of 10,000 interactions and finding its recordings, beside vcrpy."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import yaml

from benchmarks.table import Row, quartiles

INTERACTIONS = 10_000
# of them so many are asked for, spread evenly
LOOKUPS = 20

_URI = "https://api.example.org/v1/chat/completions"
_HEADERS = {
    name: ["a value of some length"]
    for name in (
        "cf-ray",
        "date",
        "openai-processing-ms",
        "openai-version",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-request-id",
    )
}


def measure(folder: Path, *, rounds: int) -> list[Row]:
    """The rows of loading and of finding.

    Args:
        folder: where the cassette may be written.
        rounds: how often each is done.
    """
    if find_spec("vcr") is None:
        return []
    file = _cassette(folder)
    loads: list[tuple[float, float]] = []
    finds: list[tuple[float, float]] = []
    for _ in range(rounds):
        (ours, source), (theirs, cassette) = _timed(_load, file), _timed(_load_vcrpy, file)
        loads.append((ours, theirs))
        finds.append((_timed(_find, source)[0], _timed(_find_vcrpy, cassette)[0]))
    return [
        _row(f"load {INTERACTIONS:,} interactions", loads, 1.0, "s", "0.5"),
        _row(f"find one of {INTERACTIONS:,}", finds, 1e6 / LOOKUPS, "us", "0.01"),
    ]


def _row(figure: str, times: list[tuple[float, float]], factor: float, unit: str, aim: str) -> Row:
    ours, theirs = (statistics.median(one) * factor for one in zip(*times, strict=True))
    ratios = [own / other for own, other in times]
    low, high = quartiles(ratios)
    return Row(
        figure,
        f"{ours:,.2f} {unit}",
        f"vcrpy {theirs:,.2f} {unit}",
        f"{statistics.median(ratios):.4f} of its time",
        f"{low:.4f} to {high:.4f}",
        aim,
    )


def _timed(do: Callable[..., object], given: object) -> tuple[float, object]:
    began = time.process_time()
    made = do(given)
    return time.process_time() - began, made


def _body(number: int) -> str:
    system = {"role": "system", "content": "You are an assistant that answers briefly. " * 6}
    asked = {"role": "user", "content": f"Question number {number}: how is the weather?"}
    return json.dumps({"model": "gpt-4o-mini", "messages": [system, asked], "temperature": 0.2})


def _cassette(folder: Path) -> Path:
    interactions = []
    for number in range(INTERACTIONS):
        message = {"role": "assistant", "content": f"Answer number {number}. " * 15}
        said = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
        interactions.append(
            {
                "request": {"method": "POST", "uri": _URI, "body": _body(number), "headers": {}},
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "headers": {"content-type": ["application/json"], **_HEADERS},
                    "body": {"string": json.dumps(said, indent=2)},
                },
            }
        )
    document = {"interactions": interactions, "version": 1}
    file = folder / "many.yaml"
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    file.write_text(yaml.dump(document, Dumper=dumper), encoding="utf-8")
    return file


def _load(file: Path) -> object:
    from chatdouble.cassette.format import load
    from chatdouble.sources.recorded import Recorded

    return Recorded(load(file))


def _load_vcrpy(file: Path) -> object:
    from vcr.cassette import Cassette
    from vcr.matchers import body, method, uri

    return Cassette.load(path=str(file), match_on=(method, uri, body))


def _numbers() -> range:
    return range(0, INTERACTIONS, INTERACTIONS // LOOKUPS)


def _find(source: object) -> None:
    from chatdouble.calls import Call

    async def find() -> None:
        for number in _numbers():
            body = _body(number).encode()
            call = Call(method="POST", path="/v1/chat/completions", body=body)
            assert await source.answer(call) is not None  # type: ignore[attr-defined]

    asyncio.run(find())


def _find_vcrpy(cassette: object) -> None:
    from vcr.request import Request

    for number in _numbers():
        request = Request("POST", _URI, _body(number), {"content-type": "application/json"})
        assert cassette.play_response(request)  # type: ignore[attr-defined]
