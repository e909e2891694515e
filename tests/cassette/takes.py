"""Takes as a recorder makes them."""

from __future__ import annotations

import json
from typing import Any

from chatdouble.cassette.take import Take

URI = "https://api.openai.com/v1/chat/completions"
REQUEST = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Grüße"}]}


def a_take(**changed: Any) -> Take:
    """A call with a compact body, answered by a stream in two pieces."""
    given: dict[str, Any] = {
        "method": "POST",
        "uri": URI,
        "request_headers": (("Content-Type", "application/json"),),
        "request_body": json.dumps(REQUEST, ensure_ascii=False, separators=(",", ":")).encode(),
        "status": 200,
        "reason": "OK",
        "headers": (("content-type", "text/event-stream"), ("x-request-id", "req_1")),
        "pieces": ((0.25, b'data: {"a": 1}\n\n'), (0.5, b"data: [DONE]\n\n")),
        "recorded": 1767323045,
    }
    return Take(**(given | changed))
