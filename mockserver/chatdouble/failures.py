"""Errors as answers: of any status, with the API's own words for the usual ones."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from chatdouble.answers import ApiError
from chatdouble.errors import ScriptError

# What the API says when a rule does not set the words itself. Sources: the recorded errors of the
# real API and its public list of error codes; 429 without recorded headers.
_SERVER_ERROR = (
    "The server had an error processing your request. Sorry about that! You can retry your "
    "request, or contact us through our help center at help.openai.com if you keep seeing this "
    "error."
)
_OVERLOADED = (
    "That model is currently overloaded with other requests. You can retry your request, or "
    "contact us through our help center at help.openai.com if the error persists."
)
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, read the docs: "
    "https://platform.openai.com/docs/guides/error-codes/api-errors."
)
_INVALID = "invalid_request_error"


class _Failure(NamedTuple):
    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None


# name -> what is answered; the name is what a rule writes for it
FAILURES: dict[str, _Failure] = {
    "bad_request": _Failure(400, "Invalid request.", _INVALID),
    "context_length": _Failure(
        400,
        "This model's maximum context length is 128000 tokens. However, your messages resulted in "
        "130000 tokens. Please reduce the length of the messages.",
        _INVALID,
        "context_length_exceeded",
        "messages",
    ),
    "content_filter": _Failure(
        400,
        "Your request was rejected as a result of our safety system.",
        _INVALID,
        "content_policy_violation",
    ),
    "invalid_api_key": _Failure(401, "Incorrect API key provided.", _INVALID, "invalid_api_key"),
    "forbidden": _Failure(403, "You are not allowed to use this resource.", _INVALID),
    "country": _Failure(
        403,
        "Country, region, or territory not supported",
        "request_forbidden",
        "unsupported_country_region_territory",
    ),
    "not_found": _Failure(404, "The resource does not exist.", _INVALID),
    "model_not_found": _Failure(
        404,
        "The model does not exist or you do not have access to it.",
        _INVALID,
        "model_not_found",
    ),
    "timeout": _Failure(408, "Request timed out.", "timeout"),
    "rate_limit": _Failure(429, "Rate limit reached.", "requests", "rate_limit_exceeded"),
    "quota": _Failure(429, _QUOTA, "insufficient_quota", "insufficient_quota"),
    "server_error": _Failure(500, _SERVER_ERROR, "server_error"),
    "bad_gateway": _Failure(502, "Bad gateway.", "server_error"),
    "overloaded": _Failure(503, _OVERLOADED, "server_error"),
}

# the name that a bare status stands for
_BY_STATUS = {
    400: "bad_request",
    401: "invalid_api_key",
    403: "forbidden",
    404: "not_found",
    429: "rate_limit",
    500: "server_error",
    503: "overloaded",
}

_LIMITED = "rate_limit"


def api_error(
    status: int | str,
    message: str | None = None,
    *,
    type: str | None = None,  # noqa: A002 - the envelope's word
    code: str | None = None,
    param: str | None = None,
    retry_after: float | None = None,
) -> ApiError:
    """An error of this status or name, with the API's usual words where none are given.

    Args:
        status: the HTTP status, 400 to 599, or the name of a usual error such as ``rate_limit``.
        message: the envelope's sentence.
        type: the envelope's type.
        code: the envelope's code.
        param: the envelope's param.
        retry_after: seconds for a ``retry-after`` header; None sends none, but for ``rate_limit``
            by its name, which sends 1 and the headers of a limit that is used up.

    Raises:
        ScriptError: there is no such error, or the status or the wait is out of range.
    """
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(status, str):
        if status not in FAILURES:
            near = difflib.get_close_matches(status, FAILURES, 1, 0.6)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ScriptError(f"an error is one of {', '.join(FAILURES)}, got {status!r}{hint}")
        usual = FAILURES[status]
        if status == _LIMITED:
            retry_after = 1 if retry_after is None else retry_after
            headers = _used_up(retry_after)
    else:
        if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
            raise ScriptError(
                f"an error's status is a whole number from 400 to 599, got {status!r}"
            )
        nearest = status if status in _BY_STATUS else 500 if status >= 500 else 400
        usual = FAILURES[_BY_STATUS[nearest]]._replace(status=status)
    if retry_after is not None:
        headers = (("retry-after", _seconds(retry_after)), *headers)
    for field, value in (("message", message), ("type", type), ("code", code), ("param", param)):
        if not isinstance(value, str | None):
            raise ScriptError(f"an error's {field} is a text, got {value!r}")
    own = message is not None
    return ApiError(
        status=usual.status,
        message=usual.message if message is None else message,
        type=usual.type if type is None else type,
        code=usual.code if code is None and not own else code,
        param=usual.param if param is None and not own else param,
        headers=headers,
    )


def _used_up(wait: float) -> tuple[tuple[str, str], ...]:
    return (
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", f"{_seconds(wait)}s"),
    )


def _seconds(wait: float) -> str:
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not 0 <= wait < float("inf"):
        raise ScriptError(f"retry_after is a number of seconds, 0 or more, got {wait!r}")
    return f"{wait:.6f}".rstrip("0").rstrip(".")
