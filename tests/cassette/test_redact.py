"""What is on disk is searched as an attacker would: raw, and with every layer of writing undone."""

from __future__ import annotations

import base64
import json
import random
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatdouble.cassette.format import load
from chatdouble.cassette.redact import Placeholders, Redacted, redact
from chatdouble.cassette.redact.narrowing import narrowed
from chatdouble.cassette.redact.views import outermost
from chatdouble.cassette.store import Store
from tests.cassette.planted import NAMED, ORDINARY, SHAPED
from tests.cassette.takes import URI, a_take

KEY = SHAPED["openai project"]


def redacted(**changed: object) -> Redacted:
    return redact(a_take(**changed), Placeholders())


def event(content: str, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None, **more}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def said(body: bytes) -> str:
    """What a client makes of a stream."""
    chunks = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {")]
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)


def layers(data: bytes) -> str:
    """The bytes, and what is in them behind escapes and percent signs."""
    text = data.decode("utf-8", "replace")
    found = [text]
    for _ in range(4):
        text = (
            text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\").replace("\\/", "/")
        )
        text = text.encode("ascii", "backslashreplace").decode()
        found += [text, unquote(text)]
    return "\n".join(found)


def test_enough_shapes_are_planted() -> None:
    assert len(SHAPED) >= 60


@pytest.mark.parametrize("secret", SHAPED.values(), ids=list(SHAPED))
def test_no_secret_of_a_known_shape_is_on_disk(tmp_path: Path, secret: str) -> None:
    store = Store(tmp_path / "a.yaml")
    nested = json.dumps({"text": f"use {secret}, please", "deeper": json.dumps({"a": [secret]})})
    halves = [secret[: len(secret) // 3], secret[len(secret) // 3 :]]
    store.append(
        a_take(
            uri=f"{URI}?q={quote(secret, safe='')}",
            request_headers=(("X-Stainless-Note", secret.replace("\n", " ")), ("X-Own", secret)),
            request_body=json.dumps({"messages": [{"role": "user", "content": nested}]}).encode(),
            headers=(("content-type", "text/event-stream"), ("x-request-id", secret[:20])),
            pieces=[(0.1, event(half)) for half in ("it is ", *halves, " and that is all")],
        )
    )
    store.append(
        a_take(
            request_body=f"note={quote(secret, safe='')}&x=1".encode(),
            status=401,
            pieces=((0.1, json.dumps({"error": {"message": f"Wrong: {secret}."}}).encode()),),
        )
    )
    raw = store.file.read_bytes()
    on_disk = layers(raw)
    streamed = said(load(store.file)[0].response)
    core = secret[len("https://discord.com/api/webhooks/") :] if "https" in secret else secret
    for text in (on_disk, streamed):
        assert core not in text
        assert core[-16:] not in text
    assert streamed.startswith("it is ")
    assert streamed.endswith(" and that is all")


@pytest.mark.parametrize(("name", "secret"), NAMED.items(), ids=list(NAMED))
def test_no_value_of_a_secret_name_is_on_disk(tmp_path: Path, name: str, secret: str) -> None:
    inner = json.dumps({"config": {name: secret}})
    store = Store(tmp_path / "a.yaml")
    store.append(
        a_take(
            uri=f"{URI}?{name}={quote(secret)}&page=2",
            request_body=json.dumps({name: secret, "messages": [{"content": inner}]}).encode(),
            pieces=[(0.1, event(part)) for part in (inner[:25], inner[25:30], inner[30:])],
        )
    )
    (read,) = load(store.file)
    shown = json.dumps(secret)[1:-1]
    for text in (layers(store.file.read_bytes()), said(read.response)):
        assert secret not in text
        assert shown not in text
    assert "page=2" in read.query


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_texts_stay(text: str) -> None:
    take = a_take(
        request_body=json.dumps({"content": text, "url": f"data:image/png;base64,{text}"}).encode(),
        pieces=((0.1, event(text[:9])), (0.2, event(text[9:]))),
    )
    kept = redact(take, Placeholders())
    assert (kept.request_body, kept.pieces) == (take.request_body, take.pieces)


def test_figures_of_tokens_and_schemas_of_secrets_stay() -> None:
    body = {
        "max_tokens": 10,
        "usage": {"prompt_tokens": 12345678, "token": None},
        "eos_token": "<|endoftext123|>",
        "logprobs": {
            "content": [
                {"token": "Hello1234", "logprob": -0.1, "bytes": [72], "top_logprobs": []},
                {"bytes": [72], "logprob": -0.1, "token": "World5678", "top_logprobs": []},
            ]
        },
        "parameters": {"properties": {"password": {"type": "string"}}, "required": ["password"]},
        "example": {"api_key": "string", "token": "<api-key-1>", "password": "REDACTED"},
    }
    take = a_take(request_body=json.dumps(body).encode())
    assert redact(take, Placeholders()).request_body == take.request_body


def test_headers_are_kept_by_an_allow_list() -> None:
    kept = redacted(
        headers=(
            ("Set-Cookie", "__cf_bm=1"),
            ("SET-COOKIE", "b=2"),
            ("OpenAI-Organization", "acme"),
            ("CF-RAY", "123"),
            ("X-Unknown", "1"),
            ("X-RateLimit-Limit-Requests", "10"),
            ("Retry-After", "1"),
            ("retry-after", KEY),
        ),
        request_headers=(("AUTHORIZATION", f"Bearer {KEY}"), ("Cookie", "a=b"), ("Host", "x")),
    )
    assert kept.request_headers == ()
    assert kept.headers == (
        ("X-RateLimit-Limit-Requests", "10"),
        ("Retry-After", "1"),
        ("retry-after", "<api-key-1>"),
    )


@pytest.mark.parametrize(
    "written",
    [
        lambda key: key,
        lambda key: quote(key, safe=""),
        lambda key: base64.b64encode(key.encode()).decode(),
        lambda key: base64.b64encode(b"x:" + key.encode() + b"!").decode(),
        lambda key: key.encode().hex(),
        lambda key: json.dumps(json.dumps(key)),
        lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    ],
    ids=["plain", "percent", "base64", "base64 inside", "hex", "json", "escapes"],
)
def test_the_key_that_was_sent_is_found_however_it_is_written(written: object) -> None:
    key = "no/shape+at&all=" + "Zz9" * 5
    shown = written(key)  # type: ignore[operator]
    kept = redacted(
        request_headers=(("Authorization", f"Bearer {key}"),),
        pieces=((0.1, f'{{"error": "key {shown} is wrong"}}'.encode()),),
    )
    body = kept.pieces[0][1].decode()
    assert shown[4:-4] not in body
    assert "<api-key-1>" in body


@pytest.mark.parametrize(
    "text", ["password:\n", "API_KEY=\\", "token = \t", "my secret:\r\n- ", "Basic understanding"]
)
def test_a_name_or_word_that_leads_to_no_secret_says_nothing(text: str) -> None:
    take = a_take(request_body=json.dumps({"messages": [{"content": text}]}).encode())
    assert redact(take, Placeholders()).request_body == take.request_body


def test_the_key_is_found_in_bytes_that_are_no_text() -> None:
    kept = redacted(
        request_headers=(("api-key", "0123456789abcdef"),),
        request_body=b"\xff\x00 0123456789abcdef \xfe",
    )
    assert kept.request_body == b"\xff\x00 <api-key-1> \xfe"


def test_a_name_in_bytes_that_are_no_text_says_nothing() -> None:
    take = a_take(request_body=b"\xff\xd8;pwd=\xad\x8b\x84-\xf1\xca=\xc2\xb6I\xc5 \x00")
    assert redact(take, Placeholders()).request_body == take.request_body


def test_a_secret_split_over_events_leaves_every_event_and_piece_where_it_was() -> None:
    parts = ["my key: ", KEY[:5], KEY[5:30], KEY[30:], " and more"]
    kept = redacted(pieces=[(at / 10, event(part)) for at, part in enumerate(parts)])
    assert [seconds for seconds, _ in kept.pieces] == [0, 0.1, 0.2, 0.3, 0.4]
    assert [said(data) for _, data in kept.pieces] == [
        "my key: ",
        "<api-key-1>",
        "",
        "",
        " and more",
    ]


def test_a_secret_that_comes_letter_by_letter_is_hidden() -> None:
    text = f"it is {KEY}, ok"
    kept = redacted(pieces=[(0.1, event(letter)) for letter in text])
    body = b"".join(data for _, data in kept.pieces)
    assert said(body) == "it is <api-key-1>, ok"
    assert body.count(b"data: ") == len(text)


def test_a_secret_in_base64_is_hidden() -> None:
    coded = base64.b64encode(f"key: {KEY}".encode()).decode()
    kept = redacted(request_body=json.dumps({"blob": coded, "again": KEY}).encode())
    assert json.loads(kept.request_body) == {"blob": "<api-key-1>", "again": "<api-key-1>"}


def test_pieces_that_end_anywhere_are_still_the_body() -> None:
    body = b"".join(event(part) for part in ("a ", KEY, " b"))
    for size in (1, 7, 40, 1000):
        pieces = tuple((0.1, body[at : at + size]) for at in range(0, len(body), size))
        kept = redacted(pieces=pieces)
        assert len(kept.pieces) == len(pieces)
        assert said(b"".join(data for _, data in kept.pieces)) == "a <api-key-1> b"


def test_the_tokens_of_logprobs_do_not_tell_what_the_text_hides() -> None:
    tokens = ["the ", KEY[:6], KEY[6:20], KEY[20:], " end"]
    said_twice = [
        {
            "token": token,
            "bytes": list(token.encode()),
            "logprob": -1,
            "top_logprobs": [{"token": token, "bytes": list(token.encode()), "logprob": -1}],
        }
        for token in tokens
    ]
    body = {
        "choices": [
            {
                "index": 0,
                "message": {"content": "".join(tokens)},
                "logprobs": {"content": said_twice},
            }
        ]
    }
    kept = redacted(pieces=((0.1, json.dumps(body).encode()),))
    left = json.loads(kept.pieces[0][1])["choices"][0]
    entries = left["logprobs"]["content"]
    assert left["message"]["content"] == "the <api-key-1> end"
    assert [entry["token"] for entry in entries] == ["the ", "<api-key-1>", "", "", " end"]
    assert [entry["bytes"] for entry in entries[1:4]] == [None] * 3
    assert [entry["top_logprobs"] for entry in entries[1:4]] == [[]] * 3
    assert entries[0] == said_twice[0]


def test_choices_of_one_stream_are_joined_apart() -> None:
    def of(index: int, content: str) -> bytes:
        choice = {"delta": {"content": content}, "index": index}
        return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"

    half, rest = KEY[:20], KEY[20:]
    kept = redacted(
        pieces=((0.1, of(0, half)), (0.2, of(1, half)), (0.3, of(0, rest)), (0.4, of(1, rest)))
    )
    body = b"".join(data for _, data in kept.pieces)
    assert rest[-16:].encode() not in body
    assert body.count(b"<api-key-1>") == 2


def test_the_same_secret_has_the_same_placeholder_and_a_new_store_counts_on(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    store = Store(file)
    other = SHAPED["groq"]
    for key in (KEY, other, KEY):
        store.append(a_take(request_body=key.encode()))
    Store(file).append(a_take(request_body=SHAPED["google"].encode()))
    assert [read.body for read in load(file)] == [
        b"<api-key-1>",
        b"<api-key-2>",
        b"<api-key-1>",
        b"<api-key-3>",
    ]


def test_a_signature_is_a_secret_in_a_query_only() -> None:
    signature = "AbCdEf0123456789"
    kept = redacted(
        uri=f"{URI}?sig={signature}",
        request_body=json.dumps(
            {"signature": "Zz" + signature, "a": f"x?sig={signature}"}
        ).encode(),
    )
    assert kept.uri == f"{URI}?sig=<signature-1>"
    assert json.loads(kept.request_body) == {
        "signature": "Zz" + signature,
        "a": "x?sig=<signature-1>",
    }


def test_a_login_in_the_uri_is_hidden() -> None:
    assert redacted(uri="https://me:pa55@host/v1/x").uri == "https://<password-1>@host/v1/x"


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_a_body_without_secrets_is_never_changed(body: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = tuple((0.1, body[a:b]) for a, b in pairwise(places))
    take = a_take(request_body=body, pieces=pieces)
    kept = redact(take, Placeholders())
    assert (kept.request_body, kept.pieces) == (body, pieces)


FILLER = "He said: it is a key to all of this, and more than a token.\n" * 100


def _written(secret: str) -> dict[str, str]:
    return {
        "plain": secret,
        "json": json.dumps({"text": secret}),
        "json in json": json.dumps(json.dumps({"text": secret})).replace("/", "\\/"),
        "percent": quote(secret, safe=""),
        "base64": base64.b64encode(f" {secret} ".encode()).decode(),
        "escapes": "".join(f"\\u{ord(char):04x}" for char in secret),
    }


@pytest.mark.parametrize("secret", [*SHAPED.values(), "Basic bWU6cGE1NQ"])
def test_a_secret_in_a_large_text_is_found_as_in_a_small_one(secret: str) -> None:
    for way, written in _written(secret).items():
        small = redacted(request_body=f"\n {written} \n".encode()).request_body
        large = redacted(request_body=f"{FILLER}\n {written} \n{FILLER}".encode()).request_body
        assert large.decode() == f"{FILLER}{small.decode()}{FILLER}", way


@pytest.mark.parametrize(("name", "secret"), NAMED.items(), ids=list(NAMED))
def test_a_named_secret_in_a_large_text_is_found_as_in_a_small_one(name: str, secret: str) -> None:
    told = json.dumps({"a": {name: secret}})
    for way, written in {**_written(told), "query": f"?{name}={quote(secret)}&x=1"}.items():
        small = redacted(request_body=f"\n {written} \n".encode()).request_body
        large = redacted(request_body=f"{FILLER}\n {written} \n{FILLER}".encode()).request_body
        assert large.decode() == f"{FILLER}{small.decode()}{FILLER}", way


def test_of_a_large_text_only_what_may_hold_a_secret_is_searched() -> None:
    for text in (FILLER * 10, random.Random(1).randbytes(100_000).decode("latin-1")):
        planted = f"{text}{KEY}{text}"
        left = narrowed(outermost(planted))
        assert KEY in left.text
        assert len(left.text) < len(planted) / 3
        at = left.text.index(KEY)
        ((start, end),) = left.parts(at, at + len(KEY))
        assert planted[start:end] == KEY
