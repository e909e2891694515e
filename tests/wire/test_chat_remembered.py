"""What is remembered of requests that come again takes a bounded place."""

from __future__ import annotations

import json
import tracemalloc

from chatdouble import Call, Reply, Settings
from chatdouble.wire.chat import ChatCompletions
from chatdouble.wire.response import Stamp

STAMP = Stamp(1767225600, bytes(64))


def test_large_replies_that_are_said_once_are_forgotten() -> None:
    dialect = ChatCompletions()
    settings = Settings()

    def ask(number: int) -> None:
        asked = {"role": "user", "content": f"Prompt {number % 5}"}
        body = {"model": "gpt-4o", "messages": [asked], "stream": True}
        call = Call(
            method="POST",
            path="/v1/chat/completions",
            raw_headers=[],
            body=json.dumps(body).encode(),
        )
        dialect.read(call, settings)
        dialect.render(call, Reply(f"{number} " + 400 * "word "), STAMP).whole()

    for number in range(40):
        ask(number)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(40, 80):
            ask(number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # each takes 160 kB, and the last eight are kept
    assert after - before < 4_000_000
