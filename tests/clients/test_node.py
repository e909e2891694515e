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
NAMES = {"openai": "openai.test.mjs", "ai": "ai.test.mjs"}


@pytest.mark.parametrize("package", NAMES)
def test_node(
    package: str,
    base_url: str,
    failing_url: str,
    record_property: Callable[[str, object], None],
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (FOLDER / "node_modules" / package).is_dir():
        pytest.skip(f"{package} is not installed in {FOLDER}")
    ran = subprocess.run(
        [node, "--test", "--test-reporter=tap", NAMES[package]],
        cwd=FOLDER,
        env={**os.environ, "BASE_URL": base_url, "FAILING_URL": failing_url},
        capture_output=True,
        encoding="utf-8",
    )
    counts = dict(re.findall(r"^# (pass|fail|skipped) (\d+)$", ran.stdout, re.MULTILINE))
    for name, count in counts.items():
        record_property(name, count)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(counts["pass"]) > 0
