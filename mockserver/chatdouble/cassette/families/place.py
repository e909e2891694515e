"""A value inside a recording of another tool that knows its file and path, and says so."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from chatdouble.cassette.take import Headers
from chatdouble.errors import CassetteError

_MOST_HEADERS = 1000
_LARGEST_NUMBER = 1e15
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")


class Place(Struct, frozen=True):
    """A value of a document from strangers.

    Attributes:
        file: the document's file.
        path: where in the document the value stands, for example ``log.entries[0].request``.
        value: plain data; None if there is nothing.
    """

    file: Path
    path: str
    value: Any

    def __getitem__(self, key: str | int) -> Place:
        """The value below a key; a place that holds None if there is none."""
        if isinstance(key, int):
            path = f"{self.path}[{key}]"
            found = self.value[key]
        else:
            path = f"{self.path}.{key}" if self.path else key
            found = self.value.get(key) if isinstance(self.value, dict) else None
        return Place(self.file, path, found)

    def wrong(self, expected: str) -> CassetteError:
        """The error that says what was expected here."""
        got = "nothing" if self.value is None else f"a {type(self.value).__name__}"
        return self.broken(f"expected {expected}, got {got}")

    def broken(self, problem: str) -> CassetteError:
        """The error that says what is wrong here."""
        return CassetteError(self.file, f"{self.path}: {problem}" if self.path else problem)

    def mapping(self) -> Place:
        """This place, if it holds a mapping."""
        if not isinstance(self.value, dict):
            raise self.wrong("a mapping")
        return self

    def items(self) -> Iterator[Place]:
        """The places of a list."""
        if not isinstance(self.value, list | tuple):
            raise self.wrong("a list")
        return (self[index] for index in range(len(self.value)))

    def text(self, default: str | None = None) -> str:
        """The text that stands here, or the default where there is nothing."""
        if self.value is None and default is not None:
            return default
        if isinstance(self.value, bytes):
            return self.value.decode("utf-8", "replace")
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return self.value

    def number(self, default: float = 0) -> float:
        """The number that stands here, or the default where there is none that counts."""
        known = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return self.value if known and abs(self.value) < _LARGEST_NUMBER else default

    def status(self) -> int:
        """The HTTP status that stands here."""
        found = self.value
        if isinstance(found, str) and re.match(r"[2-5][0-9][0-9]\b", found):
            found = int(found[:3])
        if type(found) is not int or not 200 <= found <= 599:
            raise self.broken(f"expected a status of 200 to 599, got {str(self.value)[:40]!r}")
        return found

    def body(self) -> bytes:
        """The bytes of a body that is a text, or a JSON document that is written compactly."""
        match self.value:
            case None:
                return b""
            case bytes():
                return self.value
            case str():
                return self.value.encode("utf-8", "surrogatepass")
            case dict() | list():
                return json.dumps(
                    self.value, ensure_ascii=False, separators=(",", ":"), default=str
                ).encode("utf-8", "surrogatepass")
        raise self.wrong("a text")

    def base64(self) -> bytes:
        """The bytes that stand here as base64."""
        try:
            return base64.b64decode(self.text("").encode("ascii", "replace"), validate=False)
        except binascii.Error as error:
            raise self.broken(f"is no sound base64: {error}") from None

    def headers(self) -> Headers:
        """Headers: names with values or lists of values, or a list of names and values."""
        found = tuple(self._headers())
        if len(found) > _MOST_HEADERS:
            raise self.broken(f"more than {_MOST_HEADERS} values")
        return found

    def _headers(self) -> Iterator[tuple[str, str]]:
        if self.value is None:
            return
        if isinstance(self.value, list | tuple):
            for one in self.items():
                if isinstance(one.value, str):
                    break
                if not one["name"].text().startswith(":"):  # HTTP/2's, which are no headers
                    yield self._header(one["name"].text(), one["value"])
            else:
                return
            # nock's: name, value, name, value
            flat = list(self.items())
            for name, value in zip(flat[::2], flat[1::2], strict=False):
                yield self._header(name.text(), value)
            return
        for name, value in self.mapping().value.items():
            for one in value if isinstance(value, list | tuple) else (value,):
                yield self._header(name, Place(self.file, f"{self.path}.{name}", one))

    def _header(self, name: Any, value: Place) -> tuple[str, str]:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise self.broken(f"{str(name)[:40]!r} is no header's name")
        found = value.value
        if isinstance(found, bytes):
            found = found.decode("latin-1")
        if found is not None and not isinstance(found, str | int | float):
            raise value.wrong("a text")
        # a line break inside a header would end it on the wire
        return name, _BREAKS.sub(" ", "" if found is None else str(found))
