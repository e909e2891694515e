"""Reads files from strangers as plain data: bounded in size, depth and what aliases unfold to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from chatdouble.cassette.families.place import Place
from chatdouble.errors import CassetteError
from chatdouble.plainyaml import BROKEN, PlainLoader, where

_LARGEST_FILE = 128 * 1024 * 1024
_DEEPEST = 100
_MOST_VALUES = 2_000_000

_RECORDED = re.compile(
    r"^[\"{ ]*(?:http_interactions|interactions)\b|\A\{\s*\"(?:log|Entries)\"", re.MULTILINE
)


class _Loader(PlainLoader):
    """Plain data, without merge keys, and with the harmless tags that recorders write."""

    def flatten_mapping(self, node: Any) -> None:
        """Called before a mapping is made: nothing is merged, however often it would be."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    problem="merge keys (<<) are not read", problem_mark=key.start_mark
                )


def _construct_plain(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


def _construct_sequence(loader: Any, node: Any) -> Any:
    return loader.construct_sequence(node)


for _tag in ("python/str", "python/unicode"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct_plain)
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _construct_sequence)
# Ruby's YAML writes texts of other encodings so, and times are only shown
_Loader.add_constructor("!binary", PlainLoader.construct_yaml_binary)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_plain)


def read_bytes(file: Path) -> bytes:
    """The file's bytes.

    Raises:
        CassetteError: it cannot be read, or is too large.
    """
    try:
        if not file.is_file():
            raise CassetteError(file, "is no file")
        with file.open("rb") as opened:
            data = opened.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise CassetteError(file, f"cannot be read: {error.strerror or error}") from None
    if len(data) > _LARGEST_FILE:
        raise CassetteError(file, f"is larger than {_LARGEST_FILE} bytes")
    return data


def parse(file: Path, data: bytes) -> Place:
    """The document that the bytes of a JSON or YAML file are.

    Raises:
        CassetteError: it is neither, or nested too deep, or unfolds to too much.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CassetteError(file, f"is not UTF-8 (byte {error.start})") from None
    value = _json(file, text) if text.lstrip()[:1] in ("{", "[") else _yaml(file, text)
    problem = _unbounded(value)
    if problem:
        raise CassetteError(file, problem, foreign=_is_foreign(text))
    return Place(file, "", value)


def _json(file: Path, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        problem = f"is no sound JSON: line {error.lineno}: {error.msg}"
        raise CassetteError(file, problem, foreign=_is_foreign(text)) from None
    except RecursionError:
        problem = "is no sound JSON: it is nested too deep"
        raise CassetteError(file, problem, foreign=_is_foreign(text)) from None
    except ValueError as error:
        problem = f"is no sound JSON: {error}"
        raise CassetteError(file, problem, foreign=_is_foreign(text)) from None


def _is_foreign(text: str) -> bool:
    # recorders write these keys first, so even the first half of a torn recording has one
    return not _RECORDED.search(text)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _yaml(file: Path, text: str) -> Any:
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except BROKEN as error:
        line, problem = where(error)
        at = "" if line is None else f"line {line}: "
        words = f"is no sound YAML: {at}{problem}"
        raise CassetteError(file, words, foreign=_is_foreign(text)) from None
    return documents[0] if len(documents) == 1 else documents


def _unbounded(value: Any) -> str:
    """Why a document is too much: it is nested too deep, or its aliases unfold to more than a file
    can hold. "" if it is not.
    """
    stack: list[Iterable[Any]] = [iter((value,))]
    seen = 0
    while stack:
        for one in stack[-1]:
            seen += 1
            if seen > _MOST_VALUES:
                return f"unfolds to more than {_MOST_VALUES} values"
            if isinstance(one, dict | list | tuple):
                if len(stack) > _DEEPEST:
                    return f"is nested more than {_DEEPEST} levels deep"
                stack.append(iter(one.values() if isinstance(one, dict) else one))
                break
        else:
            stack.pop()
    return ""
