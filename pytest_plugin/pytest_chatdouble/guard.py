"""No test reaches the network: connections to other hosts than loopback are refused."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Generator
from typing import Any

import pytest


class RefusedConnectionError(ConnectionError):
    """Raised when a test wants to reach another host than loopback."""


class Guard:
    """A pytest plugin that refuses connections while tests run, and names host and test."""

    def __init__(self) -> None:
        self._test = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Put the guard up for one test, its fixtures included."""
        self._test = item.nodeid
        with pytest.MonkeyPatch.context() as patch:
            for name in ("connect", "connect_ex"):
                patch.setattr(socket.socket, name, self._guarded(getattr(socket.socket, name)))
            patch.setattr(socket, "getaddrinfo", self._named(socket.getaddrinfo))
            return (yield)

    def _guarded(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(sock: socket.socket, address: Any) -> Any:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                self._check(str(address[0]))
            return connect(sock, address)

        return guarded

    def _named(self, getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
        def named(host: Any, *args: Any, **kwargs: Any) -> Any:
            if host is not None:
                self._check(host.decode() if isinstance(host, bytes) else str(host))
            return getaddrinfo(host, *args, **kwargs)

        return named

    def _check(self, host: str) -> None:
        if not _is_loopback(host):
            raise RefusedConnectionError(
                f"{self._test} wanted to connect to {host}, which chatdouble_block_network "
                "refuses; point the client at chatdouble.base_url, or use chatdouble_env"
            )


def _is_loopback(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
