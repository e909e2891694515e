"""Sends recorded requests again, to one server and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from msgspec.structs import replace

from chatdouble.cassette.take import Take
from chatdouble.errors import ChatdoubleError

if TYPE_CHECKING:
    import httpx2

# an answer may take this many times as long as its server may be silent
_PATIENCE = 10
_LARGEST_ANSWER = 64 * 1024 * 1024

# of the recorded request's headers; the others are the client's own, or secret
_SENT = frozenset({"content-type", "accept", "openai-beta"})


class NotSentError(ChatdoubleError):
    """Raised when a recorded request is not sent, or gets no answer."""


class Resending:
    """Sends the requests of takes to one server. Redirects and proxies of the environment are not
    followed.

    A request to ``…/v1/X`` goes to ``<base_url>/X``.

    Args:
        base_url: where the server's API begins, for example ``https://api.openai.com/v1``.
        api_key: the key that is sent, None sends none. It is never shown.
        timeout: seconds that the server may be silent; it may take ten times as long in all.
        clock: seconds that go on.

    Raises:
        ChatdoubleError: the base URL is none, or the key cannot be sent.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import httpx2

        self._base = _base(base_url)
        self._timeout = timeout
        self._clock = clock
        key = (api_key or "").strip()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ChatdoubleError("the API key has letters that no header can carry")
        headers = {"Accept-Encoding": "identity", "User-Agent": "chatdouble"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._client: httpx2.Client = httpx2.Client(
            headers=headers, timeout=timeout, follow_redirects=False, trust_env=False
        )

    def __enter__(self) -> Resending:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.close()

    def again(self, take: Take) -> Take:
        """Send the take's request, and give the take with what it is answered now.

        Raises:
            NotSentError: it is none that can be sent again, or there is no whole answer.
        """
        import httpx2

        request = self._request(take)
        end = self._clock() + _PATIENCE * self._timeout
        try:
            response = self._client.send(request, stream=True)
            try:
                body = self._read(response, end)
            finally:
                response.close()
        except httpx2.TimeoutException:
            raise NotSentError(f"there was no answer within {self._timeout:g} seconds") from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            # the words of some errors repeat what was sent
            raise NotSentError(f"there was no whole answer ({type(error).__name__})") from None
        return replace(
            take,
            status=response.status_code,
            reason=response.reason_phrase,
            headers=tuple(response.headers.multi_items()),
            pieces=((0.0, body),),
        )

    def _request(self, take: Take) -> httpx2.Request:
        import httpx2

        headers = {name: value for name, value in take.request_headers if name.lower() in _SENT}
        if take.request_body:
            headers.setdefault("Content-Type", "application/json")
        url, body = self._url(take), take.request_body or None
        try:
            return self._client.build_request(take.method, url, headers=headers, content=body)
        except (ValueError, httpx2.InvalidURL):
            raise NotSentError("it is none that can be sent") from None

    def _read(self, response: httpx2.Response, end: float) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _LARGEST_ANSWER:
                raise NotSentError(f"the answer is larger than {_LARGEST_ANSWER} bytes")
            if self._clock() > end:
                raise NotSentError(f"the answer took longer than {_PATIENCE * self._timeout:g} s")
        return b"".join(parts)

    def _url(self, take: Take) -> str:
        uri = urlsplit(take.uri)
        path = unquote(uri.path)
        if take.method not in ("GET", "POST"):
            raise NotSentError(f"a {take.method} may change what is there")
        if "/v1/" in path:
            below = path[path.rfind("/v1/") + len("/v1") :]
        elif path.endswith("/chat/completions"):
            below = "/chat/completions"
        else:
            raise NotSentError(f"its path {path[:80]!r} is not below /v1")
        if any(part in (".", "..", "") for part in below[1:].split("/")) or "\\" in below:
            raise NotSentError(f"its path {path[:80]!r} is odd")
        return self._base + quote(below) + (f"?{uri.query}" if uri.query else "")


def _base(url: str) -> str:
    try:
        found = urlsplit(url)
        known = found.scheme in ("http", "https") and found.hostname and found.port != 0
    except ValueError:
        known = False
    if not known or found.query or found.fragment or found.username or found.password:
        raise ChatdoubleError(
            "the upstream is a URL such as https://api.openai.com/v1, with no key or query in it"
        )
    return url.rstrip("/")
