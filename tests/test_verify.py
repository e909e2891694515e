"""Assertions over the calls that came, and what a report says of a session."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import openai
import pytest

from chatdouble import ScriptError, Session, Settings, call, contains
from chatdouble.calls import Call
from chatdouble.delivery import Delivery
from chatdouble.journal import Exchange
from chatdouble.report import conversation, problems
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract


def session() -> Session:
    return Session("test", Settings(), (Contract(), Scripted()))


def ask(to: Session, user: str = "Hello", **fields: Any) -> Exchange:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}], **fields}
    made = Call(method="POST", path="/v1/chat/completions", body=json.dumps(body).encode())
    return asyncio.run(to.respond(made))


def answered() -> Session:
    made = session()
    made.on(optional=True).reply("Hi.")
    for user in ("one", "two", "one"):
        ask(made, user)
    return made


def test_calls_are_filtered_counted_and_given_back() -> None:
    made = answered()
    assert [one.user for one in made.filter(user=contains("o"))] == ["one", "two", "one"]
    assert made.assert_called(user="one", times=2).user == "one"
    assert made.assert_called().user == "one"
    made.assert_not_called(user="three")
    made.assert_order({"user": "one"}, {"user": "two"}, {"user": "one"})


def test_an_assertion_that_fails_says_what_came() -> None:
    made = answered()
    with pytest.raises(AssertionError) as caught:
        made.assert_called(user="three")
    assert str(caught.value) == (
        "expected a call with user equals 'three', got 0; 3 came, the last of them:\n"
        "  POST /v1/chat/completions model='gpt-4o' user='one': wants user equals 'three', got "
        "'one'\n"
        "  POST /v1/chat/completions model='gpt-4o' user='two': wants user equals 'three', got "
        "'two'\n"
        "  POST /v1/chat/completions model='gpt-4o' user='one': wants user equals 'three', got "
        "'one'"
    )
    for wrong, words in (
        (lambda: made.assert_called(user="one", times=3), "expected 3 calls with user equals"),
        (lambda: made.assert_not_called(user="two"), "expected no call with user equals 'two'"),
        (lambda: made.assert_order({"user": "two"}, {"user": "two"}), "as number 2 of 2"),
        (lambda: session().assert_called(), "expected a call, got 0; no call came"),
    ):
        with pytest.raises(AssertionError, match=words):
            wrong()
    with pytest.raises(ScriptError, match="times is a whole number from 1"):
        made.assert_called(times=0)


def test_a_test_can_wait_for_calls_of_another_thread(
    chatdouble: Session, chatdouble_client: openai.OpenAI
) -> None:
    chatdouble.on().reply("Hi.")

    def ask_twice() -> None:
        for text in ("first", "second"):
            chatdouble_client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": text}]
            )

    asking = threading.Thread(target=ask_twice)
    asking.start()
    assert [one.user for one in chatdouble.wait_for(2)] == ["first", "second"]
    asking.join()
    with pytest.raises(AssertionError, match=r"expected 1 answered call with user equals 'x' with"):
        chatdouble.wait_for(user="x", timeout=0.05)


@pytest.fixture
def chatdouble_client(chatdouble: Session) -> Any:
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
        yield client


def test_retries_say_whether_the_client_waited(
    chatdouble: Session, chatdouble_client: openai.OpenAI
) -> None:
    chatdouble.on().fail(429, retry_after=0.05).reply("Hi.")
    chatdouble_client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "x"}]
    )
    (retry,) = chatdouble.retries
    assert (retry.status, retry.asked, retry.call.user) == (429, 0.05, "x")
    assert retry.obeyed
    assert retry.waited >= 0.05


async def _deliver(to: Session, exchange: Exchange) -> None:
    async def nothing(*_: Any) -> Any:
        return {"type": "http.disconnect"}

    await Delivery(to.journal, exchange, 0.0)(nothing, nothing)


def test_a_session_without_problems_has_no_report() -> None:
    made = answered()
    assert problems(made) == ""


def test_a_report_names_calls_without_an_answer_and_rules_without_a_call() -> None:
    made = session()
    made.on(user="Helo").reply("Hi.")
    made.on(optional=True, user="never").reply("x")
    ask(made)
    found = problems(made)
    assert found.startswith("chatdouble has no answer to this call: POST /v1/chat/completions\n")
    assert found.endswith(
        "chatdouble: 1 rule was never used:\n"
        "  rule 1 (user equals 'Helo'): wants user equals 'Helo', got 'Hello'\n"
        "      -Helo\n"
        "      +Hello"
    )
    assert "never used" not in problems(made, used=False)
    assert problems(made, matched=False).startswith("chatdouble: 1 rule was never used")
    assert problems(made, matched=False, used=False) == ""


def test_a_report_says_why_a_rule_was_not_used() -> None:
    made = session()
    made.on(user=contains("a")).reply("x")
    made.on(user="abc").reply("y")
    ask(made, "abc")
    assert problems(made).endswith(
        "rule 2 (user equals 'abc'): rule 1 answers all of its calls; put it before that one"
    )
    made = session()
    made.on(user="x").reply("y")
    assert problems(made).endswith("rule 1 (user equals 'x'): no call came that could be read")


def test_a_rule_that_is_broken_or_used_up_is_a_problem() -> None:
    made = session()
    made.on(used_up="fail").reply("Hi.")
    ask(made)
    assert problems(made) == ""
    ask(made)
    assert "rule 1 has no answer left" in problems(made)


def test_the_conversation_is_told_in_a_few_lines() -> None:
    made = session()
    made.on(user="Hello").reply("Let me see.", call("f", a=1))
    made.on(user="Bye").fail(429)
    exchange = ask(made)
    asyncio.run(_deliver(made, exchange))
    ask(made, "Bye", stream=True)
    assert conversation(made).splitlines() == [
        "-> POST /v1/chat/completions model=gpt-4o",
        "   user: 'Hello'",
        "<- 200 scripted: 'Let me see.', calls f {\"a\":1}",
        "   rule 1 (user equals 'Hello'), answer 1",
        "   f is no tool of the request; it offers none",
        "-> POST /v1/chat/completions (stream) model=gpt-4o",
        "   user: 'Bye'",
        "<- 429 scripted (open): Rate limit reached.",
        "   rule 2 (user equals 'Bye'), answer 1",
    ]


def test_the_conversation_names_a_rule_that_another_one_hides() -> None:
    made = session()
    made.on(user=contains("Hel")).reply("Hi.")
    made.on(user=contains("Hello")).reply("Good day.")
    ask(made)
    assert conversation(made).splitlines()[-2:] == [
        "   rule 1 (user contains 'Hel'), answer 1",
        "rule 2 (user contains 'Hello'): rule 1 answers all of its calls; put it before that one",
    ]
