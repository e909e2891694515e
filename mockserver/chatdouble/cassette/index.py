"""Recordings by what was asked, so that the ones that answer a request are found by a hash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from chatdouble.answers import Recording
from chatdouble.cassette.format import Interaction
from chatdouble.cassette.match import DEFAULT, Key, Keys, Request, header_names, keys_of
from chatdouble.cassette.matching import Matching
from chatdouble.cassette.meaning import holds_placeholder
from chatdouble.cassette.take import Take

# the API says so when just what was stated is wrong, even if it is the default
_REFUSED = 400


class Entry(Struct, gc=False, eq=False):
    """A recording in the index.

    Attributes:
        interaction: the recording.
        streamed: whether its request asked for a stream.
        stated: what else identifies its request, if that was refused: the defaults that it states.
        uses: how often it answered.
        answer: the recorded answer as it was, once it was given.
    """

    interaction: Interaction
    streamed: bool
    stated: Key | None = None
    uses: int = 0
    answer: Recording | None = None


class Group(Struct, eq=False):
    """The recordings of one request, in their order.

    Attributes:
        entries: the recordings.
        refused: whether some of them answer only who states the same defaults.
        begun: how many of the first ones have answered already.
    """

    entries: list[Entry] = []
    refused: bool = False
    begun: int = 0

    def add(self, entry: Entry) -> None:
        """Append a recording."""
        self.entries.append(entry)
        self.refused |= entry.stated is not None

    def fresh(self, entries: list[Entry]) -> Entry | None:
        """The first of these that has not answered yet, the group's own without a scan."""
        if entries is not self.entries:
            return next((entry for entry in entries if not entry.uses), None)
        while self.begun < len(entries) and entries[self.begun].uses:
            self.begun += 1
        return entries[self.begun] if self.begun < len(entries) else None


# a request's method, path, query and body
Asked: TypeAlias = tuple[str, str, str, bytes]
Found: TypeAlias = tuple[Group, list[Entry], bool]


class Index:
    """Finds the recordings that a request may be answered with.

    A recorded 400 answers only requests that state the same defaults: it may be about one of them.
    Where secrets of requests were hidden when they were recorded, those of a request are hidden
    before it is compared.

    Args:
        interactions: what the cassettes hold, in their order.
        matching: what counts.

    Raises:
        ChatdoubleError: the user's function fails for a recorded request.
    """

    def __init__(self, interactions: Iterable[Interaction], matching: Matching = DEFAULT) -> None:
        recordings = tuple(interactions)
        self.matching = matching
        self._header_names = (
            header_names(recordings) if "headers" in matching.parts else frozenset()
        )
        self._hides = any(holds_placeholder(one.body) for one in recordings)
        self._in_any_way = "stream" in matching.ignore or "body" not in matching.parts
        # where the bytes say what is asked, those of the recorded requests need not be read again
        bytes_tell = not (self._in_any_way or self._hides or "headers" in matching.parts)
        self._known: dict[Asked, Keys] = {}
        self.entries: list[Entry] = []
        self._groups: dict[Keys, Group] = {}
        self._by_meaning: dict[Key, Group] = {}
        for one in recordings:
            request = Request.of(one)
            keys = self._keys(request)
            stated = self._keys(request, stated=True).key if one.status == _REFUSED else None
            entry = Entry(one, keys.sending[0], stated)
            self.entries.append(entry)
            self._by_meaning.setdefault(keys.key, Group([])).add(entry)
            if not self._in_any_way:
                self._groups.setdefault(keys, Group([])).add(entry)
            if bytes_tell and matching.transform is None and one.body.startswith(b"{"):
                self._known[one.method, one.path, one.query, one.body] = keys

    def known(self, asked: Asked) -> Found | None:
        """What ``find()`` finds for a request that was recorded with these very bytes; None if
        there is none, or more to look at.
        """
        keys = self._known.get(asked)
        group = None if keys is None else self._groups.get(keys)
        if keys is None or group is None or group.refused:
            return None
        return group, group.entries, keys.sending[0]

    def find(self, request: Request) -> Found:
        """The group of a request's recordings, those of them that answer it, and whether it is to
        be streamed.

        Those that were asked for in the same way of sending come first: if there are any, no others
        are found.
        """
        request = self.comparable(request)
        keys = self._keys(request)
        stated: Key | None = None
        for group in (self._groups.get(keys), self._by_meaning.get(keys.key)):
            if group is None:
                continue
            entries = group.entries
            if group.refused:
                if stated is None:
                    stated = self._keys(request, stated=True).key
                entries = [one for one in entries if one.stated in (None, stated)]
            if entries:
                return group, entries, keys.sending[0]
        return Group([]), [], keys.sending[0]

    def reset(self) -> None:
        """Forget which recordings have answered."""
        for entry in self.entries:
            entry.uses = 0
        for group in (*self._groups.values(), *self._by_meaning.values()):
            group.begun = 0

    def comparable(self, request: Request) -> Request:
        """The request as it would have been recorded."""
        if not self._hides:
            return request
        # takes a while to import, and few cassettes need it
        from chatdouble.cassette.redact import Placeholders, redact

        take = Take(
            method=request.method,
            uri=request.path,
            request_headers=request.headers,
            request_body=request.body,
            status=200,
        )
        return request._replace(body=redact(take, Placeholders()).request_body)

    def _keys(self, request: Request, *, stated: bool = False) -> Keys:
        return keys_of(request, self.matching, header_names=self._header_names, stated=stated)
