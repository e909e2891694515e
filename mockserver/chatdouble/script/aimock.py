"""aimock's fixtures as rules.

Source: aimock's published types and its matcher, as of 2026: strings are parts of the text that
they are compared with, a model's name stands for its dated snapshots, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from chatdouble.answers import FINISH_REASONS, ApiError, Reply, ToolCall, Usage, reply_of
from chatdouble.cassette.families.place import Place
from chatdouble.errors import ScriptError
from chatdouble.faults import faults_of
from chatdouble.rules import Rule, Step, api_error
from chatdouble.schedule import Pace
from chatdouble.script import parse_when

# the order of fixtures that are alike otherwise
_ORDER = ("sequenceIndex", "turnIndex")
_MATCHED = frozenset(
    {
        "userMessage",
        "systemMessage",
        "toolCallId",
        "toolResultContains",
        "toolName",
        "model",
        "responseFormat",
        "hasToolResult",
        "endpoint",
        *_ORDER,
    }
)
_SAID = frozenset({"content", "toolCalls", "blocks", "reasoning", "finishReason", "usage"})
_SAID_ALSO = {"model": "model", "systemFingerprint": "system_fingerprint", "id": "id"}
_TIMED = frozenset({"latency", "streamingProfile", "recordedTimings", "truncateAfterChunks"})
_KNOWN = frozenset({"match", "response", "metadata"}) | _TIMED

_FIGURES = {
    "prompt_tokens": ("prompt_tokens", "input_tokens", "promptTokenCount"),
    "completion_tokens": ("completion_tokens", "output_tokens", "candidatesTokenCount"),
}


class Read(Struct, frozen=True):
    """What a file of fixtures says.

    Attributes:
        rules: its fixtures as rules.
        left: what of them no rule says, in words.
    """

    rules: tuple[Rule, ...]
    left: tuple[str, ...]


def claims(document: Any) -> bool:
    """Whether a document is a file of fixtures."""
    return isinstance(document, dict) and isinstance(document.get("fixtures"), list)


def read(top: Place) -> Read:
    """The fixtures of a file as rules, those that are alike but for their order as steps of one.

    Raises:
        CassetteError: a fixture is none; the error says which.
    """
    groups: dict[str, list[tuple[tuple[float, ...], Place]]] = {}
    for fixture in top["fixtures"].items():
        match = fixture.mapping()["match"].mapping()
        alike = {key: one for key, one in match.value.items() if key not in _ORDER}
        order = tuple(match[key].number(-1) for key in _ORDER)
        key = json.dumps(alike, sort_keys=True)
        if any(match[name].value is not None for name in _ORDER):
            groups.setdefault(key, []).append((order, fixture))
        else:
            groups.setdefault(f"{key} {fixture.path}", []).append((order, fixture))
    rules: list[Rule] = []
    left: list[str] = []
    for group in groups.values():
        fixtures = [fixture for _, fixture in sorted(group, key=lambda one: one[0])]
        try:
            rule = _rule(fixtures, left)
        except ScriptError as error:
            raise fixtures[0].broken(error.problem) from None
        rules += [] if rule is None else [rule]
    return Read(tuple(rules), tuple(left))


def _rule(fixtures: list[Place], left: list[str]) -> Rule | None:
    first = fixtures[0]
    match = first["match"]
    if match["endpoint"].value not in (None, "chat") or match["inputText"].value is not None:
        left += (f"{one.path}: the whole of it, which is of another endpoint" for one in fixtures)
        return None
    left += (
        f"{match.path}.{key}"
        for key in match.value
        if key not in _MATCHED and match[key].value is not None
    )
    if any(one["match"]["turnIndex"].value is not None for one in fixtures):
        left.append(f"{match.path}.turnIndex, which is taken for the order of the calls")
    steps = []
    for fixture in fixtures:
        step = _step(fixture, left)
        if step is not None:
            steps.append(step)
    if not steps:
        return None
    ordered = match["sequenceIndex"].value is not None
    return Rule(
        when=parse_when(_conditions(match)),
        steps=tuple(steps),
        origin=first.path,
        used_up="next" if ordered else "repeat",
    )


def _conditions(match: Place) -> dict[str, Any]:
    when: dict[str, Any] = {}
    if match["userMessage"].value is not None:
        when["user"] = {"contains": match["userMessage"].text()}
    system = match["systemMessage"]
    if isinstance(system.value, list):
        parts = [{"contains": one.text()} for one in system.items()]
        when |= {"system": parts[0] if len(parts) == 1 else {"all": parts}} if parts else {}
    elif system.value is not None:
        when["system"] = {"contains": system.text()}
    result: dict[str, Any] = {}
    if match["toolCallId"].value is not None:
        result["call_id"] = match["toolCallId"].text()
    if match["toolResultContains"].value is not None:
        result["content"] = {"contains": match["toolResultContains"].text()}
    if result:
        when["tool_result"] = result
    elif match["hasToolResult"].value is True:
        when["tool_result"] = {"glob": "*"}
    elif match["hasToolResult"].value is False:
        when["not"] = {"tool_result": {"glob": "*"}}
    if match["toolName"].value is not None:
        when["tools"] = match["toolName"].text()
    if match["responseFormat"].value is not None:
        when["response_format"] = match["responseFormat"].text()
    if match["model"].value is not None:
        when["model"] = {"regex": rf"^{re.escape(match['model'].text())}(-[0-9].*)?$"}
    return when


def _step(fixture: Place, left: list[str]) -> Step | None:
    response = fixture["response"].mapping()
    left += (f"{fixture.path}.{key}" for key in fixture.value if key not in _KNOWN)
    answer = _error(response) if "error" in response.value else _reply(response, left)
    if answer is None:
        left.append(f"{fixture.path}: the whole of it, whose response is of another endpoint")
        return None
    faults = {}
    if fixture["latency"].number() > 0:
        faults["delay"] = fixture["latency"].number() / 1000
    if fixture["truncateAfterChunks"].number() > 0:
        faults["cut"] = int(fixture["truncateAfterChunks"].number())
    return Step(answer, pace=_pace(fixture, left), faults=faults_of(faults or None))


def _pace(fixture: Place, left: list[str]) -> Pace | None:
    profile, recorded = fixture["streamingProfile"], fixture["recordedTimings"]
    if recorded.value is not None:
        gaps = [one.number() for one in recorded["interChunkDelaysMs"].items()]
        left.append(f"{recorded.path}, of which the mean is kept")
        each = sum(gaps) / len(gaps) / 1000 if gaps else 0.0
        return Pace(round(recorded["ttftMs"].number() / 1000, 6), round(each, 6))
    if profile.value is None:
        return None
    if profile["jitter"].number():
        left.append(f"{profile.path}.jitter")
    speed = profile["tps"].number()
    return Pace(profile["ttft"].number() / 1000, round(1 / speed, 6) if speed > 0 else 0.0)


def _error(response: Place) -> ApiError:
    error = response["error"].mapping()
    given: dict[str, Any] = {
        key: error[key].text() for key in ("type", "code", "param") if error[key].value is not None
    }
    if response["retryAfter"].value is not None:
        given["retry_after"] = response["retryAfter"].number()
    status = int(response["status"].number(500))
    return api_error(status, error["message"].text("") or None, **given)


def _reply(response: Place, left: list[str]) -> Reply | None:
    if not any(response[key].value is not None for key in ("content", "toolCalls", "blocks")):
        return None
    known = _SAID | _SAID_ALSO.keys()
    left += (f"{response.path}.{key}" for key in response.value if key not in known)
    parts = tuple(_parts(response, left))
    fields: dict[str, Any] = {
        name: response[key].text()
        for key, name in _SAID_ALSO.items()
        if response[key].value is not None
    }
    if response["reasoning"].value is not None:
        fields["reasoning_content"] = response["reasoning"].text()
    finish = response["finishReason"].value
    if finish is not None and finish not in FINISH_REASONS:
        left.append(f"{response.path}.finishReason, which is none of the API's")
        finish = None
    return reply_of(parts, finish_reason=finish, usage=_usage(response["usage"]), **fields)


def _parts(response: Place, left: list[str]) -> Iterator[str | ToolCall]:
    if response["blocks"].value:
        blocks = list(response["blocks"].items())
        calls = [one["type"].value == "toolCall" for one in blocks]
        if calls != sorted(calls):
            left.append(f"{response['blocks'].path}: their order; texts come before tool calls")
        for block, is_call in zip(blocks, calls, strict=True):
            yield _call(block) if is_call else block["text"].text()
        return
    if response["content"].value is not None:
        yield response["content"].body().decode("utf-8", "replace")
    if response["toolCalls"].value is not None:
        yield from map(_call, response["toolCalls"].items())


def _call(made: Place) -> ToolCall:
    arguments = made["arguments"].body().decode("utf-8", "replace") or "{}"
    name = made["id"]
    return ToolCall(made["name"].text(), arguments, None if name.value is None else name.text())


def _usage(usage: Place) -> Usage | None:
    if usage.value is None:
        return None
    figures: dict[str, int] = {}
    for name, keys in _FIGURES.items():
        known = next((usage[key] for key in keys if usage[key].value is not None), None)
        if known is not None:
            figures[name] = int(known.number())
    prompt, completion = usage["prompt_tokens_details"], usage["completion_tokens_details"]
    figures["cached_tokens"] = int(prompt["cached_tokens"].number())
    figures["reasoning_tokens"] = int(completion["reasoning_tokens"].number())
    return Usage(**figures)
