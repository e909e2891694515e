"""``chatdouble replay`` on recorded traffic of the real API."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
import yaml

from tests.conftest import Process, Raw

Run = Callable[..., Process]


def recorded(file: Path) -> Any:
    return yaml.load(file.read_text("utf-8"), yaml.CSafeLoader)["interactions"]


def decoded(response: Any) -> bytes:
    body = response["body"]["string"]
    raw: bytes = body.encode() if isinstance(body, str) else body
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def values(headers: Any, name: str) -> list[str]:
    return next((found for key, found in headers.items() if key.lower() == name), [])


def test_each_recorded_request_sent_again_gets_its_recorded_answer(
    run: Run, shared_cassettes: Path
) -> None:
    folders = sorted(
        path for path in shared_cassettes.iterdir() if (path.name != "other" and path.is_dir())
    )
    server = run("replay", *folders, "--port", 0, "--quiet")
    assert "694 recorded interactions of 340 cassettes" in server.greeting
    raw = Raw(server.base_url)
    answered = chats = 0
    for folder in folders:
        for file in sorted(folder.rglob("*.yaml")):
            for interaction in recorded(file):
                request, response = interaction["request"], interaction["response"]
                uri = urlsplit(request["uri"])
                path = f"{uri.path}?{uri.query}" if uri.query else uri.path
                body = request["body"].encode() if request["body"] else None
                got, answer = raw.send(request["method"], path, body)
                assert got.status == response["status"]["code"], (file, path)
                assert answer == decoded(response), (file, path)
                assert got.headers.get_all("content-type", []) == values(
                    response["headers"], "content-type"
                )
                assert got.headers.get_all("x-request-id", []) == values(
                    response["headers"], "x-request-id"
                )
                assert got.headers["content-encoding"] is None
                answered += 1
                chats += uri.path.endswith("/chat/completions")
    raw.connection.close()
    assert (answered, chats) == (694, 591)


def test_the_openai_client_reads_recorded_streams(run: Run, shared_cassettes: Path) -> None:
    folder = shared_cassettes / "opentelemetry-python-contrib"
    server = run("replay", folder, "--port", 0, "--quiet")
    client = openai.OpenAI(base_url=server.base_url, api_key="x", max_retries=0)
    streams = 0
    for file in sorted(folder.glob("*.yaml")):
        for interaction in recorded(file):
            body = json.loads(interaction["request"]["body"])
            if not body.get("stream") or "/chat/" not in interaction["request"]["uri"]:
                continue
            events = [
                json.loads(line[6:])
                for line in decoded(interaction["response"]).decode().splitlines()
                if line.startswith("data: {")
            ]
            chunks = list(client.chat.completions.create(**body))
            assert [chunk.id for chunk in chunks] == [event["id"] for event in events]
            streams += 1
    client.close()
    assert streams >= 3


def test_a_call_that_is_on_no_cassette_names_the_nearest_recording(
    run: Run, shared_cassettes: Path
) -> None:
    file = (
        shared_cassettes
        / "llm"
        / sorted(path.name for path in (shared_cassettes / "llm").iterdir())[0]
    )
    body = next(
        json.loads(interaction["request"]["body"])
        for interaction in recorded(file)
        if interaction["request"]["uri"].endswith("/chat/completions")
    )
    server = run("replay", file, "--port", 0)
    assert " of 1 cassette)" in server.greeting
    client = openai.OpenAI(base_url=server.base_url, api_key="x")
    body["messages"][-1]["content"] = "something else"
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(**body)
    client.close()
    path = f"messages[{len(body['messages']) - 1}].content"
    assert caught.value.param == path
    assert f"{file}, interaction 1: at {path} it has " in caught.value.message
    assert 'the request has "something else"' in caught.value.message
    server.process.terminate()
    _, out, _ = server.ended()
    requests = [line for line in out.splitlines() if line.startswith("POST")]
    assert len(requests) == 1, "the client did not try again"
    assert 'the request has "something else"' in out
    assert "404 unmatched: chatdouble has no answer to this call" in out
    assert "recorded: the nearest recording is" in out


def test_odd_paths_are_misses_and_no_faults(run: Run, shared_cassettes: Path) -> None:
    server = run("replay", shared_cassettes / "llm", "--port", 0, "--quiet")
    raw = Raw(server.base_url)
    for path in ("//[x", "//a%E2%84%80b/v1/models", "/v1/a%3Fb%23c", "/%00"):
        response, body = raw.send("GET", path)
        assert response.status == 404
        assert json.loads(body)["error"]["code"] == "no_answer"
    raw.connection.close()


def test_broken_and_foreign_files(run: Run, tmp_path: Path, shared_cassettes: Path) -> None:
    sound = sorted((shared_cassettes / "llm").glob("*.yaml"))[0]
    (tmp_path / "sound.yaml").write_bytes(sound.read_bytes())
    (tmp_path / "compose.yaml").write_text("services: {}")
    server = run("replay", ".", "--port", 0, cwd=tmp_path)
    assert "of 1 cassette)" in server.greeting
    server.process.terminate()
    _, _, err = server.ended()
    assert err == (
        "left out: compose.yaml: is no vcrpy cassette: expected a mapping with a list of "
        "interactions\n"
    )
    torn = tmp_path / "torn.yaml"
    torn.write_bytes(sound.read_bytes()[:700])
    for named in (".", "torn.yaml"):
        status, out, err = run("replay", named, "--port", 0, cwd=tmp_path).ended()
        assert (status, out) == (2, "")
        assert "chatdouble: torn.yaml: " in err
    assert torn.read_bytes() == sound.read_bytes()[:700]
    status, _, err = run("replay", "compose.yaml", cwd=tmp_path).ended()
    assert status == 2
    assert err.startswith("chatdouble: compose.yaml: is no vcrpy cassette")
    status, _, err = run("replay", "nowhere", cwd=tmp_path).ended()
    assert (status, err) == (2, "chatdouble: nowhere: there is no such file or folder\n")


def test_the_projects_own_cassettes_replay(run: Run) -> None:
    folder = Path(__file__).parents[2] / "cassettes"
    if not folder.is_dir():
        pytest.skip("the suite runs without the project's folder")
    server = run("replay", folder, "--port", 0)
    raw = Raw(server.base_url)
    for file in sorted(folder.glob("*.yaml")):
        for interaction in recorded(file):
            got, answer = raw.chat(interaction["request"]["body"].encode())
            assert got.status == interaction["response"]["status"]["code"]
            assert answer == decoded(interaction["response"])
    raw.connection.close()
