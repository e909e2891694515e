"""The pytest plugin: ``def test_agent(chatdouble): ...``.

Nothing of chatdouble is imported before a test asks for one of the fixtures.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_chatdouble import cassettes

if TYPE_CHECKING:
    from chatdouble import Matching, RemoteServer, RemoteSession, Server, Session, Settings
    from chatdouble.modes import Unmatched
    from chatdouble.sources.source import Source

__all__ = [
    "chatdouble",
    "chatdouble_env",
    "chatdouble_matching",
    "chatdouble_server",
    "chatdouble_settings",
]

_MARKER = (
    "chatdouble(script=None, cassette=None, mode=None, unmatched=None, assert_matched=None, "
    "assert_used=None): how the chatdouble fixture answers in this test: rules of a script, "
    "recordings of a cassette (paths beside the test's file; True for the test's own), the record "
    "mode ('none', 'once', 'new_episodes' or 'all'), and what becomes of calls that nothing "
    "answers ('error', 'generated' or 'passthrough'); which of its checks at the test's end are "
    "made"
)
_OPTIONS = ("script", "cassette", "mode", "unmatched", "assert_matched", "assert_used")
_POLICIES = ("error", "generated", "passthrough")

_MARKER_ONLY = ("script", "cassette", "mode")

# a test's session, for the hooks that look at it when the test has run
_SESSION: pytest.StashKey[Session | RemoteSession] = pytest.StashKey()


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
        "what becomes of calls that no rule answers: error (the default), generated, or "
        "passthrough to the server of chatdouble_upstream",
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
    parser.addini(
        "chatdouble_server_url",
        "the address of a server in another process, which the fixtures use in place of their own",
        default="",
    )
    cassettes.add_options(parser)
    parser.getgroup("chatdouble").addoption(
        "--chatdouble-server",
        metavar="URL",
        help="use this server in another process (chatdouble serve), for example "
        "http://127.0.0.1:8642",
    )
    parser.getgroup("chatdouble").addoption(
        "--chatdouble-block-network",
        action="store_true",
        help="refuse connections to other hosts than loopback while tests run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; put the guard against the network up if it is asked for."""
    config.addinivalue_line("markers", _MARKER)
    cassettes.keep_house(config)
    if config.getoption("--chatdouble-block-network") or config.getini("chatdouble_block_network"):
        from pytest_chatdouble.guard import Guard

        config.pluginmanager.register(Guard(), "chatdouble-guard")


@pytest.fixture(scope="session")
def chatdouble_settings(pytestconfig: pytest.Config) -> Settings:
    """How the run's server behaves; override it in a conftest.py to change that."""
    from chatdouble import Settings

    return Settings(upstream=cassettes.upstream(pytestconfig))


@pytest.fixture(scope="session")
def chatdouble_matching() -> Matching:
    """Which recording answers a request; override it in a conftest.py to ignore what varies."""
    from chatdouble import Matching

    return Matching()


@pytest.fixture(scope="session")
def chatdouble_server(request: pytest.FixtureRequest) -> Iterator[Server | RemoteServer]:
    """The run's one server, on a free port of its own in every pytest-xdist worker.

    With the option ``chatdouble_server_url`` it is that one, whose settings are its own.
    """
    url = _server_url(request.config)
    if url:
        from chatdouble import RemoteServer

        with RemoteServer(url) as remote:
            yield remote
        return
    from chatdouble import Server

    with Server(request.getfixturevalue("chatdouble_settings")) as server:
        yield server


@pytest.fixture
def chatdouble(
    chatdouble_server: Any, request: pytest.FixtureRequest
) -> Iterator[Session | RemoteSession]:
    """This test's own session: rules by ``on()``, ``base_url`` for clients, then ``calls``.

    When the test has run, it fails if a call had no answer or a rule was never used.
    """
    opened = _opened_there if _server_url(request.config) else _opened
    session = opened(chatdouble_server, request)
    request.node.stash[_SESSION] = session
    if request.config.getini("chatdouble_env"):
        _set_env(request.getfixturevalue("monkeypatch"), session, chatdouble_server)
    yield session
    chatdouble_server.drop(session)
    cassettes.finish(request.node, session)


@pytest.fixture
def chatdouble_env(
    chatdouble: Session | RemoteSession, chatdouble_server: Any, monkeypatch: pytest.MonkeyPatch
) -> Session | RemoteSession:
    """The test's session, with OPENAI_BASE_URL and OPENAI_API_KEY set for it.

    For code that builds its own client, also in subprocesses that inherit the environment.
    """
    _set_env(monkeypatch, chatdouble, chatdouble_server)
    return chatdouble


def _set_env(
    monkeypatch: pytest.MonkeyPatch,
    session: Session | RemoteSession,
    server: Server | RemoteServer,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", session.base_url)
    settings: Settings | None = getattr(server, "settings", None)
    if settings is None:
        # which keys a server in another process accepts, its user has to say
        monkeypatch.setenv("OPENAI_API_KEY", os.environ.get("OPENAI_API_KEY", "chatdouble"))
    else:
        monkeypatch.setenv("OPENAI_API_KEY", settings.keys[0] if settings.keys else "chatdouble")


def _server_url(config: pytest.Config) -> str:
    """The address of the server in another process, "" if there is none."""
    return str(config.getoption("--chatdouble-server") or config.getini("chatdouble_server_url"))


def _opened(server: Server, request: pytest.FixtureRequest) -> Session:
    """The test's session in this process."""
    item = request.node
    # the id comes from the test's name, so that a test gets the same completion ids in every run
    name = hashlib.blake2b(item.nodeid.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return server.session(name, _sources(request, server.settings))


def _opened_there(server: RemoteServer, request: pytest.FixtureRequest) -> RemoteSession:
    """The test's session of a server in another process."""
    item = request.node
    from chatdouble import ScriptError
    from chatdouble.script import load

    script, cassette = _option(item, "script"), _option(item, "cassette")
    if cassette is True or cassettes.mode(item, _option(item, "mode")) != "none":
        raise pytest.UsageError(
            "a server in another process has no cassettes of tests' own and records nothing here: "
            "leave chatdouble_server_url out, or name a cassette of its control folder"
        )
    session = server.session(unmatched=_unmatched(item), cassette=cassette)
    if script is not None:
        try:
            session.add(*load((item.path.parent / script,)))
        except ScriptError:
            # it is not here, or names recordings: then it has to be there
            session.load(script=script)
    return session


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
    return item.config.getini(f"chatdouble_{name}") if name not in _MARKER_ONLY else None


def _sources(request: pytest.FixtureRequest, settings: Settings) -> tuple[Source, ...] | None:
    """The sources of a test's session; None for the usual ones."""
    item = request.node
    script = _option(item, "script")
    cassette = cassettes.path(item, _option(item, "cassette"))
    unmatched = _unmatched(item)
    if script is None and cassette is None and unmatched == "error":
        return None
    from chatdouble import modes

    rules = None if script is None else item.path.parent / script
    mode = cassettes.mode(item, _option(item, "mode"))
    if cassette is None:
        return modes.sources(rules, unmatched=unmatched, settings=settings)
    matching = request.getfixturevalue("chatdouble_matching")
    return cassettes.sources(item, rules, cassette, mode, unmatched, settings, matching)


def _unmatched(item: pytest.Item) -> Unmatched:
    """What becomes of calls that nothing answers."""
    unmatched: Unmatched = _option(item, "unmatched")
    if unmatched not in _POLICIES:
        raise pytest.UsageError(f"unmatched is one of {', '.join(_POLICIES)}, got {unmatched!r}")
    return unmatched


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """When the test itself passed, check what became of its session."""
    result = yield
    session = item.stash.get(_SESSION, None)
    if session is not None:
        matched, used = _option(item, "assert_matched"), _option(item, "assert_used")
        found = session.report(matched=matched, used=used)
        if found:
            pytest.fail(found, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what was said in the report of a test that failed, and notes in that of any."""
    report = yield
    session = item.stash.get(_SESSION, None)
    if session is not None and report.failed:
        cassettes.note_failure(item)
    if session is not None and call.when == "call":
        from chatdouble import ChatdoubleError

        try:
            said = session.conversation if report.failed else ""
            notes = session.notes
        except ChatdoubleError as error:
            # a server in another process is gone
            said, notes = str(error), ""
        if said:
            report.sections.append(("chatdouble: what was said", said))
        if notes:
            report.sections.append(("chatdouble: how the client behaved", notes))
    return report
