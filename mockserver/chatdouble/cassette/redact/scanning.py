"""Where secrets stand in one text: as it is, and in the texts that are written inside it."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from msgspec import Struct

from chatdouble.cassette.redact.leaves import Leaf, leaves
from chatdouble.cassette.redact.names import named, stands_in
from chatdouble.cassette.redact.narrowing import narrowed
from chatdouble.cassette.redact.shapes import WORD, Span, shaped
from chatdouble.cassette.redact.views import (
    Part,
    View,
    decoded,
    joined,
    lines,
    outermost,
    unescaped,
    unquoted,
)

# JSON in JSON in JSON…: each layer doubles the backslashes
_MOST_LAYERS = 8
_MOST_QUOTED = 2

# a shorter value is found everywhere in ordinary texts
SHORTEST = 8
# how many secrets are searched in a text: so many characters in all, but these at least
_FEWEST_SEARCHED = 10
_MOST_SEARCHED = 50_000_000
_LONG = 20
_LOGPROBS = ('"logprobs"', '\\"logprobs\\"')


class Found(Struct, frozen=True):
    """A secret in a text.

    Attributes:
        kind: what stands in its placeholder.
        secret: the secret itself.
        parts: where it stands; a secret that is split over two events stands in two places.
        blank: what else says it, each place with what is written there instead.
    """

    kind: str
    secret: str
    parts: tuple[Part, ...]
    blank: tuple[tuple[int, int, str], ...] = ()


class Text:
    """A text, and what a client joins of it if it is a stream.

    Args:
        text: its bytes as Latin-1.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._streams = list(_streams(text))

    def scan(self) -> list[Found]:
        """The secrets that can be told by their looks or names."""
        found = list(_in_views(narrowed(outermost(self.text)), _everything))
        for view, of in self._streams:
            for split in _in_views(narrowed(view), _everything):
                found.append(_with_tokens(split, of))
        return found

    def search(self, secrets: Iterable[tuple[str, str]]) -> list[Found]:
        """Where known secrets, as (kind, secret), stand: as they are, encoded, or split."""
        # a text that is full of secrets may not take long: the first ones are the request's own
        most = max(_FEWEST_SEARCHED, _MOST_SEARCHED // (len(self.text) + 1))
        wanted = [pair for pair in secrets if len(pair[1]) >= SHORTEST][:most]
        if not wanted:
            return []
        found: list[Found] = []
        forms = {secret: _forms(secret) for _, secret in wanted}
        known = [form for some in forms.values() for form in some]
        views = list(_views(narrowed(outermost(self.text), known)))
        streams = [
            (view, of) for top, of in self._streams for view in _views(narrowed(top, list(forms)))
        ]
        for kind, secret in wanted:
            for form in forms[secret]:
                for view in views:
                    found += (
                        Found(kind, secret, tuple(view.parts(at, at + len(form))))
                        for at in _occurrences(view.text, form)
                    )
            for view, of in streams:
                for at in _occurrences(view.text, secret):
                    parts = tuple(view.parts(at, at + len(secret)))
                    found.append(_with_tokens(Found(kind, secret, parts), of))
        return found


def _everything(text: str) -> Iterator[Span]:
    yield from shaped(text)
    yield from named(text)


def _views(view: View) -> Iterator[View]:
    layers, current = 0, view
    while True:
        yield current
        in_base64 = decoded(current)
        if in_base64 is not None:
            yield in_base64
        inner = current
        for _ in range(_MOST_QUOTED):
            quoted = unquoted(inner)
            if quoted is None:
                break
            yield quoted
            inner = quoted
        deeper = unescaped(current) if layers < _MOST_LAYERS else None
        if deeper is None:
            return
        layers, current = layers + 1, deeper


def _in_views(top: View, find: object) -> Iterator[Found]:
    for view in _views(top):
        for start, end, kind in find(view.text):  # type: ignore[operator]
            parts = view.parts(start, end)
            secret = view.text[start:end]
            if parts and not stands_in(secret):
                yield Found(kind, secret, tuple(parts))


def _streams(text: str) -> Iterator[tuple[View, dict[Part, Leaf]]]:
    """The texts that a client joins from the pieces of a stream, or of its logprobs."""
    documents = list(lines(text))
    if len(documents) < 2:
        if not any(mark in text for mark in _LOGPROBS) or '"token' not in text:
            return
        documents = [(0, len(text))]
    paths: dict[tuple[str, ...], list[Leaf]] = defaultdict(list)
    for start, end in documents:
        for leaf in leaves(text, start, end):
            paths[leaf.path].append(leaf)
    top = outermost(text)
    for pieces in paths.values():
        if len(pieces) > 1:
            yield (
                joined(top, (leaf.place for leaf in pieces)),
                {leaf.place: leaf for leaf in pieces if leaf.bytes or leaf.rivals},
            )


def _with_tokens(found: Found, of: dict[Part, Leaf]) -> Found:
    """With the figures that say a token once more, beside it."""
    if not of:
        return found
    starts = sorted(of)
    blank: list[tuple[int, int, str]] = []
    for start, end in found.parts:
        for place in starts:
            if place[0] <= start and end <= place[1]:
                leaf = of[place]
                blank += ((*leaf.bytes, "null"),) if leaf.bytes else ()
                blank += ((*leaf.rivals, "[]"),) if leaf.rivals else ()
    return Found(found.kind, found.secret, found.parts, tuple(blank))


def _forms(secret: str) -> set[str]:
    """How a secret is written in other texts; JSON's escapes are undone before it is searched."""
    raw = secret.encode("latin-1")
    forms = {secret, quote(raw, safe=""), quote(raw), quote_plus(raw), raw.hex(), raw.hex().upper()}
    for encode in (b64encode, urlsafe_b64encode):
        for offset in range(3):
            coded = encode(b"\0" * offset + raw).decode()
            first, last = -(-8 * offset // 6), 8 * (offset + len(raw)) // 6
            if last - first >= SHORTEST:
                forms.add(coded[first:last])
    return forms


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        # a short one may be part of a word that has nothing to do with it
        alone = len(wanted) >= _LONG or (
            (not at or text[at - 1] not in WORD) and (end >= len(text) or text[end] not in WORD)
        )
        if alone:
            yield at
        at = text.find(wanted, end if alone else at + 1)


def strongest(found: list[Found]) -> Iterator[tuple[int, int, Found | str]]:
    """The places in order, none of which overlap, each with the secret there or what replaces it.

    Of secrets that overlap, the longest counts for all the places that they cover. The later parts
    of a secret that is split are replaced by nothing.
    """
    places: list[tuple[int, int, int, Found | str]] = []
    for secret in found:
        size = sum(end - start for start, end in secret.parts)
        for number, (start, end) in enumerate(secret.parts):
            places.append((start, end, size, "" if number else secret))
        places += ((start, end, -1, instead) for start, end, instead in secret.blank)
    places.sort(key=lambda place: (place[0], -place[1]))
    current: tuple[int, int, int, Found | str] | None = None
    for start, end, size, value in places:
        if current is None or start >= current[1]:
            if current is not None:
                yield current[0], current[1], current[3]
            current = (start, end, size, value)
            continue
        best = max(
            (current[2:], (size, value)), key=lambda one: (isinstance(one[1], Found), one[0])
        )
        current = (current[0], max(end, current[1]), *best)
    if current is not None:
        yield current[0], current[1], current[3]
