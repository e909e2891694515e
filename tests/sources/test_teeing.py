"""What is held back of an answer, and what of it is hidden, however it is split into pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as some

from chatdouble.sources.teeing import Holding, Masking

STREAM = b"data: {}\n\ndata: a\r\n\r\ndata: [DONE]\n\n: bye\n\n"
SECRET = b"sk-sk-key"


def split(data: bytes, cuts: set[int]) -> list[bytes]:
    return [data[a:b] for a, b in pairwise(sorted({0, len(data), *cuts}))]


@given(some.sets(some.integers(0, len(STREAM))))
@settings(max_examples=200, deadline=None)
def test_a_stream_is_held_back_from_its_last_event_on(cuts: set[int]) -> None:
    for length in (None, len(STREAM)):
        holding = Holding(length, streamed=True)
        sent = b"".join(holding.take(piece) for piece in split(STREAM, cuts))
        assert sent + holding.held == STREAM
        assert holding.done
        assert b"[DONE]" not in sent
        assert sent.startswith(b"data: {}\n\ndata: a\r\n\r\n"), "nothing before is held back"


@given(some.binary(min_size=1, max_size=50), some.sets(some.integers(0, 50)))
@settings(max_examples=100, deadline=None)
def test_a_body_is_held_back_by_its_last_byte(body: bytes, cuts: set[int]) -> None:
    holding = Holding(len(body), streamed=False)
    pieces = split(body, {cut for cut in cuts if cut < len(body)})
    sent = b"".join(holding.take(piece) for piece in pieces)
    assert (sent, holding.held) == (body[:-1], body[-1:])


def test_words_within_an_event_end_no_stream() -> None:
    holding = Holding(None, streamed=True)
    body = b'data: {"content": "data: [DONE]"}\n\nxdata: [DONE]\n\n'
    assert holding.take(body) == body


@given(some.lists(some.sampled_from([SECRET, b"sk-", b"k", b"x", b"\n"]), max_size=9), some.data())
@settings(max_examples=300, deadline=None)
def test_a_secret_is_hidden_however_it_is_split(parts: list[bytes], data: some.DataObject) -> None:
    body = b"".join(parts)
    pieces = split(body, data.draw(some.sets(some.integers(0, len(body)))))

    async def came() -> AsyncGenerator[bytes, None]:
        for piece in pieces:
            yield piece

    async def seen() -> bytes:
        return b"".join([piece async for piece in Masking(SECRET).masked(came())])

    assert asyncio.run(seen()) == body.replace(SECRET, b"*" * len(SECRET))
