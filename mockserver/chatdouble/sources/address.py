"""Where requests go: below one base URL that is fixed at the start, and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes, urlsplit

from chatdouble.calls import Call
from chatdouble.errors import ChatdoubleError

_PREFIX = b"/v1"

# what may stand in a path or query without being quoted: everything that is seen
_VISIBLE = re.compile(rb"[!-~]*")

# the host's name in ASCII, as DNS has it, or an address
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")

_SEPARATORS = re.compile(rb"[/\\]")

# how often a path is unquoted before it is looked at: servers have been seen to do it twice
_MOST_QUOTINGS = 4


class Address:
    """The base URL of an upstream server, and what of it a request asks for.

    Args:
        base_url: an http or https URL, such as ``https://api.openai.com/v1``.

    Raises:
        ChatdoubleError: it is none, or it has a user, a query or a fragment.
    """

    def __init__(self, base_url: str) -> None:
        # the URL may hold a key where none belongs: it is not shown then
        try:
            parts = urlsplit(base_url)
            port = parts.port
        except ValueError as error:
            raise ChatdoubleError(f"the upstream base URL is none: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ChatdoubleError(
                "the upstream base URL begins with http:// or https:// and a host, such as "
                "https://api.openai.com/v1"
            )
        if "@" in parts.netloc:
            raise ChatdoubleError(
                "the upstream base URL has a user or key in it; set CHATDOUBLE_UPSTREAM_API_KEY"
            )
        if not _HOST.fullmatch(parts.hostname):
            raise ChatdoubleError(f"{parts.hostname!r} is no host, in the upstream base URL")
        if "?" in base_url or "#" in base_url:
            raise ChatdoubleError("the upstream base URL has no query and no fragment")
        path = parts.path.rstrip("/").encode()
        if not base_url.isascii() or not _is_plain(path):
            raise ChatdoubleError(f"the path of the upstream base URL is not plain: {parts.path!r}")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.host = host if port is None else f"{host}:{port}"
        self.origin = f"{parts.scheme}://{self.host}"
        self._path = path

    def __str__(self) -> str:
        return f"{self.origin}{self._path.decode()}"

    def target(self, call: Call) -> bytes | None:
        """The request target that the call asks for below the base; None if it is not below it.

        A call to ``/v1/X?q`` asks for ``<base>/X?q``, byte for byte.
        """
        raw = call.raw_path
        if raw != _PREFIX and not raw.startswith(_PREFIX + b"/"):
            return None
        query = call.query.encode("latin-1")
        # what the session was chosen by must be what is sent
        if unquote_to_bytes(raw).decode("utf-8", "replace") != call.path:
            return None
        if not _is_plain(raw) or not _VISIBLE.fullmatch(query):
            return None
        target = self._path + raw[len(_PREFIX) :] or b"/"
        return target + b"?" + query if query else target


def _is_plain(path: bytes) -> bool:
    """Whether no server can take the path for one outside of where it begins."""
    if not _VISIBLE.fullmatch(path):
        return False
    for _ in range(_MOST_QUOTINGS):
        for segment in _SEPARATORS.split(path):
            # some servers cut parameters off first: "..;a" is ".." to them
            if segment.partition(b";")[0] in (b".", b".."):
                return False
        unquoted = unquote_to_bytes(path)
        if unquoted == path:
            return True
        path = unquoted
    return False
