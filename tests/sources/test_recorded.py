from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from chatdouble.answers import Recording
from chatdouble.calls import Call
from chatdouble.cassette.format import Interaction
from chatdouble.sources.recorded import Recorded


def recording(body: bytes, response: bytes, query: str = "") -> Interaction:
    origin = f"cassette {response.decode()}"
    return Interaction(origin, "POST", "/v1/x", query, body, 200, (), response)


def ask(source: Recorded, body: bytes, path: str = "/v1/x", query: str = "") -> bytes | None:
    call = Call(method="POST", path=path, query=query, body=body)
    choice = asyncio.run(source.answer(call))
    if choice is None:
        return None
    assert isinstance(choice.answer, Recording)
    return choice.answer.body


def test_identical_requests_get_their_answers_in_order_and_then_the_last_again() -> None:
    source = Recorded([recording(b"{}", b"1"), recording(b"[]", b"x"), recording(b"{ }", b"2")])
    assert [ask(source, b"{}") for _ in range(4)] == [b"1", b"2", b"2", b"2"]
    assert ask(source, b"[]") == b"x"


def test_parallel_calls_each_get_an_answer_of_their_own() -> None:
    source = Recorded([recording(b"{}", str(number).encode()) for number in range(100)])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(source, b"{}"), range(100)))
    assert len(set(answers)) == 100


def test_a_query_is_part_of_the_request() -> None:
    source = Recorded([recording(b"", b"1", "after=a")])
    assert ask(source, b"") is None
    assert ask(source, b"", query="after=a") == b"1"


def test_a_miss_names_the_nearest_recording_and_the_first_difference() -> None:
    source = Recorded([recording(b'{"a":1}', b"1"), recording(b'{"a":1,"b":{"c":2}}', b"2")])
    miss = source.why_not(Call(method="POST", path="/v1/x", body=b'{"a":1,"b":{"c":3}}'))
    assert miss.param == "b.c"
    assert miss.reasons == (
        "the nearest recording is cassette 2: at b.c it has 2, the request has 3",
    )
    assert Recorded([]).why_not(Call(method="GET", path="/")).reasons == (
        "there are no recordings",
    )
