"""``max_tokens``, ``max_completion_tokens`` and ``stop``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdouble import Reply, Usage, call, tokens
from chatdouble.wire.chat.limits import limited
from chatdouble.wire.chat.request import ChatRequest, UserMessage
from tests.wire.test_chat_render import chunks, render

TEXT = "One two three four five. Six seven."


def asked(**fields: Any) -> ChatRequest:
    return ChatRequest(model="gpt-4o", messages=[UserMessage(content="Hi")], **fields)


def test_without_a_limit_the_reply_is_untouched() -> None:
    reply = Reply(TEXT)
    assert limited(asked(), reply) is reply


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_at_exactly_that_token(field: str) -> None:
    cut = limited(asked(**{field: 4}), Reply(TEXT))
    assert cut.content == "One two three four"
    assert cut.finish_reason == "length"
    body = json.loads(render(Reply(TEXT), **{field: 4}).whole())
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 4


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    reply = Reply(TEXT)
    assert limited(asked(max_tokens=tokens.count(TEXT)), reply) is reply


@given(text=st.text(min_size=1), limit=st.integers(1, 20))
def test_a_cut_text_is_the_beginning_of_the_whole_one(text: str, limit: int) -> None:
    cut = limited(asked(max_tokens=limit), Reply(text))
    assert text.startswith(cut.content or "")
    assert (cut.finish_reason == "length") is (tokens.count(text) > limit)


def test_a_stop_sequence_ends_the_text_before_it_also_across_chunks() -> None:
    stream = chunks(Reply(TEXT), stop=["ve. S", "seven"])
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in stream)
    assert said == "One two three four fi"
    assert stream[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_stop_sequences_tokens_are_billed() -> None:
    body = json.loads(render(Reply(TEXT), stop=" four").whole())
    assert body["choices"][0]["message"]["content"] == "One two three"
    assert body["usage"]["completion_tokens"] == 4


def test_the_limit_or_the_stop_sequence_whichever_comes_first() -> None:
    reply = Reply(TEXT)
    assert limited(asked(max_tokens=2, stop="four"), reply).finish_reason == "length"
    assert limited(asked(max_tokens=6, stop="four"), reply).finish_reason == "stop"
    assert limited(asked(stop=["nowhere", ""]), reply) is reply


def test_a_limit_cuts_the_arguments_of_a_tool_call() -> None:
    cut = limited(asked(max_tokens=3), Reply(tool_calls=(call("f", city="Paris"), call("g"))))
    (made,) = cut.tool_calls
    assert '{"city":"Paris"}'.startswith(made.arguments)
    assert made.arguments != '{"city":"Paris"}'
    assert cut.finish_reason == "length"


@pytest.mark.parametrize("limit", range(1, 40))
@pytest.mark.parametrize(
    "reply",
    [
        Reply(TEXT),
        Reply("One two three", (call("f", a=1),)),
        Reply(tool_calls=(call("f", a=1), call("g", city="Paris"))),
        Reply(refusal="I cannot help with that."),
    ],
)
def test_no_reply_has_more_tokens_than_its_limit(reply: Reply, limit: int) -> None:
    body = json.loads(render(reply, max_tokens=limit).whole())
    billed = body["usage"]["completion_tokens"]
    cut = body["choices"][0]["finish_reason"] == "length"
    assert billed == limit if cut else billed <= limit


def test_usage_that_a_rule_sets_is_kept() -> None:
    reply = Reply(TEXT, usage=Usage(1, 2))
    assert limited(asked(max_tokens=3), reply).usage == Usage(1, 2)


@pytest.mark.parametrize("limit", range(1, 12))
@pytest.mark.parametrize("stop", ["e", "o t", "hree", [" ", "z"], " four five"])
def test_a_stop_sequence_never_bills_more_than_the_limit(stop: Any, limit: int) -> None:
    body = json.loads(render(Reply(TEXT), max_tokens=limit, stop=stop).whole())
    assert body["usage"]["completion_tokens"] <= limit
