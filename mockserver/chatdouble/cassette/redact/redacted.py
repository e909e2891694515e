"""What of an exchange may be written: the one way from a take to a file."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

from msgspec import Struct

from chatdouble.cassette.redact.names import kind_of
from chatdouble.cassette.redact.placeholders import Placeholders
from chatdouble.cassette.redact.scanning import Found, Text
from chatdouble.cassette.take import Headers, Take

_KEPT = frozenset(
    {
        "accept",
        "content-language",
        "content-type",
        "date",
        "openai-beta",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "retry-after",
        "retry-after-ms",
        "user-agent",
        "x-request-id",
        "x-should-retry",
    }
)
# what the values of headers are, that a name alone does not tell
_SECRET_HEADERS = {
    "authorization": "api-key",
    "proxy-authorization": "password",
    "cookie": "cookie",
    "set-cookie": "cookie",
    "openai-organization": "organization",
    "openai-project": "project",
}
_KEPT_PREFIXES = ("x-ratelimit-", "x-stainless-")


class Redacted(Struct, frozen=True, kw_only=True):
    """A take with nothing secret in it; only :func:`redact` makes one.

    The attributes are those of :class:`~chatdouble.cassette.take.Take`.
    """

    method: str
    uri: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    headers: Headers
    pieces: tuple[tuple[float, bytes], ...]
    cut: bool
    recorded: int


def redact(take: Take, placeholders: Placeholders) -> Redacted:
    """What may be written of a take.

    Of the headers, those that help to replay and to debug; of everything else all but the secrets,
    in whose places placeholders stand. A secret that one part shows, for example the request's key,
    is looked for in all the others, too.
    """
    body = take.body
    texts = {
        "uri": Text(_text(take.uri)),
        "request_body": Text(take.request_body.decode("latin-1")),
        "reason": Text(_text(take.reason)),
        "body": Text(body.decode("latin-1")),
    }
    sent, received = _kept(take.request_headers), _kept(take.headers)
    found = {name: text.scan() for name, text in texts.items()}
    values = {_text(value) for _, value in (*sent, *received)}
    in_headers = {value: Text(value).scan() for value in values}
    secrets = dict.fromkeys(
        (*hidden(take.request_headers), *hidden(take.headers), *placeholders.known())
    )
    for one in (*found.values(), *in_headers.values()):
        secrets.update(dict.fromkeys((secret.kind, secret.secret) for secret in one))
    put = {
        name: placeholders.put(text.text, found[name] + text.search(secrets))
        for name, text in texts.items()
    }
    for value, one in in_headers.items():
        in_headers[value] = one + Text(value).search(secrets)
    return Redacted(
        method=take.method,
        uri=_back(put["uri"][0]),
        request_headers=_put(sent, in_headers, placeholders),
        request_body=put["request_body"][0].encode("latin-1"),
        status=take.status,
        reason=_back(put["reason"][0]),
        headers=_put(received, in_headers, placeholders),
        pieces=_cut(take.pieces, put["body"]),
        cut=take.cut,
        recorded=take.recorded,
    )


def _text(value: str) -> str:
    """A text as its bytes, which places are counted in."""
    return value.encode("utf-8", "surrogatepass").decode("latin-1")


def _back(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "replace")


def _kept(headers: Headers) -> Headers:
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() in _KEPT or name.lower().startswith(_KEPT_PREFIXES)
    )


def _put(headers: Headers, found: dict[str, list[Found]], placeholders: Placeholders) -> Headers:
    return tuple(
        (name, _back(placeholders.put(_text(value), found[_text(value)])[0]))
        for name, value in headers
    )


def hidden(headers: Headers) -> Iterator[tuple[str, str]]:
    """The secrets in headers, told by the headers' names, as (kind, secret)."""
    for name, value in headers:
        kind = _SECRET_HEADERS.get(name.lower())
        if kind is None:
            told = kind_of(name)
            kind = told and told[0]
        if kind is None:
            continue
        text = _text(value.strip())
        if kind == "cookie":
            # of a cookie that is set, the rest is how long and where it counts
            parts = text.split(";")[: 1 if name.lower() == "set-cookie" else None]
            yield from ((kind, part.partition("=")[2].strip()) for part in parts if "=" in part)
            continue
        scheme, _, rest = text.partition(" ")
        secret = rest.strip() or scheme
        yield ("api-key" if kind == "token" else kind), secret
        if scheme.lower() == "basic":
            try:
                login = b64decode(secret, validate=True).decode("latin-1")
            except ValueError:
                continue
            yield "password", login
            yield "password", login.partition(":")[2]


def _cut(
    pieces: tuple[tuple[float, bytes], ...], put: tuple[str, list[tuple[int, int, int]]]
) -> tuple[tuple[float, bytes], ...]:
    """The body in as many pieces as before; one that ends in a secret ends behind what is put."""
    body, edits = put[0].encode("latin-1"), put[1]
    cut = []
    at = before = moved = number = 0
    for seconds, data in pieces:
        before += len(data)
        end = before + moved
        while number < len(edits) and edits[number][0] < before:
            first, last, length = edits[number]
            if last > before:
                end = first + moved + length
                break
            moved += length - (last - first)
            end = before + moved
            number += 1
        end = max(at, end)
        cut.append((seconds, body[at:end]))
        at = end
    return tuple(cut)
