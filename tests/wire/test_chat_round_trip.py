"""What we render we can read back, and what the real API sent we render the same."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdouble import Reply, ToolCall, Usage
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
)
replies = st.one_of(
    st.builds(
        Reply, content=texts, finish_reason=st.sampled_from(["stop", "length"]), usage=usages
    ),
    st.builds(Reply, refusal=texts, finish_reason=st.just("stop"), usage=usages),
    st.builds(
        Reply,
        content=st.none() | texts.filter(bool),
        tool_calls=st.lists(calls, min_size=1, max_size=3).map(tuple),
        finish_reason=st.just("tool_calls"),
        usage=usages,
    ),
)


@given(reply=replies)
def test_a_body_is_read_back_without_loss(reply: Reply) -> None:
    assert reply_of_body(render(reply).whole()) == reply


@given(reply=replies)
def test_a_stream_is_read_back_without_loss(reply: Reply) -> None:
    response = render(reply, stream=True, stream_options={"include_usage": True})
    assert reply_of_stream(response.whole()) == reply
    assert b"".join(response.frames()) == response.whole()


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
    assert same >= 0.98 * seen
