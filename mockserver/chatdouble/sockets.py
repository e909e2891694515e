"""The sockets that a server listens on."""

from __future__ import annotations

import errno
import socket

from chatdouble.errors import ListenError


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that listens on the address; port 0 takes a free one, ``shared`` lets others share.

    The protocol is named because asyncio turns Nagle's algorithm off only then; without it a
    request costs 40 ms more.

    Raises:
        ListenError: the address is taken or not ours.
    """
    if not 0 <= port <= 65535:
        raise ListenError(f"a port is a whole number from 0 to 65535, got {port}")
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ListenError(f"cannot listen on {host}: {error.strerror or error}") from None
    family, kind, _, _, address = infos[0]
    listening = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"port {port} on {host} is taken by another process; "
                "stop it, or choose another port (0 takes a free one)"
            ) from None
        raise ListenError(
            f"cannot listen on {host} port {port}: {error.strerror or error}"
        ) from None
    listening.setblocking(False)
    return listening


def like(listening: socket.socket) -> socket.socket:
    """A socket that may take the address of another one when that is closed."""
    made = socket.socket(listening.family, listening.type, listening.proto)
    for name in ("SO_REUSEADDR", "SO_REUSEPORT"):
        option = getattr(socket, name, None)  # not every system has the second
        if option is not None:
            made.setsockopt(
                socket.SOL_SOCKET, option, listening.getsockopt(socket.SOL_SOCKET, option)
            )
    made.setblocking(False)
    return made
