"""Every refusal that was recorded or probed is given word for word, but for those named here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import SHARED, Raw
from tests.wire.test_chat_read import USER, read, read_chat, refused

ERRORS = SHARED / "errors.jsonl"

# rows that are not matched, each with its reason
DIFFERENT = {
    "rec-401-invalid_api_key": "state of an account",
    "rec-404-model_not_found": "state of an account: any name is a model here",
    "rec-404-model_not_found-2": "state of an account: deprecated models answer here",
    "stream-org-not-verified": "state of an account",
    "max_tokens-hit-400": "depends on the reply; recorded with finish_reason length, too",
    "max_tokens-too-large": "of a snapshot of 2024: today's gpt-4o writes 16384 tokens",
    "context-with-completion": "of a snapshot with 4097 tokens, and of other messages",
    "temperature-3-2023": "superseded wording",
    "role-bad-2023": "superseded wording",
    "unrecognized-argument": "the contract takes top_k",
    "unknown-reasoning_effort": "its thread is of o1-mini; unrecognized-reasoning_effort holds",
    "unknown-web_search_options": "its thread is of o3-mini; recorded for gpt-4o in rec-400-nocode",
}


def rows() -> Iterator[dict[str, Any]]:
    """The cases whose request is written down in full."""
    lines = ERRORS.read_text("utf-8").splitlines() if ERRORS.is_file() else ()
    for row in map(json.loads, lines):
        body = row["request"]
        if isinstance(body, dict) and not any(
            isinstance(value, str) and value.startswith("(") for value in body.values()
        ):
            yield row


ROWS = list(rows())
needs_errors = pytest.mark.skipif(not ROWS, reason=f"there are no recorded errors at {ERRORS}")


@needs_errors
@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS])
def test_a_refusal_is_given_word_for_word(row: dict[str, Any]) -> None:
    settled = read(row["request"]).settled
    keys = ("message", "type", "param", "code")
    wanted = (row["status"], *(row["error"].get(key) for key in keys))
    got = settled and tuple(getattr(settled, key) for key in ("status", *keys))
    if row["id"] in DIFFERENT:
        assert got != wanted, f"matches by now: {DIFFERENT[row['id']]}"
    else:
        assert got == wanted


@needs_errors
def test_a_refusal_has_the_recorded_length(raw: Raw) -> None:
    measured = 0
    for row in ROWS:
        length = (row["headers"] or {}).get("content-length")
        if length is None or row["id"] in DIFFERENT:
            continue
        measured += 1
        response, body = raw.chat(json.dumps(row["request"]).encode())
        assert response.status == row["status"]
        assert len(body) == int(length), row["id"]
    assert measured > 6


@needs_errors
def test_every_row_that_is_said_to_differ_is_there() -> None:
    assert DIFFERENT.keys() <= {row["id"] for row in ROWS}
    assert len(ROWS) > 100


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def asked(**changes: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [{**CALL, **changes}]}


# rows whose request is described: made from the description
DESCRIBED: dict[str, dict[str, Any]] = {
    "tools-325": {"tools": [{"type": "function", "function": {"name": "f"}}] * 325},
    "tool_call-name-pattern": {
        "messages": [USER] * 9 + [asked(function={"name": "a b", "arguments": "{}"})]
    },
    "tool_call-id-41": {"messages": [USER, USER, asked(id="x" * 41)]},
    "content-too-long": {"messages": [{"role": "user", "content": "x" * 1123800}]},
    "logit_bias-1025": {"logit_bias": {str(key): 0 for key in range(194256)}},
    "tool-result-unknown-id": {
        "messages": [USER, asked(), {"role": "tool", "tool_call_id": "X", "content": ""}]
    },
    "role-function-o3": {
        "model": "o3",
        "messages": [USER] * 59 + [{"role": "function", "name": "f", "content": ""}],
    },
}


@needs_errors
@pytest.mark.parametrize("name", DESCRIBED)
def test_a_described_refusal_is_given_word_for_word(name: str) -> None:
    (row,) = (
        row for row in map(json.loads, ERRORS.read_text("utf-8").splitlines()) if row["id"] == name
    )
    error = refused(read({"model": "gpt-4o", "messages": [USER], **DESCRIBED[name]}))
    assert error.message == row["error"]["message"]
    assert error.code == row["error"]["code"]


def recorded(folder: Path) -> Iterator[tuple[str, bytes, int, bytes]]:
    """File, request, status and answer of every recorded chat request that has a JSON body."""
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".yaml":
            document, *_ = yaml.load_all(file.read_text("utf-8"), yaml.CSafeLoader)
        elif file.suffix == ".json":
            document = json.loads(file.read_text("utf-8-sig"))
        else:
            continue
        for entry in document.get("Entries", ()):
            body = entry["RequestBody"]
            if entry["RequestUri"].endswith("/v1/chat/completions") and isinstance(body, dict):
                answer = json.dumps(entry["ResponseBody"]).encode()
                yield file.name, json.dumps(body).encode(), entry["StatusCode"], answer
        for one in document.get("interactions", ()):
            request, response = one["request"], one["response"]
            address = request.get("uri") or request.get("url")
            if not address.endswith("/v1/chat/completions"):
                continue
            status = response.get("code") or response["status"]["code"]
            answer = response["body"]
            answer = answer["string"] if isinstance(answer, dict) else answer
            body = request["body"]
            yield (
                file.name,
                body.encode() if isinstance(body, str) else body,
                status,
                answer.encode() if isinstance(answer, str) else answer,
            )


def test_recorded_refusals_are_given_and_nothing_else_is_refused(shared_cassettes: Path) -> None:
    answered = given = 0
    not_fetched = []
    for name, body, status, answer in recorded(shared_cassettes):
        settled = read(body).settled
        if status == 400:
            error = json.loads(answer)["error"]
            if error["message"].startswith("Error while downloading "):
                # nothing is fetched
                assert settled is None
                not_fetched.append(name)
                continue
            given += 1
            assert settled, (name, error)
            assert {key: getattr(settled, key) for key in error} == error, name
        else:
            answered += status == 200
            assert settled is None, (name, settled)
    assert answered > 700
    assert (given, len(not_fetched)) == (4, 3)


def test_json_that_is_cut_off_is_refused_as_no_json() -> None:
    error = refused(read(b'{"model":"gpt-4o",'))
    assert error.message.startswith("We could not parse the JSON body of your request. (HINT: ")
    assert (error.param, error.code) == (None, None)
    assert read_chat().settled is None
