"""uvicorn, told to end at once, to look at idle connections, and to refuse others for a while."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import uvicorn

from chatdouble import connections
from chatdouble.engine import Session
from chatdouble.errors import ListenError
from chatdouble.hub import Hub
from chatdouble.sockets import like


class _Threads(ThreadPoolExecutor):
    """Threads for what takes long. The end does not wait for them: nobody wants their results."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


class Serving(uvicorn.Server):
    """uvicorn, told to end at once and to leave the process's exit status to us."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        request_timeout: float,
        hub: Hub,
        listening: socket.socket | None,
    ) -> None:
        super().__init__(config)
        self._listening = listening
        # how many want it to refuse connections; one at a time begins or ends that
        self._refusals = 0
        self._turn = asyncio.Lock()
        self._ends: set[asyncio.Task[None]] = set()
        self._ready = ready
        self._request_timeout = request_timeout
        self._hub = hub
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn to listen."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(_Threads())
        loop.set_exception_handler(self._not_handled)
        await super().startup(sockets)
        self._loop = loop
        self._ready()

    def _not_handled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # without descriptors asyncio tries again and again to accept a connection, tells each time,
        # and goes on when its socket is closed
        lacking = getattr(context.get("exception"), "errno", None) in (errno.EMFILE, errno.ENFILE)
        if not lacking and not self.should_exit:
            loop.default_exception_handler(context)

    async def main_loop(self) -> None:
        """Called by uvicorn to wait for the end."""
        loop = asyncio.get_running_loop()
        while not self.should_exit:
            # stop() wakes this up; a signal may come while nothing can be woken yet
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), timeout=0.1)
            connections.sweep(self.server_state.connections, loop.time(), self._request_timeout)
            if self._refusals:
                connections.close_idle(self.server_state.connections)

    async def refuse(self) -> None:
        """Listen no more until ``accept()`` was called as often, but keep the address."""
        async with self._turn:
            self._refusals += 1
            if self._refusals > 1 or self._listening is None:
                return
            before, address = self._listening, self._listening.getsockname()
            self._listening = like(before)
            for server in self.servers:
                server.close()
            before.close()
            self._listening.bind(address)
            connections.close_idle(self.server_state.connections)

    async def accept(self) -> None:
        """Listen again."""
        async with self._turn:
            self._refusals -= 1
            if not (self._refusals or self.should_exit) and self._listening is not None:
                await super().startup([self._listening])

    async def refuse_for(self, seconds: float) -> None:
        """Refuse connections for so long, from now on."""
        await self.refuse()

        async def end() -> None:
            await asyncio.sleep(seconds)
            await self.accept()

        task = asyncio.ensure_future(end())
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    def do(self, what: Coroutine[Any, Any, None]) -> bool:
        """Wait until something is done; from another thread than the server's.

        Returns:
            Whether it is done: a server that ends does nothing more.

        Raises:
            ListenError: it is called in the server's own thread, which it would wait for.
        """
        loop = self._loop
        if loop is None or self.should_exit:
            what.close()
            return False
        with contextlib.suppress(RuntimeError):  # no loop runs in this thread
            if asyncio.get_running_loop() is loop:
                what.close()
                raise ListenError(
                    "refusing() waits for the server, so it cannot be used in the server's own "
                    "thread; a function that replies may use it if it is not async"
                )
        asyncio.run_coroutine_threadsafe(what, loop).result(timeout=10)
        return True

    def stop(self) -> None:
        """End soon; from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._woken.set)

    def close(self, session: Session) -> None:
        """Close soon what a session holds open; from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended, and all is closed
                asyncio.run_coroutine_threadsafe(session.aclose(), self._loop)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn to end."""
        for end in self._ends:
            end.cancel()
        for server in self.servers:
            server.close()
        for listening in (*(sockets or []), *filter(None, (self._listening,))):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.transport.close()
        if self.server_state.tasks:
            # they see that their clients are gone; one that does not may not hold up the end
            _, waiting = await asyncio.wait(set(self.server_state.tasks), timeout=1)
            for task in waiting:
                task.cancel()
            with _without(_of_the_end):
                await asyncio.sleep(0)
        for session in self._hub.sessions:
            await session.aclose()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Called by uvicorn to end when it is told to."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def end(number: int, frame: FrameType | None) -> None:
            for number in before:
                signal.signal(number, signal.SIG_DFL)  # the next one ends it at once
            self.stop()

        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _of_the_end(record: logging.LogRecord) -> bool:
    """Whether uvicorn says that a request was cancelled."""
    return bool(record.exc_info and record.exc_info[0] is asyncio.CancelledError)


@contextlib.contextmanager
def _without(unwanted: Callable[[logging.LogRecord], bool]) -> Iterator[None]:
    """What uvicorn logs is filtered."""

    def wanted(record: logging.LogRecord) -> bool:
        return not unwanted(record)

    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(wanted)
    try:
        yield
    finally:
        logger.removeFilter(wanted)
