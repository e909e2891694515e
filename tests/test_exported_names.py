"""Public names are few, documented, and held by this list."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import chatdouble
import pytest_chatdouble

EXPORTED = [
    "ApiError",
    "Audio",
    "Call",
    "CassetteError",
    "ChatdoubleError",
    "ListenError",
    "Matching",
    "Pace",
    "RemoteError",
    "RemoteServer",
    "RemoteSession",
    "Reply",
    "ScriptError",
    "Server",
    "Session",
    "Settings",
    "TokenLogprob",
    "ToolCall",
    "UrlCitation",
    "Usage",
    "above",
    "at_least",
    "at_most",
    "below",
    "call",
    "contains",
    "equals",
    "fits",
    "generated",
    "glob",
    "like",
    "one_of",
    "passthrough",
    "recorded_pace",
    "refusal",
    "regex",
]


def test_the_exported_names_are_these() -> None:
    assert chatdouble.__all__ == EXPORTED
    assert set(EXPORTED) <= set(dir(chatdouble))


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_name_can_be_imported_and_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(chatdouble, name))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        chatdouble.nonsense  # noqa: B018


def test_the_plugin_offers_these_fixtures() -> None:
    assert pytest_chatdouble.__all__ == [
        "chatdouble",
        "chatdouble_env",
        "chatdouble_matching",
        "chatdouble_server",
        "chatdouble_settings",
    ]


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import chatdouble", ("msgspec", "starlette", "uvicorn", "faker", "vcr", "yaml", "click")),
        (
            "import pytest_chatdouble",
            ("chatdouble", "starlette", "uvicorn", "faker", "vcr", "yaml"),
        ),
        ("import chatdouble.server", ("faker", "vcr", "httpx2")),
    ],
)
def test_importing_loads_nothing_that_is_not_needed_yet(
    statement: str, heavy: tuple[str, ...]
) -> None:
    code = f"import sys; {statement}; print(sorted(set({heavy!r}) & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
