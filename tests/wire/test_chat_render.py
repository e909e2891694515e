"""Rendering: the bytes of bodies and chunks."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from chatdouble import Reply, ToolCall, Usage, call, refusal
from chatdouble.answers import ApiError, Audio, UrlCitation, reply_of
from chatdouble.calls import Call
from chatdouble.wire import dialects
from chatdouble.wire.chat.render import completion_id
from chatdouble.wire.response import Response, Stamp

STAMP = Stamp(1782321902, bytes(range(64)))


def render(reply: Reply, **fields: Any) -> Response:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], **fields}
    asked = Call(method="POST", path="/v1/chat/completions", body=json.dumps(body).encode())
    dialects.read(asked)
    assert asked.settled is None, asked.settled
    return dialects.render(asked, reply, STAMP)


def chunks(reply: Reply, **fields: Any) -> list[dict[str, Any]]:
    *events, done = render(reply, stream=True, **fields).frames()
    assert done == b"data: [DONE]\n\n"
    assert all(event.startswith(b"data: ") and event.endswith(b"\n\n") for event in events)
    return [json.loads(event[6:]) for event in events]


def deltas(reply: Reply, **fields: Any) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(reply, **fields)]


def test_a_body_is_laid_out_as_the_api_lays_it_out() -> None:
    response = render(Reply("Olá!"))
    assert response.whole().decode() == (
        """{
  "id": "chatcmpl-DuLdO0123456789ABCDEFGHIJKLMN",
  "object": "chat.completion",
  "created": 1782321902,
  "model": "gpt-4o-mini-2024-07-18",
  "choices": [
    {
      "index": 0,
      "message": {
        "role": "assistant",
        "content": "Olá!",
        "refusal": null,
        "annotations": []
      },
      "logprobs": null,
      "finish_reason": "stop"
    }
  ],
  "usage": {
    "prompt_tokens": 8,
    "completion_tokens": 2,
    "total_tokens": 10,
    "prompt_tokens_details": {
      "cached_tokens": 0,
      "audio_tokens": 0
    },
    "completion_tokens_details": {
      "reasoning_tokens": 0,
      "audio_tokens": 0,
      "accepted_prediction_tokens": 0,
      "rejected_prediction_tokens": 0
    }
  },
  "service_tier": "default",
  "system_fingerprint": "fp_b9a5e0abb9"
}
"""
    ).replace("fp_b9a5e0abb9", json.loads(response.whole())["system_fingerprint"])
    assert (b"content-type", b"application/json") in response.headers


def test_an_id_begins_with_its_time_as_recorded() -> None:
    assert completion_id(STAMP).startswith(b"chatcmpl-DuLdO")
    assert len(completion_id(STAMP)) == len("chatcmpl-DuLdOuviL2tiVxMim6HmX4YMnCorK")


def test_a_stream_is_role_first_then_pieces_then_finish_then_done() -> None:
    got = chunks(Reply("Hello world!"))
    assert [chunk["choices"][0]["delta"] for chunk in got] == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hello"},
        {"content": " world"},
        {"content": "!"},
        {},
    ]
    assert [c["choices"][0]["finish_reason"] for c in got] == [None, None, None, None, "stop"]
    assert {(c["id"], c["created"], c["object"]) for c in got} == {
        ("chatcmpl-DuLdO0123456789ABCDEFGHIJKLMN", 1782321902, "chat.completion.chunk")
    }
    assert not any("usage" in chunk for chunk in got)
    response = render(Reply("Hello"), stream=True)
    assert (b"content-type", b"text/event-stream; charset=utf-8") in response.headers


def test_the_usage_chunk_comes_only_when_asked_for() -> None:
    *others, last = chunks(Reply("Hello world!"), stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in others)
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == 8
    assert last["usage"]["completion_tokens"] == 3
    assert last["usage"]["total_tokens"] == 11


def test_one_tool_call_opens_in_the_first_chunk() -> None:
    first, *fragments, last = deltas(Reply(tool_calls=(call("weather", city="Rome"),)))
    (opening,) = first.pop("tool_calls")
    assert first == {"role": "assistant", "content": None, "refusal": None}
    assert opening["id"].startswith("call_")
    assert len(opening["id"]) == 29
    assert opening["function"] == {"name": "weather", "arguments": ""}
    texts = [delta["tool_calls"][0]["function"]["arguments"] for delta in fragments]
    assert len(texts) > 3
    assert "".join(texts) == '{"city":"Rome"}'
    assert last == {}


def test_text_before_a_tool_call_comes_first() -> None:
    got = deltas(reply_of(("Let me see.", call("weather"))))
    assert got[0] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(delta.get("content", "") for delta in got) == "Let me see."
    opening = next(delta for delta in got if "tool_calls" in delta)
    assert opening["tool_calls"][0]["function"]["name"] == "weather"


def test_several_tool_calls_are_cut_by_characters_and_come_one_after_the_other() -> None:
    reply = Reply(tool_calls=(ToolCall("add", '{"a": 2, "b": 3}'), ToolCall("mul", '{"a": 2}')))
    got = chunks(reply, stream_options={"include_usage": True})
    first, *inner, finish, usage = got
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    calls = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in inner]
    assert [made["function"]["arguments"] for made in calls] == [
        "",
        '{"a"',
        ": 2, ",
        '"b": 3',
        "}",
        "",
        '{"a"',
        ": 2}",
    ]
    assert [made["index"] for made in calls] == [0] * 5 + [1] * 3
    assert calls[0]["id"] != calls[5]["id"]
    keys = list(first)
    assert keys.index("usage") < keys.index("choices")
    assert list(finish).index("choices") < list(finish).index("usage")
    assert usage["choices"] == []


def test_a_refusal_streams_as_refusal() -> None:
    got = deltas(reply_of((refusal("I'm sorry"),)))
    assert got[0] == {"role": "assistant", "content": None, "refusal": ""}
    assert "".join(delta.get("refusal", "") for delta in got) == "I'm sorry"
    body = json.loads(render(reply_of((refusal("I'm sorry"),))).whole())
    assert body["choices"][0]["message"]["refusal"] == "I'm sorry"
    assert body["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize(
    ("model", "tool_choice", "reason"),
    [
        ("gpt-4o", "auto", "tool_calls"),
        ("gpt-4o", "required", "tool_calls"),
        ("gpt-4o", {"type": "function", "function": {"name": "f"}}, "stop"),
        ("gpt-5", {"type": "function", "function": {"name": "f"}}, "tool_calls"),
    ],
)
def test_the_finish_reason_of_a_tool_call_is_the_recorded_one(
    model: str, tool_choice: Any, reason: str
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    response = render(
        Reply(tool_calls=(call("f"),)), model=model, tools=tools, tool_choice=tool_choice
    )
    assert json.loads(response.whole())["choices"][0]["finish_reason"] == reason


def test_a_rule_may_set_finish_reason_and_usage() -> None:
    reply = Reply("Cut", finish_reason="length", usage=Usage(100, 7))
    body = json.loads(render(reply).whole())
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["prompt_tokens"] == 100
    assert body["usage"]["total_tokens"] == 107


def test_reasoning_models_have_no_logprobs_key() -> None:
    assert "logprobs" not in json.loads(render(Reply("x"), model="gpt-5").whole())["choices"][0]
    assert "logprobs" not in chunks(Reply("x"), model="o3-mini")[0]["choices"][0]
    assert "logprobs" in chunks(Reply("x"), model="gpt-4")[0]["choices"][0]


def test_several_choices_take_turns() -> None:
    got = chunks(Reply("One two three"), n=2)
    shape = [(c["choices"][0]["index"], c["choices"][0]["delta"].get("content")) for c in got]
    assert shape[:-2] == [
        (0, ""),
        (0, "One"),
        (1, ""),
        (1, "One"),
        (0, " two"),
        (1, " two"),
        (0, " three"),
        (1, " three"),
    ]


def test_several_choices_finish_at_the_end() -> None:
    got = chunks(Reply("Hi"), n=2)
    shape = [(c["choices"][0]["index"], c["choices"][0]["finish_reason"]) for c in got]
    assert shape == [(0, None), (0, None), (1, None), (1, None), (0, "stop"), (1, "stop")]
    assert len(json.loads(render(Reply("Hi"), n=3).whole())["choices"]) == 3


def test_text_that_looks_like_a_hole_or_is_no_unicode_does_no_harm() -> None:
    tricky = 'say "\x00head\x00" \x00 "id": \ud800 </script>'
    content = json.loads(render(Reply(tricky)).whole())["choices"][0]["message"]["content"]
    assert content == tricky.replace("\ud800", "?")
    text = "".join(delta.get("content", "") for delta in deltas(Reply(tricky)))
    assert text == tricky.replace("\ud800", "?")


def test_errors_are_laid_out_as_by_the_layer_that_raises_them() -> None:
    asked = Call(method="POST", path="/v1/chat/completions", body=b"{}")
    body = dialects.render(asked, ApiError(400, "No.", param="n", code="c"), STAMP).whole()
    assert body == (
        b'{\n  "error": {\n    "message": "No.",\n    "type": "invalid_request_error",\n'
        b'    "param": "n",\n    "code": "c"\n  }\n}'
    )
    body = dialects.render(asked, ApiError(401, "No.", code="invalid_api_key"), STAMP).whole()
    assert body.startswith(b'{\n    "error": {\n        "message": "No."')
    assert body.endswith(b"}\n")


def test_the_list_of_models_is_a_list() -> None:
    asked = Call(method="GET", path="/v1/models")
    dialects.read(asked)
    assert asked.settled is not None
    listed = json.loads(dialects.render(asked, asked.settled, STAMP).whole())
    assert listed["object"] == "list"
    assert "gpt-4o-mini" in [model["id"] for model in listed["data"]]


@pytest.mark.parametrize("text", ["Hello", "Olá 日本", "x" * 40, ""])
@pytest.mark.parametrize("include_usage", [True, False])
def test_every_chunk_is_padded_to_a_multiple_of_16_characters(
    text: str, include_usage: bool
) -> None:
    reply = reply_of((text, call("f", a=text)))
    options = {"include_usage": include_usage}
    *events, _ = render(reply, stream=True, stream_options=options).frames()
    for event in events:
        raw = event.decode()[6:-2]
        chunk = json.loads(raw)
        assert list(chunk)[-1] == "obfuscation"
        padding = chunk["obfuscation"]
        plain = raw.removesuffix(f',"obfuscation":"{padding}"}}') + "}"
        assert len(padding) < 16
        assert (len(plain) + len(padding)) % 16 == 0
    off = chunks(reply, stream_options={"include_obfuscation": False})
    assert not any("obfuscation" in chunk for chunk in off)


def test_paddings_differ_from_chunk_to_chunk() -> None:
    paddings = {chunk["obfuscation"] for chunk in chunks(Reply("one two three four five six"))}
    assert len(paddings) > 4


def test_a_custom_tools_call_carries_its_input() -> None:
    tools = [{"type": "custom", "custom": {"name": "note"}}]
    reply = Reply(tool_calls=(ToolCall("note", "buy milk and eggs", "call_1"),))
    body = json.loads(render(reply, tools=tools).whole())
    assert body["choices"][0]["message"]["tool_calls"] == [
        {"id": "call_1", "type": "custom", "custom": {"name": "note", "input": "buy milk and eggs"}}
    ]
    opening, *fragments, _ = deltas(reply, tools=tools)
    assert opening["tool_calls"][0]["custom"] == {"name": "note", "input": ""}
    said = "".join(delta["tool_calls"][0]["custom"]["input"] for delta in fragments)
    assert said == "buy milk and eggs"


def test_a_legacy_function_call_has_its_own_place() -> None:
    functions = [{"name": "f", "parameters": {}}]
    body = json.loads(render(Reply(tool_calls=(call("f", a=1),)), functions=functions).whole())
    (choice,) = body["choices"]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"a":1}'}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"
    opening, *fragments, _ = deltas(Reply(tool_calls=(call("f", a=1),)), functions=functions)
    assert opening["function_call"] == {"name": "f", "arguments": ""}
    assert "".join(d["function_call"]["arguments"] for d in fragments) == '{"a":1}'


def test_tool_calls_have_ids_of_their_own_in_each_choice() -> None:
    reply = Reply(tool_calls=(call("f", a=1), call("g")))
    body = json.loads(render(reply, n=3).whole())
    ids = [made["id"] for choice in body["choices"] for made in choice["message"]["tool_calls"]]
    assert len(set(ids)) == 6
    opened = {
        made["id"]
        for chunk in chunks(reply, n=3)
        for made in chunk["choices"][0]["delta"].get("tool_calls", ())
        if "id" in made
    }
    assert opened == set(ids)


def test_choices_may_say_different_things() -> None:
    reply = Reply("One", others=(Reply("Two three"), Reply(refusal="No")))
    body = json.loads(render(reply, n=4).whole())
    said = [choice["message"]["content"] for choice in body["choices"]]
    assert said == ["One", "Two three", None, "One"]
    assert body["choices"][2]["message"]["refusal"] == "No"
    counts = [
        json.loads(render(one).whole())["usage"]["completion_tokens"]
        for one in (reply, *reply.others, reply)
    ]
    assert body["usage"]["completion_tokens"] == sum(counts)
    streamed = [""] * 4
    for chunk in chunks(reply, n=4):
        (choice,) = chunk["choices"]
        streamed[choice["index"]] += choice["delta"].get("content") or ""
    assert streamed == ["One", "Two three", "", "One"]


def test_a_limit_cuts_each_choice_by_itself() -> None:
    reply = Reply("One", others=(Reply("Two three four"),))
    body = json.loads(render(reply, n=2, max_tokens=2).whole())
    assert [c["finish_reason"] for c in body["choices"]] == ["stop", "length"]
    assert body["choices"][1]["message"]["content"] == "Two three"
    assert body["usage"]["completion_tokens"] == 3


def test_a_model_that_reasons_spends_its_limit_on_thinking() -> None:
    body = json.loads(
        render(Reply("A long answer."), model="gpt-5", max_completion_tokens=5).whole()
    )
    assert body["choices"][0]["message"]["content"] == ""
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 5
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5


def test_thoughts_are_sent_as_hosts_that_think_aloud_send_them() -> None:
    reply = Reply("42", reasoning_content="Six times seven.")
    message = json.loads(render(reply).whole())["choices"][0]["message"]
    assert list(message)[:3] == ["role", "content", "reasoning_content"]
    assert message["reasoning_content"] == "Six times seven."
    got = deltas(reply)
    assert got[0] == {"role": "assistant", "content": None, "reasoning_content": ""}
    assert "".join(delta.get("reasoning_content", "") for delta in got) == "Six times seven."
    assert "".join(delta.get("content") or "" for delta in got) == "42"


def test_search_models_have_ids_and_fields_of_their_own() -> None:
    cited = UrlCitation("https://example.org", "Example", 0, 2)
    reply = Reply("Hi", annotations=(cited,))
    body = json.loads(render(reply, model="gpt-4o-search-preview").whole())
    assert UUID(body["id"].removeprefix("chatcmpl-")).version == 4
    assert "service_tier" not in body
    assert body["system_fingerprint"] == ""
    assert body["choices"][0]["message"]["annotations"] == [
        {
            "type": "url_citation",
            "url_citation": {
                "end_index": 2,
                "start_index": 0,
                "title": "Example",
                "url": "https://example.org",
            },
        }
    ]
    for event in render(reply, model="gpt-4o-search-preview", stream=True).frames()[:-1]:
        raw = event.decode()[6:-2]
        padding = json.loads(raw)["obfuscation"]
        assert (len(raw) - len(f',"obfuscation":"{padding}"') + len(padding)) % 16 == 0


def test_models_that_speak_tell_text_from_sound() -> None:
    spoken = Audio("audio_1", "UklGRg==", "Hello", 1782325502)
    reply = Reply(audio=spoken, usage=Usage(20, 24, completion_audio_tokens=19))
    asked: dict[str, Any] = {
        "model": "gpt-audio",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "pcm16"},
    }
    body = json.loads(render(reply, **asked).whole())
    assert body["choices"][0]["message"]["audio"]["transcript"] == "Hello"
    assert body["usage"]["completion_tokens_details"]["text_tokens"] == 5
    assert body["usage"]["prompt_tokens_details"]["text_tokens"] == 20
    sound: dict[str, Any] = {}
    for delta in deltas(reply, **asked, stream_options={"include_usage": False}):
        for key, part in delta.get("audio", {}).items():
            sound[key] = sound.get(key, type(part)()) + part
    assert sound == structs.asdict(spoken)


def test_a_reply_may_bring_its_own_id_time_and_model() -> None:
    reply = Reply(
        "Hi", id="chatcmpl-mine", created=5, model="some-model", system_fingerprint="fp_1"
    )
    body = json.loads(render(reply).whole())
    assert (body["id"], body["created"], body["model"]) == ("chatcmpl-mine", 5, "some-model")
    assert body["system_fingerprint"] == "fp_1"
    for event in render(reply, stream=True).frames()[:-1]:
        raw = event.decode()[6:-2]
        padding = json.loads(raw)["obfuscation"]
        assert (len(raw) - len(f',"obfuscation":"{padding}"') + len(padding)) % 16 == 0


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5", "gpt-audio"])
@pytest.mark.parametrize("asked", [{}, {"stream": True}, {"stream": True, "usage": True}])
@pytest.mark.parametrize(
    "reply",
    [
        Reply("Hello there"),
        Reply("Hi", tool_calls=(call("f", a=1), call("g"))),
        Reply("One", others=(Reply("Two three"), Reply(refusal="No"))),
        Reply("Hi", id="chatcmpl-of-its-own", created=1, model="else"),
        Reply("Hi", model="gpt-audio"),
        Reply("Hi", without=frozenset({"usage"})),
    ],
)
def test_the_size_is_known_before_the_body_is_made(
    reply: Reply, asked: dict[str, Any], model: str
) -> None:
    fields = dict(asked)
    if fields.pop("usage", False):
        fields["stream_options"] = {"include_usage": True}
    if model == "gpt-audio":
        fields |= {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
    response = render(reply, model=model, n=len(reply.others) + 1, **fields)
    assert response.size == len(response.whole()) == sum(map(len, response.frames()))
    assert b"\0" not in response.whole()
    # what comes again is answered from memory, with the same bytes and headers
    for _ in range(3):
        again = render(reply, model=model, n=len(reply.others) + 1, **fields)
        assert (again.whole(), again.headers) == (response.whole(), response.headers)
