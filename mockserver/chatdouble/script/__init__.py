"""Scripts: rules written as YAML.

::

    version: 1
    rules:
      - when: {user: {contains: weather}}
        reply: [{call: get_weather, with: {city: Paris}}]
      - when: {tool_result: get_weather}
        reply: It is 18 degrees.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chatdouble.errors import ScriptError
from chatdouble.faults import Chance
from chatdouble.match import When
from chatdouble.plainyaml import BROKEN, compose, of_json, where
from chatdouble.rules import Rule
from chatdouble.schedule import Pace
from chatdouble.script.conditions import when_of
from chatdouble.script.place import Place, Reading
from chatdouble.script.written import VERSION, defaults_of, rule_of, rules_of

__all__ = [
    "ENDINGS",
    "VERSION",
    "document",
    "find",
    "is_cassette",
    "load",
    "parse",
    "parse_defaults",
    "parse_rule",
    "parse_when",
]

ENDINGS = (".yaml", ".yml")


def load(paths: tuple[Path, ...], reading: Reading | None = None) -> tuple[Rule, ...]:
    """Read the rules of script files and of all scripts in folders, in the order of their paths.

    Cassettes in a folder are no scripts: they are for rules to name.

    Args:
        paths: files and folders.
        reading: notes the files that the scripts name, even if one of them is wrong.

    Raises:
        ScriptError: a path does not exist, a folder holds no script, or a script is wrong.
    """
    rules: list[Rule] = []
    for file, named in find(paths):
        root = document(file, reading)
        if named or not is_cassette(root):
            rules += rules_of(root)
    return tuple(rules)


def find(paths: tuple[Path, ...]) -> list[tuple[Path, bool]]:
    """The files in the order in which they are read, each with whether it is named itself.

    Raises:
        ScriptError: a path cannot be read, or a folder holds no file that could be a script.
    """
    found: list[tuple[Path, bool]] = []
    for path in paths:
        if _is_folder(path):
            files = sorted(
                f for f in path.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file()
            )
            if not files:
                raise ScriptError(f"there is no script ({', '.join(ENDINGS)}) in it", file=path)
            found += ((file, False) for file in files)
        else:
            found.append((path, True))
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise ScriptError(f"cannot be read: {error.strerror or error}", file=path) from None


def is_cassette(root: Place) -> bool:
    """Whether a document is what vcrpy writes, and no script."""
    return "interactions" in root.key_names and "rules" not in root.key_names


def document(file: Path, reading: Reading | None = None) -> Place:
    """The root of a script file.

    Raises:
        ScriptError: it cannot be read, is no sound YAML, or is empty.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ScriptError(f"cannot be read: {error.strerror or error}", file=file) from None
    except UnicodeDecodeError as error:
        raise ScriptError(f"is not UTF-8 (byte {error.start})", file=file) from None
    return _root(text, file, reading)


def parse(text: str, file: Path | str = "script") -> tuple[Rule, ...]:
    """Read the rules of a script's text; ``file`` is what errors call it.

    Raises:
        ScriptError: the script is wrong; the error says where.
    """
    return rules_of(_root(text, file))


def parse_when(conditions: dict[str, Any]) -> When:
    """Read conditions that are data already, as ``when`` in a script says them.

    Raises:
        ScriptError: they are wrong; the error says where.
    """
    return when_of(_root(of_json(json.dumps(conditions)), "when"))


def parse_rule(text: str, file: Path | str = "script") -> Rule:
    """Read the text of one rule.

    Raises:
        ScriptError: it is wrong; the error says where.
    """
    return rule_of(_root(text, file))


def parse_defaults(
    text: str, file: Path | str = "script"
) -> tuple[Pace | None, tuple[Chance, ...]]:
    """Read the text of a mapping with ``fault`` and ``pace``, as a step of a script says them.

    Raises:
        ScriptError: one is wrong; the error says where.
    """
    return defaults_of(_root(text, file))


def _root(text: str, file: Path | str, reading: Reading | None = None) -> Place:
    try:
        root = compose(text)
    except BROKEN as error:
        line, problem = where(error)
        raise ScriptError(f"is no sound YAML: {problem}", file=file, line=line) from None
    if root is None:
        raise ScriptError("is empty; expected version and rules", file=file)
    return Place.whole(root, file, reading)
