"""Real clients against ``chatdouble serve``; ``scripts/test-clients`` installs and runs them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Process

# read when the clients are imported: nothing is sent anywhere, nothing is fetched
os.environ |= {
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OPENAI_API_KEY": "any",
}
os.environ.pop("OPENAI_BASE_URL", None)

# a picture of one pixel, as base64
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
# with the codes that the API gives, by which some clients tell them apart
FAILURES: tuple[dict[str, Any], ...] = (
    {"status": 400, "code": "unsupported_value"},
    {"status": 401, "code": "invalid_api_key"},
    {"status": 403},
    {"status": 404, "code": "model_not_found"},
    {"status": 429, "code": "rate_limit_exceeded"},
    {"status": 500},
    {"status": 503},
)
# each has a rule that fails for the first request only
RETRYING = ("openai", "litellm", "node")


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Of a server with no script."""
    yield from serve()


@pytest.fixture(scope="session")
def failing_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that answers ``Fail with 429`` with that status, and anything else as usual."""
    script = tmp_path_factory.mktemp("failing") / "script.yaml"
    rules: list[Any] = [
        {"when": {"user": f"Fail with {failure['status']}"}, "fail": failure}
        for failure in FAILURES
    ]
    then = [{"fail": {"status": 429, "retry_after": 0.01}}, {"reply": "Done."}]
    rules += [{"when": {"user": f"Fail {who} once"}, "then": then} for who in RETRYING]
    script.write_text(json.dumps(rules))
    yield from serve(script)


# clients keep connections, and these belong to the loop that they were made in
_RUNNER = asyncio.Runner()


def wait(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What it gives; all tests share one loop."""
    return _RUNNER.run(coroutine)


def serve(*scripts: Path) -> Iterator[str]:
    server = Process("serve", *scripts, "--port", "0")
    assert server.port, server.ended()
    yield server.base_url
    server.kill()
