"""What is wrong with scripts, all of it, and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from chatdouble.errors import ScriptError
from chatdouble.rules import Rule, unreachable
from chatdouble.script import ENDINGS, document, find, is_cassette
from chatdouble.script.place import Reading
from chatdouble.script.written import survey

# each rule is compared with all that stand before it
_MOST_COMPARED = 1_000

# what a reply's text may come from, besides cassettes
_TEXTS = (".txt", ".md")


class Checked(Struct, frozen=True):
    """What was found in scripts.

    Attributes:
        rules: the rules that can be read.
        scripts: how many scripts there are.
        mistakes: what is wrong, in the order of the files and lines.
        warnings: what is odd, in words.
    """

    rules: tuple[Rule, ...]
    scripts: int
    mistakes: tuple[ScriptError, ...]
    warnings: tuple[str, ...]


def check(paths: tuple[Path, ...], recordings: frozenset[Path] = frozenset()) -> Checked:
    """Read script files and folders to the end, whatever is wrong with them.

    Files that no rule names are looked for in folders with a script, and only if all rules can be
    read.

    Args:
        paths: files and folders.
        recordings: the files that are known to be recordings, and so no scripts.
    """
    rules: list[Rule] = []
    mistakes: list[ScriptError] = []
    beside: list[Path] = []
    reading = Reading()
    scripts = 0
    for path in paths:
        if path in recordings:
            continue
        try:
            files = find((path,))
        except ScriptError as error:
            if not any(file.is_relative_to(path) for file in recordings):
                mistakes.append(error)
            continue
        before = scripts
        cassettes: list[Path] = []
        for file, named in files:
            if file in recordings:
                cassettes += [file] if file.suffix.lower() in ENDINGS else []
                continue
            try:
                root = document(file, reading)
            except ScriptError as error:
                mistakes.append(error)
                continue
            if not named and is_cassette(root):
                cassettes.append(file)
                continue
            scripts += 1
            found, wrong = survey(root)
            rules += found
            mistakes += wrong
        if scripts > before:
            beside += (*cassettes, *_texts(path))
    warnings = list(covered(tuple(rules)))
    if not mistakes:
        for file in beside:
            if file.resolve() not in reading.files:
                warnings.append(f"{file}: no rule names it")
    return Checked(tuple(rules), scripts, tuple(mistakes), tuple(warnings))


def covered(rules: tuple[Rule, ...]) -> Iterator[str]:
    """The rules that never answer, each with the one that answers all of its calls, in words."""
    for rule, before in unreachable(rules[:_MOST_COMPARED]):
        yield f"{rule.origin}: never answers: {before} before it takes all of its calls"
    if len(rules) > _MOST_COMPARED:
        yield f"rules behind the first {_MOST_COMPARED} may never answer: they were not compared"


def _texts(path: Path) -> Iterator[Path]:
    """The texts that lie in a folder of scripts; a README is for people."""
    for file in sorted(path.rglob("*")) if path.is_dir() else ():
        if file.suffix.lower() in _TEXTS and file.stem.lower() != "readme":
            yield file
