from __future__ import annotations

import json
from typing import Any

import pytest

from chatdouble.cassette.format import Interaction
from chatdouble.cassette.match import DEFAULT, Keys, Request, difference, keys_of, nearest
from chatdouble.cassette.matching import Matching
from chatdouble.errors import ChatdoubleError

CHAT = "/v1/chat/completions"
OTHER = "/v1/embeddings"


def recording(body: Any, path: str = CHAT, origin: str = "a.yaml") -> Interaction:
    return Interaction(origin, "POST", path, "", asked(body), 200, (), b"")


def asked(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def request(body: Any, path: str = CHAT, query: str = "", method: str = "POST") -> Request:
    return Request(method, path, query, asked(body))


def keys(body: Any, matching: Matching = DEFAULT, path: str = CHAT) -> Keys:
    return keys_of(request(body, path), matching)


def chat(*messages: Any, **fields: Any) -> dict[str, Any]:
    said = messages or ({"role": "user", "content": "Hi"},)
    return {"model": "m", "messages": list(said), **fields}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (b'{"a":1,"b":[1,2]}', b'{ "b": [1, 2],\n "a": 1 }'),
        (b'{"a":"\\u00e9"}', '{"a":"é"}'.encode()),
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":-0.0,"b":1e2}', b'{"a":0,"b":100}'),
        (b"", b""),
        (b"no json", b"no json"),
    ],
)
def test_requests_that_mean_the_same_have_one_key(left: bytes, right: bytes) -> None:
    assert keys(left, path=OTHER) == keys(right, path=OTHER)
    assert keys(left) == keys(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (b'{"a":1}', b'{"a":2}'),
        (b'{"a":1}', b'{"a":1,"b":null}'),
        (b'{"a":[1,2]}', b'{"a":[2,1]}'),
        (b'{"a":true}', b'{"a":1}'),
        (b'{"a":"1"}', b'{"a":1}'),
        (b'{"a":0.1}', b'{"a":0.10000000000000002}'),
        (b'{"a":9007199254740992}', b'{"a":9007199254740993}'),
        (b"", b"{}"),
        (b"no json", b"no  json"),
    ],
)
def test_requests_that_mean_something_else_have_other_keys(left: bytes, right: bytes) -> None:
    assert keys(left, path=OTHER) != keys(right, path=OTHER)
    assert keys(left) != keys(right)


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"default": None}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://a/b"}}


@pytest.mark.parametrize(
    "stated",
    [
        chat(temperature=1, top_p=1.0, n=1, presence_penalty=0, frequency_penalty=0, top_k=50),
        chat(logprobs=False, store=False, stream=False, service_tier="auto", verbosity="medium"),
        chat(response_format={"type": "text"}, modalities=["text"], tool_choice="none"),
        chat(seed=None, stop=None, tools=None, metadata=None, stream_options=None, user=None),
        chat({"role": "user", "content": "Hi", "name": None}),
        chat({"role": "user", "content": [{"type": "text", "text": "Hi"}]}),
    ],
)
def test_stated_defaults_and_nulls_mean_what_leaving_them_out_means(stated: Any) -> None:
    assert keys(stated) == keys(chat())
    assert keys(stated, path=OTHER) != keys(chat(), path=OTHER), "known of chat completions only"


def test_defaults_inside_tools_formats_and_parts() -> None:
    function = {**TOOL["function"], "strict": False, "description": None}  # type: ignore[dict-item]
    stated = [{"type": "function", "function": function}]
    assert keys(chat(tools=stated, tool_choice="auto", parallel_tool_calls=True)) == keys(
        chat(tools=[TOOL])
    )
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"strict": False}}}
    strict = {"type": "json_schema", "json_schema": {**form["json_schema"], "strict": False}}  # type: ignore[dict-item]
    assert keys(chat(response_format=strict)) == keys(chat(response_format=form))
    detailed = {"type": "image_url", "image_url": {"url": "https://a/b", "detail": "auto"}}
    assert keys(chat({"role": "user", "content": [detailed]})) == keys(
        chat({"role": "user", "content": [IMAGE]})
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (chat(temperature=1), chat(temperature=True)),
        (chat(temperature=0), chat()),
        (chat(logprobs=0), chat()),
        (chat(vendor_field=None), chat()),
        (chat(tools=[TOOL], tool_choice="none"), chat(tools=[TOOL])),
        (chat(tools=[TOOL], parallel_tool_calls=False), chat(tools=[TOOL])),
        (
            chat(tools=[TOOL]),
            chat(tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]),
        ),
        (chat({"role": "user", "content": [{"type": "text", "text": "Hi"}] * 2}), chat()),
        (chat(metadata={}), chat()),
        (chat({"role": "developer", "content": "x"}), chat({"role": "system", "content": "x"})),
    ],
)
def test_everything_else_matters(left: Any, right: Any) -> None:
    assert keys(left).key != keys(right).key


def test_the_way_of_sending_is_told_apart_from_what_is_asked() -> None:
    stream, plain = keys(chat(stream=True)), keys(chat())
    assert stream.key == plain.key
    assert stream.sending != plain.sending
    with_usage = keys(chat(stream=True, stream_options={"include_usage": True}))
    assert with_usage.sending != stream.sending
    defaults = {"include_usage": False, "include_obfuscation": True}
    assert keys(chat(stream=True, stream_options=defaults)) == stream


def test_host_and_prefix_do_not_count_but_path_method_and_query_do() -> None:
    def key(method: str, path: str, query: str) -> Keys:
        return keys_of(request(b"", path, query, method))

    assert keys(b"{}", path="/v1beta/openai/chat/completions") == keys(b"{}")
    azure = "/openai/deployments/{}/chat/completions"
    assert keys(b"{}", path=azure.format("a")) != keys(b"{}", path=azure.format("b"))
    first = key("GET", "/v1/files", "a=1&b=2")
    assert first == key("get", "/openai/v1/files", "b=2&a=1")
    assert first != key("GET", "/v1/files", "a=1")
    assert first != key("GET", "/v1/file", "a=1&b=2")
    assert first != key("POST", "/v1/files", "a=1&b=2")


def result(call_id: str) -> dict[str, str]:
    return {"role": "tool", "tool_call_id": call_id, "content": "x"}


def calling(*ids: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}"}
    return {
        "role": "assistant",
        "tool_calls": [{"id": one, "type": "function", "function": function} for one in ids],
    }


def said(text: str) -> dict[str, Any]:
    return chat({"role": "user", "content": text})


ID = "0b6f3cf2-8a5d-4a1e-9f7e-2f0c5a1d3e4b"


@pytest.mark.parametrize(
    ("matching", "left", "right"),
    [
        (
            Matching(ignore_fields=("metadata.run_id", "user")),
            chat(metadata={"run_id": "1", "a": "b"}, user="x"),
            chat(metadata={"a": "b"}),
        ),
        (
            Matching(ignore_fields=("messages[*].name",)),
            chat({"role": "user", "content": "Hi", "name": "a"}),
            chat({"role": "user", "content": "Hi", "name": "b"}),
        ),
        (
            Matching(ignore_fields=("messages[0]",)),
            chat({"role": "system", "content": "now"}, {"role": "user", "content": "Hi"}),
            chat({"role": "system", "content": "then"}, {"role": "user", "content": "Hi"}),
        ),
        (
            Matching(ignore_fields=("messages[-1].content[*].cache_control",)),
            chat({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": 1}]}),
            said("a"),
        ),
        (Matching(ignore=("uuids",)), said(f"run {ID}"), said(f"run {ID[::-1][:8]}{ID[8:]}")),
        (
            Matching(ignore=("call_ids",)),
            chat(calling("a", "b"), result("a"), result("b")),
            chat(calling("c", "a"), result("c"), result("a")),
        ),
        (
            Matching(ignore=("tool_order",)),
            chat(tools=[TOOL, {"type": "custom", "custom": {"name": "g"}}]),
            chat(tools=[{"custom": {"name": "g"}, "type": "custom"}, TOOL]),
        ),
        (
            Matching(ignore_texts=(r"run [0-9]+", "[0-9]+ ms")),
            said("In run 17: 12 ms"),
            said("In run 4: 200 ms"),
        ),
        (Matching(transform=lambda body: body["model"]), said("a"), said("b")),
        (Matching(match_on=("method", "path")), said("a"), said("b")),
    ],
)
def test_what_is_declared_does_not_count(matching: Matching, left: Any, right: Any) -> None:
    assert keys(left, matching) == keys(right, matching)
    assert keys(left) != keys(right)


def test_call_ids_that_are_linked_otherwise_are_another_request() -> None:
    ignoring = Matching(ignore=("call_ids",))
    left = chat(calling("a", "b"), result("a"), result("b"))
    right = chat(calling("a", "b"), result("b"), result("a"))
    assert keys(left, ignoring) != keys(right, ignoring)


@pytest.mark.parametrize(
    "date",
    [
        "2026-11-22",
        "2026-11-22T23:28:50Z",
        "2026-11-22 23:28:50.123456+00:00",
        "11/22/2026",
        "22.11.2026",
        "November 22, 2026",
        "Sunday, Nov 22 2026 at 11:28 PM",
        "Sun, 22 Nov 2026 23:28:50 GMT",
        "22nd November 2026",
        "23:28:50",
        "11:28 pm",
    ],
)
def test_dates_and_times_in_texts_can_be_ignored(date: str) -> None:
    ignoring = Matching(ignore=("dates",))
    one = keys(said(f"It is {date}. Hello"), ignoring)
    assert one == keys(said("It is 1999-01-02. Hello"), ignoring)
    assert one != keys(said("It is late. Hello"), ignoring)


def test_figures_that_are_no_dates_count() -> None:
    ignoring = Matching(ignore=("dates",))
    for left, right in (("1-2", "3-4"), ("v1.2.3", "v1.2.4"), ("ratio 1:2", "ratio 1:3")):
        assert keys(said(left), ignoring) != keys(said(right), ignoring)


def test_vcrpys_names_are_understood() -> None:
    everything = ["method", "scheme", "host", "port", "path", "query", "uri", "body", "headers"]
    assert Matching(match_on=tuple(everything)).parts == {
        "method",
        "path",
        "query",
        "body",
        "headers",
    }
    raw = Matching(match_on=["method", "raw_body"])  # type: ignore[arg-type]
    assert keys(b'{"a":1}', raw) != keys(b'{"a": 1}', raw)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"match_on": ("methods",)}, "not 'methods'; did you mean 'method'?"),
        ({"match_on": "body"}, "match_on is a list of names, got 'body'"),
        ({"ignore": ("date",)}, "not 'date'; did you mean 'dates'?"),
        ({"ignore_fields": ("a[",)}, "'a[' is no path of a field"),
        ({"ignore_texts": ("(",)}, "'(' is not a regular expression"),
        ({"transform": 1}, "transform is a function of the body, got 1"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises(ChatdoubleError) as caught:
        Matching(**wrong)
    assert words in str(caught.value)


def test_a_transform_that_fails_says_so() -> None:
    with pytest.raises(ChatdoubleError, match="the transform of a Matching failed: KeyError: 'x'"):
        keys(chat(), Matching(transform=lambda body: body["x"]))
    with pytest.raises(ChatdoubleError, match="failed: TypeError"):
        keys(chat(), Matching(transform=lambda body: {1, 2}))


@pytest.mark.parametrize(
    ("was", "got", "param", "words"),
    [
        (
            {"model": "m", "messages": [{"role": "user", "content": "Hello"}]},
            {"model": "m", "messages": [{"role": "user", "content": "Hullo"}]},
            "messages[0].content",
            'at messages[0].content it has "Hello", the request has "Hullo"',
        ),
        (
            {"messages": [{"content": "a"}]},
            {"messages": [{"content": "a"}, {"content": "b"}]},
            "messages[1]",
            'at messages[1] it has nothing, the request has {"content": "b"}',
        ),
        ({"n": 1}, {}, "n", "at n it has 1, the request has nothing"),
        ({"n": 1}, {"n": True}, "n", "at n it has 1, the request has true"),
        ([1], {"a": 1}, None, 'at the top it has [1], the request has {"a": 1}'),
        (b"x", b"y", None, "their bodies differ"),
    ],
)
def test_the_first_difference_is_named_with_its_path(
    was: Any, got: Any, param: str | None, words: str
) -> None:
    found = difference(request(got, OTHER), recording(was, OTHER))
    assert (found.words, found.param) == (words, param)


def test_the_way_of_sending_is_no_difference_since_both_ways_answer() -> None:
    was = {"stream": True, **chat({"role": "user", "content": "Hello"})}
    found = difference(request(chat({"role": "user", "content": "Hullo"})), recording(was))
    assert found.param == "messages[0].content"


def test_another_path_or_query_is_the_first_difference() -> None:
    found = difference(request({}, OTHER), recording({}))
    assert found.words == "it is of POST /v1/chat/completions, the request is POST /v1/embeddings"
    found = difference(request({}, query="x=1"), recording({}))
    assert found.words == "its query is '', the request's is 'x=1'"


def test_the_nearest_recording_shares_the_path_and_the_most_values() -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is the weather?"}]}
    other_model = recording(body | {"model": "gpt-4o-mini"}, origin="model")
    other_text = recording(
        body | {"messages": [{"role": "system", "content": "x"}], "n": 2}, origin="text"
    )
    other_path = recording(body, path="/v1/responses", origin="path")
    found = nearest(request(body), [other_path, other_text, other_model])
    assert found.origin == "model"


def test_bodies_nested_without_end_are_compared_as_bytes() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert keys(deep) == keys(deep)
    found = difference(request(deep + b" "), recording(deep))
    assert found.words == "their bodies differ"
    for depth in (300, 600, 900, 990):
        half = b'{"messages":' + b"[" * depth + b"]" * depth + b"}"
        assert keys(half, Matching(ignore=("dates", "tool_order"))) == keys(
            half, Matching(ignore=("dates", "tool_order"))
        )
        assert difference(request(half), recording(b"[1]")).words


def test_a_miss_among_many_huge_recordings_compares_few_of_them() -> None:
    def talk(last: str) -> Any:
        return {"messages": [{"role": "user", "content": str(n)} for n in range(100)] + [last]}

    counted: list[Any] = []

    def transform(body: Any) -> Any:
        counted.append(body)
        return body

    others = [recording(talk(str(number)), origin=str(number)) for number in range(500)]
    assert nearest(request(talk("x")), others, Matching(transform=transform))
    assert len(counted) <= 51
