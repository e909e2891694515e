"""What clients that do not read cost the server: 500 of them, each with a large stream to read."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path

from benchmarks.load import post
from benchmarks.processes import Server, chatdouble_command, serving
from benchmarks.table import Row
from benchmarks.throughput import answer_to

READERS = 500
# of the reply; its stream is about 1 MB
_TOKENS = 3_000


def measure(folder: Path, env: dict[str, str]) -> list[Row]:
    """The row for the memory; none where the system does not tell."""
    if sys.platform != "linux":
        return []
    script = folder / "large.yaml"
    script.write_text(json.dumps([{"reply": " word" * _TOKENS}]), "utf-8")
    command = [*chatdouble_command(), "serve", str(script), "--port", "0", "--quiet"]
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    request = json.dumps(body | {"stream": True}).encode()
    with serving(command, env) as server:
        size = len(answer_to(server, request))
        before = _megabytes(server)
        readers = [_connect(server, post(server.port, request)) for _ in range(READERS)]
        # when this is answered, so are all that came before
        answer_to(server, request)
        started = time.perf_counter()
        answer_to(server, request)
        waited = time.perf_counter() - started
        after = _megabytes(server)
        for reader in readers:
            reader.close()
    grown = (after - before) / READERS
    return [
        Row(
            f"memory for each of {READERS} clients that do not read",
            f"{grown * 1000:,.0f} kB",
            f"its answer has {size / 1000:,.0f} kB",
            f"{grown * 1e6 / size:.2f} of its answer",
            f"another client's answer takes {1000 * waited:.0f} ms",
        )
    ]


def _connect(server: Server, request: bytes) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(request)
    return connection


def _megabytes(server: Server) -> float:
    """The server's resident memory."""
    for line in Path(f"/proc/{server.pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("the system does not tell the memory of a process")
