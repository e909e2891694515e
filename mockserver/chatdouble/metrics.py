"""Figures for Prometheus, made of the exchanges that the journal tells its listener of."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chatdouble.errors import ChatdoubleError
from chatdouble.faults import KNOWN, NOTHING
from chatdouble.journal import Exchange
from chatdouble.wire import dialects

# so many rules are told apart; the calls of further ones are counted together
_MOST_RULES = 1000
_OTHER = "(other)"

# seconds; what is answered at once takes less than a millisecond, what has a pace some seconds
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

_NAME_END = re.compile(r"[=:]")

Listener = Callable[[Exchange], None]


class Metrics:
    """Counts exchanges as they end; as an ASGI app it tells the figures.

    Args:
        streaming: how many streams are under way.

    Raises:
        ChatdoubleError: prometheus-client is not installed.
    """

    def __init__(self, streaming: Callable[[], int]) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ImportError:
            raise ChatdoubleError(
                "metrics need prometheus-client: pip install 'chatdouble[metrics]'"
            ) from None
        self._registry = CollectorRegistry()
        labels = ("source", "rule", "status")
        self._requests = Counter(
            "chatdouble_requests",
            "Requests whose answer has ended.",
            labels,
            registry=self._registry,
        )
        self._tokens = Counter(
            "chatdouble_tokens",
            "Tokens of prompts and completions, as usage says them.",
            ("kind",),
            registry=self._registry,
        )
        self._first = Histogram(
            "chatdouble_first_byte_seconds",
            "From a request's arrival to the first bytes of the answer's body.",
            ("stream",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._seconds = Histogram(
            "chatdouble_answer_seconds",
            "From a request's arrival to the end of its answer.",
            ("stream",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._faults = Counter(
            "chatdouble_faults",
            "Faults that were brought about on purpose.",
            ("fault",),
            registry=self._registry,
        )
        open_streams = Gauge(
            "chatdouble_open_streams", "Streams that are under way.", registry=self._registry
        )
        open_streams.set_function(streaming)
        self._rules: set[str] = set()

    def beside(self, listener: Listener | None) -> Listener:
        """A listener that counts, and tells another one, if there is one."""
        if listener is None:
            return self.count

        def both(exchange: Exchange) -> None:
            self.count(exchange)
            listener(exchange)

        return both

    def count(self, exchange: Exchange) -> None:
        """Count an exchange that has ended."""
        stream = "true" if exchange.call.stream else "false"
        self._requests.labels(
            exchange.source, self._rule(exchange), str(exchange.response.status)
        ).inc()
        completion = dialects.tokens(exchange.call, exchange.answer)
        both = dialects.tokens(exchange.call, exchange.answer, whole=True)
        self._tokens.labels("prompt").inc(both - completion)
        self._tokens.labels("completion").inc(completion)
        if exchange.first:
            self._first.labels(stream).observe(exchange.first)
        self._seconds.labels(stream).observe(exchange.seconds)
        for note in exchange.faults:
            if f": {NOTHING}" in note:
                continue
            name = _NAME_END.split(note, maxsplit=1)[0]
            self._faults.labels(name if name in KNOWN else "status").inc()

    def _rule(self, exchange: Exchange) -> str:
        """Where the rule that answered was written, "" if none did."""
        if exchange.source != "scripted":
            return ""
        name = exchange.why.partition(" (")[0]
        if name not in self._rules:
            if len(self._rules) >= _MOST_RULES:
                return _OTHER
            self._rules.add(name)
        return name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell the figures."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        response = Response(
            generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_LATEST}
        )
        await response(scope, receive, send)
