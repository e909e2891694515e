"""Imports go down only: docs/architecture.md draws the picture, this list is the rule."""

from __future__ import annotations

import ast
from pathlib import Path

import chatdouble
import pytest_chatdouble

# lowest first; a module may import modules of lower rows and of its own row
LAYERS = (
    ("chatdouble", "chatdouble.errors"),
    ("chatdouble.dice",),
    ("chatdouble.schedule",),
    (
        "chatdouble.answers",
        "chatdouble.failures",
        "chatdouble.live",
        "chatdouble.masking",
        "chatdouble.plainyaml",
        "chatdouble.settings",
        "chatdouble.tokens",
    ),
    ("chatdouble.calls", "chatdouble.origin"),
    ("chatdouble.match", "chatdouble.wire"),
    ("chatdouble.faults",),
    ("chatdouble.rules", "chatdouble.cassette"),
    ("chatdouble.sources",),
    ("chatdouble.script",),
    ("chatdouble.journal", "chatdouble.reloading"),
    ("chatdouble.retrying",),
    ("chatdouble.report", "chatdouble.verify"),
    ("chatdouble.load", "chatdouble.ratelimits"),
    ("chatdouble.traffic",),
    ("chatdouble.engine",),
    ("chatdouble.hub", "chatdouble.modes"),
    ("chatdouble.control", "chatdouble.metrics", "chatdouble.remote"),
    ("chatdouble.bodies", "chatdouble.connections", "chatdouble.onewrite"),
    ("chatdouble.delivery",),
    ("chatdouble.forwarding",),
    ("chatdouble.app",),
    ("chatdouble.sockets",),
    ("chatdouble.serving",),
    ("chatdouble.server",),
    ("chatdouble.workers",),
    (
        "chatdouble.cli",
        "chatdouble.cli_cassettes",
        "chatdouble.cli_options",
        "chatdouble.cli_record",
        "chatdouble.cli_replay",
        "chatdouble.cli_running",
        "chatdouble.cli_scripts",
        "chatdouble.cli_time",
    ),
    ("chatdouble.__main__", "pytest_chatdouble"),
)


def layer(module: str) -> int:
    for number, row in enumerate(LAYERS):
        for name in row:
            if module == name or (name != "chatdouble" and module.startswith(f"{name}.")):
                return number
    raise AssertionError(f"{module} stands in no layer: give it a row, here and in the picture")


def modules() -> dict[str, Path]:
    found = {}
    for package in (chatdouble, pytest_chatdouble):
        assert package.__file__
        root = Path(package.__file__).parent
        for file in root.rglob("*.py"):
            parts = file.relative_to(root.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


def imports(file: Path) -> set[str]:
    """What the file imports, but for imports that only the type checker sees."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    known = modules()
    return {name for name in found if name in known and name != "chatdouble"}


def test_imports_go_down_only() -> None:
    upwards = [
        f"{module} imports {imported}"
        for module, file in modules().items()
        for imported in imports(file)
        if layer(imported) > layer(module)
    ]
    assert not upwards, upwards


def test_no_module_of_the_package_has_mutable_state() -> None:
    """State belongs to a session: a module's own names are bound once, to constants."""
    found = [
        f"{module}:{node.lineno}"
        for module, file in modules().items()
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Global)
    ]
    assert not found, found
