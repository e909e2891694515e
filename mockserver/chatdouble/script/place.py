"""A value of a script that knows where it stands: what every error points at."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml

from chatdouble.errors import ScriptError
from chatdouble.plainyaml import BROKEN, EXPONENT, where

_MOST_NODES = 200_000
_TAG_PREFIX = "tag:yaml.org,2002:"
_PLAIN_TAGS = (f"{_TAG_PREFIX}map", f"{_TAG_PREFIX}seq")
_T = TypeVar("_T")

# a text file beside the script may have so many bytes
_LARGEST_FILE = 1024 * 1024


class Reading:
    """What is counted and noted while documents are read.

    Attributes:
        nodes: how many values may still be looked at in the document.
        files: the files that the documents name, whether they are there or not.
    """

    def __init__(self) -> None:
        self.nodes = _MOST_NODES
        self.files: set[Path] = set()


class Place:
    """A value of the script that knows where it stands."""

    def __init__(self, node: yaml.Node, file: Path | str, path: str, reading: Reading) -> None:
        self._node = node
        self._file = file
        self.path = path
        self._reading = reading
        self._spend()
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            self.wrong(f"the tag {node.tag.replace(_TAG_PREFIX, '!!')} means nothing here")

    @classmethod
    def whole(cls, node: yaml.Node, file: Path | str, reading: Reading | None = None) -> Place:
        """The root of a document; ``file`` is what errors call it."""
        reading = reading or Reading()
        reading.nodes = _MOST_NODES
        return cls(node, file, "", reading)

    @property
    def is_spent(self) -> bool:
        """Whether the document is too large to be looked at any further."""
        return self._reading.nodes < 0

    @property
    def line(self) -> int:
        """The line in the file, from 1."""
        return int(self._node.start_mark.line) + 1

    @property
    def origin(self) -> str:
        """Where it stands, for explanations: the file's path, its line and the path within."""
        return f"{self._file}:{self.line} {self.path}"

    def wrong(self, problem: str) -> NoReturn:
        """Say what is wrong here."""
        raise ScriptError(problem, file=self._file, line=self.line, path=self.path)

    def at_fault(self, make: Callable[[], _T]) -> _T:
        """What ``make`` makes; a ScriptError that it raises gets this place."""
        try:
            return make()
        except ScriptError as error:
            self.wrong(error.problem)

    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self._node, yaml.MappingNode)

    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def items(self, expected: str) -> list[Place]:
        """The list's values."""
        if not isinstance(self._node, yaml.SequenceNode):
            self.wrong(f"expected {expected}, got {self.kind()}")
        return [
            Place(node, self._file, f"{self.path}[{index}]", self._reading)
            for index, node in enumerate(self._node.value)
        ]

    def fields(self, known: tuple[str, ...] | None, expected: str) -> dict[str, Place]:
        """The mapping's values by key; with ``known``, any other key is refused."""
        if not isinstance(self._node, yaml.MappingNode):
            self.wrong(f"expected {expected}, got {self.kind()}")
        found: dict[str, Place] = {}
        for key_node, value_node in self._node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.wrong("expected texts as keys")
            key = key_node.value
            place = Place(key_node, self._file, self._below(key), self._reading)
            if key_node.tag == f"{_TAG_PREFIX}merge":
                place.wrong("merge keys are not read here; write the keys out")
            if key in found:
                place.wrong(f"{key!r} stands here twice; keep one")
            if known is not None and key not in known:
                near = difflib.get_close_matches(key, known, 1, 0.6)
                if near:
                    place.wrong(f"there is no {key!r} here; did you mean {near[0]!r}?")
                place.wrong(f"expected one of {', '.join(known)}, got {key!r}")
            found[key] = Place(value_node, self._file, place.path, self._reading)
        return found

    @property
    def key_names(self) -> list[str]:
        """The mapping's keys, as far as they are texts; none if it is no mapping."""
        if not isinstance(self._node, yaml.MappingNode):
            return []
        return [key.value for key, _ in self._node.value if isinstance(key, yaml.ScalarNode)]

    def text(self) -> str:
        """The text that it is."""
        value = self.value()
        if not isinstance(value, str):
            hint = "; put it in quotes to make it a text" if self._is_plain() else ""
            self.wrong(f"expected a text, got {self.kind()}{hint}")
        return value

    def number(self) -> float:
        """The number that it is."""
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(f"expected a number, got {self.kind()}")
        return value

    def whole_number(self) -> int:
        """The whole number that it is."""
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(f"expected a whole number, got {self.kind()}")
        return value

    def boolean(self) -> bool:
        """True or false, as it is."""
        value = self.value()
        if not isinstance(value, bool):
            self.wrong(f"expected true or false, got {self.kind()}")
        return value

    def status(self) -> int | str:
        """An HTTP status, or the name of an error."""
        value = self.value()
        return value if isinstance(value, str) else self.whole_number()

    def value(self) -> Any:
        """The plain value: texts, numbers, true, false, null, lists and mappings of them."""
        if isinstance(self._node, yaml.SequenceNode):
            return [item.value() for item in self.items("a list")]
        if isinstance(self._node, yaml.MappingNode):
            return {key: place.value() for key, place in self.fields(None, "a mapping").items()}
        node = self._node
        if isinstance(node, yaml.ScalarNode) and not node.style and EXPONENT.fullmatch(node.value):
            return float(node.value)
        loader = yaml.SafeLoader("")
        try:
            value = loader.construct_object(self._node)
        except BROKEN as error:
            self.wrong(f"cannot be read: {where(error)[1]}")
        finally:
            loader.dispose()
        if isinstance(value, bytes):
            self.wrong("binary values mean nothing here; write a text")
        if value is not None and not isinstance(value, str | int | float | bool):
            return self._node.value  # a date is a text here, as JSON knows no dates
        return value

    def kind(self) -> str:
        """What it is, for people."""
        if self.is_mapping():
            return "a mapping"
        if self.is_list():
            return "a list"
        value = self.value()
        if value is None:
            return "nothing"
        if isinstance(value, bool):
            return f"{str(value).lower()} (a boolean)"
        if isinstance(value, str):
            return f"the text {value if len(value) <= 200 else value[:200] + '...'!r}"
        return f"the number {value}"

    def _is_plain(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode) and bool(self._node.value)

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _spend(self) -> None:
        self._reading.nodes -= 1
        if self._reading.nodes < 0 or self.path.count(".") + self.path.count("[") > 200:
            raise ScriptError(
                "is too large or refers to itself",
                file=self._file,
                line=self.line,
                path=self.path[:80],
            )

    def file_beside(self) -> Path:
        """The file that the value names, which lies in the script's folder or below it."""
        name = self.text()
        folder = Path(self._file).parent.resolve()
        file = (folder / name).resolve()
        if not isinstance(self._file, Path) or not file.is_relative_to(folder):
            self.wrong(f"expected a file in the script's folder or below it, got {name!r}")
        self._reading.files.add(file)
        if not file.is_file():
            self.wrong(f"there is no file {name!r} in the script's folder")
        return file

    def text_beside(self) -> str:
        """The text of the file that the value names."""
        file = self.file_beside()
        if file.stat().st_size > _LARGEST_FILE:
            self.wrong(f"{file.name} is larger than {_LARGEST_FILE} bytes")
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            self.wrong(f"{file.name} cannot be read: {error.strerror or error}")
        except UnicodeDecodeError as error:
            self.wrong(f"{file.name} is not UTF-8 (byte {error.start})")
