"""What a session says of a client that met failures, with the real client."""

from __future__ import annotations

import contextlib
from typing import Any

import openai
import pytest

from chatdouble import RemoteServer, Server, Session, Settings, call

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def client(session: Session, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=session.base_url, api_key="x", **options)


def ask(asking: openai.OpenAI, messages: list[Any] = HELLO, **fields: Any) -> Any:
    return asking.chat.completions.create(model="gpt-4o", messages=messages, **fields)


def read(asking: openai.OpenAI) -> str:
    """The text of a stream as a careless app reads it: what came before the connection broke."""
    text = ""
    with contextlib.suppress(openai.APIError):
        for chunk in ask(asking, stream=True):
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
    return text


def test_a_librarys_retry_is_told_from_the_apps_own(chatdouble: Session) -> None:
    chatdouble.on().fail(503, retry_after=0.01).fail(503, times=2).reply("Hi.")
    with client(chatdouble, max_retries=1) as asking:
        with pytest.raises(openai.InternalServerError):
            ask(asking)
        with pytest.raises(openai.InternalServerError):
            asking.with_options(max_retries=0).chat.completions.create(
                model="gpt-4o", messages=HELLO
            )
        ask(asking)
    assert [(one.automatic, one.after) for one in chatdouble.retries] == [
        (True, "error"),
        (False, "error"),
        (False, "error"),
    ]
    assert chatdouble.notes == ""


def test_identical_calls_that_failed_side_by_side_are_each_retried(chatdouble: Session) -> None:
    chatdouble.on().fail(503, times=2).reply("Hi.")
    with client(chatdouble, max_retries=0) as asking:
        for _ in range(2):
            with pytest.raises(openai.InternalServerError):
                ask(asking)
        ask(asking)
        ask(asking)
    # the second is the first again; the third and the fourth follow the second and the last
    assert len(chatdouble.retries) == 2


def test_a_client_that_did_not_wait_is_noted(chatdouble: Session) -> None:
    chatdouble.on().fail(429, retry_after=60).reply("Hi.")
    with client(chatdouble, max_retries=0) as asking:
        with pytest.raises(openai.RateLimitError):
            ask(asking)
        ask(asking)
    assert not chatdouble.retries[0].obeyed
    assert chatdouble.notes.startswith("request 2 came again after 0.")
    assert chatdouble.notes.endswith("though retry-after asked for 60 s")


def test_a_client_that_left_and_came_again_is_a_retry(chatdouble: Session) -> None:
    chatdouble.on().reply("Slow.", fault="delay=0.5").reply("Hi.")
    with client(chatdouble, max_retries=1, timeout=0.2) as asking:
        ask(asking)
    (retry,) = chatdouble.retries
    assert (retry.automatic, retry.after, retry.status) == (True, "no answer", 200)


def test_a_call_that_is_sent_again_after_a_whole_answer_is_noted(chatdouble: Session) -> None:
    chatdouble.on().reply("Hi.")
    with client(chatdouble) as asking:
        ask(asking)
        ask(asking)
        assert chatdouble.retries == []
        for _ in range(2):
            ask(asking, extra_headers={"Idempotency-Key": "one"})
    (retry,) = chatdouble.retries
    assert (retry.automatic, retry.after) == (True, "whole answer")
    assert chatdouble.notes == "request 4 came again, though its answer had been whole"


@pytest.mark.parametrize("fault", ["cut=3", "reset=3", "no_finish", "truncate=900"])
def test_a_cut_text_that_the_app_goes_on_with_is_found(chatdouble: Session, fault: str) -> None:
    chatdouble.on(turns=1).reply("One two three four five.", fault=fault)
    chatdouble.on().reply("Hi.")
    with client(chatdouble) as asking:
        text = read(asking)
        assert text
        ask(asking, [*HELLO, {"role": "assistant", "content": text}, *HELLO])
    (cut,) = chatdouble.truncated
    assert (cut.text, cut.accepted, cut.asked_again) == (text, True, False)
    assert chatdouble.notes == (
        f"the answer to request 1 was cut after {text!r}; request 2 goes on as if that were all "
        "of it"
    )


def test_cut_arguments_that_the_app_goes_on_with_are_found(chatdouble: Session) -> None:
    chatdouble.on(turns=1).reply(call("f", city="Paris"), fault="cut=3")
    chatdouble.on().reply("Hi.")
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    name = id_ = arguments = ""
    with client(chatdouble) as asking:
        with contextlib.suppress(openai.APIError):
            for chunk in ask(asking, stream=True, tools=tools):
                for made in chunk.choices[0].delta.tool_calls or ():
                    id_, name = made.id or id_, made.function.name or name
                    arguments += made.function.arguments
        made = {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        done = [
            {"role": "assistant", "tool_calls": [made]},
            {"role": "tool", "tool_call_id": id_, "content": "x"},
        ]
        ask(asking, [*HELLO, *done, *HELLO], tools=tools)
    assert chatdouble.truncated[0].accepted


def test_a_cut_answer_that_is_asked_for_again_is_fine(chatdouble: Session) -> None:
    chatdouble.on().reply("One two three.", fault="cut=3").reply("Hi.", fault="crlf")
    with client(chatdouble) as asking:
        text = read(asking)
        assert read(asking) == "Hi."
    (cut,) = chatdouble.truncated
    assert (cut.text, cut.accepted, cut.asked_again) == (text, False, True)
    (retry,) = chatdouble.retries
    assert (retry.automatic, retry.after) == (False, "broken answer")
    assert chatdouble.notes == ""


def test_a_cut_answer_that_is_dropped_is_noted_in_either_process() -> None:
    with Server(Settings(control=True)) as server, RemoteServer(server.url) as there:
        remote = there.session()
        remote.on().reply("One two three.", fault="cut=3")
        with openai.OpenAI(base_url=remote.base_url, api_key="x") as asking:
            text = read(asking)
        remote.wait_for()
        assert remote.notes == (
            f"the answer to request 1 was cut after {text!r}, and was not asked for again"
        )
        assert not remote.truncated[0].accepted
