"""Rate limits and load, as clients meet them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest

from chatdouble import Pace, Server, Session, Settings, refusal
from tests.conftest import Process, until
from tests.test_load import Clock

HELLO = [{"role": "user", "content": "Hello"}]
STREAM: Any = {"model": "gpt-4o", "messages": HELLO, "stream": True}


def client(session: Session, **options: object) -> openai.OpenAI:
    return openai.OpenAI(base_url=session.base_url, api_key="any", **options)  # type: ignore[arg-type]


def ask(made: openai.OpenAI, **more: object) -> dict[str, str]:
    """The headers of an answer."""
    body = {"model": "gpt-4o-mini", "messages": HELLO} | more
    raw = made.chat.completions.with_raw_response.create(**body)  # type: ignore[call-overload]
    return dict(raw.headers)


def test_the_openai_client_waits_as_long_as_it_is_told() -> None:
    with Server(Settings(rpm=60)) as server:
        session = server.session()
        session.on().reply("Hi.")
        made = client(session, max_retries=2)
        ask(made)
        limits = session._traffic.limits
        assert limits is not None
        for _ in range(59):
            limits.admit(session.calls[0])
        ask(made)
        assert [one.response.status for one in session.journal][-2:] == [429, 200]
        waited = dict(session.journal.exchanges[-2].response.headers)[b"retry-after-ms"]
        assert 0 < int(waited) <= 1000


def test_headers_count_down_and_a_reset_begins_anew() -> None:
    clock = Clock()
    with Server(Settings(rpm=2, tpm=100, timer=clock)) as server:
        session = server.session()
        session.on().reply("One two three four five six seven.")
        made = client(session, max_retries=0)
        first, second = ask(made), ask(made, stream=True)
        assert first["x-ratelimit-remaining-requests"] == "1"
        assert first["x-ratelimit-remaining-tokens"] == "96"
        # the first one's usage: 8 tokens of the prompt and 8 of the completion
        assert second["x-ratelimit-remaining-tokens"] == "80"
        with pytest.raises(openai.RateLimitError) as caught:
            ask(made)
        assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"
        assert caught.value.response.headers["retry-after"] == "30"
        assert session.journal.exchanges[-1].source == "limits"
        session.reset()
        assert ask(made)["x-ratelimit-remaining-requests"] == "1"


def test_a_refused_request_counts_as_at_the_api() -> None:
    with Server(Settings(rpm=2, timer=Clock())) as server:
        session = server.session()
        with pytest.raises(openai.BadRequestError) as caught:
            ask(client(session, max_retries=0), temperature=9)
        assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "1"


def test_an_error_of_a_rule_says_by_itself_what_is_used_up() -> None:
    with Server(Settings(rpm=9, timer=Clock())) as server:
        session = server.session()
        session.on().fail("rate_limit")
        with pytest.raises(openai.RateLimitError) as caught:
            ask(client(session, max_retries=0))
        headers = caught.value.response.headers
        assert headers.get_list("x-ratelimit-remaining-requests") == ["0"]
        assert headers["x-ratelimit-limit-requests"] == "9"


def test_calls_wait_for_a_place_and_are_refused_beyond_the_queue() -> None:
    with Server(Settings(max_concurrent=1, queue=1)) as server:
        session = server.session()
        session.on(stream=True).reply("One two three.", pace=Pace(first=0.01, each=30))
        session.on(stream=False).reply(refusal("No."))
        made = client(session, max_retries=0)
        stream: Any = made.chat.completions.create(**STREAM)
        next(iter(stream))
        waiting = threading.Thread(target=ask, args=(made,))
        waiting.start()
        load = session._traffic.load
        assert load is not None
        until(lambda: load._waiting)
        with pytest.raises(openai.InternalServerError, match="currently overloaded") as caught:
            ask(made)
        assert caught.value.status_code == 503
        assert made.models.list().data  # needs no place
        stream.close()
        waiting.join(10)
        sources = [(one.source, one.outcome) for one in session.journal]
        assert ("scripted", "client left") in sources
        assert sources[-1] == ("scripted", "complete")
        until(lambda: load._open == 0)


def test_a_call_that_waited_for_its_place_takes_its_full_time_then() -> None:
    with Server(Settings(max_concurrent=1, queue=5)) as server:
        session = server.session(pace="ttft=100ms")
        session.on().reply("Hi.")
        made = client(session, max_retries=0)
        threads = [threading.Thread(target=ask, args=(made,)) for _ in range(3)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        # the clock of the event loop has milliseconds
        assert time.monotonic() - started >= 0.29
        waited = sorted(one.waited for one in session.journal)
        assert waited[0] < waited[1] < waited[2]


def test_times_grow_under_load_and_a_cold_session_warms_up() -> None:
    clock = Clock()
    with Server(Settings(load_factor=0.5, warm_up=0.02, timer=clock)) as server:
        session = server.session()
        session.on(stream=True).reply("One two three.", pace=Pace(first=0.01, each=30))
        session.on().reply("Hi.", pace=Pace(first=0.01))
        made = client(session)
        ask(made)
        assert session.journal.exchanges[-1].pieces[0].at == pytest.approx(0.03)
        clock.now += 1
        ask(made)
        assert session.journal.exchanges[-1].pieces[0].at == pytest.approx(0.01)
        stream: Any = made.chat.completions.create(**STREAM)
        next(iter(stream))
        ask(made)
        assert session.journal.exchanges[-1].pieces[0].at == pytest.approx(0.015)
        stream.close()


def test_the_command_limits_requests(run: Callable[..., Process]) -> None:
    process = run("serve", "--port", "0", "--rpm", "1", "--tpm", "500", "--limit-by", "session")
    first, second = (
        openai.OpenAI(base_url=process.base_url, api_key=key, max_retries=0) for key in "ab"
    )
    ask(first)
    with pytest.raises(openai.RateLimitError, match="Limit 1, Used 1, Requested 1"):
        ask(second)
    status, _, errors = run("serve", "--port", "0", "--warm-up", "soon").ended()
    assert status == 2
    assert "'soon' is no time such as 300ms" in errors
