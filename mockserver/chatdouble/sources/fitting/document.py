"""The schema document: what a ``$ref`` in it names. Nothing outside of it is ever looked at."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

_MOST_LOOKED_AT = 20_000
_INDEX = re.compile(r"0|[1-9][0-9]{0,6}")
_MISSING = object()


class Document:
    """One schema from a stranger, with its references."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._found: dict[str, Any] = {}
        self._anchors: dict[str, Any] | None = None

    def target(self, ref: Any) -> Any:
        """What the reference names; ``True``, which allows anything, if it is not in here."""
        if not isinstance(ref, str):
            return True
        if ref not in self._found:
            self._found[ref] = self._look(ref)
        return self._found[ref]

    def _look(self, ref: str) -> Any:
        base, _, fragment = ref.partition("#")
        start = self.root if not base else self._named().get(base, _MISSING)
        if start is _MISSING:
            return True
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return self._named().get(f"#{fragment}", True)
        for part in fragment.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(start, dict) and key in start:
                start = start[key]
            elif isinstance(start, list) and _INDEX.fullmatch(key) and int(key) < len(start):
                start = start[int(key)]
            else:
                return True
        return start

    def _named(self) -> dict[str, Any]:
        """Schemas by the ``$id`` and the ``$anchor`` that they give themselves."""
        if self._anchors is None:
            self._anchors = {}
            waiting = [self.root]
            for _ in range(_MOST_LOOKED_AT):
                if not waiting:
                    break
                one = waiting.pop()
                if isinstance(one, dict):
                    self._note(one)
                    waiting += reversed(one.values())
                elif isinstance(one, list):
                    waiting += reversed(one)
        return self._anchors

    def _note(self, schema: dict[str, Any]) -> None:
        names = [schema.get("$id"), schema.get("id")]
        names += [
            f"#{schema[key]}"
            for key in ("$anchor", "$dynamicAnchor")
            if isinstance(schema.get(key), str)
        ]
        for name in names:
            if self._anchors is not None and isinstance(name, str) and name != "#":
                self._anchors.setdefault(name.removesuffix("#"), schema)
