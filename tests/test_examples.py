"""The examples do what they say; the one for Node is run among the clients (test_node)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Process

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="the suite runs without the project's folder"
)


def test_the_app_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "python_app"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLES)
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


def test_the_app_beside_a_server_in_another_process(run: Callable[..., Process]) -> None:
    server = run("serve", "--port", 0, "--quiet")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "python_app"]
    ran = subprocess.run(
        [*command, "--chatdouble-server", server.base_url],
        capture_output=True,
        text=True,
        cwd=EXAMPLES,
    )
    assert "2 passed" in ran.stdout, ran.stdout


def test_the_script_of_an_agents_conversation(run: Callable[..., Process]) -> None:
    server = run("serve", "--port", 0, "--quiet", EXAMPLES / "weather.yaml")
    app = EXAMPLES / "python_app" / "weather_agent.py"
    env = {**os.environ, "OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "any"}
    ran = subprocess.run(
        [sys.executable, app, "The weather?"], capture_output=True, text=True, env=env
    )
    assert ran.stdout == "It is 18 degrees and sunny in Paris.\n", ran.stderr
