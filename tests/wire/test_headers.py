"""Headers: which there are and in which order, and the arithmetic of the rate limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatdouble import ApiError, Reply
from chatdouble.answers import Document
from chatdouble.calls import Call
from chatdouble.cassette import format as cassettes
from chatdouble.wire import dialects, ratelimits
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Stamp

HELLO = [{"role": "user", "content": "Hello"}]

STAMP = Stamp(1767225600, bytes(range(64)))


def asked(**body: Any) -> Call:
    call = Call(
        method="POST", path="/v1/chat/completions", body=json.dumps(body, default=str).encode()
    )
    dialects.read(call)
    return call


def headers(call: Call, answer: Reply | ApiError | Document) -> dict[str, str]:
    response = dialects.render(call, answer, STAMP)
    assert len({name for name, _ in response.headers}) == len(response.headers)
    return {name.decode(): value.decode() for name, value in response.headers}


def limits(**body: Any) -> dict[str, str]:
    """What the answer to this request says of the rate limits."""
    call = asked(**({"model": "gpt-4o", "messages": HELLO} | body))
    answer = Reply("Hi.") if call.settled is None else call.settled
    return {
        name.removeprefix("x-ratelimit-"): value
        for name, value in headers(call, answer).items()
        if name.startswith("x-ratelimit-")
    }


ORDER = [
    "date",
    "content-type",
    "openai-organization",
    "openai-processing-ms",
    "openai-project",
    "openai-version",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-request-id",
]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_has_the_apis_headers_in_the_recorded_order(stream: bool) -> None:
    call = asked(model="gpt-4o-mini", messages=HELLO, stream=stream)
    sent = headers(call, Reply("Hi."))
    assert list(sent) == ORDER
    assert sent | {"openai-processing-ms": ""} == {
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "content-type": "text/event-stream; charset=utf-8" if stream else "application/json",
        "openai-organization": "org-chatdouble",
        "openai-processing-ms": "",
        "openai-project": "proj_chatdouble",
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": "30000",
        "x-ratelimit-limit-tokens": "150000000",
        "x-ratelimit-remaining-requests": "29999",
        "x-ratelimit-remaining-tokens": "149999996",
        "x-ratelimit-reset-requests": "2ms",
        "x-ratelimit-reset-tokens": "0s",
        "x-request-id": "req_202122232425262728292a2b2c2d2e2f",
    }


def test_a_refused_request_is_counted_like_any_other() -> None:
    call = asked(model="gpt-4o-mini", messages=HELLO, temperature=3)
    assert isinstance(call.settled, ApiError)
    sent = headers(call, call.settled)
    assert list(sent) == ORDER
    assert sent["content-type"] == "application/json"
    assert sent["x-ratelimit-remaining-tokens"] == "149999996"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"messages": []}',
        b'{"model": 7, "messages": []}',
        b'{"model": "", "messages": []}',
    ],
)
def test_a_request_of_no_model_meets_no_limits(body: bytes) -> None:
    call = Call(method="POST", path="/v1/chat/completions", body=body)
    dialects.read(call)
    assert isinstance(call.settled, ApiError)
    sent = headers(call, call.settled)
    assert list(sent) == [name for name in ORDER if "ratelimit" not in name]


def test_the_list_of_models_meets_no_limits() -> None:
    call = Call(method="GET", path="/v1/models")
    dialects.read(call)
    assert isinstance(call.settled, Document)
    assert list(headers(call, call.settled)) == [name for name in ORDER if "ratelimit" not in name]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_answer_of_an_api_that_is_out_of_order_names_no_limits(status: int) -> None:
    error = ApiError(status, "No.", headers=(("Retry-After", "1"),))
    sent = headers(asked(model="gpt-4o", messages=HELLO), error)
    assert list(sent) == [*(name for name in ORDER if "ratelimit" not in name), "retry-after"]


@pytest.mark.parametrize(
    "error",
    [
        ApiError(401, "No.", code="invalid_api_key"),
        ApiError(401, "No."),
        ApiError(404, "No.", code="model_not_found"),
    ],
)
def test_the_layer_in_front_of_the_api_has_headers_of_its_own(error: ApiError) -> None:
    sent = headers(asked(model="gpt-4o", messages=HELLO), error)
    assert sent == {
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "content-type": "application/json; charset=utf-8",
        "vary": "Origin",
        "x-request-id": "req_202122232425262728292a2b2c2d2e2f",
    }


def test_processing_takes_longer_for_more_words_and_no_clock_is_asked() -> None:
    call = asked(model="gpt-4o", messages=HELLO)
    stream = asked(model="gpt-4o", messages=HELLO, stream=True)
    words = [Reply("warm and dry " * number) for number in (1, 30, 300)]
    times = [int(headers(call, reply)["openai-processing-ms"]) for reply in words]
    assert times == sorted(times)
    assert times[0] < 500
    assert 1200 < times[1] < 1600, "recorded: 13 ms for each token"
    assert times == [int(headers(call, reply)["openai-processing-ms"]) for reply in words]
    starts = {headers(stream, reply)["openai-processing-ms"] for reply in words}
    assert len(starts) == 1, "a stream begins before it is written"


@pytest.mark.parametrize(
    ("model", "requests", "tokens", "reset"),
    [
        ("gpt-3.5-turbo", 10_000, 50_000_000, "6ms"),
        ("gpt-3.5-turbo-0125", 10_000, 50_000_000, "6ms"),
        ("gpt-4", 10_000, 1_000_000, "6ms"),
        ("gpt-4-0613", 10_000, 1_000_000, "6ms"),
        ("gpt-4.1-nano-2025-04-14", 30_000, 150_000_000, "2ms"),
        ("gpt-4o", 10_000, 30_000_000, "6ms"),
        ("gpt-4o-mini", 30_000, 150_000_000, "2ms"),
        ("gpt-5", 15_000, 40_000_000, "4ms"),
        ("gpt-5-nano", 30_000, 180_000_000, "2ms"),
        ("my-own", 10_000, 30_000_000, "6ms"),
    ],
)
def test_each_family_has_the_limits_that_were_recorded(
    model: str, requests: int, tokens: int, reset: str
) -> None:
    assert limits(model=model) == {
        "limit-requests": str(requests),
        "limit-tokens": str(tokens),
        "remaining-requests": str(requests - 1),
        "remaining-tokens": str(tokens - 4),
        "reset-requests": reset,
        "reset-tokens": "0s",
    }


def used(**body: Any) -> int:
    told = limits(**body)
    return int(told["limit-tokens"]) - int(told["remaining-tokens"])


def test_tokens_are_estimated_from_letters() -> None:
    assert used(messages=[{"role": "user", "content": "x" * 34}]) == 11, "recorded: 11 to 13"
    assert used(messages=[{"role": "user", "content": "x" * 62}]) == 18, "recorded: 18"
    chat = [{"role": "system", "content": "x" * 99}, {"role": "user", "content": "x" * 69}]
    assert used(messages=chat) == 45, "recorded: 45"
    assert used(messages=HELLO, max_tokens=1000) == used(messages=HELLO)
    parts = [{"type": "text", "text": "x" * 20}, {"type": "text", "text": "y" * 21}]
    assert used(messages=[{"role": "user", "content": parts}]) == 13
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "x" * 8},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": "y" * 8, "tool_call_id": "call_1"},
    ]
    assert used(messages=history) == 9
    assert used(messages=[None, 7, {"role": "user", "content": 7}, *HELLO]) == 5
    assert used(messages=7) == 2


@pytest.mark.parametrize("further", [{}, {"temperature": 3}])
def test_images_have_a_limit_of_their_own(further: dict[str, Any]) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    text = {"type": "text", "text": "What is in this image?"}
    told = limits(
        model="gpt-4o-mini", messages=[{"role": "user", "content": [text, image]}], **further
    )
    assert told == {
        "limit-input-images": "50000",
        "limit-requests": "30000",
        "limit-tokens": "150000000",
        "remaining-input-images": "49999",
        "remaining-requests": "29999",
        "remaining-tokens": "149999227",  # recorded: 149999225 and 149999227
        "reset-input-images": "1ms",
        "reset-requests": "2ms",
        "reset-tokens": "0s",
    }
    file = {"type": "file", "file": {"file_id": "file-1"}}
    told = limits(messages=[{"role": "user", "content": [text, file]}], **further)
    assert "limit-input-images" not in told
    assert int(told["limit-tokens"]) - int(told["remaining-tokens"]) == 773


@pytest.mark.parametrize(
    ("tokens", "remaining", "reset"),
    [
        (0, 1_000_000, "0s"),
        (16, 999_984, "0s"),
        (17, 999_983, "1ms"),
        (16_000, 984_000, "960ms"),
        (20_000, 980_000, "1.2s"),
        (200_000, 800_000, "12s"),
        (999_999, 1, "59.999s"),
        (1_000_000, 0, "1m0s"),
        (5_000_000, 0, "1m0s"),
    ],
)
def test_the_time_to_a_full_limit_is_written_as_go_writes_it(
    tokens: int, remaining: int, reset: str
) -> None:
    told = dict(ratelimits.headers(Cost("gpt-4", tokens)))
    assert told[b"x-ratelimit-remaining-tokens"] == str(remaining).encode()
    assert told[b"x-ratelimit-reset-tokens"] == reset.encode()


def test_recorded_requests_meet_the_limits_that_were_recorded(shared_cassettes: Path) -> None:
    """Of the one organisation whose figures these are; its tokens come back while it counts."""
    compared = 0
    for file in sorted((shared_cassettes / "openllmetry").rglob("*.yaml")):
        for recorded in cassettes.load(file):
            theirs = {name.lower(): value for name, value in recorded.headers}
            if (
                "31 Mar 2026" not in theirs.get("date", "")
                or "x-ratelimit-limit-tokens" not in theirs
            ):
                continue
            call = Call(method="POST", path="/v1/chat/completions", body=recorded.body)
            dialects.read(call)
            ours = headers(call, Reply("Hi.") if call.settled is None else call.settled)
            for name, value in theirs.items():
                if name == "x-ratelimit-remaining-tokens":
                    gone = int(theirs["x-ratelimit-limit-tokens"]) - int(value)
                    assert abs(int(ours[name]) - int(value)) <= 4 + gone // 50, file
                elif name.startswith("x-ratelimit-"):
                    assert ours[name] == value, (file, name)
            compared += 1
    assert compared > 100
