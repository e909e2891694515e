"""The plugin as a person sees it: pytest runs inside pytest, autoload off, the plugin named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

ARGS = ("-p", "pytest_chatdouble", "-p", "no:cacheprovider")


@pytest.fixture(autouse=True)
def _only_our_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_the_fixture_is_a_session_of_the_tests_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import openai

        HELLO = [{"role": "user", "content": "Hello"}]

        def ask(chatdouble):
            with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
                completion = client.chat.completions.create(model="gpt-4o", messages=HELLO)
            return completion.choices[0].message.content

        def test_one(chatdouble):
            chatdouble.on(user="Hello").reply("One.")
            assert ask(chatdouble) == "One."
            assert [call.user for call in chatdouble.calls] == ["Hello"]

        def test_two(chatdouble):
            assert chatdouble.calls == []
            assert chatdouble.rules == ()
            chatdouble.on(user="Hello").reply("Two.")
            assert ask(chatdouble) == "Two."
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=2)


def test_one_server_serves_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        seen = set()

        @pytest.mark.parametrize("number", range(3))
        def test_it(chatdouble, chatdouble_server, number):
            seen.add(chatdouble.base_url)
            assert chatdouble.base_url.startswith(chatdouble_server.url + "/s/")
            assert len({url.split("/s/")[0] for url in seen}) == 1
            assert len(seen) == number + 1
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=3)


def test_chatdouble_env_reaches_code_that_builds_its_own_client(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, subprocess, sys, openai

        def test_it(chatdouble_env):
            chatdouble_env.on().reply("Hi.")
            ask = (
                "import openai; print(openai.OpenAI().chat.completions.create(model='m', "
                "messages=[{'role': 'user', 'content': 'x'}]).choices[0].message.content)"
            )
            with openai.OpenAI() as client:
                assert str(client.base_url).rstrip("/") == chatdouble_env.base_url
            ran = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
            assert ran.stdout == "Hi.\\n", ran.stderr

        def test_it_is_undone_afterwards():
            assert "OPENAI_BASE_URL" not in os.environ
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=2)


def test_an_ini_option_sets_the_environment_in_every_test_with_the_fixture(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini("[pytest]\nchatdouble_env = true\n")
    pytester.makepyfile(
        """
        import os

        def test_it(chatdouble):
            assert os.environ["OPENAI_BASE_URL"] == chatdouble.base_url
            assert os.environ["OPENAI_API_KEY"]

        def test_without_the_fixture():
            assert "OPENAI_BASE_URL" not in os.environ
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=2)


def test_settings_are_a_fixture_to_override(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from chatdouble import Settings

        @pytest.fixture(scope="session")
        def chatdouble_settings():
            return Settings(clock=1700000000)
        """
    )
    pytester.makepyfile(
        """
        def test_it(chatdouble):
            assert chatdouble.now() == 1700000000
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=1)


def test_a_failing_test_shows_why_the_call_was_not_matched(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import openai
        from chatdouble import contains

        def test_it(chatdouble):
            chatdouble.on(user=contains("weather")).reply("Sunny.")
            with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
                client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": "Hello"}]
                )
        """
    )
    result = pytester.runpytest_subprocess(*ARGS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*rule 1: wants user contains 'weather', got 'Hello'*"])


def test_a_mistake_in_a_rule_fails_where_it_was_made(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(chatdouble):
            chatdouble.on(user=7).reply("x")
        """
    )
    result = pytester.runpytest_subprocess(*ARGS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *ScriptError: user expects a text or a matcher of one, got 7"])


def test_workers_of_xdist_have_servers_of_their_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import openai, pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(chatdouble, number):
            chatdouble.on().reply(str(number))
            with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
                completion = client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": "x"}]
                )
            assert completion.choices[0].message.content == str(number)
        """
    )
    result = pytester.runpytest_subprocess(*ARGS, "-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=8)


def test_unittest_classes_and_async_code_use_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio, unittest, openai, pytest

        class TestIt(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _double(self, chatdouble):
                self.chatdouble = chatdouble

            def test_it(self):
                self.chatdouble.on().reply("Hi.")

                async def ask():
                    async with openai.AsyncOpenAI(
                        base_url=self.chatdouble.base_url, api_key="x"
                    ) as client:
                        return await client.chat.completions.create(
                            model="m", messages=[{"role": "user", "content": "x"}]
                        )

                self.assertEqual(asyncio.run(ask()).choices[0].message.content, "Hi.")
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=1)


def test_a_run_without_the_fixture_imports_nothing_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "pytest_chatdouble" in sys.modules
            assert not [name for name in sys.modules if name.split(".")[0] == "chatdouble"]
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=1)


def test_the_fixtures_are_listed_with_what_they_are_for(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*ARGS, "--fixtures")
    result.stdout.fnmatch_lines(["chatdouble *", "*This test's own session*"])


def test_two_tests_see_the_same_ids_in_every_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import openai

        def test_it(chatdouble):
            chatdouble.on().reply("Hi.")
            with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
                completion = client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": "x"}]
                )
            with open("ids.txt", "a") as ids:
                ids.write(completion.id + "\\n")
        """
    )
    for _ in range(2):
        pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=1)
    first, second = (pytester.path / "ids.txt").read_text().split()
    assert first == second


ASK = """
import openai, pytest
from chatdouble import contains

def ask(chatdouble, text="Hello", **fields):
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="x", max_retries=0) as client:
        return client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}], **fields
        ).choices[0].message.content
"""


def test_a_call_without_an_answer_fails_the_test_with_its_explanation(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        ASK
        + """
def test_it(chatdouble):
    chatdouble.on(user="Helo", optional=True).reply("Hi.")
    with pytest.raises(openai.NotFoundError):
        ask(chatdouble)
"""
    )
    result = pytester.runpytest_subprocess(*ARGS)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "chatdouble has no answer to this call: POST /v1/chat/completions",
            "  user: 'Hello'",
            "- scripted: rule 1: wants user equals 'Helo', got 'Hello'",
            "    -Helo",
            "    +Hello",
            "To answer it:",
            "  chatdouble.on(user='Hello').reply(*)",
            "*chatdouble: what was said*",
            "-> POST /v1/chat/completions model=gpt-4o",
            "   user: 'Hello'",
            "<- 404 unmatched*",
        ]
    )


def test_a_rule_that_was_never_used_fails_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        ASK
        + """
def test_it(chatdouble):
    chatdouble.on(user="Hello").reply("Hi.")
    chatdouble.on(user="Bye").reply("See you.")
    assert ask(chatdouble) == "Hi."

@pytest.mark.chatdouble(assert_used=False)
def test_not_asked_for(chatdouble):
    chatdouble.on(user="Bye").reply("See you.")

def test_a_failure_of_the_test_itself_comes_first(chatdouble):
    chatdouble.on(user="Bye").reply("See you.")
    assert ask(chatdouble, "Bye") == "Hello."
"""
    )
    result = pytester.runpytest_subprocess(*ARGS)
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            "chatdouble: 1 rule was never used:",
            "  rule 2 (user equals 'Bye'): wants user equals 'Bye', got 'Hello'",
            "E *AssertionError: assert 'See you.' == 'Hello.'",
            "<- 200 scripted: 'See you.'",
        ]
    )
    result.stdout.no_fnmatch_line("*traceback entries are hidden*")


def test_the_ini_file_switches_the_checks_off_and_made_up_answers_on(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini("[pytest]\nchatdouble_assert_used = false\nchatdouble_unmatched = generated\n")
    pytester.makepyfile(
        ASK
        + """
def test_it(chatdouble):
    chatdouble.on(user="Bye").reply("See you.")
    assert len(ask(chatdouble)) > 10
    assert chatdouble.journal.exchanges[0].source == "generated"

@pytest.mark.chatdouble(unmatched="error", assert_matched=False)
def test_the_nearest_says_how(chatdouble):
    with pytest.raises(openai.NotFoundError):
        ask(chatdouble)
"""
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=2)


def test_a_marker_names_a_script_and_a_cassette_beside_the_test(
    pytester: pytest.Pytester,
) -> None:
    cassette = next((Path(__file__).parents[2] / "cassettes").rglob("*.yaml"), None)
    assert cassette is not None
    recorded = yaml.safe_load(cassette.read_text("utf-8"))["interactions"][0]
    body = json.loads(recorded["request"]["body"])
    (pytester.path / "c.yaml").write_bytes(cassette.read_bytes())
    (pytester.path / "s.yaml").write_text("- {when: {user: Hello there}, reply: From the script.}")
    pytester.makepyfile(
        ASK
        + f"""
BODY = {body!r}

@pytest.mark.chatdouble(script="s.yaml", cassette="c.yaml")
def test_both(chatdouble):
    assert ask(chatdouble, "Hello there") == "From the script."
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
        client.chat.completions.create(**BODY)
    assert [one.source for one in chatdouble.journal] == ["scripted", "recorded"]

@pytest.mark.chatdouble(script="nowhere.yaml")
def test_no_such_script(chatdouble):
    pass

@pytest.mark.chatdouble(scirpt="s.yaml")
def test_a_typo(chatdouble):
    pass
"""
    )
    result = pytester.runpytest_subprocess(*ARGS)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "E *nowhere.yaml: cannot be read: No such file or directory",
            "*the chatdouble marker takes script, cassette, *got 'scirpt'*",
        ]
    )


def test_the_network_is_out_of_reach_when_it_is_blocked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        ASK
        + """
import socket

def test_a_name():
    with openai.OpenAI(base_url="http://api.example.org/v1", api_key="x", max_retries=0) as client:
        client.models.list()

def test_an_address():
    socket.create_connection(("192.0.2.1", 80), timeout=1)

def test_loopback(chatdouble):
    chatdouble.on().reply("Hi.")
    assert ask(chatdouble) == "Hi."
    with socket.socket(socket.AF_UNIX) as local, pytest.raises(FileNotFoundError):
        local.connect("/nowhere")
"""
    )
    result = pytester.runpytest_subprocess(*ARGS, "--chatdouble-block-network")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*::test_a_name wanted to connect to api.example.org, which *",
            "*::test_an_address wanted to connect to 192.0.2.1, which *",
        ]
    )


def test_keys_and_models_are_settings_of_the_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from chatdouble import Settings

        @pytest.fixture(scope="session")
        def chatdouble_settings():
            return Settings(keys=["test-key"], models=["gpt-4o"])
        """
    )
    pytester.makepyfile(
        """
        import openai, pytest

        HELLO = [{"role": "user", "content": "Hello"}]

        def test_it(chatdouble_env):
            chatdouble_env.on().reply("Hi.")
            with openai.OpenAI() as client:
                assert client.chat.completions.create(model="gpt-4o", messages=HELLO).id
                with pytest.raises(openai.NotFoundError):
                    client.chat.completions.create(model="gpt-5", messages=HELLO)
            with openai.OpenAI(api_key="other") as client, pytest.raises(
                openai.AuthenticationError
            ):
                client.chat.completions.create(model="gpt-4o", messages=HELLO)
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=1)
