from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatdouble.answers import ApiError, Recording, Reply
from chatdouble.calls import Call
from chatdouble.cassette.format import Interaction, find, load
from chatdouble.cassette.matching import Matching
from chatdouble.errors import CassetteError, ChatdoubleError
from chatdouble.schedule import AsRecorded, Pace
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


def test_after_the_last_answer_it_begins_again_or_fails_as_is_set() -> None:
    two = [recording(b"{}", b"1"), recording(b"{}", b"2")]
    assert [ask(Recorded(two, used_up="cycle"), b"{}")] == [b"1"]
    source = Recorded(two, used_up="cycle")
    assert [ask(source, b"{}") for _ in range(5)] == [b"1", b"2", b"1", b"2", b"1"]
    source = Recorded(two, used_up="fail")
    assert [ask(source, b"{}") for _ in range(3)] == [b"1", b"2", None]
    (reason,) = source.why_not(Call(method="POST", path="/v1/x", body=b"{}")).reasons
    assert reason == "all its 2 recordings are used up, the last of them cassette 2"
    with pytest.raises(ChatdoubleError, match="used_up is one of repeat, cycle, fail"):
        Recorded(two, used_up="never")  # type: ignore[arg-type]


def test_it_knows_which_recordings_were_used() -> None:
    source = Recorded([recording(b"{}", b"1"), recording(b"[]", b"2"), recording(b"{}", b"3")])
    assert ask(source, b"{}") == b"1"
    assert [(one.response, uses) for one, uses in source.uses] == [(b"1", 1), (b"2", 0), (b"3", 0)]
    assert [one.origin for one in source.unused] == ["cassette 2", "cassette 3"]
    source.reset()
    assert len(source.unused) == 3
    assert [ask(source, b"{}") for _ in range(2)] == [b"1", b"3"]


def test_an_upload_finds_its_recording_whatever_its_boundary() -> None:
    def upload(boundary: bytes, text: bytes) -> bytes:
        return b"--%b\r\n\r\n%b\r\n--%b--\r\n" % (boundary, text, boundary)

    headers = (("Content-Type", "multipart/form-data; boundary=abc"),)
    source = Recorded([replace(recording(upload(b"abc", b"a"), b"1"), request_headers=headers)])

    def found(text: bytes) -> bool:
        typed = (b"content-type", b'multipart/form-data; charset=x; boundary="0123"')
        body = upload(b"0123", text)
        call = Call(method="POST", path="/v1/x", body=body, raw_headers=[typed])
        return asyncio.run(source.answer(call)) is not None

    assert found(b"a")
    assert not found(b"b")


def test_headers_count_when_asked_but_for_keys_and_the_client() -> None:
    def asking(value: str, client: str) -> tuple[tuple[str, str], ...]:
        return (("OpenAI-Project", value), ("User-Agent", client), ("Authorization", client))

    two = [
        replace(recording(b"{}", b"1"), request_headers=asking("a", "x")),
        replace(recording(b"{}", b"2"), request_headers=asking("b", "x")),
    ]
    source = Recorded(two, Matching(match_on=("method", "path", "body", "headers")))

    def got(value: bytes) -> bytes | None:
        headers = [(b"openai-project", value), (b"user-agent", b"y"), (b"accept", b"*/*")]
        call = Call(method="POST", path="/v1/x", body=b"{}", raw_headers=headers)
        choice = asyncio.run(source.answer(call))
        if choice is None:
            return None
        assert isinstance(choice.answer, Recording)
        return choice.answer.body

    assert [got(b"b"), got(b"a"), got(b"c")] == [b"2", b"1", None]


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
    assert miss.diff == (
        "--- cassette 2",
        "+++ this request",
        "@@ -2,5 +2,5 @@",
        '   "a": 1,',
        '   "b": {',
        '-    "c": 2',
        '+    "c": 3',
        "   }",
        " }",
    )
    assert miss.suggestion.startswith("chatdouble record --upstream ")
    empty = Recorded([]).why_not(Call(method="GET", path="/"))
    assert empty.reasons == ("there are no recordings",)


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


def test_a_recorded_refusal_answers_only_who_states_the_same_fields() -> None:
    stating = json.dumps({**ASKED, "top_p": 1}).encode()
    recordings = [chat_recording(stating, 400, b"{}"), chat_recording(PLAIN, 200, b"this")]
    source = Recorded(recordings)
    answers = [asyncio.run(source.answer(chat(body))) for body in (PLAIN, stating, stating, PLAIN)]
    statuses = [one.answer.status for one in answers if one and isinstance(one.answer, Recording)]
    assert statuses == [200, 400, 200, 200]
    assert chosen(recordings[:1], PLAIN) is None


def test_both_ways_of_sending_can_be_recordings_of_one_request() -> None:
    recordings = [
        chat_recording(STREAMED, 200, render(Reply("One"), stream=True).whole()),
        chat_recording(PLAIN, 200, render(Reply("Two")).whole()),
    ]
    source = Recorded(recordings, Matching(ignore=("stream",)))
    first, second = (asyncio.run(source.answer(chat(PLAIN))) for _ in range(2))
    assert first is not None
    assert isinstance(first.answer, Reply)
    assert first.answer.content == "One"
    assert second is not None
    assert second.answer == Recording(200, (), recordings[1].response)


def test_a_transform_that_fails_is_told_in_the_answer() -> None:
    def transform(body: Any) -> Any:
        return body["run"]

    source = Recorded([recording(b'{"run":1}', b"1")], Matching(transform=transform))
    choice = asyncio.run(source.answer(Call(method="POST", path="/v1/x", body=b"{}")))
    assert choice is not None
    assert isinstance(choice.answer, ApiError)
    assert choice.answer.status == 500
    assert choice.answer.message == "the transform of a Matching failed: KeyError: 'run'"


def test_a_request_whose_secret_was_hidden_finds_its_recording() -> None:
    def asking(*keys: str) -> bytes:
        said = {"role": "user", "content": f"Use {' and '.join(keys)}, please."}
        return json.dumps({"model": "gpt-4o-mini", "messages": [said]}).encode()

    # of the shape of keys, and put together so that no scanner takes it for one
    one, two = ("sk-" + "proj-" + 10 * part for part in ("aB3dE6", "zY9xW2"))
    recordings = [
        chat_recording(asking("<api-key-7>"), 200, b"one"),
        chat_recording(asking("<api-key-7>", "<api-key-9>"), 200, b"two"),
        chat_recording(asking("<api-key-7>", "<api-key-7>"), 200, b"twice"),
    ]
    source = Recorded(recordings)

    def got(*keys: str) -> bytes | None:
        choice = asyncio.run(source.answer(chat(asking(*keys))))
        return choice.answer.body if choice and isinstance(choice.answer, Recording) else None

    assert [got(one), got(two, one), got(two, two), got("none")] == [b"one", b"two", b"twice", None]
    miss = source.why_not(chat(asking(one, one, two)))
    assert one not in repr(miss)
    assert "<api-key-1> and <api-key-1>" in repr(miss)


def test_lookups_look_at_the_due_recordings_only() -> None:
    recordings = [recording(b"%d" % (number % 100), b"%d" % number) for number in range(10_000)]
    looked: list[Any] = []

    def transform(body: Any) -> Any:
        looked.append(body)
        return body

    source = Recorded(recordings, Matching(transform=transform))
    looked.clear()
    assert [ask(source, b"7") for _ in range(100)] == [
        b"%d" % number for number in range(7, 10_000, 100)
    ]
    assert looked == [7] * 100


PIECES = ((0.5, 4), (0.5, 0), (1.5, 3))


def test_the_recorded_pace_is_kept_or_quickened() -> None:
    stream = chat_recording(STREAMED, 200, b"data: x")
    one = replace(stream, pieces=PIECES)

    def pace(one: Interaction, speed: float) -> Any:
        choice = asyncio.run(Recorded([one], speed=speed).answer(chat(STREAMED)))
        assert choice is not None
        return choice.pace

    assert pace(one, 1) == AsRecorded(PIECES)
    assert pace(one, 10) == AsRecorded(((0.05, 4), (0.05, 0), (0.15, 3)))
    assert pace(one, 0) is None
    assert pace(stream, 1) is None
    with pytest.raises(ChatdoubleError, match="speed is a number, 0 or more, got -1"):
        Recorded([], speed=-1)


def test_a_stream_that_is_sent_as_one_body_leaves_when_the_stream_was_over() -> None:
    stream = render(Reply("Hello!"), stream=True).whole()
    one = replace(chat_recording(STREAMED, 200, stream), pieces=((1.0, len(stream) - 1), (3.0, 1)))
    choice = asyncio.run(Recorded([one], speed=2).answer(chat(PLAIN)))
    assert choice is not None
    assert choice.pace == Pace(total=1.5)


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
