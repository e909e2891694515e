"""Places for answers, and what waits for them."""

from __future__ import annotations

import asyncio

import pytest

from chatdouble import ChatdoubleError, Settings
from chatdouble.load import Load


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_places_are_taken_in_the_order_of_arrival_and_given_on() -> None:
    async def run() -> list[str]:
        load = Load(Settings(max_concurrent=1, queue=2))
        let_in: list[str] = []

        async def call(name: str) -> None:
            assert await load.enter() is None
            let_in.append(name)

        await call("first")
        waiting = [asyncio.create_task(call(name)) for name in ("second", "third")]
        await asyncio.sleep(0)
        assert let_in == ["first"]
        for task in waiting:
            load.leave()
            await task
        load.leave()
        await call("fourth")
        return let_in

    assert asyncio.run(run()) == ["first", "second", "third", "fourth"]


@pytest.mark.parametrize("status", [503, 429])
def test_what_finds_the_queue_full_is_refused_in_the_apis_words(status: int) -> None:
    async def run() -> None:
        load = Load(Settings(max_concurrent=1, queue_full=status))
        assert await load.enter() is None
        error = await load.enter()
        assert error is not None
        assert (error.status, error.type, error.code) == (status, "server_error", None)
        assert error.message.startswith("That model is currently overloaded with other requests.")

    asyncio.run(run())


def test_a_call_that_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    async def run() -> None:
        load = Load(Settings(max_concurrent=1, queue=1))
        await load.enter()
        waiting = asyncio.create_task(load.enter())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        # one that was just let in gives its place on
        waiting = asyncio.create_task(load.enter())
        await asyncio.sleep(0)
        load.leave()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await load.enter() is None

    asyncio.run(run())


def test_times_grow_with_each_other_open_answer() -> None:
    async def run() -> None:
        load = Load(Settings(load_factor=0.1))
        found = []
        for _ in range(3):
            await load.enter()
            found.append(load.slower)
        assert found == pytest.approx([1.0, 1.1, 1.2])
        load.leave()
        assert load.slower == pytest.approx(1.1)

    asyncio.run(run())


def test_it_warms_up_at_the_first_call_and_after_idleness() -> None:
    async def run() -> None:
        clock = Clock()
        load = Load(Settings(warm_up=2, warm_up_after=60, timer=clock))

        async def wait() -> float:
            await load.enter()
            found = load.warming()
            load.leave()
            return found

        assert await wait() == 2
        clock.now += 0.5
        assert await wait() == 1.5
        clock.now += 59
        assert await wait() == 0
        clock.now += 60
        assert await wait() == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"max_concurrent": 0}, "max_concurrent is a number from 1 to 1000000000, got 0"),
        ({"queue": -1}, "queue is a number from 0 to 1000000000, got -1"),
        ({"queue_full": 500}, "queue_full is one of 503, 429, got 500"),
        ({"limit_by": "user"}, "limit_by is one of key, session, model, got 'user'"),
        ({"rpm": 0}, "rpm is a number from 1"),
        ({"load_factor": float("inf")}, "load_factor is a number from 0"),
        ({"load_factor": 1e308}, "load_factor is a number from 0 to 1000000000, got 1e"),
        ({"tpm": 10**400}, "tpm is a number from 1 to 1000000000, got 10000"),
        ({"queue": 3}, "queue does nothing without max_concurrent"),
        ({"queue_full": 429, "load_factor": 1}, "queue_full does nothing without max_concurrent"),
        ({"warm_up_after": 5}, "warm_up_after does nothing without warm_up"),
        ({"limit_by": "session"}, "limit_by does nothing without rpm or tpm"),
        ({"pace": "quick"}, "there is no pace 'quick'"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(ChatdoubleError, match=problem):
        Settings(**settings)  # type: ignore[arg-type]
