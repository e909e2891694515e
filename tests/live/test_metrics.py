"""``/metrics``, as Prometheus reads it."""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from chatdouble import ChatdoubleError, Pace, Server, Settings
from tests.conftest import Raw, until

HELLO: Any = [{"role": "user", "content": "Hello"}]


def figures(server: Server) -> dict[str, float]:
    parser = pytest.importorskip("prometheus_client.parser")
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/plain")
    return {
        f"{one.name}{dict(sorted(one.labels.items()))}": one.value
        for family in parser.text_string_to_metric_families(text)
        for one in family.samples
    }


def _said(number: int) -> dict[str, str]:
    return {"role": "user", "content": str(number)}


def test_requests_tokens_times_and_faults_are_told() -> None:
    pytest.importorskip("prometheus_client")
    with Server(Settings(metrics=True, fault_header=True)) as server:
        session = server.session("")
        session.on(user="Hello").reply("Good day to you.")
        session.on(user="Slow").reply("Good day.", pace=Pace(first=0.2, each=0.1))
        client = openai.OpenAI(base_url=session.base_url, api_key="any", max_retries=0)
        chat = client.chat.completions
        made = chat.create(model="gpt-4o", messages=HELLO)
        list(chat.create(model="gpt-4o", messages=HELLO, stream=True))
        with pytest.raises(openai.NotFoundError):
            chat.create(model="gpt-4o", messages=[{"role": "user", "content": "Bye"}])
        for fault in ("pings, media_type", "429"):
            try:
                chat.create(
                    model="gpt-4o", messages=HELLO, extra_headers={"x-chatdouble-fault": fault}
                )
            except openai.RateLimitError:
                assert fault == "429"
        until(lambda: all(one.outcome == "complete" for one in session.journal))
        found = figures(server)
        assert (
            found[
                "chatdouble_requests_total{'rule': 'rule 1', 'source': 'scripted', 'status': '200'}"
            ]
            == 3
        )
        assert (
            found["chatdouble_requests_total{'rule': '', 'source': 'unmatched', 'status': '404'}"]
            == 1
        )
        assert (
            found["chatdouble_requests_total{'rule': '', 'source': 'faults', 'status': '429'}"] == 1
        )
        assert made.usage
        assert found["chatdouble_tokens_total{'kind': 'prompt'}"] == 3 * made.usage.prompt_tokens
        assert (
            found["chatdouble_tokens_total{'kind': 'completion'}"]
            == 3 * made.usage.completion_tokens
        )
        assert found["chatdouble_first_byte_seconds_count{'stream': 'true'}"] == 1
        assert found["chatdouble_answer_seconds_count{'stream': 'false'}"] == 4
        assert found["chatdouble_faults_total{'fault': 'media_type'}"] == 1
        # a body has no events, so nothing was brought about
        assert "chatdouble_faults_total{'fault': 'pings'}" not in found
        assert found["chatdouble_open_streams{}"] == 0
        slow: Any = [{"role": "user", "content": "Slow"}]
        with chat.create(model="gpt-4o", messages=slow, stream=True) as stream:
            next(iter(stream))
            assert figures(server)["chatdouble_open_streams{}"] == 1
        until(lambda: figures(server)["chatdouble_open_streams{}"] == 0)
        assert figures(server)["chatdouble_first_byte_seconds_sum{'stream': 'true'}"] > 0.19
        client.close()


def test_rules_beyond_a_thousand_are_counted_together() -> None:
    pytest.importorskip("prometheus_client")
    with Server(Settings(metrics=True)) as server:
        session = server.session("")
        for number in range(1003):
            session.on(user=str(number)).reply("Hi.")
        raw = Raw(session.base_url)
        for number in range(1003):
            raw.chat(json.dumps({"model": "gpt-4o", "messages": [_said(number)]}).encode())
        raw.connection.close()
        told = [name for name in figures(server) if name.startswith("chatdouble_requests_total")]
        assert len(told) == 1001
        assert any("'rule': '(other)'" in name for name in told)


def test_without_the_setting_the_path_is_unknown() -> None:
    with Server() as server:
        server.session("")
        connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        connection.request("GET", "/metrics")
        assert connection.getresponse().status == 404
        connection.close()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ChatdoubleError, match=r"pip install 'chatdouble\[metrics\]'"):
        Server(Settings(metrics=True))
