"""The control API's own OpenAPI document."""

from __future__ import annotations

from typing import Any

from chatdouble import __version__


def _answer(description: str, properties: dict[str, Any] | None = None) -> dict[str, Any]:
    if properties is None:
        return {"description": description}
    schema = {"type": "object", "properties": properties}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _operation(
    summary: str,
    answers: dict[str, dict[str, Any]],
    body: dict[str, Any] | None = None,
    *parameters: dict[str, Any],
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": answers | {"default": {"$ref": "#/components/responses/Error"}},
    }
    if parameters:
        operation["parameters"] = list(parameters)
    if body is not None:
        operation["requestBody"] = {"content": body}
    return operation


_NOTHING = {"204": _answer("done")}
_SESSION = {
    "id": {"type": "string"},
    "base_url": {"type": "string", "description": "what clients use as their base URL"},
    "rules": {"type": "integer"},
    "exchanges": {"type": "integer"},
}
_RULE = {
    "id": {"type": "integer", "description": "the same as long as the rule is there"},
    "origin": {"type": "string", "description": "what explanations call it"},
    "words": {"type": "string"},
    "when": {"type": "object"},
    "rule": {"type": "object", "description": "the rule, as a script says it"},
    "answered": {"type": "integer", "description": "how many calls it answered"},
}
_RULES = {"rules": {"type": "array", "items": {"type": "object", "properties": _RULE}}}
_ADDED = {"added": {"type": "array", "items": {"type": "integer"}, "description": "their ids"}}
_DEFAULTS = {
    "fault": {"description": "faults, as a step of a script says them"},
    "pace": {"description": "the pace of streams, as a step of a script says it"},
}
_REPORT = {
    "problems": {"type": "string", "description": "empty if all is well"},
    "conversation": {"type": "string", "description": "what was asked and answered"},
    "notes": {"type": "string", "description": "what is odd about how the client behaved"},
}
_EXCHANGES = {"exchanges": {"type": "array", "items": {"type": "object"}}}
_NEW_SESSION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
        "unmatched": {"enum": ["error", "generated", "passthrough"], "default": "error"},
        "script": {"type": "string", "description": "a name in the configured folder"},
        "cassette": {"type": "string", "description": "a name in the configured folder"},
    },
}
_LOADING = {
    "type": "object",
    "additionalProperties": False,
    "properties": {key: _NEW_SESSION["properties"][key] for key in ("script", "cassette")},
}
_REFUSING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["seconds"],
    "properties": {"seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 60}},
}
_WAITING = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "calls": {"type": "integer", "minimum": 1, "default": 1},
        "timeout": {"type": "number", "minimum": 0, "maximum": 60, "default": 5},
        "when": {"type": "object", "description": "conditions, as a script says them"},
    },
}
_SCRIPT = {
    "description": "rules, as a script says them: a list, or {version, rules}",
    "oneOf": [{"type": "array"}, {"type": "object"}],
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _parameter(place: str, name: str, kind: str, description: str) -> dict[str, Any]:
    schema = {"type": kind}
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, "schema": schema, "description": description, **required}


_ID = _parameter("path", "id", "string", "the session's id; default for the one at /v1")
_OF_SESSION = {"parameters": [_ID]}
_OF_RULE = {"parameters": [_ID, _parameter("path", "rule", "integer", "the rule's id")]}
_ORIGIN = _parameter("query", "origin", "string", "what explanations call the rules")

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "chatdouble control API", "version": __version__},
    "servers": [{"url": "/_chatdouble"}],
    "paths": {
        "/health": {
            "get": _operation(
                "Whether it runs", {"200": _answer("it does", {"status": {"const": "ok"}})}
            )
        },
        "/sessions": {
            "get": _operation(
                "The sessions",
                {"200": _answer("all of them", {"sessions": {"type": "array"}})},
            ),
            "post": _operation(
                "Open a session", {"201": _answer("the session", _SESSION)}, _json(_NEW_SESSION)
            ),
        },
        "/sessions/{id}": {
            **_OF_SESSION,
            "get": _operation("A session", {"200": _answer("the session", _SESSION)}),
            "delete": _operation("End a session", _NOTHING),
        },
        "/sessions/{id}/rules": {
            **_OF_SESSION,
            "get": _operation("Its rules", {"200": _answer("in their order", _RULES)}),
            "post": _operation(
                "Add rules behind the others",
                {"201": _answer("all rules", _RULES | _ADDED)},
                _json(_SCRIPT) | {"application/yaml": {"schema": _SCRIPT}},
                _ORIGIN,
            ),
            "delete": _operation("Forget its rules", _NOTHING),
        },
        "/sessions/{id}/rules/{rule}": {
            **_OF_RULE,
            "get": _operation("A rule", {"200": _answer("the rule", _RULE)}),
            "put": _operation(
                "Replace a rule, which keeps its id and its count",
                {"200": _answer("the rule", _RULE)},
                _json({"type": "object"}) | {"application/yaml": {"schema": {"type": "object"}}},
                _ORIGIN,
            ),
            "delete": _operation("Forget a rule", _NOTHING),
        },
        "/sessions/{id}/defaults": {
            **_OF_SESSION,
            "get": _operation(
                "What it does where neither rules nor requests say something else",
                {"200": _answer("its fault and pace", _DEFAULTS)},
            ),
            "put": _operation(
                "Set its fault and pace; what is left out is none",
                {"200": _answer("its fault and pace", _DEFAULTS)},
                _json({"type": "object", "additionalProperties": False, "properties": _DEFAULTS}),
            ),
        },
        "/sessions/{id}/load": {
            **_OF_SESSION,
            "post": _operation(
                "Add the rules of a script, and recordings, of the configured folder",
                {"200": _answer("the session", _SESSION)},
                _json(_LOADING),
            ),
        },
        "/sessions/{id}/journal": {
            **_OF_SESSION,
            "get": _operation(
                "What came and was answered",
                {"200": _answer("", _EXCHANGES)},
                None,
                _parameter("query", "body", "boolean", "tell the requests' raw bodies, in base64"),
            ),
            "delete": _operation("Forget what came", _NOTHING),
        },
        "/refuse": {
            "post": _operation(
                "Let the server refuse connections for a while, as if it were down",
                _NOTHING,
                _json(_REFUSING),
            ),
        },
        "/sessions/{id}/wait": {
            **_OF_SESSION,
            "post": _operation(
                "Wait until so many calls are answered",
                {"200": _answer("these calls", _EXCHANGES), "408": _answer("not in time")},
                _json(_WAITING),
            ),
        },
        "/sessions/{id}/reset": {
            **_OF_SESSION,
            "post": _operation("Forget what came, and let every rule begin anew", _NOTHING),
        },
        "/sessions/{id}/report": {
            **_OF_SESSION,
            "get": _operation(
                "Calls without an answer, and rules that were never used",
                {"200": _answer("", _REPORT)},
                None,
                _parameter("query", "matched", "boolean", "false: without the calls"),
                _parameter("query", "used", "boolean", "false: without the rules"),
            ),
        },
    },
    "components": {
        "responses": {
            "Error": _answer("what is wrong", {"error": {"type": "object"}}),
        }
    },
}
