"""Rate limits that count: the API's arithmetic and words, on a clock that is set by hand."""

from __future__ import annotations

import json

import pytest

from chatdouble import ratelimits as module
from chatdouble.calls import Call
from chatdouble.ratelimits import Admission, RateLimits
from chatdouble.settings import Settings
from chatdouble.wire import dialects
from tests.test_load import Clock


def asked(text: str = "Hello", model: str = "gpt-4o", key: str = "a") -> Call:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    headers = [(b"authorization", b"Bearer " + key.encode())]
    call = Call(
        method="POST",
        path="/v1/chat/completions",
        body=json.dumps(body).encode(),
        raw_headers=headers,
    )
    dialects.read(call)
    return call


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admitted(limits: RateLimits, call: Call) -> Admission:
    found = limits.admit(call)
    assert found is not None
    return found


def told(admission: Admission) -> dict[str, str]:
    return {
        name.decode().removeprefix("x-ratelimit-"): value.decode()
        for name, value in admission.headers
    }


def test_requests_count_down_and_come_back_steadily(clock: Clock) -> None:
    limits = RateLimits(Settings(rpm=3, timer=clock))
    seen = [told(admitted(limits, asked())) for _ in range(3)]
    assert [one["remaining-requests"] for one in seen] == ["2", "1", "0"]
    assert [one["reset-requests"] for one in seen] == ["20s", "40s", "1m0s"]
    assert {one["limit-requests"] for one in seen} == {"3"}
    clock.now += 20
    assert told(admitted(limits, asked()))["remaining-requests"] == "0"
    clock.now += 60
    assert told(admitted(limits, asked()))["remaining-requests"] == "2"


def test_the_refusal_has_the_apis_words_and_the_true_wait(clock: Clock) -> None:
    limits = RateLimits(Settings(rpm=3, timer=clock))
    for _ in range(3):
        assert admitted(limits, asked(model="gpt-4o-mini")).error is None
    error = admitted(limits, asked(model="gpt-4o-mini")).error
    assert error is not None
    assert error.message == (
        "Rate limit reached for gpt-4o-mini in organization org-chatdouble on requests per min "
        "(RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit "
        "https://platform.openai.com/account/rate-limits to learn more."
    )
    assert (error.status, error.type, error.param, error.code) == (
        429,
        "requests",
        None,
        "rate_limit_exceeded",
    )
    assert error.headers == (("retry-after", "20"), ("retry-after-ms", "20000"))
    clock.now += 19.999
    assert admitted(limits, asked()).error is not None
    clock.now += 0.001
    assert admitted(limits, asked()).error is None


def test_the_wait_gets_shorter_as_time_goes_on(clock: Clock) -> None:
    limits = RateLimits(Settings(rpm=3, timer=clock))
    for _ in range(3):
        assert admitted(limits, asked()).error is None
    clock.now += 12.5
    error = admitted(limits, asked()).error
    assert error is not None
    assert error.headers == (("retry-after", "8"), ("retry-after-ms", "7500"))
    # the API counts whole requests there
    assert "Used 3, Requested 1. Please try again in 20s." in error.message
    clock.now += 7.4
    error = admitted(limits, asked()).error
    assert error is not None
    assert error.headers == (("retry-after", "1"), ("retry-after-ms", "100"))
    clock.now += 0.1
    assert admitted(limits, asked()).error is None


def test_tokens_have_the_arithmetic_of_the_recorded_message(clock: Clock) -> None:
    limits = RateLimits(Settings(tpm=30_000, timer=clock))
    limits.charge(admitted(limits, asked()), 14_567)
    # 24,751 of the text's letters, two for the request and one for the message
    error = admitted(limits, asked("abcd" * 24_751)).error
    assert error is not None
    assert (
        "on tokens per min (TPM): Limit 30000, Used 14567, Requested 24754. Please try again in "
        "18.642s. Visit" in error.message
    )
    assert error.type == "tokens"
    assert dict(error.headers) == {"retry-after": "19", "retry-after-ms": "18642"}
    clock.now += 18.642
    assert admitted(limits, asked("abcd" * 24_751)).error is None


def test_what_never_fits_is_too_large_and_names_no_wait(clock: Clock) -> None:
    limits = RateLimits(Settings(tpm=30_000, timer=clock))
    error = admitted(limits, asked("abcd" * 30_598)).error
    assert error is not None
    assert error.message.startswith("Request too large for gpt-4o in organization org-chatdouble")
    assert "(TPM): Limit 30000, Requested 30601. The input or output tokens must" in error.message
    assert error.headers == ()


def test_an_answer_is_charged_with_its_tokens_but_never_below_nothing(clock: Clock) -> None:
    limits = RateLimits(Settings(tpm=600, timer=clock))
    first = admitted(limits, asked())
    assert told(first)["remaining-tokens"] == "596"
    assert told(first)["reset-tokens"] == "400ms"
    limits.charge(first, 300)
    assert told(admitted(limits, asked()))["remaining-tokens"] == "296"
    limits.charge(first, 5000)
    error = admitted(limits, asked()).error
    assert error is not None
    assert "Used 600, Requested 4. Please try again in 400ms." in error.message


def test_a_refused_call_uses_nothing_up_and_the_longest_wait_is_named(clock: Clock) -> None:
    limits = RateLimits(Settings(rpm=1, tpm=600, timer=clock))
    limits.charge(admitted(limits, asked()), 600)
    for _ in range(5):
        error = admitted(limits, asked()).error
        assert error is not None
        assert error.type == "requests"
        assert dict(error.headers)["retry-after-ms"] == "60000"


@pytest.mark.parametrize(
    ("by", "refused"),
    [
        ("session", [False, True, True, True]),
        ("key", [False, False, True, True]),
        ("model", [False, False, False, True]),
    ],
)
def test_limits_are_counted_by(by: str, refused: list[bool], clock: Clock) -> None:
    limits = RateLimits(Settings(rpm=1, limit_by=by, timer=clock))  # type: ignore[arg-type]
    calls = [asked(), asked(key="b"), asked(model="gpt-4"), asked(model="gpt-4o-2024-08-06")]
    assert [admitted(limits, call).error is not None for call in calls] == refused


def test_what_does_not_reach_the_limits_is_not_counted(clock: Clock) -> None:
    settings = Settings(rpm=1, timer=clock, keys=["right"])
    limits = RateLimits(settings)
    wrong = asked(key="wrong")
    dialects.read(wrong, settings)
    assert limits.admit(wrong) is None
    models = Call(method="GET", path="/v1/models")
    dialects.read(models)
    assert limits.admit(models) is None


def test_keys_are_not_kept_and_not_without_bound(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_KEYS", 10)
    limits = RateLimits(Settings(rpm=1, timer=clock))
    for number in range(30):
        assert admitted(limits, asked(key=f"sk-secret-{number}")).error is None
    assert len(limits._buckets) == 10
    assert "secret" not in repr(limits._buckets)
    assert admitted(limits, asked(key="sk-secret-29")).error is not None
    assert admitted(limits, asked(key="sk-secret-0")).error is None
