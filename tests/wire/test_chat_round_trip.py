"""What we render we can read back, and what the real API sent we render the same."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chatdouble import Reply, ToolCall, Usage
from chatdouble.answers import TokenLogprob, UrlCitation
from chatdouble.wire.chat.parse import NotAReplyError, reply_of_body, reply_of_stream
from tests.wire.test_chat_render import render

SCRIPT = Path(__file__).parents[2] / "scripts" / "check-rendering"

texts = st.text(st.characters(codec="utf-8"), max_size=60)
calls = st.builds(
    ToolCall,
    name=st.text("abc_-9", min_size=1, max_size=10),
    arguments=texts,
    id=st.text("abcXYZ09", min_size=4, max_size=9).map("call_".__add__),
)
usages = st.builds(
    Usage,
    *[st.integers(0, 10**6)] * 2,
    cached_tokens=st.integers(0, 99),
    reasoning_tokens=st.integers(0, 99),
    prompt_audio_tokens=st.integers(0, 9),
    accepted_prediction_tokens=st.integers(0, 9),
)
# what a recording always says
known = {
    "id": st.just("chatcmpl-1"),
    "created": st.integers(0, 2**31),
    "model": st.just("gpt-4o-mini-2024-07-18"),
    "service_tier": st.sampled_from(["default", "flex"]),
    "system_fingerprint": st.sampled_from(["fp_0123456789", None]),
}
said = st.one_of(
    st.builds(
        Reply,
        content=texts,
        finish_reason=st.sampled_from(["stop", "length"]),
        reasoning_content=st.none() | texts,
    ),
    st.builds(Reply, refusal=texts, finish_reason=st.just("stop")),
    st.builds(
        Reply,
        content=st.none() | texts.filter(bool),
        tool_calls=st.lists(calls, min_size=1, max_size=3).map(tuple),
        finish_reason=st.just("tool_calls"),
    ),
)


def whole(first: Reply, others: list[Reply], usage: Usage, known: dict[str, Any]) -> Reply:
    return replace(first, others=tuple(others), usage=usage, **known)


replies = st.builds(whole, said, st.lists(said, max_size=2), usages, st.fixed_dictionaries(known))


@given(reply=replies)
def test_a_body_is_read_back_without_loss(reply: Reply) -> None:
    assert reply_of_body(render(reply, n=1 + len(reply.others)).whole()) == reply


@given(reply=replies)
def test_a_stream_is_read_back_without_loss(reply: Reply) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    response = render(reply, n=1 + len(reply.others), **asked)
    assert reply_of_stream(response.whole()) == reply
    assert b"".join(response.frames()) == response.whole()


@pytest.mark.parametrize("stream", [False, True])
def test_citations_and_logprobs_are_read_back(stream: bool) -> None:
    likely = TokenLogprob("Hi", -0.5, (72, 105), (TokenLogprob("Ho", -1.25, None),))
    reply = Reply(
        "Hi",
        annotations=(UrlCitation("https://example.org", "Example", 0, 2),),
        logprobs=(likely,),
    )
    response = render(reply, logprobs=True, top_logprobs=1, stream=stream)
    read = (reply_of_stream if stream else reply_of_body)(response.whole())
    assert (read.annotations, read.logprobs) == (reply.annotations, reply.logprobs)


def test_an_answer_of_an_older_form_keeps_its_form() -> None:
    old = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1709000000,
        "model": "gpt-4-0613",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi"},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        "system_fingerprint": None,
    }
    again = json.loads(render(reply_of_body(json.dumps(old).encode())).whole())
    assert {**again, "id": old["id"], "created": old["created"]} == old


def test_a_recording_of_one_kind_answers_a_call_of_the_other() -> None:
    reply = Reply(
        "Let me see.", (ToolCall("f", '{"a": 1}', "call_1"), ToolCall("g", "{}", "call_2"))
    )
    body = render(reply).whole()
    stream = render(reply_of_body(body), stream=True, stream_options={"include_usage": True})
    assert render(reply_of_stream(stream.whole())).whole() == body


@pytest.mark.parametrize("events", [1, 4])
def test_a_stream_that_was_cut_off_is_no_reply(events: int) -> None:
    frames = render(Reply("One two three"), stream=True).frames()
    with pytest.raises(NotAReplyError, match="ends before"):
        reply_of_stream(b"".join(frames[:events]))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"choices": []}', b'{"error": {}}'])
def test_what_is_no_answer_is_no_reply(body: bytes) -> None:
    with pytest.raises(NotAReplyError):
        reply_of_body(body)
    with pytest.raises(NotAReplyError):
        reply_of_stream(b"data: " + body + b"\n\n")


def test_recordings_of_the_present_form_are_rendered_byte_for_byte(
    shared_cassettes: Path,
) -> None:
    if not SCRIPT.is_file():
        pytest.skip("the suite runs without the project's folder")
    check: dict[str, Any] = runpy.run_path(str(SCRIPT))
    folders = tuple(path for path in shared_cassettes.iterdir() if path.name != "other")
    same = seen = 0
    for interaction in check["recorded"](tuple(path for path in folders if path.is_dir())):
        if "since" not in check["kind_of"](interaction.response):
            continue
        seen += 1
        try:
            got = check["rendered"](interaction)
        except ValueError:
            continue
        same += check["masked"](got) == check["masked"](interaction.response)
    assert seen > 200
    assert same == seen


def test_a_reply_with_an_end_that_there_is_not_is_none() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "top"}
    with pytest.raises(NotAReplyError, match="finish_reason is one of"):
        reply_of_body(json.dumps({"choices": [choice]}).encode())
