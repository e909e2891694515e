"""The yardstick: an ASGI app that sends the same bytes whatever comes, on the same uvicorn."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send


class Constant:
    """Answers every request with one body, in one write; a stream is sent chunked."""

    def __init__(self, body: bytes, *, stream: bool) -> None:
        if stream:
            headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        else:
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
            ]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._body = {"type": "http.response.body", "body": body, "more_body": False}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without a look at the request."""
        await send(self._start)
        await send(self._body)


def listen() -> socket.socket:
    """A socket on a free port, made with its protocol: only then is Nagle's algorithm off."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(2048)
    return listening


def server(app: Constant) -> uvicorn.Server:
    """The app on uvicorn, set up as chatdouble's own server is."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            log_config=None,
            access_log=False,
        )
    )


def main() -> None:
    """Serve a file's bytes and print the address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("body", type=Path)
    parser.add_argument("--stream", action="store_true")
    arguments = parser.parse_args()
    listening = listen()
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    server(Constant(arguments.body.read_bytes(), stream=arguments.stream)).run(sockets=[listening])


if __name__ == "__main__":
    main()
