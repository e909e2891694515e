"""YAML from strangers as plain data: nothing in it runs, and nothing in it surprises.

Every tag that would construct an object is refused, and so are duplicate keys and what no script or
cassette needs: deep nesting (the C parser recurses, and would end the process), values by the
hundred thousand, and merge keys that multiply what they merge. What is too long for a number is a
text: PyYAML takes minutes for one of base 60.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Hashable
from typing import Any

import yaml

_DEEPEST = 100
_MOST_MERGED = 10_000
_LONGEST_NUMBER = 400
_TEXT = "tag:yaml.org,2002:str"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")

# what PyYAML raises for values that do not fit their tag
BROKEN = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


_TEXT = "tag:yaml.org,2002:str"
_MAPPING = "tag:yaml.org,2002:map"
_SEQUENCE = "tag:yaml.org,2002:seq"

# what stands for a collection while it is read
_UNFINISHED = object()

# numbers of JSON and YAML 1.2, which PyYAML takes for texts
EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]+")

# an escaped backslash, which begins nothing; a character in two escapes; what only JSON takes raw
_ODD = re.compile(
    r"\\\\"
    r"|(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|([\x7f-\x9f\ufeff\ufffe\uffff])"
)


def of_json(text: str) -> str:
    """JSON as YAML can read it: the same values on the same lines."""
    return _ODD.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    pair, raw = found.groups()
    if pair:
        return str(json.loads(f'"{pair}"'))
    return f"\\u{ord(raw):04x}" if raw else found.group()


class PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's safe loader with bounded depth and without duplicate keys."""

    most_values = 500_000

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = 0
        self._made: dict[int, Any] = {}
        self._values = 0

    def descend_resolver(self, parent: Any, index: Any) -> None:
        """Called by the parser for each node before those in it."""
        # what PyYAML does here is for resolvers by path, of which there are none
        self._depth += 1
        self._values += 1
        if self._depth > _DEEPEST:
            raise _too_much(f"it is nested more than {_DEEPEST} levels deep", parent)
        if self._values > self.most_values:
            raise _too_much(f"it holds more than {self.most_values} values", parent)

    def ascend_resolver(self) -> None:
        """Called by the parser for each node behind those in it."""
        self._depth -= 1

    def get_single_data(self) -> Any:
        """The document's data.

        Texts, mappings and lists, which most of a cassette is, are read here: PyYAML takes several
        times as long for them.
        """
        node = self.get_single_node()
        return None if node is None else self._data(node)

    def _data(self, node: Any) -> Any:
        tag = node.tag
        if tag == _TEXT and node.id == "scalar":
            return node.value
        if tag == _MAPPING and node.id == "mapping":
            return self._once(node, self._mapping)
        if tag == _SEQUENCE and node.id == "sequence":
            return self._once(node, self._sequence)
        return self.construct_object(node, deep=True)

    def _once(self, node: Any, read: Callable[[Any], Any]) -> Any:
        """The data of a node, which aliases may name many times."""
        made = self._made.get(id(node))
        if made is _UNFINISHED:
            raise yaml.constructor.ConstructorError(
                problem="it holds itself", problem_mark=node.start_mark
            )
        if made is None:
            self._made[id(node)] = _UNFINISHED
            made = self._made[id(node)] = read(node)
        return made

    def _mapping(self, node: Any) -> dict[Hashable, Any]:
        mapping: dict[Hashable, Any] = {}
        for key, value in node.value:
            if key.tag != _TEXT:
                return self.construct_mapping(node, deep=True)
            if key.value in mapping:
                raise _twice(key)
            mapping[key.value] = self._data(value)
        return mapping

    def _sequence(self, node: Any) -> list[Any]:
        return [self._data(item) for item in node.value]

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """The tag of a node that names none."""
        tag = super().resolve(kind, value, implicit)
        too_long = tag in _NUMBERS and len(value) > _LONGEST_NUMBER
        return _TEXT if too_long else tag

    def flatten_mapping(self, node: Any) -> None:
        """Put in place of merge keys what they merge."""
        merged = 0
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
                merged += sum(len(part.value) for part in parts)
                if merged > _MOST_MERGED:
                    raise yaml.constructor.ConstructorError(
                        problem=f"more than {_MOST_MERGED} keys are merged here",
                        problem_mark=key.start_mark,
                    )
        super().flatten_mapping(node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping, if no key stands in it twice."""
        # before merge keys are resolved: what they bring may be overridden
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if str(key.value) in seen:
                raise _twice(key)
            seen.add(str(key.value))
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _twice(key: Any) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(
        problem=f"the key {key.value!r} stands twice in one mapping", problem_mark=key.start_mark
    )


def _too_much(problem: str, parent: Any) -> yaml.YAMLError:
    mark = parent.start_mark if parent is not None else None
    return yaml.composer.ComposerError(problem=problem, problem_mark=mark)


def load(text: str, loader: type[PlainLoader]) -> Any:
    """The document's data.

    The garbage collector is held back: it would go over all the nodes again and again.

    Raises:
        yaml.YAMLError: it is no sound YAML, or nested too deep. (Also others of ``BROKEN``.)
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - a PlainLoader is a safe loader
    finally:
        if enabled:
            gc.enable()


def compose(text: str) -> yaml.Node | None:
    """The document's root node, None if it is empty.

    Raises:
        yaml.YAMLError: it is no sound YAML, or nested too deep. (Also others of ``BROKEN``.)
    """
    node: yaml.Node | None = yaml.compose(text, Loader=PlainLoader)
    return node


def where(error: BaseException) -> tuple[int | None, str]:
    """The line, if it is known, and the problem that an error of ``BROKEN`` tells."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    return (mark.line + 1 if mark else None), str(problem)
