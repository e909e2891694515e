from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdouble.wire import sse


def test_an_event_is_one_data_line_and_a_blank_one() -> None:
    assert sse.event('{"a":"é"}'.encode()) == 'data: {"a":"é"}\n\n'.encode()


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"data: a\n\ndata: b\n\n", (b"data: a\n\n", b"data: b\n\n")),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", (b"data: a\r\n\r\n", b"data: b\r\n\r\n")),
        (b"event: x\ndata: a\n\n", (b"event: x\ndata: a\n\n",)),
        (b"data: a\n\ndata: cut", (b"data: a\n\n", b"data: cut")),
        (b"", (b"",)),
    ],
)
def test_a_stream_is_cut_behind_each_event(body: bytes, events: tuple[bytes, ...]) -> None:
    assert sse.split(body) == events


@given(st.lists(st.sampled_from([b"data: x", b"\n", b"\r", b"\r\n", b": ping", b"\n\n"])))
def test_cutting_loses_no_byte(parts: list[bytes]) -> None:
    body = b"".join(parts)
    assert b"".join(sse.split(body)) == body
