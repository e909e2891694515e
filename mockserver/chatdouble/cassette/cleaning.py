"""Secrets in recordings of any tool: where they are, and the same file without them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from chatdouble.cassette import families, redact
from chatdouble.cassette.converting import put
from chatdouble.cassette.families import Reading, document
from chatdouble.cassette.redact import Placeholders, findings
from chatdouble.cassette.redact.names import stands_in
from chatdouble.cassette.redact.scanning import Text
from chatdouble.cassette.take import Take
from chatdouble.errors import CassetteError


class Secret(Struct, frozen=True):
    """A place of a recording that holds what nobody else should know; what that is, it tells not.

    Attributes:
        number: the interaction, counted from 1; 0 outside of them.
        place: where in it, for example ``request.headers.Authorization``.
        kind: what is there, for example ``api-key``.
    """

    number: int
    place: str
    kind: str

    def __str__(self) -> str:
        where = f"interaction {self.number}: " if self.number else ""
        return f"{where}what may be secret ({self.kind}) at {self.place}"


def secrets(reading: Reading) -> tuple[Secret, ...]:
    """The places of a recording's secrets, in order.

    What says itself that a secret was there is none.

    Raises:
        CassetteError: the file cannot be read any more.
    """
    if _is_of_vcrpy(reading):
        found = (Secret(one.interaction, one.where, one.kind) for one in findings(reading.file))
        return tuple(dict.fromkeys(found))
    return _secrets(reading.takes)


def clean(reading: Reading) -> tuple[Secret, ...]:
    """Put placeholders in the places of all secrets of a recording's file, in one step.

    Returns:
        what was found, in order; nothing was written if that is nothing.

    Raises:
        CassetteError: a secret would stay, because it is packed, or the file cannot be read or
            written. It is left as it was.
    """
    found = secrets(reading)
    if found and _is_of_vcrpy(reading):
        redact.clean(reading.file)
    elif found:
        put(reading.file, _cleaned(document.read_bytes(reading.file), reading), replace=True)
    return found


def _is_of_vcrpy(reading: Reading) -> bool:
    """Whether it is a cassette in YAML: those keep every secret in a value of its own."""
    if reading.family.name != "vcrpy":
        return False
    return not document.read_bytes(reading.file).lstrip().startswith(b"{")


def _secrets(takes: Iterable[Take]) -> tuple[Secret, ...]:
    return tuple(
        Secret(number, place, kind)
        for number, take in enumerate(takes, 1)
        for place, text in _suspicious(take)
        for kind in dict.fromkeys(kind for kind, _ in _in(text, place))
    )


def _cleaned(data: bytes, reading: Reading) -> bytes:
    """A recording's file with placeholders for its secrets, and otherwise as it is."""
    file = reading.file
    known = {
        pair: None
        for take in reading.takes
        for place, text in _suspicious(take)
        for pair in _in(text, place)
    }
    placeholders = Placeholders()
    placeholders.pass_over(data)
    text = data.decode("latin-1")
    looked = Text(text)
    put, _ = placeholders.put(text, looked.scan() + looked.search(known))
    clean = put.encode("latin-1")
    again = families.parse(file, clean)
    left = _secrets(again.takes)
    if left or again.family is not reading.family or len(again.takes) != len(reading.takes):
        which = f" ({left[0]})" if left else ""
        raise CassetteError(
            file, f"cannot be cleaned in place{which}: convert it to a cassette, which is"
        )
    return clean


def _suspicious(take: Take) -> Iterator[tuple[str, str]]:
    """The texts of a take that are worth a look of their own."""
    headers: list[tuple[str, str]] = []
    for place, text in _texts(take):
        if ".headers." in place:
            headers.append((place, text))
        else:
            yield place, text
    # mostly there is nothing in all of them
    together = "\n".join(text for _, text in headers)
    named = tuple((place.partition(".headers.")[2], text) for place, text in headers)
    if any(True for _ in _hidden(together, named)):
        yield from headers


def _texts(take: Take) -> Iterator[tuple[str, str]]:
    """Everything that a take says, each with its place; bytes as latin-1."""
    yield "request.uri", _latin(take.uri)
    yield from _headers("request", take.request_headers)
    yield "request.body", take.request_body.decode("latin-1")
    yield "response.status", _latin(take.reason)
    yield from _headers("response", take.headers)
    yield "response.body", take.body.decode("latin-1")


def _headers(of: str, headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name.lower() == "set-cookie":
            value = value.partition(";")[0]  # the others say how long and where it counts
        yield f"{of}.headers.{name}", _latin(value)


def _latin(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _in(text: str, place: str) -> Iterator[tuple[str, str]]:
    """The secrets of one text, as (kind, secret): what redaction would hide of it."""
    header = place.partition(".headers.")[2]
    return _hidden(text, ((header, text),) if header else ())


def _hidden(text: str, headers: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """What redaction would hide of a text that is a body, or says what these headers say."""
    probe = Take(
        method="GET",
        uri="",
        request_headers=tuple((name, _from_latin(value)) for name, value in headers),
        request_body=text.encode("latin-1"),
        status=200,
    )
    placeholders = Placeholders()
    if redact.redact(probe, placeholders).request_body != probe.request_body:
        yield from (pair for pair in placeholders.known() if not stands_in(pair[1]))


def _from_latin(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "surrogatepass")
