"""The pytest plugin: ``def test_agent(chatdouble): ...``.

Nothing of chatdouble is imported before a test asks for one of the fixtures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from chatdouble import Server, Session, Settings
    from chatdouble.sources.source import Source

__all__ = ["chatdouble", "chatdouble_env", "chatdouble_server", "chatdouble_settings"]

_MARKER = (
    "chatdouble(script=None, cassette=None, unmatched=None, assert_matched=None, "
    "assert_used=None): how the chatdouble fixture answers in this test: rules of a script, "
    "recordings of a cassette (paths beside the test's file), and what becomes of calls that "
    "nothing answers ('error' or 'generated'); which of its checks at the test's end are made"
)
_OPTIONS = ("script", "cassette", "unmatched", "assert_matched", "assert_used")
_POLICIES = ("error", "generated")

# a test's session, for the hooks that look at it when the test has run
_SESSION: pytest.StashKey[Session] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini and command-line options."""
    parser.addini(
        "chatdouble_env",
        "set OPENAI_BASE_URL and OPENAI_API_KEY in every test that uses the chatdouble fixture",
        type="bool",
        default=False,
    )
    parser.addini(
        "chatdouble_unmatched",
        "what becomes of calls that no rule answers: error (the default) or generated",
        default="error",
    )
    parser.addini(
        "chatdouble_assert_matched",
        "fail a test in which a call had no answer",
        type="bool",
        default=True,
    )
    parser.addini(
        "chatdouble_assert_used",
        "fail a test in which a rule was never used",
        type="bool",
        default=True,
    )
    parser.addini(
        "chatdouble_block_network",
        "refuse connections to other hosts than loopback while tests run",
        type="bool",
        default=False,
    )
    parser.getgroup("chatdouble").addoption(
        "--chatdouble-block-network",
        action="store_true",
        help="refuse connections to other hosts than loopback while tests run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; put the guard against the network up if it is asked for."""
    config.addinivalue_line("markers", _MARKER)
    if config.getoption("--chatdouble-block-network") or config.getini("chatdouble_block_network"):
        from pytest_chatdouble.guard import Guard

        config.pluginmanager.register(Guard(), "chatdouble-guard")


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
    """This test's own session: rules by ``on()``, ``base_url`` for clients, then ``calls``.

    When the test has run, it fails if a call had no answer or a rule was never used.
    """
    # the id comes from the test's name, so that a test gets the same completion ids in every run
    name = hashlib.blake2b(
        request.node.nodeid.encode("utf-8", "replace"), digest_size=6
    ).hexdigest()
    session = chatdouble_server.session(name, _sources(request.node))
    request.node.stash[_SESSION] = session
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


def _option(item: pytest.Item, name: str) -> Any:
    """An option of the test: its nearest marker's, else the ini file's."""
    for marker in item.iter_markers("chatdouble"):
        unknown = [key for key in marker.kwargs if key not in _OPTIONS]
        if unknown or marker.args:
            raise pytest.UsageError(
                f"the chatdouble marker takes {', '.join(_OPTIONS)}, got "
                f"{', '.join(unknown) or marker.args!r}"
            )
        if marker.kwargs.get(name) is not None:
            return marker.kwargs[name]
    return item.config.getini(f"chatdouble_{name}") if name not in ("script", "cassette") else None


def _sources(item: pytest.Item) -> tuple[Source, ...] | None:
    """The sources of a test's session; None for the usual ones."""
    script, cassette = _option(item, "script"), _option(item, "cassette")
    unmatched = _option(item, "unmatched")
    if unmatched not in _POLICIES:
        raise pytest.UsageError(f"unmatched is one of {', '.join(_POLICIES)}, got {unmatched!r}")
    if script is None and cassette is None and unmatched == "error":
        return None
    from chatdouble.modes import sources

    folder = item.path.parent
    return sources(
        None if script is None else folder / script,
        None if cassette is None else folder / cassette,
        generated=unmatched == "generated",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """When the test itself passed, check what became of its session."""
    __tracebackhide__ = True
    result = yield
    session = item.stash.get(_SESSION, None)
    if session is not None:
        from chatdouble.report import problems

        matched, used = _option(item, "assert_matched"), _option(item, "assert_used")
        found = problems(session, matched=matched, used=used)
        if found:
            pytest.fail(found, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what was said in the report of a test that failed."""
    report = yield
    session = item.stash.get(_SESSION, None)
    if session is not None and report.failed and call.when == "call":
        from chatdouble.report import conversation

        said = conversation(session)
        if said:
            report.sections.append(("chatdouble: what was said", said))
    return report
