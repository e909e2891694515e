"""The process as a whole: what it ends with, what it survives, and what stays of those who left."""

from __future__ import annotations

import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Process, Raw, until

BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
STREAM = b'{"stream": true, ' + BODY[1:]
SCRIPT = """
- reply: one two three four five six seven eight nine ten
  pace: {first: 0.05, each: 0.2}
"""
Run = Callable[..., Process]

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")


def chat(body: bytes, further: bytes = b"") -> bytes:
    return b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n%bcontent-length: %d\r\n\r\n%b" % (
        further,
        len(body),
        body,
    )


def connected(server: Process) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=5)


def descriptors(server: Process) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def memory(server: Process) -> int:
    """Resident bytes."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def seconds_of_cpu(server: Process) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_fine(server: Process) -> None:
    raw = Raw(server.base_url)
    began = time.monotonic()
    assert raw.chat(BODY)[0].status == 200
    # it waits for nobody; a busy machine may take its time
    assert time.monotonic() - began < 4
    raw.connection.close()


def hang_up(server: Process, number: int) -> None:
    with connected(server) as client:
        client.sendall(chat(STREAM))
        client.recv(10 if number % 2 else 4096)
        if number % 3 == 0:
            client.shutdown(socket.SHUT_WR)
        elif number % 3 == 1:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.timeout(240)  # it is 750 connections, one after the other
def test_nothing_stays_of_those_who_hang_up_in_the_middle_of_a_stream(
    run: Run, tmp_path: Path
) -> None:
    script = tmp_path / "slow.yaml"
    script.write_text(SCRIPT)
    server = run("serve", script, "--port", 0, "--quiet")
    is_fine(server)
    before = descriptors(server)
    after = []
    for _ in range(3):
        for number in range(250):
            hang_up(server, number)
        until(lambda: descriptors(server) <= before)
        after.append(memory(server))
    assert after[2] - after[1] < 2_000_000
    used = seconds_of_cpu(server)
    time.sleep(0.5)
    assert seconds_of_cpu(server) - used < 0.2
    is_fine(server)


def test_a_signal_ends_it_beside_open_streams_and_waiting_threads(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "slow.yaml"
    script.write_text(SCRIPT)
    server = run("serve", script, "--port", 0)
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(connected(server))
            client.sendall(chat(STREAM))
            client.recv(10)
        waiting = stack.enter_context(connected(server))
        body = b'{"calls": 99, "timeout": 60}'
        waiting.sendall(
            b"POST /_chatdouble/sessions/default/wait HTTP/1.1\r\nhost: localhost\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        time.sleep(0.2)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status, _, err = server.ended()
        assert time.monotonic() - began < 6  # two, and what a busy machine adds
    assert (status, err) == (0, "")


def test_a_second_signal_ends_it_at_once(run: Run) -> None:
    server = run("serve", "--port", 0, "--quiet")
    with connected(server) as waiting:
        body = b'{"calls": 99, "timeout": 60}'
        waiting.sendall(
            b"POST /_chatdouble/sessions/default/wait HTTP/1.1\r\nhost: localhost\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        status, _, _ = server.ended()
    # the signal itself has ended it, and not the orderly end that waits for others
    assert status == -signal.SIGTERM


def test_it_starts_again_on_the_same_port_at_once(run: Run) -> None:
    server = run("serve", "--port", 0, "--quiet")
    with connected(server) as client:
        client.sendall(chat(STREAM))
        client.recv(10)
        server.process.send_signal(signal.SIGTERM)
        server.ended()
        again = run("serve", "--port", server.port, "--quiet")
        assert again.port == server.port
        is_fine(again)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_it_survives_having_no_descriptors_left(loop: str) -> None:
    code = f"""
import resource, sys
from chatdouble import server
from chatdouble.cli import main
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
if {loop!r} == "asyncio":
    server._installed = lambda wanted, otherwise: otherwise
sys.argv = ["chatdouble", "serve", "--port", "0", "--quiet"]
main()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().partition("127.0.0.1:")[2].partition("/")[0])
        address = ("127.0.0.1", port)

        def served() -> bool:
            with socket.create_connection(address, timeout=5) as client:
                client.sendall(chat(BODY))
                try:
                    return client.recv(15) == b"HTTP/1.1 200 OK"
                except ConnectionError:
                    return False

        assert served()
        with ExitStack() as stack:
            first = stack.enter_context(socket.create_connection(address, timeout=5))
            for _ in range(100):
                stack.enter_context(socket.create_connection(address, timeout=5))
            first.sendall(chat(BODY))
            assert first.recv(15) == b"HTTP/1.1 200 OK"
        until(served)
    finally:
        process.terminate()
        _, err = process.communicate(timeout=10)
    assert "Traceback" not in err
