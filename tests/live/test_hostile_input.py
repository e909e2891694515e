"""Whatever bytes arrive at the process: no 5xx, nothing of its insides, no long wait, and the next
good request is right.
"""

from __future__ import annotations

import copy
import gzip
import http.client
import json
import random
import string
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Process

GOOD = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
CHAT = "/v1/chat/completions"
LONGEST = 5.0

FULL: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "s", "name": "n"},
        {"role": "user", "content": [{"type": "text", "text": "t"}]},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}}
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "d",
                "strict": True,
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": ["string", "null"], "enum": ["x"]}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": True,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "j", "strict": True, "schema": {"type": "object"}},
    },
    "functions": [{"name": "g", "parameters": {}}],
    "function_call": "auto",
    "audio": {"voice": "alloy", "format": "wav"},
    "modalities": ["text"],
    "prediction": {"type": "content", "content": "p"},
    "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "x"}}},
    "stream": False,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 2,
    "max_tokens": 9,
    "max_completion_tokens": 9,
    "n": 1,
    "stop": ["x"],
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "seed": 1,
    "store": False,
    "metadata": {"k": "v"},
    "service_tier": "auto",
    "reasoning_effort": "low",
    "verbosity": "low",
    "user": "u",
    "safety_identifier": "s",
    "prompt_cache_key": "k",
}
WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    1.5e308,
    "",
    "\x00",
    "x" * 300,
    [],
    [None],
    [[]],
    {},
    {"": None},
    {"type": {}},
    [{"type": "function"}, 7],
)


@pytest.fixture(scope="module")
def server() -> Iterator[Process]:
    process = Process("serve", "--port", "0", "--quiet")
    yield process
    process.process.terminate()
    status, out, err = process.ended()
    assert (status, out, err) == (0, "", "")


def slowness() -> float:
    """How many times as long as on an idle machine things take, while others use it."""
    began = time.monotonic()
    for _ in range(20):
        sum(number * number for number in range(100_000))
    return (time.monotonic() - began) / 0.15


class Client:
    def __init__(self, server: Process) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def ask(
        self,
        body: bytes,
        method: str = "POST",
        path: str = CHAT,
        headers: dict[str, str] | None = None,
    ) -> int:
        """The status of the answer, which keeps the promises."""
        began = time.monotonic()
        given = {"content-type": "application/json"} if headers is None else headers
        self.connection.request(method, path, body, given)
        response = self.connection.getresponse()
        answer = response.read()
        took = time.monotonic() - began
        assert took < LONGEST or took < LONGEST * slowness()
        assert response.status < 500, (body[:500], answer)
        assert b"Traceback" not in answer
        assert b"site-packages" not in answer
        assert b"/chatdouble/" not in answer
        if response.status >= 300 and method != "HEAD":
            assert response.status >= 400, "nothing is redirected"
            error = json.loads(answer)["error"]
            assert list(error) == ["message", "type", "param", "code"]
            assert response.getheader("content-type", "").startswith("application/json")
        return response.status

    def good(self) -> None:
        self.connection.request("POST", CHAT, GOOD, {"content-type": "application/json"})
        response = self.connection.getresponse()
        assert response.status == 200
        assert json.loads(response.read())["choices"][0]["message"]["content"]


@pytest.fixture
def client(server: Process) -> Iterator[Client]:
    made = Client(server)
    yield made
    made.good()
    made.connection.close()


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The path to each value in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (key,)
        if isinstance(item, dict | list):
            yield from ((key, *rest) for rest in places(item))


@pytest.mark.parametrize("field", FULL)
def test_a_wrong_type_at_any_place_is_no_fault_of_ours(client: Client, field: str) -> None:
    base = {"model": FULL["model"], "messages": FULL["messages"], field: FULL[field]}
    for place in places({field: FULL[field]}):
        for wrong in WRONG:
            body = copy.deepcopy(base)
            inside = body
            for key in place[:-1]:
                inside = inside[key]
            inside[place[-1]] = wrong
            client.ask(json.dumps(body).encode())


def with_text(text: bytes) -> bytes:
    return GOOD.replace(b"Hello", text)


def with_schema(schema: bytes) -> bytes:
    tool = b'{"type": "function", "function": {"name": "f", "parameters": %b}}' % schema
    return GOOD[:-1] + b', "tool_choice": "required", "tools": [%b]}' % tool


def nested(levels: int, opening: bytes, closing: bytes, inside: bytes = b"1") -> bytes:
    return opening * levels + inside + closing * levels


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("nothing", b""),
        ("half", GOOD[:-9]),
        ("zeros", bytes(1_000_000)),
        ("no UTF-8", b"\xff\xfe" * 500_000),
        ("UTF-16", GOOD.decode().encode("utf-16")),
        ("a mark before it", b"\xef\xbb\xbf" + GOOD),
        ("text that is no UTF-8", with_text(b"\xff\x80")),
        ("a lone surrogate", with_text(b"\\ud800")),
        ("a surrogate as bytes", with_text(b"\xed\xa0\x80")),
        ("NUL", with_text(b"\\u0000" * 1000)),
        ("a raw NUL", with_text(b"\x00")),
        ("NaN", GOOD[:-1] + b', "temperature": NaN}'),
        ("infinity", GOOD[:-1] + b', "temperature": -Infinity}'),
        ("5,000 digits", GOOD[:-1] + b', "seed": ' + b"1" * 5000 + b"}"),
        ("5,000 decimals", GOOD[:-1] + b', "temperature": 1.' + b"1" * 5000 + b"}"),
        ("a great exponent", GOOD[:-1] + b', "temperature": 1e99999}'),
        ("keys twice", b"{" + b'"model": "gpt-4", ' * 100_000 + GOOD[1:]),
        ("a long key", b'{"' + b"k" * 1_000_000 + b'": 1, ' + GOOD[1:]),
        ("100,000 keys", b"{" + b"".join(b'"k%d": 1, ' % n for n in range(100_000)) + GOOD[1:]),
        ("nested lists", nested(100_000, b"[", b"]")),
        ("nested objects", nested(100_000, b'{"a":', b"}")),
        ("nested messages", b'{"model": "m", "messages": %b}' % nested(100_000, b"[", b"]")),
        ("nested metadata", GOOD[:-1] + b', "metadata": %b}' % nested(100_000, b'{"a":', b"}")),
        ("a nested schema", with_schema(nested(100_000, b'{"items":', b"}"))),
        *(
            (f"a schema of {levels} levels", with_schema(nested(levels, opening, closing, b"{}")))
            for levels in (30, 60, 120, 250, 500, 1000)
            for opening, closing in (
                (b'{"type": "object", "properties": {"a":', b"}}"),
                (b'{"anyOf": [', b"]}"),
                (b'{"not":', b"}"),
            )
        ),
        ("a schema of 5,000 digits", with_schema(b'{"minimum": ' + b"1" * 5000 + b"}")),
        ("a schema that fetches", with_schema(b'{"$ref": "http://127.0.0.1:9/x"}')),
        ("a schema that reads", with_schema(b'{"$ref": "file:///etc/passwd"}')),
        (
            "a schema that grows",
            with_schema(
                b'{"type": "object", "properties": {"a": {"$ref": "#/$defs/a9"}}, "$defs": {%b}}'
                % b", ".join(
                    b'"a%d": {"type": "array", "minItems": 99, "items": {"$ref": "#/$defs/a%d"}}'
                    % (n, n - 1)
                    for n in range(1, 10)
                )
                + b', "a0": {"type": "string", "minLength": 1000000}'
            ),
        ),
        (
            "a pattern that takes long",
            with_schema(
                b'{"type": "object", "required": ["a"], "properties": {"a": '
                b'{"type": "string", "pattern": "^(((a+)+)+)+$", "minLength": 5000}}}'
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_odd_body_is_no_fault_of_ours(client: Client, what: str, body: bytes) -> None:
    client.ask(body)


ARGUMENTS = (
    b'{"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": '
    b'"function", "function": {"name": "f", "arguments": "%b"}}]}, {"role": "tool", '
    b'"tool_call_id": "c", "content": "x"}]}' % (b"[" * 10_000_000)
)


def words(letters: int, each: int) -> str:
    chance = random.Random(letters)
    return " ".join(
        "".join(chance.choices(string.ascii_lowercase, k=each)) for _ in range(letters // each)
    )


def said(*texts: str, **further: Any) -> bytes:
    messages = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"model": "unknown", "messages": messages, **further}).encode()


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("10 MB of one letter", said("x" * 10_000_000)),
        ("10 MB in ten words", said(*[words(1_000_000, 1_000_000)] * 10)),
        ("10 MB of short words", said(*[words(1_000_000, 8)] * 10)),
        ("10 MB of spaces", said(*["\n " * 500_000] * 10)),
        ("10 MB of braces", said(*['{"a": [' * 140_000] * 10)),
        ("10 MB of letters from afar", said(*["\u65e5\u672c\u8a9e\u0e01" * 100_000] * 8)),
        ("100,000 messages", said(*(f"message {n}" for n in range(100_000)))),
        ("100,000 messages of odd words", said(*words(9_000_000, 90).split())),
        (
            "100,000 messages and a wrong one",
            said(*["x"] * 100_000).replace(b'"}]', b'"}, 7]'),
        ),
        ("arguments of 10 MB", ARGUMENTS),
        ("128 choices with logprobs", said("Hello", n=128, logprobs=True, top_logprobs=20)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_huge_body_is_answered_in_time_and_nobody_waits_for_it(
    server: Process, client: Client, what: str, body: bytes
) -> None:
    beside = Client(server)
    slowest, done = 0.0, threading.Event()

    def ask() -> None:
        nonlocal slowest
        while not done.is_set():
            began = time.monotonic()
            beside.good()
            slowest = max(slowest, time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        client.ask(body)
    finally:
        done.set()
        asking.join()
        beside.connection.close()
    assert slowest < 1 or slowest < slowness()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/xml; charset=utf-16"},
        {"content-type": "multipart/form-data"},
        {"content-type": "\xff"},
        {"content-encoding": "gzip"},
        {"content-encoding": "br, zstd"},
        {"content-encoding": ", , ,"},
        {"accept": "text/html", "accept-encoding": "gzip, br"},
        {"authorization": "\xff" * 1000},
        {"authorization": "Basic ////"},
        {"x-chatdouble-fault": "nonsense=\xff"},
        {"x-chatdouble-fault": "status=99999999999999999999"},
        {"x-chatdouble-fault": "cut=" + "9" * 5000},
        {"expect": "200-ok"},
        {"host": "evil.test", "x-forwarded-host": "evil.test", "forwarded": "for=_x"},
        {"range": "bytes=0-1", "if-none-match": "*"},
        {"x-http-method-override": "DELETE"},
    ],
    ids=repr,
)
def test_odd_headers_are_no_fault_of_ours(client: Client, headers: dict[str, str]) -> None:
    client.ask(GOOD, headers=headers)


def test_a_bomb_is_refused(client: Client) -> None:
    bomb = gzip.compress(gzip.compress(bytes(500_000_000), 1), 1)
    headers = {"content-encoding": "gzip, gzip", "content-type": "application/json"}
    assert client.ask(bomb, headers=headers) == 413


def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    assert client.ask(b"x" * (64 * 1024 * 1024 + 1)) == 413


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH"]
)
def test_odd_methods_get_the_envelope(client: Client, method: str) -> None:
    for path in (CHAT, "/", "/v1/models/x", "/s/x/v1/chat/completions", "/_chatdouble/health"):
        client.ask(b"", method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/v1",
        "/v1/",
        CHAT + "/",
        "/" + CHAT,
        CHAT + "%00",
        CHAT + "%0d%0aset-cookie:%20x=1",
        "/v1/../../../../etc/passwd",
        "/v1/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/" + "x" * 50_000,
        "/v1/%ff%fe",
        "/v1/%f0%9f%98%80",
        "/v1/%zz%",
        "http://evil.test/v1/nothing",
        "/s/..%2f..%2fetc/v1/chat/completions",
        "/s/%0d%0a/v1/chat/completions",
        "/s/" + "x" * 50_000,
        "/_chatdouble",
        "/_chatdouble/",
        "/_chatdouble/nothing",
        "/_chatdouble/health/",
        "/_chatdouble/sessions/..%2f..%2fetc%2fpasswd",
        "/_chatdouble/sessions/%0d%0ax:y",
        "/_chatdouble/../../etc/passwd",
        "/docs",
        "/.git/config",
        "/v1/chat/completions/..%2f..%2f..%2fetc%2fpasswd/messages",
    ],
)
def test_odd_paths_get_the_envelope(client: Client, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert client.ask(GOOD, method, path) in (400, 404, 405), method


def test_names_in_the_control_api_cannot_leave_its_folder(server: Process, client: Client) -> None:
    for key in ("id", "script", "cassette"):
        for name in (
            "../../etc/passwd",
            "/etc/passwd",
            "..",
            "",
            "\x00",
            "a\r\nb",
            "x" * 100_000,
            "\ud800",
            "~/x",
            "file:///etc/passwd",
            "\\\\host\\share",
        ):
            body = json.dumps({key: name}).encode()
            assert client.ask(body, path="/_chatdouble/sessions") in (400, 413), (key, name)


def test_the_control_api_takes_any_body(client: Client) -> None:
    for path in ("/sessions", "/sessions/default/rules", "/sessions/default/wait"):
        for body in (
            b'{"timeout": 0}',
            b"\xff",
            b"null",
            b"[]",
            b"7",
            nested(100_000, b"[", b"]"),
            nested(100_000, b'{"when":', b"}"),
            nested(100_000, b"- ", b""),
            b'{"timeout": 1e999}',
            b'{"timeout": 0, "calls": ' + b"9" * 5000 + b"}",
            b'{"timeout": 0, "calls": 99, "when": {"user": {"regex": "(a+)+$"}}}',
            b'{"timeout": 0, "calls": 99, "when": {"nothing": 1}}',
            b"a: &a [x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b]",
            b"!!python/object/apply:os.system [id]",
        ):
            status = client.ask(body, path=f"/_chatdouble{path}")
            assert status in (200, 201, 400, 408, 413), (path, body[:40])
    client.connection.request(
        "DELETE", "/_chatdouble/sessions/default/rules", b"", {"content-type": "application/json"}
    )
    client.connection.getresponse().read()
