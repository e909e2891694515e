from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chatdouble.answers import Recording, Reply
from chatdouble.calls import Call
from chatdouble.cassette.format import Interaction, find, load
from chatdouble.errors import CassetteError
from chatdouble.sources.recorded import Recorded
from chatdouble.sources.source import Choice
from chatdouble.wire import dialects
from tests.wire.test_chat_render import render


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


CHAT = "/v1/chat/completions"


def chat(body: bytes) -> Call:
    call = Call(method="POST", path=CHAT, body=body)
    dialects.read(call)
    return call


def chosen(recordings: list[Interaction], body: bytes) -> Choice | None:
    return asyncio.run(Recorded(recordings).answer(chat(body)))


ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
PLAIN = json.dumps(ASKED).encode()
STREAMED = json.dumps({**ASKED, "stream": True, "stream_options": None}).encode()


def chat_recording(body: bytes, status: int, response: bytes) -> Interaction:
    return Interaction("cassette 1", "POST", CHAT, "", body, status, (), response)


def test_a_recorded_stream_answers_a_call_that_wants_one_body_and_the_reverse() -> None:
    stream, body = render(Reply("Hello!"), stream=True).whole(), render(Reply("Hello!")).whole()
    for asked, recorded, response in ((PLAIN, STREAMED, stream), (STREAMED, PLAIN, body)):
        choice = chosen([chat_recording(recorded, 200, response)], asked)
        assert choice is not None
        assert isinstance(choice.answer, Reply)
        assert choice.answer.content == "Hello!"
        assert "recorded as" in choice.because


def test_a_recording_of_the_very_request_comes_before_one_of_the_other_kind() -> None:
    both = [
        chat_recording(STREAMED, 200, render(Reply("No"), stream=True).whole()),
        chat_recording(PLAIN, 200, b"this"),
    ]
    choice = chosen(both, PLAIN)
    assert choice is not None
    assert choice.answer == Recording(200, (), b"this")


def test_a_recorded_error_is_the_same_streamed_or_not() -> None:
    choice = chosen([chat_recording(STREAMED, 429, b"{}")], PLAIN)
    assert choice is not None
    assert choice.answer == Recording(429, (), b"{}")


def test_a_stream_that_was_cut_off_never_passes_for_a_whole_answer() -> None:
    cut = b"".join(render(Reply("One two"), stream=True).frames()[:2])
    assert chosen([chat_recording(STREAMED, 200, cut)], PLAIN) is None


def test_all_shared_recordings_answer_the_other_way_too(shared_cassettes: Path) -> None:
    found = answered = 0
    for file, _ in find(tuple(p for p in shared_cassettes.iterdir() if p.is_dir())):
        try:
            interactions = load(file)
        except CassetteError:
            continue
        for one in interactions:
            if not one.path.endswith(CHAT) or one.status != 200 or not one.response:
                continue
            request = json.loads(one.body)
            flipped = {**request, "stream": not request.get("stream")}
            flipped.pop("stream_options", None)
            choice = chosen([one], json.dumps(flipped).encode())
            found += 1
            answered += choice is not None and isinstance(choice.answer, Reply)
    assert found > 500
    assert answered == found
