"""Options of ``chatdouble serve``: what the process does with them, and what it never prints."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from tests.conftest import Process, Raw

Run = Callable[..., Process]

GOOD = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'


def status(server: Process, key: str | None = None, model: bytes = b"gpt-4o") -> int:
    raw = Raw(server.base_url)
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    response, _ = raw.send("POST", "/v1/chat/completions", GOOD.replace(b"gpt-4o", model), headers)
    raw.connection.close()
    return response.status


def test_keys_come_from_options_and_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("sk-in-a-file\n\n  sk-in-a-file-too \n")
    server = run(
        "serve", "--port", 0, "--api-key", "sk-one,sk-two", "--api-key", "sk-three",
        "--api-key-file", tmp_path / "keys",
    )  # fmt: skip
    for key in ("sk-one", "sk-two", "sk-three", "sk-in-a-file", "sk-in-a-file-too"):
        assert status(server, key) == 200, key
    assert status(server, "sk-one,sk-two") == 401
    assert status(server) == 401
    server.process.terminate()
    _, out, err = server.ended()
    assert "sk-" not in server.greeting + out + err
    assert "401 contract: the server was told of other keys" in out


def test_keys_come_from_the_environment_where_nobody_sees_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATDOUBLE_API_KEYS", "sk-one,sk-two sk-three")
    server = run("serve", "--port", 0)
    assert [status(server, key) for key in ("sk-one", "sk-two", "sk-three", "sk-four")] == [
        200, 200, 200, 401,
    ]  # fmt: skip
    assert "sk-" not in server.greeting


def test_models_are_listed_and_others_are_not_there(run: Run) -> None:
    server = run("serve", "--port", 0, "--models", "my-own,gpt-4o", "--models", "third")
    assert [status(server, None, name) for name in (b"my-own", b"gpt-4o", b"third", b"o3")] == [
        200, 200, 200, 404,
    ]  # fmt: skip
    with openai.OpenAI(base_url=server.base_url, api_key="any") as client:
        assert [model.id for model in client.models.list()] == ["my-own", "gpt-4o", "third"]


def test_the_greeting_works_as_printed_once_the_key_is_put_in(run: Run) -> None:
    server = run("serve", "--port", 0, "--models", "it's mine", "--api-key", "sk-one")
    curl = re.search(r"curl .*\\\n.*", server.greeting)
    assert curl
    for key, answered in (("sk-one", "chat.completion"), ("sk-two", None)):
        command = curl.group().replace("YOUR_KEY", key)
        ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert json.loads(ran.stdout).get("object") == answered
    assert "OPENAI_API_KEY=YOUR_KEY" in server.greeting
    assert 'api_key="YOUR_KEY"' in server.greeting


def test_a_key_file_that_cannot_be_used_stops_the_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, problem in (
        ("empty", "there is no key in it"),
        ("binary", "cannot be read: it is no text"),
        ("nowhere", "cannot be read: No such file or directory"),
    ):
        ended = run("serve", "--api-key-file", name, cwd=tmp_path).ended()
        assert ended == (2, "", f"chatdouble: {name}: {problem}\n")


def test_an_option_without_a_name_in_it_stops_the_start(run: Run) -> None:
    for option in ("--models", "--api-key"):
        ended, _, err = run("serve", option, " , ").ended()
        assert ended == 2
        assert f"Invalid value for '{option}'" in err
        assert "there is no name in it" in err


@pytest.mark.parametrize(
    ("size", "limit"),
    [("500", 500), ("1kB", 1000), ("1KiB", 1024), ("0.5", None), ("1 MB", 1_000_000), ("1x", None)],
)
def test_the_body_limit_has_a_unit(run: Run, size: str, limit: int | None) -> None:
    server = run("serve", "--port", 0, "--body-limit", size)
    if limit is None:
        ended, _, err = server.ended()
        assert ended == 2
        assert f"'{size}' is no size such as 500000, 10MB or 64MiB" in err
        return
    raw = Raw(server.base_url)
    fits, bursts = (GOOD + b" " * (limit - len(GOOD) + more) for more in (0, 1))
    assert raw.chat(fits)[0].status == 200
    assert raw.chat(bursts)[0].status == 413
    raw.connection.close()


def test_replay_has_a_body_limit_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("interactions: []\nversion: 1\n")
    server = run("replay", tmp_path, "--port", 0, "--body-limit", 10)
    raw = Raw(server.base_url)
    assert raw.chat(GOOD)[0].status == 413
    raw.connection.close()


@pytest.mark.parametrize(
    ("validation", "statuses"),
    [(None, [400, 400, 400]), ("schema", [200, 400, 400]), ("off", [200, 200, 400])],
)
def test_validation_is_as_strict_as_it_is_told(
    run: Run, validation: str | None, statuses: list[int]
) -> None:
    server = run("serve", "--port", 0, *(("--validation", validation) if validation else ()))
    raw = Raw(server.base_url)
    unknown = GOOD.replace(b"{", b'{"min_p": 0.1, ', 1)
    broken = GOOD.replace(b"{", b'{"temperature": "hot", ', 1)
    assert [raw.chat(body)[0].status for body in (unknown, broken, b"[]")] == statuses
    raw.connection.close()


def test_an_unknown_validation_stops_the_start(run: Run) -> None:
    ended, _, err = run("serve", "--validation", "strict").ended()
    assert ended == 2
    assert "'strict' is not one of 'api', 'schema', 'off'" in err


def test_other_providers_fields_come_through_the_openai_client(run: Run) -> None:
    server = run("serve", "--port", 0, "--validation", "schema")
    with openai.OpenAI(base_url=server.base_url, api_key="any") as client:
        completion = client.chat.completions.create(
            model="qwen3",
            messages=[{"role": "user", "content": "Hello"}],
            extra_body={"top_k": 20, "chat_template_kwargs": {"enable_thinking": False}},
        )
    assert completion.choices[0].message.content
    assert completion.model == "qwen3"


def test_the_style_of_generated_texts_can_be_chosen(run: Run) -> None:
    server = run("serve", "--port", 0, "--style", "echo", "--quiet")
    with openai.OpenAI(base_url=server.base_url, api_key="any") as client:
        completion = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Say this"}]
        )
    assert completion.choices[0].message.content == "Say this"


def test_serve_has_the_control_api_unless_it_is_switched_off(run: Run) -> None:
    for options, status in (((), 200), (("--no-control",), 404)):
        server = run("serve", "--port", 0, "--quiet", *options)
        raw = Raw(server.base_url)
        assert raw.send("GET", "/_chatdouble/health")[0].status == status
        raw.connection.close()
