"""YAML from strangers as plain data: nothing in it runs, and nothing in it surprises.

Every tag that would construct an object is refused, and so are duplicate keys and nesting that no
script or cassette needs (the C parser recurses, and would end the process).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from typing import Any

import yaml

_DEEPEST = 100

# what PyYAML raises for values that do not fit their tag
BROKEN = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


_TEXT = "tag:yaml.org,2002:str"
_MAPPING = "tag:yaml.org,2002:map"
_SEQUENCE = "tag:yaml.org,2002:seq"

# what stands for a collection while it is read
_UNFINISHED = object()


class PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML's safe loader with bounded depth and without duplicate keys."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = 0
        self._made: dict[int, Any] = {}

    def descend_resolver(self, parent: Any, index: Any) -> None:
        """Called by the parser for each node before those in it."""
        # what PyYAML does here is for resolvers by path, of which there are none
        self._depth += 1
        if self._depth > _DEEPEST:
            mark = parent.start_mark if parent is not None else None
            raise yaml.composer.ComposerError(
                problem=f"it is nested more than {_DEEPEST} levels deep", problem_mark=mark
            )

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
