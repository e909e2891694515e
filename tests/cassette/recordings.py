"""One conversation as each tool records it, written for these tests."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Grüße?"}]}
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Grüße zurück."},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}
URL = "https://api.openai.com/v1/chat/completions"
SENT = json.dumps(QUESTION, ensure_ascii=False, separators=(",", ":"))
SAID = json.dumps(ANSWER, ensure_ascii=False, separators=(",", ":"))
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # 1700000000


def _chunk(delta: dict[str, Any], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    whole = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice],
    }
    return f"data: {json.dumps(whole)}\n\n"


STREAM = (
    _chunk({"role": "assistant", "content": ""}, None)
    + _chunk({"content": "Hello"}, None)
    + _chunk({"content": " there."}, None)
    + _chunk({}, "stop")
    + "data: [DONE]\n\n"
)


def har() -> str:
    entry = {
        "startedDateTime": "2023-11-14T22:13:20.000Z",
        "time": 1500,
        "request": {
            "method": "POST",
            "url": URL,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "postData": {"mimeType": "application/json", "text": SENT},
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"mimeType": "application/json", "text": SAID},
        },
    }
    return json.dumps({"log": {"version": "1.2", "entries": [entry]}})


def polly() -> str:
    """HAR as PollyJS persists it: the packed chunks as a JSON array of base64 texts."""
    document = json.loads(har())
    document["log"]["creator"] = {"name": "Polly.JS", "comment": "persister:fs"}
    response = document["log"]["entries"][0]["response"]
    packed = gzip.compress(SAID.encode())
    chunks = [base64.b64encode(part).decode() for part in (packed[:31], packed[31:])]
    response["headers"].append({"name": "content-encoding", "value": "gzip"})
    response["content"] |= {"encoding": "base64", "text": json.dumps(chunks)}
    return json.dumps(document)


def ruby() -> str:
    return f"""---
http_interactions:
- request:
    method: post
    uri: {URL}
    body:
      encoding: UTF-8
      string: '{SENT}'
    headers:
      Content-Type:
      - application/json
  response:
    status:
      code: 200
      message: OK
    headers:
      Content-Type:
      - application/json
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        {base64.b64encode(SAID.encode()).decode()}
  recorded_at: {DATE}
recorded_with: VCR 6.1.0
"""


def betamax() -> str:
    one = {
        "request": {
            "method": "POST",
            "uri": URL,
            "body": {"encoding": "utf-8", "string": SENT},
            "headers": {"Content-Type": ["application/json"]},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "url": URL,
            "headers": {"Content-Type": ["application/json"], "Content-Encoding": ["gzip"]},
            "body": {
                "encoding": "utf-8",
                "base64_string": base64.b64encode(gzip.compress(SAID.encode())).decode(),
            },
        },
        "recorded_at": "2023-11-14T22:13:20",
    }
    return json.dumps({"http_interactions": [one], "recorded_with": "betamax/0.9.0"})


def govcr(version: int) -> str:
    more = "    proto: HTTP/2.0\n" if version == 2 else ""
    return f"""---
version: {version}
interactions:
- request:
    body: '{SENT}'
    form: {{}}
    headers:
      Content-Type:
      - application/json
    url: {URL}
    method: POST
  response:
{more}    body: '{SAID}'
    headers:
      Content-Type:
      - application/json
    status: 200 OK
    code: 200
    duration: 1.5s
"""


def azure_test_proxy() -> str:
    entry = {
        "RequestUri": URL,
        "RequestMethod": "POST",
        "RequestHeaders": {"Content-Type": "application/json"},
        "RequestBody": QUESTION,
        "StatusCode": 200,
        "ResponseHeaders": {"Content-Type": "application/json"},
        "ResponseBody": ANSWER,
    }
    return "\ufeff" + json.dumps({"Entries": [entry], "Variables": {}})


def wiremock() -> str:
    return json.dumps(
        {
            "request": {
                "url": "/chat/completions",
                "method": "POST",
                "bodyPatterns": [{"equalToJson": SENT}],
            },
            "response": {
                "status": 200,
                "body": SAID,
                "headers": {"Content-Type": "application/json"},
            },
        }
    )


def datadog_agent() -> str:
    return json.dumps(
        {
            "request": {
                "method": "POST",
                "url": URL,
                "headers": {"Content-Type": "application/json"},
                "body": SENT,
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"Content-Type": "application/json"},
                "body": "base64:" + base64.b64encode(SAID.encode()).decode(),
            },
        }
    )


def nock() -> str:
    one = {
        "scope": "https://api.openai.com:443",
        "method": "POST",
        "path": "/v1/chat/completions",
        "body": QUESTION,
        "status": 200,
        "response": [gzip.compress(SAID.encode()).hex()],
        "rawHeaders": ["Content-Type", "application/json", "Content-Encoding", "gzip"],
    }
    return json.dumps([one])


def httprr() -> str:
    asked = (
        f"POST {URL} HTTP/1.1\r\nHost: api.openai.com\r\n"
        f"Content-Type: application/json\r\n\r\n{SENT}"
    )
    answered = f"HTTP/2.0 200 OK\r\nContent-Type: application/json\r\n\r\n{SAID}"
    sizes = f"{len(asked.encode())} {len(answered.encode())}"
    return f"httprr trace v1\n{sizes}\n{asked}{answered}"


def vcrpy(
    *pairs: tuple[dict[str, Any], str],
    headers: dict[str, list[str]] | None = None,
    status: int = 200,
) -> str:
    """A vcrpy cassette of (request, response body) pairs."""
    kind = {"Content-Type": ["application/json"], "Date": [DATE]}
    interactions = [
        {
            "request": {
                "method": "POST",
                "uri": URL,
                "headers": {"Content-Type": ["application/json"]},
                "body": json.dumps(request),
            },
            "response": {
                "status": {"code": status, "message": "OK"},
                "headers": kind | (headers or {}),
                "body": {"string": body},
            },
        }
        for request, body in pairs
    ]
    return json.dumps({"interactions": interactions, "version": 1})


FILES = {
    "har": har(),
    "ruby-vcr": ruby(),
    "betamax": betamax(),
    "go-vcr": govcr(2),
    "azure-test-proxy": azure_test_proxy(),
    "wiremock": wiremock(),
    "dd-apm-test-agent": datadog_agent(),
    "nock": nock(),
    "httprr": httprr(),
    "vcrpy": vcrpy((QUESTION, SAID)),
}
