"""Answers from a real server, which are kept while they are passed on."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, TypeVar, get_args

from msgspec.structs import replace

from chatdouble import origin
from chatdouble.answers import ApiError, own_error
from chatdouble.calls import Call
from chatdouble.cassette.take import Headers, Take
from chatdouble.errors import CassetteError, ChatdoubleError
from chatdouble.live import Live
from chatdouble.settings import DEFAULT_HOST
from chatdouble.sources.address import Address
from chatdouble.sources.source import Choice, Miss
from chatdouble.sources.teeing import Tee
from chatdouble.wire import hops

if TYPE_CHECKING:
    import ssl

    import httpx2

_log = logging.getLogger("chatdouble")

Keep: TypeAlias = Literal["success", "answers", "all"]
KEEPS: tuple[Keep, ...] = get_args(Keep)

DEFAULT_TIMEOUT = 600.0

# seconds; a server that takes no connection by then will not
_LONGEST_CONNECTING = 30.0

# letters that no header may have; some servers send them all the same
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# said anew, or undone by us
_REPLACED = frozenset({"accept-encoding", "content-encoding", "content-length", "expect", "host"})
_KEYS = frozenset({"authorization", "api-key", "x-api-key"})

# the one would open a tunnel, the other send the key back
_REFUSED_METHODS = ("CONNECT", "TRACE")

_T = TypeVar("_T")


class Store(Protocol):
    """Where takes are kept."""

    def append(self, take: Take) -> None:
        """Keep a take.

        Raises:
            CassetteError: it cannot be kept.
        """
        ...


class Upstream:
    """Asks one server, which is fixed at the start, and passes its answers on as they come.

    A call to ``/v1/X`` goes to ``<base_url>/X``, with its method, headers and body. What came back
    is kept before the client has the end of it. An answer that the client does not wait for is
    not kept.

    Args:
        base_url: where the server's API begins, for example ``https://api.openai.com/v1``.
        store: where the exchanges are kept; None keeps none.
        api_key: the key that is sent in the place of the client's; None sends the client's. It is
            shown to nobody, not even to the client where the server repeats it.
        timeout: seconds that the server may take for the first byte, and between two; None waits
            for ever.
        keep: what is kept: ``success``, answers of status 2xx; ``answers``, all but 429 and 5xx;
            ``all``, these as well, and answers that broke off, marked as such.
        host: the address that our own server listens on. Requests to other hosts, and those of web
            pages of other hosts, are refused.
        allowed_hosts: further names and addresses of our own server.
        now: the time in seconds since 1970.

    Raises:
        ChatdoubleError: the base URL is none, the key cannot be sent, the timeout is no time,
            there is no such ``keep``, or the certificates to trust cannot be read.
    """

    name = "upstream"

    def __init__(
        self,
        base_url: str,
        *,
        store: Store | None,
        api_key: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        keep: Keep = "answers",
        host: str = DEFAULT_HOST,
        allowed_hosts: Sequence[str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if keep not in KEEPS:
            raise ChatdoubleError(f"keep is one of {', '.join(KEEPS)}, got {keep!r}")
        key = (api_key or "").strip()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ChatdoubleError("the upstream API key has letters that no header can carry")
        if timeout is not None and not timeout > 0:
            raise ChatdoubleError(f"the upstream timeout is more than 0 seconds, got {timeout!r}")
        self._address = Address(base_url)
        self._store = store
        self._key = key
        self._timeout = timeout
        self._keep: Keep = keep
        self._host = host
        self._allowed_hosts = allowed_hosts
        self._now = now
        # now, so that the first request does not wait for it
        self._trusted = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        # connections belong to the event loop that they were made in
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: httpx2.AsyncHTTPTransport | None = None

    def __repr__(self) -> str:
        key = "hidden" if self._key else "the client's"
        return f"Upstream({str(self._address)!r}, keep={self._keep!r}, api_key=<{key}>)"

    def why_not(self, call: Call) -> Miss:
        """Nothing to report: every call is passed on or refused."""
        return Miss()

    async def aclose(self) -> None:
        """Close the connections; in the event loop that they were made in."""
        if self._transport is not None and self._loop is asyncio.get_running_loop():
            transport, self._transport = self._transport, None
            await transport.aclose()

    async def answer(self, call: Call) -> Choice:
        """What the server answers, or why it cannot be asked."""
        import httpx2

        foreign = origin.foreign(call, self._host, self._allowed_hosts)
        if foreign is not None:
            return _own(403, f"chatdouble does not record for {foreign}", "refused")
        if call.method in _REFUSED_METHODS:
            return _own(405, f"chatdouble does not pass {call.method} on", "refused")
        target = self._address.target(call)
        if target is None:
            return _own(
                404,
                f"chatdouble passes on what is plainly below /v1, which stands for {self._address};"
                f" {call.method} {call.path} is not",
                "not_below_upstream",
            )
        take = Take(
            method=call.method,
            uri=f"{self._address.origin}{target.decode()}",
            request_headers=self._headers(call),
            request_body=call.body,
            status=0,
            recorded=int(self._now()),
        )
        try:
            tee = await _unless_left(call, self._asked(take, target))
        except httpx2.ConnectError as error:
            return self._unreachable(_reason(error))
        except httpx2.ConnectTimeout:
            return self._unreachable("it takes no connection")
        except httpx2.TimeoutException:
            return _own(
                504,
                f"{self._address.host} has not answered within {self._timeout:g} seconds; "
                "--upstream-timeout sets another limit",
                "upstream_timeout",
            )
        except httpx2.LocalProtocolError:
            # its text would repeat the header
            return _own(400, "chatdouble cannot send a header of the request on", "refused")
        except httpx2.TransportError as error:
            # clients try again after this one, as they do when they meet it themselves
            message = f"{self._address.host} broke off before it answered: {_reason(error)}"
            broke = ApiError(502, message, "chatdouble_error", code="upstream_broke")
            return Choice(broke, message)
        if tee is None:
            return Choice(_left(), "the client left before the answer; not recorded")
        return Choice(tee.live, f"passed on to {self._address}")

    async def _asked(self, take: Take, target: bytes) -> Tee:
        """Send the request, and give the answer once it has begun."""
        import httpx2

        connecting = _LONGEST_CONNECTING
        if self._timeout is not None:
            connecting = min(connecting, self._timeout)
        request = httpx2.Request(
            take.method,
            self._address.origin,
            headers=[(n.encode("latin-1"), v.encode("latin-1")) for n, v in take.request_headers],
            stream=httpx2.ByteStream(take.request_body),
            extensions={
                "target": target,
                "timeout": {"connect": connecting, "read": self._timeout, "write": self._timeout},
            },
        )
        began = time.perf_counter()
        # a transport, not a client: no redirects, no cookies, no proxies, nothing of .netrc
        response = await self._connections().handle_async_request(request)
        take = replace(
            take,
            status=response.status_code,
            reason=response.extensions.get("reason_phrase", b"").decode("latin-1"),
            headers=tuple(
                (name, _CONTROLS.sub(" ", value)) for name, value in _decoded(response.headers.raw)
            ),
        )
        tee = Tee(response, take, began, self._kept, self._key.encode())
        try:
            if not 200 <= take.status <= 599:
                raise httpx2.RemoteProtocolError(f"its status is {take.status}")
            if tee.bodiless:
                await tee.read()
        except BaseException:
            await response.aclose()
            raise
        return tee

    def _connections(self) -> httpx2.AsyncHTTPTransport:
        import httpx2

        loop = asyncio.get_running_loop()
        if self._transport is None or self._loop is not loop:
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
            self._transport = httpx2.AsyncHTTPTransport(verify=self._trusted, limits=limits)
            self._loop = loop
        return self._transport

    def _headers(self, call: Call) -> Headers:
        """The request's headers as they are sent on."""
        came = hops.end_to_end(_decoded(call.raw_headers))
        dropped = _REPLACED | _KEYS if self._key else _REPLACED
        headers = [("host", self._address.host)]
        headers += (
            (name, value)
            for name, value in came
            if name not in dropped and not name.startswith("x-chatdouble-")
        )
        if self._key:
            headers.append(("authorization", f"Bearer {self._key}"))
        headers.append(("accept-encoding", "identity"))
        if call.body or call.method in ("POST", "PUT", "PATCH"):
            headers.append(("content-length", str(len(call.body))))
        return tuple(headers)

    def _unreachable(self, reason: str) -> Choice:
        advice = "look at the upstream URL and the network"
        if "SSL" in reason:
            advice = "SSL_CERT_FILE in the environment names further certificates to trust"
        message = f"chatdouble cannot reach {self._address.host}: {reason}; {advice}"
        return _own(502, message, "upstream_unreachable")

    async def _kept(self, take: Take) -> str:
        """Keep what is to be kept, and say what became of it."""
        if self._store is None:
            return ""
        if not _is_kept(self._keep, take):
            what = "answers that broke off" if take.cut else f"answers of status {take.status}"
            return f"not recorded: keep={self._keep} leaves {what} out"
        try:
            # it writes to a disk, and others wait for answers
            await asyncio.to_thread(self._store.append, take)
        except CassetteError as error:
            _log.error("NOT RECORDED: %s", error)
            return f"NOT RECORDED: {error}"
        except Exception:
            _log.exception("NOT RECORDED: chatdouble itself failed")
            return "NOT RECORDED: chatdouble itself failed; its log says more"
        return "recorded"


@lru_cache(maxsize=2)
def _trusted(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The certificates that are trusted; a megabyte that takes a while, so sessions share it.

    Args:
        file: what the environment says of a file with them.
        folder: and of a folder.

    Raises:
        ChatdoubleError: they cannot be read.
    """
    import httpx2

    try:
        return httpx2.create_ssl_context()
    except OSError as error:
        raise ChatdoubleError(
            f"the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}"
        ) from None


def _decoded(headers: list[tuple[bytes, bytes]]) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _is_kept(keep: Keep, take: Take) -> bool:
    match keep:
        case "all":
            return True
        case "answers":
            return not take.cut and take.status != 429 and take.status < 500
        case "success":
            return not take.cut and 200 <= take.status < 300


async def _unless_left(call: Call, doing: Awaitable[_T]) -> _T | None:
    """What it gives, None if the client leaves before; it is ended then."""
    task = asyncio.ensure_future(doing)
    if call.left is None:
        return await task
    left = asyncio.ensure_future(call.left())
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, left):
            one.cancel()
        await asyncio.wait({task, left})


def _left() -> Live:
    """What nobody waits for; the status is nginx's for it."""

    async def body() -> AsyncGenerator[bytes, None]:
        await asyncio.Event().wait()
        yield b""

    async def nothing() -> None: ...

    return Live(status=499, body=body(), give_up=nothing)


def _own(status: int, message: str, code: str) -> Choice:
    return Choice(own_error(status, message, code), message)


def _reason(error: BaseException) -> str:
    """The operating system's words for it, where it has some."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror
        inner = inner.__cause__ or inner.__context__
    return str(error) or type(error).__name__
