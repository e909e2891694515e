"""Several processes that answer on one port."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from chatdouble.errors import ListenError
from chatdouble.sockets import bind

# seconds that the processes have to end by themselves
_PATIENCE = 1.5
# seconds between two looks at what begins or ends
_LOOK = 0.02

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Worker(NamedTuple):
    """One of the processes, in the process itself.

    Attributes:
        number: which, from 1.
        listening: where its connections come from.
        ready: to be called once connections are accepted.
        orphaned: to be called with what ends it, should the parent end without ending it.
    """

    number: int
    listening: socket.socket
    ready: Callable[[], None]
    orphaned: Callable[[Callable[[], None]], None]


class Workers:
    """Processes that share a port. One that ends by itself ends them all: its state is lost.

    On Linux each has a socket of its own (``SO_REUSEPORT``), among which the kernel spreads the
    connections evenly; elsewhere they share one.

    Args:
        count: how many.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.

    Raises:
        ListenError: the address is taken or not ours, or the system cannot fork.
    """

    def __init__(self, count: int, host: str, port: int) -> None:
        if not hasattr(os, "fork"):
            raise ListenError("several workers need a system that can fork, which this one cannot")
        self._sockets = _listening(count, host, port)
        self._pids: dict[int, int] = {}

    @property
    def address(self) -> socket.socket:
        """A socket that has the address."""
        return self._sockets[0]

    def run(self, work: Callable[[Worker], None], greet: Callable[[], None]) -> int:
        """Start the processes, and wait until they are told to end or one ends by itself.

        Args:
            work: what each does; no thread may run when this begins.
            greet: called once all of them accept connections.

        Returns:
            The exit status: 1 if one ended by itself.
        """
        stopping = threading.Event()
        before = {number: signal.signal(number, lambda *_: stopping.set()) for number in _SIGNALS}
        began, beginning = os.pipe()
        alive, living = os.pipe()
        try:
            for number, listening in enumerate(self._sockets, 1):
                pid = os.fork()
                if not pid:
                    os.close(living)
                    for number_, handler in before.items():
                        signal.signal(number_, handler)
                    self._work(work, Worker(number, listening, *_calls(beginning, alive)))
                self._pids[pid] = number
            for listening in self._sockets:
                listening.close()
            if self._all_begin(began, stopping):
                greet()
            while not stopping.wait(10 * _LOOK) and not self._ended():
                pass
        finally:
            self._end()
            for descriptor in (began, beginning, alive, living):
                os.close(descriptor)
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0 if stopping.is_set() else 1

    def _work(self, work: Callable[[Worker], None], worker: Worker) -> NoReturn:
        status = 1
        try:
            for listening in self._sockets:
                if listening is not worker.listening:
                    listening.close()
            work(worker)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
            os._exit(status)

    def _all_begin(self, began: int, stopping: threading.Event) -> bool:
        waiting = len(self._pids)
        while waiting and not stopping.is_set():
            if select.select([began], [], [], _LOOK)[0]:
                waiting -= len(os.read(began, waiting))
            elif self._ended():
                return False
        return not waiting

    def _ended(self) -> bool:
        """Whether one of them has ended by itself, which is told."""
        pid, status = os.waitpid(-1, os.WNOHANG)
        number = self._pids.pop(pid, None)
        if number is None:
            return False
        code = os.waitstatus_to_exitcode(status)
        how = f"signal {-code}" if code < 0 else f"status {code}"
        with contextlib.suppress(OSError, ValueError):
            print(  # noqa: T201 - the process's own error
                f"chatdouble: worker {number} (process {pid}) ended with {how}; the server ends",
                file=sys.stderr,
                flush=True,
            )
        return True

    def _end(self) -> None:
        """End those that run; what does not end in time is killed."""
        until = time.monotonic() + _PATIENCE
        self._tell(signal.SIGTERM)
        while self._pids and time.monotonic() < until:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not self._pids.pop(pid, None):
                time.sleep(_LOOK)
        self._tell(signal.SIGKILL)
        while self._pids:
            self._pids.pop(os.waitpid(-1, 0)[0], None)

    def _tell(self, number: signal.Signals) -> None:
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _calls(
    beginning: int, alive: int
) -> tuple[Callable[[], None], Callable[[Callable[[], None]], None]]:
    def ready() -> None:
        os.write(beginning, b".")

    def orphaned(end: Callable[[], None]) -> None:
        def watch() -> None:
            os.read(alive, 1)  # nothing is ever written: it returns when the parent is gone
            end()

        threading.Thread(target=watch, name="chatdouble-parent", daemon=True).start()

    return ready, orphaned


def _listening(count: int, host: str, port: int) -> list[socket.socket]:
    if sys.platform != "linux":
        return [bind(host, port)] * count
    # one that does not share the port finds out whether it is free
    first = bind(host, port)
    port = first.getsockname()[1]
    first.close()
    return [bind(host, port, shared=True) for _ in range(count)]
