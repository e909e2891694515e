"""Where the strings of a JSON document stand in its text, by their paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from chatdouble.cassette.redact.views import Part

_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.ASCII)
_DEEPEST = 200

# never joined by a client
_WHOLE = frozenset(
    {
        "id",
        "created",
        "event_id",
        "finish_reason",
        "item_id",
        "model",
        "obfuscation",
        "object",
        "response_id",
        "role",
        "service_tier",
        "system_fingerprint",
        "type",
    }
)


class Leaf(Struct):
    """A string in a document.

    Attributes:
        path: where it stands. Items of a list are told by their `index`, as clients tell them; all
            tokens of `logprobs` share one path, as they make up one text.
        place: where its text stands, between the quotes.
        bytes: where the same object's `bytes` stand, if it is a token of `logprobs`.
        rivals: where its `top_logprobs` stand.
    """

    path: tuple[str, ...]
    place: Part
    bytes: Part | None
    rivals: Part | None


class _Frame:
    """An object or list that is being read."""

    def __init__(self, start: int, *, is_list: bool, parent: _Frame | None) -> None:
        self.start = start
        self.is_list = is_list
        self.parent = parent
        self.label = parent.child() if parent is not None else ""
        self.key = ""
        self.position = 0
        self.spans: dict[str, Part] = {}
        self._path: tuple[str, ...] | None = None

    def child(self) -> str:
        """The name of the child that is being read."""
        return str(self.position) if self.is_list else self.key

    def path(self) -> tuple[str, ...]:
        if self._path is None:
            above = self.parent.path() if self.parent is not None else ()
            anywhere = "logprobs" in above and self.label.isdigit()
            self._path = (*above, "*" if anywhere else self.label)
        return self._path


def leaves(text: str, start: int, end: int) -> Iterator[Leaf]:
    """The strings of the JSON document that stands there, which a client may join."""
    found: list[tuple[_Frame, str, Part]] = []
    frame: _Frame | None = None
    depth = 0
    for match in _TOKENS.finditer(text, start, end):
        token = match[0]
        head = token[0]
        if head in "{[":
            depth += 1
            if depth > _DEEPEST:
                return
            frame = _Frame(match.start(), is_list=head == "[", parent=frame)
        elif frame is None:
            return
        elif head in "}]":
            depth -= 1
            closed, frame = frame, frame.parent
            if frame is None:
                break
            if not frame.is_list:
                frame.spans[frame.key] = (closed.start, match.end())
        elif head == ",":
            frame.position += 1
            if not frame.is_list:
                frame.key = ""
        elif head == '"':
            if not frame.is_list and not frame.key:
                frame.key = token[1:-1]
            elif frame.is_list or frame.key not in _WHOLE:
                found.append((frame, frame.child(), (match.start() + 1, match.end() - 1)))
        elif frame.key == "index" and not frame.is_list and head != ":":
            frame.label = f"#{token}"
    for holder, name, place in found:
        above = holder.path()
        in_logprobs = "logprobs" in above
        if in_logprobs and "top_logprobs" in above:
            continue
        token_of = holder.spans if in_logprobs and name == "token" else {}
        yield Leaf(
            (*above, "*" if in_logprobs and holder.is_list else name),
            place,
            token_of.get("bytes"),
            token_of.get("top_logprobs"),
        )
