"""vcrpy is the judge of what is written: it replays it to the openai client, and saves it again."""

from __future__ import annotations

import ast
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
import pytest
import vcr
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import chatdouble
from chatdouble.cassette.format import load, parse
from chatdouble.cassette.redact import Placeholders, redact
from chatdouble.cassette.store import Store
from chatdouble.cassette.written import HEAD, TAIL, interaction
from tests.cassette.takes import a_take

REQUEST: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Grüße"}],
}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1767323045,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Guten Tag ☀"},
            "finish_reason": "stop",
        }
    ],
}


def chunk(content: str) -> bytes:
    choice = {"index": 0, "delta": {"content": content}}
    said = {**COMPLETION, "object": "chat.completion.chunk", "choices": [choice]}
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def record(file: Path) -> None:
    store = Store(file)
    store.append(
        a_take(
            request_body=json.dumps(REQUEST, separators=(",", ":")).encode(),
            headers=(("Content-Type", "application/json"),),
            pieces=((0.5, json.dumps(COMPLETION, ensure_ascii=False).encode()),),
        )
    )
    store.append(
        a_take(
            request_body=json.dumps({**REQUEST, "stream": True}).encode(),
            pieces=(
                (0.1, chunk("Guten ")),
                (0.2, chunk("Tag ☀")),
                (0.3, b"data: [DONE]\n\n"),
            ),
        )
    )


def replay(file: Path) -> tuple[str | None, str]:
    match_on = ["method", "uri", "body"]
    with (
        vcr.use_cassette(str(file), record_mode="none", match_on=match_on),
        openai.OpenAI(api_key="another", max_retries=0) as client,
    ):
        whole = client.chat.completions.create(**REQUEST)
        with client.chat.completions.create(**REQUEST, stream=True) as stream:
            streamed = "".join(part.choices[0].delta.content or "" for part in stream)
    return whole.choices[0].message.content, streamed


def test_vcrpy_replays_it_to_the_openai_client(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    record(file)
    before = file.read_bytes()
    assert replay(file) == ("Guten Tag ☀", "Guten Tag ☀")
    assert file.read_bytes() == before


def test_it_is_the_same_after_vcrpy_saved_it_again(tmp_path: Path) -> None:
    from vcr.cassette import Cassette
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.serializers import yamlserializer

    file = tmp_path / "a.yaml"
    record(file)
    before = load(file)
    requests, responses = FilesystemPersister.load_cassette(file, yamlserializer)
    again = Cassette(str(file))
    for request, response in zip(requests, responses, strict=True):
        again.append(request, response)
    again._save(force=True)
    assert "indent" not in file.read_text()
    assert load(file) == before
    assert before[1].pieces[0][0] == 0.1
    assert replay(file) == ("Guten Tag ☀", "Guten Tag ☀")


def test_a_person_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    record(file)
    text = file.read_text()
    assert '            "content": "Gr\\u00fc\\u00dfe"\n' in text
    assert '            "content": "Guten Tag ☀"\n' in text
    assert "      string: |+\n        data: {" in text
    assert "        data: [DONE]\n" in text
    assert "\r" not in text
    assert text.endswith("\nversion: 1\n")
    items = yaml.safe_load(text)["interactions"]
    assert [list(item) for item in items] == [["request", "response"]] * 2
    assert list(items[0]["request"]) == ["body", "headers", "method", "uri"]
    assert list(items[0]["response"]) == ["body", "chatdouble", "headers", "status"]


ODD = (
    *("", "\n", "\n\n", " a", "\na", "a\n\n\n", "\ta\n b", "a \n \n", "  \n", "--- \n..."),
    *("a\r\nb\r\n", "\x85\u2028\u2029\ufeff", "'", "\x00\x7f", "\ud7ff\ue000\U0010ffff\ufffe"),
    *("- a: b # c", "{}", "[1,\t2]", '{"a":1}\n\n', "%x", "- a:", "?", "&a *a !b |"),
)


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=300) | st.lists(st.sampled_from(ODD), max_size=6).map("".join))
@example("".join(ODD))
def test_any_text_is_read_back_by_us_and_by_vcrpy(text: str) -> None:
    body = text.encode("utf-8", "ignore")
    check(body)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_back(body: bytes) -> None:
    check(body)


def check(body: bytes) -> None:
    headers = (("content-type", body.decode("latin-1")[:20]),)
    take = a_take(request_body=body, pieces=((0.1, body),), headers=headers, reason="a: #b")
    text = HEAD + interaction(redact(take, Placeholders())) + TAIL
    (read,) = parse(text.encode(), Path("x"))
    assert (read.body, read.response, read.pieces) == (body, body, ((0.1, len(body)),))
    from vcr.serialize import deserialize
    from vcr.serializers import yamlserializer

    requests, responses = deserialize(text, yamlserializer)
    if b'":' not in body and not body.startswith((b"{", b"[")):
        assert requests[0].body == body
        assert responses[0]["body"]["string"] == body
    assert "\r" not in text


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,", ":")]),
    st.booleans(),
    st.sampled_from([None, 2, 4]),
)
def test_json_in_any_layout_is_put_back_byte_for_byte(
    value: Any, separators: tuple[str, str], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps([value], separators=separators, ensure_ascii=ascii_only, indent=indent)
    check(text.encode("utf-8", "replace"))


def test_only_what_was_redacted_can_be_written() -> None:
    """The writer takes a `Redacted`, and one function in one module makes these."""
    assert chatdouble.__file__
    root = Path(chatdouble.__file__).parent
    makers = set()
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Redacted"):
                makers.add(file.relative_to(root).as_posix())
    assert makers == {"cassette/redact/redacted.py"}
    with pytest.raises(TypeError):
        interaction(a_take())  # type: ignore[arg-type]
    assert interaction.__annotations__["redacted"] == "Redacted"


def test_times_and_sizes_of_pieces_wrap_and_are_read_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.yaml")
    store.append(a_take(pieces=[(at * 0.0123456, b"x" * (at % 7)) for at in range(2000)]))
    (read,) = load(store.file)
    assert len(read.pieces) == 2000
    assert read.pieces[1999] == (24.679, 1999 % 7)
    assert all(before[0] <= after[0] for before, after in pairwise(read.pieces))
    lines = store.file.read_text().splitlines()
    assert max(len(line) for line in lines if "[" in line) <= 101
