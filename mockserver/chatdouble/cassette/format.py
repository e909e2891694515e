"""Reading cassettes as vcrpy writes them.

vcrpy itself turns the document into requests and responses; in front of it stands a YAML loader
that constructs nothing but plain data, and a check that says what is wrong and where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from msgspec import Struct

from chatdouble import plainyaml
from chatdouble.cassette.encodings import decoded
from chatdouble.cassette.layout import restored
from chatdouble.errors import CassetteError
from chatdouble.plainyaml import BROKEN, PlainLoader, where

ENDINGS = (".yaml", ".yml")
# the key of what chatdouble adds to a response; vcrpy keeps it there when it writes the file again
NOTES = "chatdouble"

# Headers that belong to one connection, or describe how the recorded bytes were packed.
_NOT_REPLAYED = frozenset(
    {
        "alt-svc",
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_MOST_HEADERS = 1000
_MOST_INTERACTIONS = 50_000
# of one cassette's interactions, unpacked
_LARGEST_BODIES = 512 * 1024 * 1024

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_INTERACTIONS = re.compile(r"^[\"{ ]*interactions\b", re.MULTILINE)


class Interaction(Struct, frozen=True, gc=False):
    """One recorded request and its response.

    Attributes:
        origin: the cassette's path and the interaction's number in it, counted from 1.
        method: the request's method, in capitals.
        path: the request's path, as it was sent.
        query: the request's query string.
        body: the request's body.
        status: the response's status.
        headers: the response's headers that are sent again.
        response: the response's body, decoded.
        pieces: when each piece of that body came, in seconds since the request was sent, and its
            size in bytes; empty when that was not recorded, or no longer fits the body.
        cut: whether the response ended before it was whole.
        recorded: when the request was sent, in seconds since 1970, None if that was not recorded.
        request_headers: the request's headers that the cassette holds.
    """

    origin: str
    method: str
    path: str
    query: str
    body: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    response: bytes
    pieces: tuple[tuple[float, int], ...] = ()
    cut: bool = False
    recorded: int | None = None
    request_headers: tuple[tuple[str, str], ...] = ()


def load(file: Path) -> tuple[Interaction, ...]:
    """Read a cassette.

    Raises:
        CassetteError: the file cannot be read, or is no sound vcrpy cassette.
    """
    try:
        if not file.is_file():
            raise CassetteError(file, "is no file")
        data = file.read_bytes()
    except OSError as error:
        raise CassetteError(file, f"cannot be read: {error.strerror or error}") from None
    return parse(data, file)


def parse(data: bytes, file: Path) -> tuple[Interaction, ...]:
    """Read the bytes of a cassette; the file is what errors and origins name.

    Raises:
        CassetteError: they are no sound vcrpy cassette.
    """
    from vcr import serialize

    try:
        text = data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise CassetteError(file, f"is not UTF-8 (byte {error.start})") from None
    reader = _Reader(file)
    requests, responses = serialize.deserialize(text, reader)[:2]
    interactions = zip(requests, reader.request_headers, responses, strict=True)
    found: list[Interaction] = []
    left = _LARGEST_BODIES
    for number, interaction in enumerate(interactions, 1):
        found.append(_interaction(file, number, *interaction))
        left -= len(found[-1].response) + len(found[-1].body)
        if left < 0:
            raise CassetteError(
                file, f"interaction {number}: the bodies hold more than {_LARGEST_BODIES} bytes"
            )
    return tuple(found)


def find(
    paths: tuple[Path, ...], endings: Collection[str] = ENDINGS
) -> tuple[tuple[Path, bool], ...]:
    """The cassettes that files and folders hold, each with whether it was named itself.

    Files in folders are found at any depth and come in the order of their paths.

    Args:
        paths: the files and folders.
        endings: those of the files in folders that are looked for, in lower case.

    Raises:
        CassetteError: a path does not exist.
    """
    found: list[tuple[Path, bool]] = []
    for path in paths:
        try:
            if path.is_dir():
                inside = (file for file in path.rglob("*") if file.suffix.lower() in endings)
                found += ((file, False) for file in sorted(inside) if file.is_file())
            elif path.exists():
                found.append((path, True))
            else:
                raise CassetteError(path, "there is no such file or folder")
        except OSError as error:
            raise CassetteError(path, f"cannot be read: {error.strerror or error}") from None
    return tuple(found)


class _Loader(PlainLoader):
    """Plain data, and the harmless tags that old versions of vcrpy wrote."""

    # ten thousand interactions with all their headers have a million
    most_values = 2_000_000


def _construct_plain(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


def _construct_tuple(loader: Any, node: Any) -> Any:
    return tuple(loader.construct_sequence(node))


_Loader.add_constructor("tag:yaml.org,2002:python/str", _construct_plain)
_Loader.add_constructor("tag:yaml.org,2002:python/unicode", _construct_plain)
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _construct_tuple)


def _document(text: str) -> Any:
    try:
        return plainyaml.load(text, _Loader)
    except BROKEN:
        if not text.startswith("{"):
            raise
        # JSON's escapes of letters outside the first plane are none of YAML's
        with suppress(ValueError, RecursionError):
            return json.loads(text)
        raise


class _Reader:
    """The serializer that vcrpy is given: it loads safely, and checks the document's shape."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.request_headers: list[dict[str, Any]] = []

    def deserialize(self, text: str) -> dict[str, Any]:
        try:
            document = _document(text)
        except yaml.constructor.ConstructorError as error:
            raise self._unreadable(text, f"holds what no cassette may: {_at(error)}") from None
        except BROKEN as error:
            raise self._unreadable(text, f"is no sound YAML: {_at(error)}") from None
        if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
            raise self._foreign("a mapping with a list of interactions")
        if "version" not in document:
            # vcrpy writes it last
            raise CassetteError(self._file, "has no version at its end, as if it had been cut off")
        if document["version"] != 1:
            raise self._foreign("version: 1")
        if len(document["interactions"]) > _MOST_INTERACTIONS:
            raise CassetteError(self._file, f"holds more than {_MOST_INTERACTIONS} interactions")
        for number, interaction in enumerate(document["interactions"], 1):
            self._check(interaction, f"interaction {number}")
        return {"interactions": document["interactions"]}

    def _unreadable(self, text: str, problem: str) -> CassetteError:
        # vcrpy writes this key first, so even the first half of a torn cassette has it
        return CassetteError(self._file, problem, foreign=not _INTERACTIONS.search(text))

    def _foreign(self, expected: str) -> CassetteError:
        return CassetteError(self._file, f"is no vcrpy cassette: expected {expected}", foreign=True)

    def _check(self, interaction: Any, where: str) -> None:
        self._expect(interaction, dict, where, "request and response")
        request = interaction.get("request")
        self._expect(request, dict, f"{where}: request", "method, uri, body and headers")
        if "uri" not in request and "url" in request:
            raise self._foreign("a uri in each request")
        for key in ("method", "uri"):
            self._expect(request.get(key), str, f"{where}: request.{key}", "a text")
        try:
            urlsplit(request["uri"])
        except ValueError as error:
            raise CassetteError(self._file, f"{where}: request.uri: {error}") from None
        body = request.setdefault("body", None)
        if isinstance(body, dict):
            # vcrpy's compat form, as old versions wrote it
            request["body"] = body = body.get("string")
        self._expect(body, (str, bytes, type(None)), f"{where}: request.body", "a text or nothing")
        self.request_headers.append(
            self._headers(request.get("headers"), f"{where}: request.headers")
        )
        # vcrpy stumbles over some headers, keeps one value of each, and takes no further keys
        known = {"method", "uri", "body"}
        interaction["request"] = {key: request[key] for key in request.keys() & known}
        interaction["request"]["headers"] = {}
        response = interaction.get("response")
        self._expect(response, dict, f"{where}: response", "status, headers and body")
        status = response.get("status")
        self._expect(status, dict, f"{where}: response.status", "code and message")
        code = status.get("code")
        if type(code) is not int or not 200 <= code <= 599:
            raise CassetteError(
                self._file, f"{where}: response.status.code: expected 200 to 599, got {code!r:.80}"
            )
        response["headers"] = self._headers(response.get("headers"), f"{where}: response.headers")
        body = response.get("body")
        self._expect(body, (dict, type(None)), f"{where}: response.body", "a mapping with string")
        string = (body or {}).get("string")
        self._expect(
            string, (str, bytes, type(None)), f"{where}: response.body.string", "a text or binary"
        )
        response["body"] = {"string": string}

    def _headers(self, headers: Any, where: str) -> dict[str, Any]:
        self._expect(headers, (dict, type(None)), where, "a mapping of names to lists of values")
        count = 0
        for name, values in (headers or {}).items():
            if not isinstance(name, str) or not _TOKEN.fullmatch(name):
                raise CassetteError(self._file, f"{where}: {name!r} is no header's name")
            listed = values if isinstance(values, list | tuple) else [values]
            count += len(listed)
            if count > _MOST_HEADERS:
                raise CassetteError(self._file, f"{where}: more than {_MOST_HEADERS} values")
            for value in listed:
                self._expect(value, (str, bytes, int, float), f"{where}.{name}", "texts")
        return headers or {}

    def _expect(self, value: Any, kind: type | tuple[type, ...], where: str, expected: str) -> None:
        if not isinstance(value, kind):
            raise CassetteError(self._file, f"{where}: expected {expected}, got {_kind(value)}")


def _at(error: BaseException) -> str:
    line, problem = where(error)
    return problem if line is None else f"line {line}: {problem}"


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _interaction(
    file: Path, number: int, request: Any, request_headers: dict[str, Any], response: Any
) -> Interaction:
    origin = f"{file}, interaction {number}"
    headers = _pairs(response["headers"])
    body = response["body"]["string"] or b""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    body = decoded(file, number, headers, body)
    if response["status"]["code"] in (204, 304):
        body = b""  # these have none, and a client would take it for the next response
    sent = request.body or b""
    sent = sent.encode("utf-8", "surrogatepass") if isinstance(sent, str) else bytes(sent)
    # what chatdouble notes beside a recording; others leave it out, and it may be edited
    notes = response.get(NOTES)
    notes = notes if isinstance(notes, dict) else {}
    body = restored(body, notes.get("layout"))
    uri = urlsplit(request.uri)
    return Interaction(
        origin=origin,
        method=request.method.upper(),
        path=unquote(uri.path),
        query=uri.query,
        body=restored(sent, notes.get("request_layout")),
        status=response["status"]["code"],
        headers=tuple(
            (name, value) for name, value in headers if name.lower() not in _NOT_REPLAYED
        ),
        response=body,
        pieces=_pieces(notes.get("pieces"), len(body)),
        cut=notes.get("cut") is True,
        recorded=_time(notes.get("recorded")),
        request_headers=_pairs(request_headers),
    )


def _pairs(headers: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, _text(value))
        for name, values in headers.items()
        for value in (values if isinstance(values, list | tuple) else [values])
    )


def _pieces(noted: Any, size: int) -> tuple[tuple[float, int], ...]:
    """The noted pieces, or none when they are not those of a body of this size."""
    pieces = []
    for piece in noted if isinstance(noted, list) else ():
        match piece:
            case [float() | int() as seconds, int() as length] if (
                0 <= seconds < 1e9 and length >= 0
            ):
                pieces.append((float(seconds), length))
            case _:
                return ()
    return tuple(pieces) if sum(length for _, length in pieces) == size else ()


def _time(noted: Any) -> int | None:
    try:
        moment = noted if isinstance(noted, datetime) else datetime.fromisoformat(noted)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
    # a line break inside a header would end it on the wire
    return _CONTROLS.sub(" ", raw.decode("latin-1"))
