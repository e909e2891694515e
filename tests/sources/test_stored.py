from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from chatdouble import Session, Settings
from chatdouble.calls import Call
from chatdouble.cassette.format import Interaction
from chatdouble.journal import Exchange
from chatdouble.sources.recorded import Recorded
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract, Source
from chatdouble.sources.stored import Stored

CHAT = "/v1/chat/completions"
STORE = b'{"model": "gpt-4o", "store": true, "messages": [{"role": "user", "content": "Hello"}]}'


def session(*sources: Source) -> Session:
    made = Session("", Settings(), (*sources, Scripted()))
    made.on().reply("Hi.")
    return made


def ask(to: Session, method: str, path: str, body: bytes = b"") -> Exchange:
    return asyncio.run(to.respond(Call(method=method, path=path, body=body)))


def told(exchange: Exchange) -> Any:
    assert exchange.response.status == 200
    return json.loads(exchange.response.whole())


def test_the_same_requests_store_the_same_bytes_in_every_run() -> None:
    def stored() -> bytes:
        made = session(Contract(), Stored())
        for _ in range(2):
            ask(made, "POST", CHAT, STORE)
        return ask(made, "GET", CHAT).response.whole()

    assert stored() == stored()


def test_an_exchange_says_that_the_store_answered() -> None:
    made = session(Contract(), Stored())
    completion = told(ask(made, "POST", CHAT, STORE))["id"]
    assert [
        (exchange.source, exchange.why)
        for exchange in (ask(made, "GET", path) for path in (CHAT, f"{CHAT}/{completion}"))
    ] == [("stored", "stored completions: 1"), ("stored", f"{completion} is stored")]
    missing = ask(made, "DELETE", f"{CHAT}/x")
    assert (missing.source, missing.why) == ("stored", "no completion of this id is stored")


def test_recordings_answer_before_the_store() -> None:
    recorded = Interaction("a.yaml #1", "GET", CHAT, "", b"", 200, (), b'{"recorded": true}')
    made = session(Recorded([recorded]), Contract(), Stored())
    completion = told(ask(made, "POST", CHAT, STORE))["id"]
    assert told(ask(made, "GET", CHAT)) == {"recorded": True}
    assert told(ask(made, "GET", f"{CHAT}/{completion}"))["id"] == completion


def test_a_replayed_session_has_recordings_alone() -> None:
    recorded = Interaction("a.yaml #1", "GET", CHAT, "limit=2", b"", 200, (), b"{}")
    made = Session("", Settings(), (Recorded([recorded]),))
    missed = ask(made, "GET", CHAT)
    assert (missed.response.status, missed.source) == (404, "unmatched")
    assert "the nearest recording is a.yaml #1: its query is 'limit=2'" in missed.why


def test_what_was_asked_is_kept_as_it_was_asked() -> None:
    made = session(Contract(), Stored())
    options = {
        "tools": [{"type": "function", "function": {"name": "look"}, "more": [1.5]}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "text"},
        "seed": -7,
        "user": "ann",
        "temperature": 0,
        "frequency_penalty": 2,
    }
    body = json.dumps(json.loads(STORE) | options).encode()
    completion = told(ask(made, "POST", CHAT, body))["id"]
    kept = told(ask(made, "GET", f"{CHAT}/{completion}"))
    assert kept["input_user"] == "ann"
    assert {key: kept[key] for key in options if key != "user"} == {
        key: value for key, value in options.items() if key != "user"
    }
    assert (kept["top_p"], kept["presence_penalty"]) == (1.0, 0.0)
    chosen = told(ask(made, "POST", CHAT, STORE))["id"]
    seed = told(ask(made, "GET", f"{CHAT}/{chosen}"))["seed"]
    assert isinstance(seed, int)
    assert -(2**63) <= seed < 2**63


def test_a_part_of_any_kind_is_told() -> None:
    made = session(Contract(), Stored())
    said = [
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]},
    ]
    body = json.dumps(json.loads(STORE) | {"messages": said}).encode()
    completion = told(ask(made, "POST", CHAT, body))["id"]
    first, second = told(ask(made, "GET", f"{CHAT}/{completion}/messages"))["data"]
    assert (first["content"], first["content_parts"][0]["refusal"]) == ("", "No.")
    assert second["content_parts"][0]["file"] == {"file_id": "file-1"}


PARAMETERS = (
    '"tools": [{"type": "function", "function": {"name": "f", "parameters": '
    '{"type": "object", "properties": {}, "default": %s}}}]'
)
ANNOTATIONS = '"messages": [{"role": "assistant", "content": "Hi.", "annotations": [%s]}]'


@pytest.mark.parametrize("field", [PARAMETERS, ANNOTATIONS])
def test_what_can_only_just_be_read_breaks_nothing(field: str) -> None:
    made = session(Contract(), Stored())

    async def ask_ever_deeper() -> set[int]:
        statuses = set()
        for depth in range(850, 1010):
            nested = field % ('{"a":' * depth + "1" + "}" * depth)
            body = f"{STORE.decode()[:-1]}, {nested}}}".encode()
            created = await made.respond(Call(method="POST", path=CHAT, body=body))
            statuses.add(created.response.status)
            listed = await made.respond(Call(method="GET", path=CHAT, query="limit=1"))
            newest = re.search(rb'"first_id":"([^"]*)"', listed.response.whole())
            assert newest
            path = f"{CHAT}/{newest[1].decode()}/messages"
            messages = await made.respond(Call(method="GET", path=path))
            assert messages.response.whole().startswith(b'{"object":"list","data":[{"id"')
        return statuses

    statuses = asyncio.run(ask_ever_deeper())
    # newer Pythons read deeper before they refuse
    assert 200 in statuses
    assert statuses <= {200, 400}
