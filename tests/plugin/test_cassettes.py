"""Recording with pytest, against chatdouble itself on another port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from chatdouble import Server, Session

ARGS = ("-p", "pytest_chatdouble", "-p", "no:cacheprovider")

ASKING = """
    import openai
    import pytest

    def ask(chatdouble, text):
        with openai.OpenAI(base_url=chatdouble.base_url, api_key="sk-mine-0123456789abcdef") as c:
            made = c.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": text}]
            )
        return made.choices[0].message.content
"""


@pytest.fixture(autouse=True)
def _only_our_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CHATDOUBLE_UPSTREAM_API_KEY", raising=False)


@pytest.fixture
def upstream() -> Iterator[Session]:
    with Server() as server:
        session = server.session("")
        session.on(user="Hello").reply("Hi.").reply("Hi again.")
        session.on(user="Bye").reply("See you.")
        yield session


def run(pytester: pytest.Pytester, *args: str, upstream: Session | None = None) -> pytest.RunResult:
    named = ("--chatdouble-upstream", upstream.base_url) if upstream else ()
    return pytester.runpytest_subprocess(*ARGS, *named, *args)


def write(pytester: pytest.Pytester, tests: str) -> None:
    pytester.makepyfile(test_app=f"{ASKING}\n{tests}")


def held(file: Path) -> list[str]:
    """The contents of the last messages of a cassette's requests."""
    found = yaml.safe_load(file.read_text())["interactions"]
    return [yaml.safe_load(one["request"]["body"])["messages"][-1]["content"] for one in found]


ONE = """
    @pytest.mark.chatdouble(cassette=True)
    def test_it(chatdouble):
        assert ask(chatdouble, "Hello") == "Hi."
"""


def test_a_test_is_recorded_once_and_replayed_ever_after(
    pytester: pytest.Pytester, upstream: Session
) -> None:
    write(pytester, ONE)
    run(pytester, "--chatdouble-mode=once", upstream=upstream).assert_outcomes(passed=1)
    file = pytester.path / "cassettes" / "test_app" / "test_it.yaml"
    assert held(file) == ["Hello"]
    assert "sk-mine" not in file.read_text()
    assert [one.name for one in file.parent.iterdir()] == ["test_it.yaml"]
    for mode in ("none", "once", "new_episodes"):
        run(pytester, f"--chatdouble-mode={mode}", upstream=upstream).assert_outcomes(passed=1)
    assert len(upstream.calls) == 1


def test_without_a_mode_nothing_is_asked_and_the_miss_says_how_to_record(
    pytester: pytest.Pytester, upstream: Session
) -> None:
    write(pytester, ONE)
    result = run(pytester, upstream=upstream)
    result.assert_outcomes(failed=1)
    said = [
        "*there are no recordings",
        "*To answer it:",
        "*chatdouble.on(user='Hello').reply(*)",
        "*or:",
        "*chatdouble record *",
        "*pytest --chatdouble-mode=new_episodes*",
    ]
    result.stdout.fnmatch_lines(said, consecutive=True)
    assert upstream.calls == []
    assert not (pytester.path / "cassettes").exists()


def test_what_is_missing_joins_the_cassette_when_the_test_passes(
    pytester: pytest.Pytester, upstream: Session
) -> None:
    write(pytester, ONE)
    run(pytester, "--chatdouble-mode=once", upstream=upstream).assert_outcomes(passed=1)
    write(pytester, f'{ONE}        assert ask(chatdouble, "Bye") == "See you."\n')
    run(pytester, "--chatdouble-mode=new_episodes", upstream=upstream).assert_outcomes(passed=1)
    file = pytester.path / "cassettes" / "test_app" / "test_it.yaml"
    assert held(file) == ["Hello", "Bye"]
    assert [call.user for call in upstream.calls] == ["Hello", "Bye"]
    run(pytester).assert_outcomes(passed=1)


def test_a_failed_test_leaves_the_old_cassette_as_it_was(
    pytester: pytest.Pytester, upstream: Session
) -> None:
    write(pytester, ONE)
    run(pytester, "--chatdouble-mode=once", upstream=upstream).assert_outcomes(passed=1)
    file = pytester.path / "cassettes" / "test_app" / "test_it.yaml"
    before = file.read_bytes()
    result = run(pytester, "--chatdouble-mode=all", upstream=upstream)
    result.assert_outcomes(failed=1)  # upstream says "Hi again." now
    assert file.read_bytes() == before
    assert held(file.with_name("test_it.unmerged")) == ["Hello"]
    result.stdout.fnmatch_lines(["*test_it failed, so *test_it.yaml is as it was*unmerged*"])
    write(pytester, ONE.replace("Hi.", "Hi again."))
    run(pytester, "--chatdouble-mode=all", upstream=upstream).assert_outcomes(passed=1)
    assert held(file) == ["Hello"]
    assert "Hi again." in file.read_text()
    assert [one.name for one in file.parent.iterdir()] == ["test_it.yaml"]


def test_tests_that_share_a_cassette_are_recorded_anew_together(
    pytester: pytest.Pytester, upstream: Session
) -> None:
    upstream.on().reply("Any.")
    write(
        pytester,
        """
    @pytest.mark.chatdouble(cassette="shared.yaml")
    @pytest.mark.parametrize("text", ["One", "Two", "Three"])
    def test_it(chatdouble, text):
        assert ask(chatdouble, text) == "Any."
""",
    )
    file = pytester.path / "shared.yaml"
    file.write_text("interactions: []\nversion: 1\n")
    run(
        pytester, "-p", "xdist", "-n", "2", "--chatdouble-mode=new_episodes", upstream=upstream
    ).assert_outcomes(passed=3)
    assert sorted(held(file)) == ["One", "Three", "Two"]
    run(pytester, "--chatdouble-mode=all", upstream=upstream).assert_outcomes(passed=3)
    assert held(file) == ["One", "Two", "Three"]
    before = file.read_bytes()
    result = run(pytester, "-p", "xdist", "-n", "2", "--chatdouble-mode=all", upstream=upstream)
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*shared.yaml is recorded anew by one process: *-n 0*"])
    assert file.read_bytes() == before


def test_workers_that_record_into_one_cassette_at_once_lose_nothing(
    pytester: pytest.Pytester, upstream: Session
) -> None:
    write(
        pytester,
        """
    import time
    from pathlib import Path

    def wait_for(name):
        deadline = time.monotonic() + 20
        while not Path(name).exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    @pytest.fixture
    def when_first_has_asked():
        wait_for("asked")

    @pytest.mark.chatdouble(cassette="shared.yaml", mode="new_episodes")
    def test_first(chatdouble):
        ask(chatdouble, "Hello")
        Path("asked").touch()
        wait_for("started")

    @pytest.mark.chatdouble(cassette="shared.yaml", mode="new_episodes")
    def test_second(when_first_has_asked, chatdouble):
        Path("started").touch()
        ask(chatdouble, "Bye")
""",
    )
    run(pytester, "-p", "xdist", "-n", "2", upstream=upstream).assert_outcomes(passed=2)
    assert sorted(held(pytester.path / "shared.yaml")) == ["Bye", "Hello"]
    assert list(pytester.path.glob("*.unmerged")) == []


def test_markers_and_the_ini_file_say_so_too(pytester: pytest.Pytester, upstream: Session) -> None:
    pytester.makeini(
        f"[pytest]\nchatdouble_cassette = true\nchatdouble_upstream = {upstream.base_url}\n"
    )
    write(
        pytester,
        """
    class TestThem:
        @pytest.mark.chatdouble(mode="once")
        @pytest.mark.parametrize("text", ["Hello", "B/y"])
        def test_it(self, chatdouble, text):
            chatdouble.on(user="B/y").reply("Scripted.")
            assert ask(chatdouble, text) in ("Hi.", "Scripted.")
            chatdouble.clear_rules()

    def test_scripted(chatdouble):
        chatdouble.on(user="Hello").reply("Mine.")
        assert ask(chatdouble, "Hello") == "Mine."

    @pytest.mark.chatdouble(cassette=False, unmatched="passthrough")
    def test_passed_on(chatdouble):
        assert ask(chatdouble, "Bye") == "See you."
""",
    )
    run(pytester).assert_outcomes(passed=4)
    folder = pytester.path / "cassettes" / "test_app"
    assert [file.name for file in folder.iterdir()] == ["TestThem.test_it[Hello].yaml"]
    assert [call.user for call in upstream.calls] == ["Hello", "Bye"]


def test_matching_is_a_fixture_to_override(pytester: pytest.Pytester, upstream: Session) -> None:
    write(pytester, ONE)
    run(pytester, "--chatdouble-mode=once", upstream=upstream).assert_outcomes(passed=1)
    pytester.makeconftest(
        """
        import pytest
        from chatdouble import Matching

        @pytest.fixture(scope="session")
        def chatdouble_matching():
            return Matching(ignore_fields=("messages",))
        """
    )
    write(pytester, ONE.replace('"Hello"', '"Good day"'))
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")])
def test_unused_recordings_are_told_and_pruned(
    pytester: pytest.Pytester, upstream: Session, workers: tuple[str, ...]
) -> None:
    write(
        pytester,
        f"""{ONE}
        assert ask(chatdouble, "Bye") == "See you."

    @pytest.mark.chatdouble(cassette=True)
    def test_gone(chatdouble):
        ask(chatdouble, "Bye")
""",
    )
    run(pytester, "--chatdouble-mode=once", upstream=upstream).assert_outcomes(passed=2)
    write(pytester, ONE)
    folder = pytester.path / "cassettes" / "test_app"
    result = run(pytester, *workers)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*chatdouble: cassettes*",
            "*test_gone.yaml: belongs to no test",
            "*test_it.yaml: interaction 2 never used",
        ]
    )
    partly = run(pytester, "test_app.py::test_it")
    partly.stdout.no_fnmatch_line("*chatdouble: cassettes*")
    run(pytester, *workers, "--chatdouble-prune").assert_outcomes(passed=1)
    assert [file.name for file in folder.iterdir()] == ["test_it.yaml"]
    assert held(folder / "test_it.yaml") == ["Hello"]
    run(pytester).stdout.no_fnmatch_line("*chatdouble: cassettes*")


def test_what_cannot_be_pruned_is_told_and_stays(
    pytester: pytest.Pytester, upstream: Session
) -> None:
    write(pytester, f'{ONE}        assert ask(chatdouble, "Bye") == "See you."\n')
    run(pytester, "--chatdouble-mode=once", upstream=upstream).assert_outcomes(passed=1)
    file = pytester.path / "cassettes" / "test_app" / "test_it.yaml"
    file.write_text(json.dumps(yaml.safe_load(file.read_text())))
    before = file.read_bytes()
    write(pytester, ONE)
    result = run(pytester, "--chatdouble-prune")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*interaction 2 never used, and not removed: it is laid out *"])
    assert file.read_bytes() == before


def test_old_recordings_are_told(pytester: pytest.Pytester, upstream: Session) -> None:
    write(pytester, ONE)
    run(pytester, "--chatdouble-mode=once", upstream=upstream).assert_outcomes(passed=1)
    file = pytester.path / "cassettes" / "test_app" / "test_it.yaml"
    text = file.read_text()
    year = text.split("recorded: ")[1].strip("'")[:4]
    file.write_text(text.replace(f"recorded: '{year}", "recorded: '2020"))
    pytester.makeini("[pytest]\nchatdouble_max_age = 30\n")
    run(pytester).stdout.fnmatch_lines(["*test_it.yaml: interaction 1 older than 30 days"])
