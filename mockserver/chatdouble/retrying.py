"""How the client behaved when answers failed: what it sent again, and what it took for whole."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from chatdouble.answers import Reply
from chatdouble.calls import Call
from chatdouble.journal import Exchange
from chatdouble.match import shorten
from chatdouble.wire import dialects

After: TypeAlias = Literal["error", "broken answer", "no answer", "whole answer"]

# what the openai clients count their own retries in
_COUNT = "x-stainless-retry-count"
_KEY = "idempotency-key"

_Key: TypeAlias = tuple[str, str | bytes]


class Retry(Struct, frozen=True):
    """The same request sent again.

    Attributes:
        status: what it was answered before, even if a fault kept that from the client.
        waited: seconds between the earlier answer's end and the next try.
        asked: seconds that ``retry-after`` asked for, None if it was not sent.
        call: the call that came again.
        automatic: whether the client library did it by itself, as its ``x-stainless-retry-count``
            or the same ``Idempotency-Key`` says; otherwise the app has asked again.
        after: what came before: an ``error``; a ``broken answer``; ``no answer``, as the client
            left before its end; or a ``whole answer``, which only a library's retry is named for.
    """

    status: int
    waited: float
    asked: float | None
    call: Call
    automatic: bool = False
    after: After = "error"

    @property
    def obeyed(self) -> bool:
        """Whether the client waited as long as it was asked to."""
        return self.asked is None or self.waited >= self.asked


class Truncated(Struct, frozen=True):
    """A streamed answer that a fault ended before it was whole.

    Attributes:
        call: the call that was answered.
        text: the part of the answer's text that was sent.
        asked_again: whether the client sent the same request once more.
        used: the first later call that brings the part as the assistant's message, None if none
            does.
    """

    call: Call
    text: str
    asked_again: bool
    used: Call | None

    @property
    def accepted(self) -> bool:
        """Whether the client went on with the part as if it were the whole answer."""
        return self.used is not None


def retries(exchanges: tuple[Exchange, ...]) -> list[Retry]:
    """The requests that were sent again, oldest first."""
    failed: defaultdict[_Key, deque[Exchange]] = defaultdict(deque)
    whole: dict[_Key, Exchange] = {}
    found: list[Retry] = []
    for exchange in exchanges:
        key = _key(exchange.call)
        automatic = _is_automatic(exchange.call)
        before = failed[key].popleft() if failed[key] else None
        if before is None and automatic:
            before = whole.get(key)
        if before is not None:
            found.append(_retry(before, exchange, automatic=automatic))
        if _after(exchange) != "whole answer":
            failed[key].append(exchange)
        else:
            whole[key] = exchange
    return found


def truncated(exchanges: tuple[Exchange, ...]) -> list[Truncated]:
    """The streamed answers that a fault cut, oldest first."""
    found: list[Truncated] = []
    for number, exchange in enumerate(exchanges):
        part = _part(exchange)
        if part is not None:
            later = [one.call for one in exchanges[number + 1 :]]
            again = any(_key(call) == _key(exchange.call) for call in later)
            used = next((call for call in later if _brings(call, part)), None)
            found.append(Truncated(exchange.call, part.content or "", again, used))
    return found


def notes(exchanges: tuple[Exchange, ...]) -> Iterator[str]:
    """What is odd about the client, in words."""
    numbers = {id(one.call): number for number, one in enumerate(exchanges, start=1)}
    for retry in retries(exchanges):
        number = numbers[id(retry.call)]
        if not retry.obeyed:
            yield (
                f"request {number} came again after {retry.waited:.2f} s, though retry-after asked "
                f"for {retry.asked:g} s"
            )
        if retry.after == "whole answer":
            yield f"request {number} came again, though its answer had been whole"
    for cut in truncated(exchanges):
        what = f"the answer to request {numbers[id(cut.call)]} was cut after {shorten(cut.text)}"
        if cut.used is not None:
            yield f"{what}; request {numbers[id(cut.used)]} goes on as if that were all of it"
        elif not cut.asked_again:
            yield f"{what}, and was not asked for again"


def _key(call: Call) -> _Key:
    """What is the same in requests that are one."""
    return call.path, call.headers.get(_KEY) or call.body


def _is_automatic(call: Call) -> bool:
    headers = call.headers
    return _KEY in headers or headers.get(_COUNT, "0") not in ("", "0")


def _after(exchange: Exchange) -> After:
    if exchange.response.status >= 400:
        return "error"
    if exchange.cut:
        return "broken answer"
    if exchange.outcome == "client left":
        return "no answer"
    return "broken answer" if exchange.faults and not _is_whole(exchange) else "whole answer"


def _is_whole(exchange: Exchange) -> bool:
    return dialects.parse(exchange.call, exchange.delivered) is not None


def _retry(before: Exchange, exchange: Exchange, *, automatic: bool) -> Retry:
    return Retry(
        before.response.status,
        max(exchange.began - (before.began + before.lasts), 0.0),
        _retry_after(before),
        exchange.call,
        automatic,
        _after(before),
    )


def _retry_after(exchange: Exchange) -> float | None:
    for name, value in exchange.response.headers:
        if name == b"retry-after":
            try:
                return float(value)
            except ValueError:
                return None
    return None


def _part(exchange: Exchange) -> Reply | None:
    """What was sent of a stream that a fault cut, None if it is none or was sent whole."""
    if not exchange.faults or not exchange.call.stream or exchange.response.status >= 400:
        return None
    if exchange.outcome not in ("complete", "cut on purpose") or _is_whole(exchange):
        return None
    return dialects.begun(exchange.call, exchange.delivered)


def _brings(call: Call, part: Reply) -> bool:
    """Whether a message of the assistant in the call is this part of an answer."""
    ids = {made.id for made in part.tool_calls if made.id}
    for said in call.view.conversation if call.view else ():
        if said.role != "assistant":
            continue
        if part.content and said.text == part.content:
            return True
        if any(made.id in ids for made in said.tool_calls):
            return True
    return False
