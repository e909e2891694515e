"""Stored completions against recordings of the real API: the same bytes, ids and chance apart."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chatdouble import Session, Settings
from chatdouble.calls import Call
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract
from chatdouble.sources.stored import Stored

CHAT = "/v1/chat/completions"


def sent(session: Session, method: str, path: str, body: Any = None, query: str = "") -> bytes:
    text = b"" if body is None else json.dumps(body).encode()
    call = Call(method=method, path=path, query=query, body=text)
    return asyncio.run(session.respond(call)).response.whole()


def entries(file: Path) -> list[Any]:
    found: list[Any] = json.loads(file.read_text("utf-8"))["Entries"]
    return found


def compact(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def laid_out(document: Any) -> bytes:
    """Errors with an indent, everything else that is stored in one line."""
    return json.dumps(document, indent=2).encode() if "error" in document else compact(document)


@pytest.fixture(scope="session")
def files(shared_cassettes: Path) -> list[Path]:
    return sorted((shared_cassettes / "other/openai-dotnet").glob("*ChatStoreTests*.json"))


def exchanges(files: list[Path]) -> Iterator[tuple[Any, Any, str]]:
    """Each recorded request about one completion, with the request that made it."""
    for file in files:
        made: dict[str, Any] = {}
        for entry in entries(file):
            path = urlsplit(entry["RequestUri"]).path
            id = path.removeprefix(CHAT).lstrip("/").partition("/")[0]  # noqa: A001
            if entry["RequestMethod"] == "POST" and not id:
                made[entry["ResponseBody"]["id"]] = entry
            elif id in made:
                yield made[id], entry, id


def again(made: Any, entry: Any, id: str) -> tuple[bytes, bytes]:  # noqa: A002
    """What our store and what the API answered; ids and what is chance are the API's in both."""
    completion = made["ResponseBody"]
    session = Session("", Settings(clock=completion["created"]), (Contract(), Stored(), Scripted()))
    session.on().reply(completion["choices"][0]["message"]["content"])
    ours = json.loads(sent(session, "POST", CHAT, made["RequestBody"]))
    if entry["StatusCode"] == 404:
        sent(session, "DELETE", f"{CHAT}/{ours['id']}")
    uri = urlsplit(entry["RequestUri"].replace(id, ours["id"]))
    got = sent(session, entry["RequestMethod"], uri.path, entry["RequestBody"], uri.query)
    got = got.replace(ours["id"].encode(), id.encode())
    recorded = entry["ResponseBody"]
    if "request_id" in recorded:
        document = json.loads(got)
        for key in ("request_id", "seed", "system_fingerprint"):
            got = got.replace(compact(document[key]), compact(recorded[key]), 1)
        # recorded in either order
        if document["metadata"] == recorded["metadata"]:
            got = got.replace(compact(document["metadata"]), compact(recorded["metadata"]))
    return got, laid_out(recorded)


def test_documents_are_those_of_the_api_byte_for_byte(files: list[Path]) -> None:
    compared = {"GET": 0, "POST": 0, "DELETE": 0}
    for made, entry, id in exchanges(files):  # noqa: A001
        got, wanted = again(made, entry, id)
        if b'"image_url"' in wanted:
            # the API fetched the image and stored its bytes
            got, wanted = (re.sub(rb'"url":"[^"]*"', b"", text) for text in (got, wanted))
        assert got == wanted, (entry["RequestMethod"], entry["RequestUri"])
        compared[entry["RequestMethod"]] += 1
    assert compared == {"GET": 56, "POST": 2, "DELETE": 46}


def test_what_the_recorder_measured_is_that_layout(files: list[Path]) -> None:
    """The recorder keeps bodies as values, but their lengths as they were."""
    measured = 0
    for file in files:
        for entry in entries(file):
            length = entry["ResponseHeaders"].get("Content-Length")
            path = urlsplit(entry["RequestUri"]).path
            if length is None or (entry["RequestMethod"], path) == ("POST", CHAT):
                continue
            assert len(laid_out(entry["ResponseBody"])) == int(length)
            measured += 1
    assert measured == 111


def test_lists_have_the_recorded_default_order(files: list[Path]) -> None:
    newest_first = 0
    for file in files:
        for entry in entries(file):
            uri = urlsplit(entry["RequestUri"])
            if uri.path != CHAT or entry["RequestMethod"] != "GET" or "order=" in uri.query:
                continue
            created = [one["created"] for one in entry["ResponseBody"]["data"]]
            assert created == sorted(created, reverse=True)
            newest_first += len(set(created)) > 1
    assert newest_first
    session = Session("", Settings(), (Contract(), Stored(), Scripted()))
    session.on().reply("Hi.")
    request = {"model": "m", "store": True, "messages": [{"role": "user", "content": "Hello"}]}
    ids = [json.loads(sent(session, "POST", CHAT, request))["id"] for _ in range(2)]
    assert [one["id"] for one in json.loads(sent(session, "GET", CHAT))["data"]] == ids[::-1]
