"""Logprobs: which tokens they name, how numbers are printed, where they stand in a stream."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdouble import Reply, call
from chatdouble.answers import TokenLogprob
from tests.wire.test_chat_render import chunks, render


def entries(reply: Reply, key: str = "content", **fields: Any) -> list[dict[str, Any]]:
    body = json.loads(render(reply, logprobs=True, **fields).whole())
    listed = body["choices"][0]["logprobs"]
    assert list(listed) == ["content", "refusal"]
    return list(listed[key])


@given(text=st.text(st.characters(codec="utf-8"), max_size=80))
def test_the_tokens_join_to_the_text_and_their_bytes_to_its_bytes(text: str) -> None:
    listed = entries(Reply(text), top_logprobs=2)
    assert "".join(one["token"] for one in listed) == text
    assert b"".join(bytes(one["bytes"]) for one in listed) == text.encode()


@pytest.mark.parametrize("top", [0, 1, 5, 20])
def test_as_many_likely_tokens_stand_beside_each_as_were_asked_for(top: int) -> None:
    for one in entries(Reply("The quick brown fox. " * 20), top_logprobs=top):
        listed = one["top_logprobs"]
        assert len(listed) == top
        assert len({other["token"] for other in listed}) == top
        probabilities = [math.exp(other["logprob"]) for other in listed]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) <= 1
        if listed:
            assert listed[0] == {key: one[key] for key in ("token", "logprob", "bytes")}


def test_without_top_logprobs_the_list_is_empty() -> None:
    assert [one["top_logprobs"] for one in entries(Reply("One two"))] == [[], []]


def test_they_are_the_same_each_time_and_differ_from_token_to_token() -> None:
    text = Reply("Every word has its own chance to come next.")
    assert entries(text) == entries(text)
    assert len({one["logprob"] for one in entries(text)}) > 5
    assert all(one["logprob"] < 0 for one in entries(text))


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (-0.02615793, "-0.02615793"),
        (-0.000064325184, "-0.000064325184"),
        (-6.869018e-06, "-6.869018e-6"),
        (-9.0883464e-07, "-9.0883464e-7"),
        (-1.6857742071151733, "-1.6857742071151733"),
        (-12.0, "-12"),
        (0.0, "0"),
    ],
)
def test_numbers_are_printed_as_the_api_prints_them(value: float, printed: str) -> None:
    reply = Reply("Hi", logprobs=(TokenLogprob("Hi", value),))
    body = render(reply, logprobs=True).whole().decode()
    assert re.findall(r'"logprob": (.*),', body) == [printed]


def test_old_models_print_fewer_digits() -> None:
    text = Reply("Some words that have many different chances.")
    old = [str(one["logprob"]) for one in entries(text, model="gpt-3.5-turbo")]
    new = [str(one["logprob"]) for one in entries(text, model="gpt-4o")]
    assert max(map(len, old)) < 15
    assert max(map(len, new)) > 15


def test_each_piece_of_a_stream_has_its_own() -> None:
    first, *inner, last = chunks(Reply("One two three"), logprobs=True, top_logprobs=1)
    assert first["choices"][0]["logprobs"] == {"content": [], "refusal": None}
    for chunk in inner:
        (choice,) = chunk["choices"]
        (one,) = choice["logprobs"]["content"]
        assert one["token"] == choice["delta"]["content"]
    assert last["choices"][0]["logprobs"] is None


def test_a_stream_says_the_same_as_a_body() -> None:
    reply = Reply("Three more words")
    streamed = [
        one
        for chunk in chunks(reply, logprobs=True, top_logprobs=3)[:-1]
        for one in chunk["choices"][0]["logprobs"]["content"]
    ]
    assert streamed == entries(reply, top_logprobs=3)


def test_a_refusal_has_them_in_its_own_place() -> None:
    listed = entries(Reply(refusal="I cannot."), "refusal")
    assert "".join(one["token"] for one in listed) == "I cannot."
    first, second, *_ = chunks(Reply(refusal="I cannot."), logprobs=True)
    assert first["choices"][0]["logprobs"] == {"content": None, "refusal": []}
    assert second["choices"][0]["logprobs"]["refusal"][0]["token"] == "I"


def test_a_tool_call_has_none() -> None:
    body = json.loads(render(Reply(tool_calls=(call("f"),)), logprobs=True).whole())
    assert body["choices"][0]["logprobs"] is None


def test_chunks_with_logprobs_are_padded_like_all_others() -> None:
    *events, _ = render(Reply("One two"), stream=True, logprobs=True, top_logprobs=2).frames()
    for event in events:
        raw = event.decode()[6:-2]
        padding = json.loads(raw)["obfuscation"]
        assert (len(raw) - len(f',"obfuscation":"{padding}"') + len(padding)) % 16 == 0
