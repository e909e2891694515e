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
from chatdouble.match import When
from chatdouble.plainyaml import BROKEN, compose, where
from chatdouble.rules import Rule
from chatdouble.script.conditions import when_of
from chatdouble.script.place import Place
from chatdouble.script.written import VERSION, rules_of

__all__ = ["ENDINGS", "VERSION", "load", "load_file", "parse", "parse_when"]

ENDINGS = (".yaml", ".yml")


def load(paths: tuple[Path, ...]) -> tuple[Rule, ...]:
    """Read the rules of script files and of all scripts in folders, in the order of their paths.

    Raises:
        ScriptError: a path does not exist, a folder holds no script, or a script is wrong.
    """
    rules: list[Rule] = []
    for path in paths:
        if _is_folder(path):
            files = sorted(
                f for f in path.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file()
            )
            if not files:
                raise ScriptError(f"there is no script ({', '.join(ENDINGS)}) in it", file=path)
        else:
            files = [path]
        for file in files:
            rules += load_file(file)
    return tuple(rules)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise ScriptError(f"cannot be read: {error.strerror or error}", file=path) from None


def load_file(file: Path) -> tuple[Rule, ...]:
    """Read one script file.

    Raises:
        ScriptError: it cannot be read, or it is wrong; the error says where.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ScriptError(f"cannot be read: {error.strerror or error}", file=file) from None
    except UnicodeDecodeError as error:
        raise ScriptError(f"is not UTF-8 (byte {error.start})", file=file) from None
    return parse(text, file)


def parse(text: str, file: Path | str = "script") -> tuple[Rule, ...]:
    """Read the rules of a script's text; ``file`` is what errors call it.

    Raises:
        ScriptError: the script is wrong; the error says where.
    """
    return rules_of(_place(text, file))


def parse_when(conditions: dict[str, Any]) -> When:
    """Read conditions that are data already, as ``when`` in a script says them.

    Raises:
        ScriptError: they are wrong; the error says where.
    """
    return when_of(_place(json.dumps(conditions), "when"))


def _place(text: str, file: Path | str) -> Place:
    try:
        root = compose(text)
    except BROKEN as error:
        line, problem = where(error)
        raise ScriptError(f"is no sound YAML: {problem}", file=file, line=line) from None
    if root is None:
        raise ScriptError("is empty; expected version and rules", file=file)
    return Place.whole(root, file)
