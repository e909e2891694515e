"""The pytest plugin: ``def test_agent(chatdouble): ...``.

Nothing of chatdouble is imported before a test asks for one of the fixtures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chatdouble import Server, Session, Settings

__all__ = ["chatdouble", "chatdouble_env", "chatdouble_server", "chatdouble_settings"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option."""
    parser.addini(
        "chatdouble_env",
        "set OPENAI_BASE_URL and OPENAI_API_KEY in every test that uses the chatdouble fixture",
        type="bool",
        default=False,
    )


@pytest.fixture(scope="session")
def chatdouble_settings() -> Settings:
    """How the run's server behaves; override it in a conftest.py to change that."""
    from chatdouble import Settings

    return Settings()


@pytest.fixture(scope="session")
def chatdouble_server(chatdouble_settings: Settings) -> Iterator[Server]:
    """The run's one server, on a free port of its own in every pytest-xdist worker."""
    from chatdouble import Server

    with Server(chatdouble_settings) as server:
        yield server


@pytest.fixture
def chatdouble(chatdouble_server: Server, request: pytest.FixtureRequest) -> Iterator[Session]:
    """This test's own session: rules by ``on()``, ``base_url`` for clients, then ``calls``."""
    # the id comes from the test's name, so that a test gets the same completion ids in every run
    name = hashlib.blake2b(
        request.node.nodeid.encode("utf-8", "replace"), digest_size=6
    ).hexdigest()
    session = chatdouble_server.session(name)
    if request.config.getini("chatdouble_env"):
        _set_env(request.getfixturevalue("monkeypatch"), session, chatdouble_server.settings)
    yield session
    chatdouble_server.drop(session)


@pytest.fixture
def chatdouble_env(
    chatdouble: Session, chatdouble_server: Server, monkeypatch: pytest.MonkeyPatch
) -> Session:
    """The test's session, with OPENAI_BASE_URL and OPENAI_API_KEY set for it.

    For code that builds its own client, also in subprocesses that inherit the environment.
    """
    _set_env(monkeypatch, chatdouble, chatdouble_server.settings)
    return chatdouble


def _set_env(monkeypatch: pytest.MonkeyPatch, session: Session, settings: Settings) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", session.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", settings.keys[0] if settings.keys else "chatdouble")
