"""Rate limits that count: requests and tokens in a minute, as buckets that fill up steadily."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict

from msgspec import Struct

from chatdouble.answers import ApiError
from chatdouble.calls import Call
from chatdouble.settings import Settings
from chatdouble.wire import dialects, edge, ratelimits
from chatdouble.wire.ratelimits import Cost, Meter
from chatdouble.wire.response import Header

# how many keys are told apart; one that was not seen for longest begins anew
_MOST_KEYS = 10_000

_MINUTE = 60.0

# what adding and refilling may be off by
_DUST = 1e-6


class Admission(Struct, gc=False):
    """What the limits say of a call.

    Attributes:
        error: the refusal, None if the call is admitted.
        headers: what the answer says of the limits.
        bucket: what is charged for the answer.
        charged: how many tokens were charged before the answer was known.
    """

    error: ApiError | None
    headers: tuple[Header, ...]
    bucket: _Bucket
    charged: int


class _Bucket(Struct):
    """What was used of a minute's requests and tokens, at some moment."""

    at: float
    requests: float = 0.0
    tokens: float = 0.0


class RateLimits:
    """Counts a session's calls against its limits.

    What was used flows back steadily, a limit in a minute, so that a call that came too early fits
    exactly when the error says. A call that is refused here uses nothing up. A call counts as one
    request and, before its answer is known, as the tokens that the API takes it for; once the
    answer is made, as the tokens of its usage, but never as more than are left.

    Args:
        settings: the limits, what they are counted by, and the clock.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.counts_tokens = settings.tpm is not None
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()

    def clear(self) -> None:
        """Forget what was used."""
        self._buckets.clear()

    def admit(self, call: Call) -> Admission | None:
        """Count a call, or refuse it; None if it does not count at all."""
        cost = dialects.cost(call)
        if cost is None:
            return None
        bucket = self._bucket(call, cost)
        wanted = self._meters(bucket, 1, cost.tokens)
        short = [one for one in wanted if one.counted + one.requested > one.limit]
        if not short:
            bucket.requests += 1
            bucket.tokens += cost.tokens
        headers = ratelimits.counted(cost, *self._told(bucket))
        if not short:
            return Admission(None, headers, bucket, cost.tokens)
        # of several limits the one that takes longest is the one to wait for
        worst = max(short, key=lambda one: (one.requested > one.limit, one.wait))
        return Admission(worst.refusal(cost.model), headers, bucket, 0)

    def charge(self, admission: Admission, tokens: int) -> None:
        """Count the tokens of the answer, in place of those that the call was taken for."""
        limit = self._settings.tpm
        if limit is not None:
            used = admission.bucket.tokens + tokens - admission.charged
            admission.bucket.tokens = max(min(used, limit), 0.0)

    def _bucket(self, call: Call, cost: Cost) -> _Bucket:
        by = self._settings.limit_by
        named = "" if by == "session" else edge.key_of(call.raw_headers)
        if by == "model":
            named += f"\0{ratelimits.family(cost.model)}"
        # a key is in nobody's memory longer than its request
        name = hashlib.blake2b(named.encode("utf-8", "replace"), digest_size=16).digest()
        now = self._settings.timer()
        bucket = self._buckets.pop(name, None) or _Bucket(now)
        self._buckets[name] = bucket
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
        passed = max(now - bucket.at, 0.0) / _MINUTE
        bucket.at = now
        bucket.requests = max(bucket.requests - passed * (self._settings.rpm or 0), 0.0)
        bucket.tokens = max(bucket.tokens - passed * (self._settings.tpm or 0), 0.0)
        return bucket

    def _meters(self, bucket: _Bucket, requests: int, tokens: int) -> list[_Wanted]:
        rpm, tpm = self._settings.rpm, self._settings.tpm
        found = []
        if rpm is not None:
            found.append(
                _Wanted("requests", "requests per min (RPM)", rpm, bucket.requests, requests)
            )
        if tpm is not None:
            found.append(_Wanted("tokens", "tokens per min (TPM)", tpm, bucket.tokens, tokens))
        return found

    def _told(self, bucket: _Bucket) -> tuple[Meter | None, Meter | None]:
        rpm, tpm = self._settings.rpm, self._settings.tpm
        return (
            None if rpm is None else _meter(rpm, bucket.requests),
            None if tpm is None else _meter(tpm, bucket.tokens),
        )


class _Wanted(Struct, frozen=True):
    """What is used of a limit and what is asked for beside it."""

    kind: str
    words: str
    limit: int
    used: float
    requested: int

    @property
    def counted(self) -> int:
        """What is used in whole requests or tokens, which is what the API tells."""
        return math.ceil(self.used - _DUST)

    @property
    def wait(self) -> int:
        """Milliseconds until it fits."""
        # half, so that what is rounded off does not refuse a call that comes exactly then
        return self._until_fits(self.used - _DUST / 2)

    def _until_fits(self, used: float) -> int:
        return math.ceil((used + self.requested - self.limit) * 60_000 / self.limit)

    def refusal(self, model: str) -> ApiError:
        """The API's error, in its words and with its arithmetic."""
        said = f"for {model} in organization org-chatdouble on {self.words}: Limit {self.limit}"
        more = "Visit https://platform.openai.com/account/rate-limits to learn more."
        if self.requested > self.limit:
            # no wait would help
            message = (
                f"Request too large {said}, Requested {self.requested}. The input or output tokens "
                f"must be reduced in order to run successfully. {more}"
            )
            return ApiError(429, message, self.kind, code="rate_limit_exceeded")
        wait = ratelimits.duration(self._until_fits(self.counted))
        message = (
            f"Rate limit reached {said}, Used {self.counted}, Requested {self.requested}. "
            f"Please try again in {wait}. {more}"
        )
        headers = (
            ("retry-after", str(math.ceil(self.wait / 1000))),
            ("retry-after-ms", str(self.wait)),
        )
        return ApiError(429, message, self.kind, code="rate_limit_exceeded", headers=headers)


def _meter(limit: int, used: float) -> Meter:
    left = max(math.floor(limit - used + _DUST), 0)
    return Meter(limit, left, math.floor(used * 60_000 / limit + _DUST))
