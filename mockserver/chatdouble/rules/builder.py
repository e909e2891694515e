"""What ``on()`` returns: a rule that is built step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from chatdouble.answers import ApiError, Recording, Reply, ReplyPart, Usage, reply_of
from chatdouble.errors import ScriptError
from chatdouble.failures import api_error
from chatdouble.faults import Written, faults_of
from chatdouble.rules.makers import Made, Maker, Templated
from chatdouble.rules.rule import Rule, Step
from chatdouble.schedule import Timing, pace_of


class RuleBuilder:
    """Builds one rule step by step; what ``on()`` returns.

    Every ``reply()`` and ``fail()`` appends a step and takes effect at once. Both return the
    builder, so steps are chained: ``on().fail(429, times=2).reply("Hello.")``.

    Args:
        rule: the rule without steps.
        put: takes the rule as it was, None at first, and as it is.
    """

    def __init__(self, rule: Rule, put: Callable[[Rule | None, Rule], None]) -> None:
        self._rule = rule
        self._put = put

    def reply(
        self,
        *parts: ReplyPart | Reply | Maker | Callable[..., Any],
        finish_reason: str | None = None,
        usage: Usage | None = None,
        template: bool = False,
        times: int = 1,
        pace: Timing = None,
        fault: Written = None,
        **fields: Any,
    ) -> RuleBuilder:
        """Answer with texts, ``call(...)``s, a ``refusal(...)``, or one whole ``Reply``.

        Args:
            parts: what is said, in order; or one function of the call (plain or async) that
                returns what is said; or ``generated()``.
            finish_reason: instead of the one that the API would give.
            usage: token figures instead of the counted ones.
            template: whether ``${user}``, ``${model}``, ``${system}``, ``${count}``, ``${result}``
                and ``${args.NAME}`` in texts and arguments are filled in.
            times: how many calls in a row get this answer before the next step.
            pace: when the answer leaves: a ``Pace``, the name of a profile such as ``typical``, a
                text such as ``"ttft=300ms, tpot=20ms"``, or a mapping; None leaves that to the
                session.
            fault: what goes wrong: ``"cut=3"``, ``"delay=1.5, reset=2"``, ``{"cut": 3,
                "probability": 0.2}``, or a list of these.
            fields: further fields of a ``Reply``, for example ``reasoning_content`` or ``model``.

        Raises:
            ScriptError: the parts are no reply, a name of the template or a fault is unknown, or
                ``times`` is no whole number from 1.
        """
        maker = _maker(parts)
        if maker is not None:
            if template or usage is not None or finish_reason is not None or fields:
                raise ScriptError("what makes a whole reply sets its fields itself")
            return self._step(maker, times, pace, fault)
        reply = reply_of(parts, finish_reason=finish_reason, usage=usage, **fields)  # type: ignore[arg-type]
        return self._step(Templated(reply) if template else reply, times, pace, fault)

    def fail(
        self,
        status: int | str,
        message: str | None = None,
        *,
        type: str | None = None,  # noqa: A002 - the envelope's word
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        times: int = 1,
        fault: Written = None,
    ) -> RuleBuilder:
        """Answer with an error of this HTTP status or name, in the API's envelope.

        Names: ``rate_limit``, ``quota``, ``server_error``, ``overloaded``, ``context_length``,
        ``invalid_api_key``, ``content_filter`` and others. The arguments are those of the envelope;
        what is left out is filled in as the API usually words this error. ``retry_after`` (seconds)
        sends the header of that name, and ``times`` says how many calls in a row get this error
        before the next step. ``fault`` says what else goes wrong, as for ``reply()``.

        Raises:
            ScriptError: an argument is out of range.
        """
        error = api_error(
            status, message, type=type, code=code, param=param, retry_after=retry_after
        )
        return self._step(error, times, None, fault)

    def _step(
        self,
        answer: Reply | ApiError | Recording | Maker,
        times: int,
        pace: Timing,
        fault: Written,
    ) -> RuleBuilder:
        before = self._rule
        step = Step(answer, times, pace_of(pace), faults_of(fault))
        self._rule = replace(before, steps=(*before.steps, step))
        self._put(before if before.steps else None, self._rule)
        return self


def _maker(parts: tuple[Any, ...]) -> Maker | None:
    if len(parts) != 1:
        return None
    (part,) = parts
    if isinstance(part, Maker):
        return part
    return Made(part) if callable(part) else None
