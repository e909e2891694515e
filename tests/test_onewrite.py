"""An answer in one write has the bytes that uvicorn itself would send, on a real request cycle."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from msgspec.structs import replace

from chatdouble import onewrite
from chatdouble.wire.response import Response, Shared, Template, lines

httptools_impl = pytest.importorskip("uvicorn.protocols.http.httptools_impl")
FlowControl = pytest.importorskip("uvicorn.protocols.http.flow_control").FlowControl

TYPE = (b"content-type", b"application/json")
DATE = ((b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"), (b"openai-version", b"2020-10-01"))


class Wire(asyncio.Transport):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.writes.extend(list_of_data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def cycle(method: str = "POST", *, keep_alive: bool = True) -> Any:
    transport = Wire()
    return httptools_impl.RequestResponseCycle(
        scope={"method": method},
        transport=transport,
        flow=FlowControl(transport),
        logger=logging.getLogger("test"),
        access_logger=logging.getLogger("test"),
        access_log=False,
        default_headers=[],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


def response(
    *own: tuple[bytes, bytes], body: bytes = b"{}", status: int = 200, length: bool = True
) -> Response:
    shared = Shared(DATE, lines(DATE))
    return Response(
        status, (TYPE, *own), Template((body,)), length=length, shared=shared, request_id=b"req_1"
    )


def test_headers_that_were_replaced_are_sent_as_they_are() -> None:
    headers = ((b"date", b"Fri, 02 Jan 2026 00:00:00 GMT"), TYPE)
    other = response(length=False).saying(headers)
    assert other.headers == headers
    asked = cycle()
    assert onewrite.write(asked.send, other) == len(b"{}")
    assert b"".join(asked.transport.writes) == by_uvicorn(other)


def by_uvicorn(made: Response) -> bytes:
    """What uvicorn's own ``send`` writes."""
    asked = cycle()
    body = made.whole()
    headers = list(made.headers)
    if made.length:
        headers.append((b"content-length", b"%d" % len(body)))

    async def say() -> None:
        start = {"type": "http.response.start", "status": made.status, "headers": headers}
        await asked.send(start)
        await asked.send({"type": "http.response.body", "body": body, "more_body": False})

    asyncio.run(say())
    return b"".join(asked.transport.writes)


@pytest.mark.parametrize(
    "made",
    [
        response(),
        response(body=b""),
        response(body=b"data: {}\n\n" * 3000, length=False),
        response(body=b"", length=False),
        response((b"retry-after", b"1"), (b"x-odd", b"\xe9, \t"), status=429),
        response(status=404),
        replace(response(), request_id=b""),
        replace(response(), shared=Shared()),
    ],
)
def test_one_write_has_the_bytes_of_uvicorns_several(made: Response) -> None:
    asked = cycle()
    ended: list[None] = []
    asked.on_response = lambda: ended.append(None)
    assert onewrite.write(asked.send, made) == len(made.whole())
    assert b"".join(asked.transport.writes) == by_uvicorn(made)
    assert asked.response_complete
    assert len(ended) == 1


@pytest.mark.parametrize(
    "made",
    [
        response((b"connection", b"close")),
        response((b"content-length", b"7")),
        response((b"transfer-encoding", b"chunked")),
        response().saying(((b"connection", b"close"), TYPE)),
        response((b"x-split", b"a\r\nb: c")),
        response((b"x-bell", b"\x07")),
        response((b"no token", b"x")),
        response(status=204),
        response(status=304),
        response(status=599),
    ],
)
def test_an_answer_that_uvicorn_has_to_look_at_is_left_to_it(made: Response) -> None:
    asked = cycle()
    assert onewrite.write(asked.send, made) is None
    assert not asked.transport.writes
    assert not asked.response_started


def test_a_connection_in_another_state_is_left_to_uvicorn() -> None:
    closing, left, paused, begun = cycle(), cycle(), cycle(), cycle()
    closing.transport.close()
    left.disconnected = True
    paused.flow.pause_writing()
    begun.response_started = True
    for asked in (cycle("HEAD"), cycle(keep_alive=False), closing, left, paused, begun):
        assert onewrite.write(asked.send, response()) is None
        assert not asked.transport.writes


def test_what_is_not_uvicorns_is_asked_for_nothing() -> None:
    async def send(message: Any) -> None:
        raise AssertionError

    assert onewrite.write(send, response()) is None
