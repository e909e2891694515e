"""A rule: when it answers, and with what, step by step."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from chatdouble.answers import ApiError, Reply, ReplyPart, Usage, reply_of
from chatdouble.errors import ScriptError
from chatdouble.match import When
from chatdouble.schedule import Pace

# What the API says for a status when a rule does not set the words itself. Sources: the recorded
# errors of the real API and its public list of error codes; 429 without recorded headers.
_SERVER_ERROR = (
    "The server had an error processing your request. Sorry about that! You can retry your "
    "request, or contact us through our help center at help.openai.com if you keep seeing this "
    "error."
)
_USUAL: dict[int, tuple[str, str, str | None]] = {
    400: ("Invalid request.", "invalid_request_error", None),
    401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    403: ("You are not allowed to use this resource.", "invalid_request_error", None),
    404: ("The resource does not exist.", "invalid_request_error", None),
    429: ("Rate limit reached.", "requests", "rate_limit_exceeded"),
    500: (_SERVER_ERROR, "server_error", None),
    503: (
        "That model is currently overloaded with other requests. You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists.",
        "server_error",
        None,
    ),
}


class Step(Struct, frozen=True):
    """One answer of a rule, given ``times`` times in a row, at its pace."""

    answer: Reply | ApiError
    times: int = 1
    pace: Pace | None = None

    def __post_init__(self) -> None:
        check_times(self.times)
        if not isinstance(self.pace, Pace | None):
            raise ScriptError(f"pace is a Pace(first=..., each=...), got {self.pace!r}")


class Rule(Struct, frozen=True):
    """A condition and the steps that answer the calls that fulfil it.

    The n-th call that the rule answers gets the n-th step; after the last step the last one is
    repeated.

    Attributes:
        when: what a call must fulfil.
        steps: the answers in order, at least one.
        origin: where the rule was written, for explanations: a file and line, or its number.
    """

    when: When
    steps: tuple[Step, ...]
    origin: str

    def step(self, uses: int) -> tuple[Step, bool]:
        """The step due when ``uses`` calls were answered before, and whether it is the last."""
        for step in self.steps:
            if uses < step.times:
                return step, step is self.steps[-1]
            uses -= step.times
        return self.steps[-1], True

    def __str__(self) -> str:
        return f"{self.origin} ({self.when})"


def api_error(
    status: int,
    message: str | None = None,
    *,
    type: str | None = None,  # noqa: A002 - the envelope's word
    code: str | None = None,
    param: str | None = None,
    retry_after: float | None = None,
) -> ApiError:
    """An error of this status, with the API's usual words where none are given.

    Args:
        status: the HTTP status, 400 to 599.
        message: the envelope's sentence.
        type: the envelope's type.
        code: the envelope's code.
        param: the envelope's param.
        retry_after: seconds for a ``retry-after`` header; None sends none.

    Raises:
        ScriptError: the status or the wait is out of range.
    """
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        raise ScriptError(f"an error's status is a whole number from 400 to 599, got {status!r}")
    if retry_after is not None and (
        isinstance(retry_after, bool)
        or not isinstance(retry_after, int | float)
        or not 0 <= retry_after < float("inf")
    ):
        raise ScriptError(f"retry_after is a number of seconds, 0 or more, got {retry_after!r}")
    for field, value in (("message", message), ("type", type), ("code", code), ("param", param)):
        if not isinstance(value, str | None):
            raise ScriptError(f"an error's {field} is a text, got {value!r}")
    nearest = status if status in _USUAL else 500 if status >= 500 else 400
    usual_message, usual_type, usual_code = _USUAL[nearest]
    return ApiError(
        status=status,
        message=usual_message if message is None else message,
        type=usual_type if type is None else type,
        code=usual_code if code is None and message is None else code,
        param=param,
        headers=() if retry_after is None else (("retry-after", _seconds(retry_after)),),
    )


def _seconds(wait: float) -> str:
    return f"{wait:.6f}".rstrip("0").rstrip(".")


class RuleBuilder:
    """Builds one rule step by step; what ``on()`` returns.

    Every ``reply()`` and ``fail()`` appends a step and takes effect at once. Both return the
    builder, so steps are chained: ``on().fail(429, times=2).reply("Hello.")``.
    """

    def __init__(self, when: When, origin: str, put: Callable[[Rule | None, Rule], None]) -> None:
        self._when = when
        self._origin = origin
        self._put = put
        self._rule: Rule | None = None

    def reply(
        self,
        *parts: ReplyPart | Reply,
        finish_reason: str | None = None,
        usage: Usage | None = None,
        times: int = 1,
        pace: Pace | None = None,
    ) -> RuleBuilder:
        """Answer with texts, ``call(...)``s, a ``refusal(...)``, or one whole ``Reply``.

        Args:
            parts: what is said, in order.
            finish_reason: instead of the one that the API would give.
            usage: token figures instead of the counted ones.
            times: how many calls in a row get this answer before the next step.
            pace: when the parts of a streamed answer leave; None sends them at once.

        Raises:
            ScriptError: the parts are no reply, or ``times`` is no whole number from 1.
        """
        return self._step(reply_of(parts, finish_reason=finish_reason, usage=usage), times, pace)

    def fail(
        self,
        status: int,
        message: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the envelope's word
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        times: int = 1,
    ) -> RuleBuilder:
        """Answer with an error of this HTTP status, in the API's envelope.

        The arguments are those of the envelope; what is left out is filled in as the API usually
        words this status. ``retry_after`` (seconds) sends the header of that name, and ``times``
        says how many calls in a row get this error before the next step.

        Raises:
            ScriptError: an argument is out of range.
        """
        error = api_error(
            status, message, type=type, code=code, param=param, retry_after=retry_after
        )
        return self._step(error, times, None)

    def _step(self, answer: Reply | ApiError, times: int, pace: Pace | None) -> RuleBuilder:
        steps = self._rule.steps if self._rule else ()
        rule = Rule(self._when, (*steps, Step(answer, times, pace)), self._origin)
        self._put(self._rule, rule)
        self._rule = rule
        return self


def check_times(times: object) -> None:
    """Refuse a repetition count that is no whole number from 1.

    Raises:
        ScriptError: it is not.
    """
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise ScriptError(f"times is a whole number from 1, got {times!r}")
