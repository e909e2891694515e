"""Clients of Node: their tests stand in ``node/`` and are run by Node's own test runner."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("CHATDOUBLE_NODE", Path(__file__).parent / "node"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "node_app"
NAMES = {"openai": "openai.test.mjs", "ai": "ai.test.mjs"}


Record = Callable[[str, object], None]


@pytest.mark.parametrize("package", NAMES)
def test_node(package: str, base_url: str, failing_url: str, record_property: Record) -> None:
    _installed(package)
    env = {"BASE_URL": base_url, "FAILING_URL": failing_url}
    _test(FOLDER, record_property, env, NAMES[package])


def test_the_example(base_url: str, tmp_path: Path, record_property: Record) -> None:
    _installed("openai")
    app = tmp_path / "app"
    shutil.copytree(EXAMPLE, app, ignore=shutil.ignore_patterns("node_modules"))
    (app / "node_modules").symlink_to(FOLDER / "node_modules")
    _test(app, record_property, {"CHATDOUBLE_URL": base_url.removesuffix("/v1")})


def _installed(package: str) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (FOLDER / "node_modules" / package).is_dir():
        pytest.skip(f"{package} is not installed in {FOLDER}")


def _test(folder: Path, record_property: Record, env: dict[str, str], *files: str) -> None:
    """Run tests by Node's own runner."""
    ran = subprocess.run(
        ["node", "--test", "--test-reporter=tap", *files],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
    )
    counts = dict(re.findall(r"^# (pass|fail|skipped) (\d+)$", ran.stdout, re.MULTILINE))
    for name, count in counts.items():
        record_property(name, count)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(counts["pass"]) > 0
