"""``chatdouble serve`` as a process."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.conftest import Process, Raw, until

HELLO: Any = [{"role": "user", "content": "Hello"}]
Run = Callable[..., Process]


def test_with_no_configuration_every_request_is_answered(run: Run) -> None:
    server = run("serve", "--port", 0)
    assert server.greeting.startswith("chatdouble ")
    client = openai.OpenAI(base_url=server.base_url, api_key="any")
    completion = client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert completion.choices[0].message.content
    assert abs(completion.created - time.time()) < 60
    stream = list(client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True))
    assert len(stream) > 5
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="gpt-4o", messages=[])
    client.close()
    server.process.send_signal(signal.SIGINT)
    status, out, err = server.ended()
    assert (status, err) == (0, "")
    first, second, third = (re.sub(r" \[.* ms\]", "", line) for line in out.splitlines())
    assert re.fullmatch(r"POST /v1/chat/completions 200 generated: \d+ sentences of text", first)
    assert second == first.replace("completions 200", "completions stream 200")
    assert third == "POST /v1/chat/completions 400 contract: the API refuses it: messages"


def test_the_greeting_says_what_works_as_printed(run: Run) -> None:
    server = run("serve", "--port", 0)
    curl = re.search(r"curl .*\\\n.*", server.greeting)
    assert curl
    ran = subprocess.run(["bash", "-c", curl.group()], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["object"] == "chat.completion"
    line = re.search(r"client = .*", server.greeting)
    assert line
    code = f"import openai; {line.group()}; print(client.models.list().object)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "list\n"
    export = re.search(r"export (OPENAI_BASE_URL=\S+ OPENAI_API_KEY=\S+)", server.greeting)
    assert export
    code = (
        "import openai; c = openai.OpenAI(); "
        "print(c.chat.completions.create(model='m', "
        "messages=[{'role': 'user', 'content': 'x'}]).id)"
    )
    command = f'env {export.group(1)} {sys.executable} -c "{code}"'
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("chatcmpl-")


def test_texts_are_the_same_after_a_restart(run: Run) -> None:
    texts = set()
    for seed in (0, 0, 1):
        server = run("serve", "--port", 0, "--seed", seed)
        raw = Raw(server.base_url)
        _, body = raw.chat(json.dumps({"model": "m", "messages": HELLO}).encode())
        texts.add(json.loads(body)["choices"][0]["message"]["content"])
        raw.connection.close()
        server.kill()
    assert len(texts) == 2


def test_a_script_answers_and_the_rest_is_generated(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(
        "version: 1\nrules:\n- when: {user: Hello}\n  then:\n"
        "  - {fail: 503}\n  - reply: Hi from the script.\n"
    )
    server = run("serve", "hello.yaml", "--port", 0, cwd=tmp_path)
    raw = Raw(server.base_url)
    body = json.dumps({"model": "m", "messages": HELLO}).encode()
    assert raw.chat(body)[0].status == 503
    assert b"Hi from the script." in raw.chat(body)[1]
    assert raw.chat(body.replace(b"Hello", b"Bye"))[0].status == 200
    raw.connection.close()
    server.process.terminate()
    _, out, _ = server.ended()
    assert "503 scripted: hello.yaml:3 rules[0] (user equals 'Hello'), answer 1" in out
    assert "200 scripted: hello.yaml:3 rules[0] (user equals 'Hello'), answer 2" in out
    assert "200 generated: " in out


def test_a_broken_script_stops_the_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("version: 1\nrules:\n- wen: {user: Hello}\n  reply: Hi\n")
    status, out, err = run("serve", "bad.yaml", cwd=tmp_path).ended()
    assert (status, out) == (2, "")
    assert err == (
        "chatdouble: bad.yaml:3: rules[0].wen: there is no 'wen' here; did you mean 'when'?\n"
    )
    status, _, err = run("serve", "nowhere.yaml", cwd=tmp_path).ended()
    assert (status, err) == (
        2,
        "chatdouble: nowhere.yaml: cannot be read: No such file or directory\n",
    )


def test_a_taken_port_is_one_clear_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = run("serve", "--port", port).ended()
    assert (status, out) == (2, "")
    assert err == (
        f"chatdouble: port {port} on 127.0.0.1 is taken by another process; "
        "stop it, or choose another port (0 takes a free one)\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_even_beside_an_open_stream(
    run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "slow.yaml").write_text("- {reply: One two three, pace: {each: 60}}")
    server = run("serve", tmp_path / "slow.yaml", "--port", 0)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        body = json.dumps({"model": "m", "messages": HELLO, "stream": True})
        client.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            f"{body}".encode()
        )
        assert b"200 OK" in client.recv(1000)
        began = time.monotonic()
        server.process.send_signal(number)
        status, out, err = server.ended()
        assert time.monotonic() - began < 6  # two, and what a busy machine adds
    assert (status, err) == (0, "")
    assert "(client left)" in out
    again = run("serve", "--port", server.port)
    assert again.port == server.port, "the port is free again at once"


def test_it_listens_on_loopback_only_and_logs_no_key(run: Run) -> None:
    server = run("serve", "--port", 0)
    assert "http://127.0.0.1:" in server.greeting
    raw = Raw(server.base_url)
    headers = {"authorization": "Bearer sk-very-secret"}
    raw.send("POST", "/v1/chat/completions?api-key=sk-very-secret", b"{}", headers)
    raw.send("GET", "/v1/a%0d%0ab%1b[31m", None, headers)
    raw.connection.close()
    server.process.terminate()
    _, out, err = server.ended()
    assert "sk-very-secret" not in out + err
    assert "\x1b" not in out
    assert "GET /v1/a  b [31m 404 contract: there is no such path" in out


def test_quiet_logs_nothing(run: Run) -> None:
    server = run("serve", "--port", 0, "--quiet")
    raw = Raw(server.base_url)
    raw.send("GET", "/v1/models")
    raw.connection.close()
    server.process.terminate()
    _, out, _ = server.ended()
    assert "GET" not in out


def test_a_log_that_nobody_reads_holds_up_nothing() -> None:
    command = [sys.executable, "-m", "chatdouble", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+/v1", process.stdout.readline())
        assert found
        raw = Raw(found.group())
        for _ in range(2000):
            assert raw.send("GET", "/v1/models")[0].status == 200
        raw.connection.close()
        began = time.monotonic()
        process.terminate()
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5


def test_a_log_whose_reader_has_gone_ends() -> None:
    command = [sys.executable, "-m", "chatdouble", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        found = re.search(r"http://\S+/v1", process.stdout.readline())
        assert found
        process.stdout.close()
        raw = Raw(found.group())
        for _ in range(20):
            assert raw.send("GET", "/v1/models")[0].status == 200
        raw.connection.close()
        process.terminate()
        assert "Traceback" not in process.stderr.read()


def test_what_no_session_answers_is_logged_too(run: Run) -> None:
    server = run("serve", "--port", 0)
    raw = Raw(server.base_url)
    raw.send("GET", "/s/nobody/v1/models")
    raw.connection.close()
    server.process.terminate()
    _, out, _ = server.ended()
    assert out.startswith("GET /v1/models 404 server: no_session [")


def test_bad_http_does_not_end_the_server(run: Run) -> None:
    server = run("serve", "--port", 0)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"NONSENSE\r\n\r\n")
        assert b"400" in client.recv(1000)
    raw = Raw(server.base_url)
    assert raw.send("GET", "/v1/models")[0].status == 200
    raw.connection.close()
    until(lambda: server.process.poll() is None)


def test_a_rule_that_never_answers_is_told_at_the_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("- reply: a\n- {when: {user: x}, reply: b}\n")
    server = run("serve", "s.yaml", "--port", 0, cwd=tmp_path)
    server.process.terminate()
    _, _, err = server.ended()
    assert err == (
        "chatdouble: warning: s.yaml:2 [1]: never answers: s.yaml:1 [0] (any call) before it "
        "takes all of its calls\n"
    )


def test_with_reload_a_changed_script_answers_at_once(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("- reply: one\n")
    server = run("serve", "s.yaml", "--reload", "--port", 0, cwd=tmp_path)
    raw = Raw(server.base_url)
    body = json.dumps({"model": "m", "messages": HELLO}).encode()
    assert b'"one"' in raw.chat(body)[1]
    script.write_text("- rply: two\n")
    until(lambda: any("kept" in line for line in list(server._err)))
    assert b'"one"' in raw.chat(body)[1]
    script.write_text("- reply: three\n")
    until(lambda: b'"three"' in raw.chat(body)[1])
    raw.connection.close()
    server.process.terminate()
    _, _, err = server.ended()
    assert err == (
        "chatdouble: kept the rules as they were: s.yaml:1: [0].rply: there is no 'rply' here; "
        "did you mean 'reply'?\nchatdouble: read again: 1 rule\n"
    )


def test_reload_without_scripts_is_an_error(run: Run) -> None:
    status, _, err = run("serve", "--reload", "--port", 0).ended()
    assert status == 2
    assert "--reload goes with SCRIPTs" in err
