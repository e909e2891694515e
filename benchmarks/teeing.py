"""What the recorder adds to a stream: how much later its first byte comes, and its end."""

from __future__ import annotations

import json
import socket
import statistics
import time
from pathlib import Path

from benchmarks.load import post
from benchmarks.processes import Server, chatdouble_command, serving
from benchmarks.table import Row, quartiles

_TOKENS = 100


def measure(folder: Path, env: dict[str, str], *, rounds: int) -> list[Row]:
    """The rows of a stream of 100 tokens, asked for directly and through ``chatdouble record``.

    Args:
        folder: where the cassette may be written.
        env: the environment of the servers.
        rounds: how often each is asked, one after the other.
    """
    script = folder / "hundred.yaml"
    script.write_text(json.dumps([{"reply": " word" * _TOKENS}]), "utf-8")
    serve = [*chatdouble_command(), "serve", str(script), "--port", "0", "--quiet"]
    with serving(serve, env) as upstream:
        url = f"http://127.0.0.1:{upstream.port}/v1"
        # what is recorded in mode all answers nothing, so upstream is asked each time
        options = ("--mode", "all", "--port", "0", "--quiet")
        cassettes = str(folder / "recorded")
        record = [*chatdouble_command(), "record", "--upstream", url, "--cassettes", cassettes]
        with serving([*record, *options], env) as recorder:
            for server in (upstream, recorder):
                _times(server)
            pairs = [(_times(upstream), _times(recorder)) for _ in range(rounds)]
    rows = []
    for number, what in enumerate(("first byte", "last byte, which is on disk by then")):
        direct, through = ([times[side][number] for times in pairs] for side in (0, 1))
        added = [b - a for a, b in zip(direct, through, strict=True)]
        low, high = quartiles(added)
        rows.append(
            Row(
                f"stream through the recorder: {what}",
                f"{1000 * statistics.median(through):.1f} ms",
                f"directly {1000 * statistics.median(direct):.1f} ms",
                f"+{1000 * statistics.median(added):.1f} ms",
                f"{1000 * low:.1f} to {1000 * high:.1f} ms",
                "" if number else "10 ms",
            )
        )
    return rows


def _times(server: Server) -> tuple[float, float]:
    """Seconds until the first byte of a stream's body, and until its last."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    request = post(server.port, json.dumps(body).encode())
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        started = time.perf_counter()
        connection.sendall(request)
        came, first = b"", 0.0
        while not came.endswith(b"\r\n0\r\n\r\n"):
            data = connection.recv(65536)
            if not data:
                raise RuntimeError(f"the server broke off: {came[:200]!r}")
            came += data
            if not first and b"data: " in came:
                first = time.perf_counter() - started
    return first, time.perf_counter() - started
