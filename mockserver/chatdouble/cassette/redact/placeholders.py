"""What stands in a cassette for the secrets that were there."""

from __future__ import annotations

import re

from chatdouble.cassette.redact.scanning import Found, strongest

_PLACEHOLDER = re.compile(rb"<([a-z]+(?:-[a-z]+)*)-([0-9]{1,9})>")


class Placeholders:
    """What stands for the secrets of one cassette: the same for the same secret, by kind.

    The numbers continue behind those that the cassette holds.
    """

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._highest: dict[str, int] = {}

    def pass_over(self, data: bytes) -> None:
        """Give out no placeholder that these bytes of a cassette hold."""
        for kind, number in _PLACEHOLDER.findall(data):
            name = kind.decode()
            self._highest[name] = max(self._highest.get(name, 0), int(number))

    def get(self, kind: str, secret: str) -> str:
        """The placeholder of a secret, for example ``<api-key-1>``."""
        given = self._given.get(secret)
        if given is None:
            number = self._highest[kind] = self._highest.get(kind, 0) + 1
            given = self._given[secret] = f"<{kind}-{number}>"
            self._kinds[secret] = kind
        return given

    def known(self) -> tuple[tuple[str, str], ...]:
        """The secrets that were given a placeholder, as (kind, secret)."""
        return tuple((kind, secret) for secret, kind in self._kinds.items())

    def put(self, text: str, found: list[Found]) -> tuple[str, list[tuple[int, int, int]]]:
        """The text with placeholders, and each place's (start, end, new length)."""
        pieces: list[str] = []
        edits: list[tuple[int, int, int]] = []
        at = 0
        for start, end, value in strongest(found):
            instead = value if isinstance(value, str) else self.get(value.kind, value.secret)
            pieces += (text[at:start], instead)
            edits.append((start, end, len(instead)))
            at = end
        pieces.append(text[at:])
        return "".join(pieces), edits
