"""What a script's rules and steps say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec.structs import replace

from chatdouble.answers import (
    ApiError,
    Recording,
    Refusal,
    Reply,
    ReplyPart,
    TokenLogprob,
    UrlCitation,
    Usage,
    reply_of,
    tool_call,
)
from chatdouble.cassette.pacing import recorded_pace
from chatdouble.errors import ScriptError
from chatdouble.faults import Chance, faults_of
from chatdouble.match import When
from chatdouble.rules import (
    USED_UP,
    Maker,
    Rule,
    Step,
    Templated,
    api_error,
    check_times,
    scenario_of,
)
from chatdouble.schedule import Pace, pace_of
from chatdouble.script.conditions import when_of
from chatdouble.script.place import Place
from chatdouble.sources.making import Replayed, generated, passthrough

VERSION = 1

_RULE_KEYS = ("used_up", "scenario", "in_state", "to_state", "optional")
_TEXT_KEYS = ("finish_reason", "reasoning_content", "model", "system_fingerprint", "service_tier")
_REPLY_KEYS = (
    *_TEXT_KEYS,
    "usage",
    "annotations",
    "logprobs",
    "others",
    "extra",
    "message_extra",
    "template",
)
RECORDED = "recorded"
_STEP_KEYS = ("reply", "fail", "pass", "retry_after", "times", "pace", "fault", *_REPLY_KEYS)

# the keys of each kind of mapping that a script is made of
KEYS: dict[str, tuple[str, ...]] = {
    "script": ("version", "pace", "rules"),
    "rule": ("when", *_STEP_KEYS, "then", *_RULE_KEYS),
    "step": _STEP_KEYS,
    "fail": ("status", "message", "type", "code", "param", "retry_after"),
    "made": ("generated", "recorded", "passthrough", "seed"),
    "part": ("call", "with", "id", "refusal", "text", "file"),
    "other": ("reply", *(key for key in _REPLY_KEYS if key not in ("others", "template"))),
    "usage": Usage.__struct_fields__,
    "citation": UrlCitation.__struct_fields__,
    "logprob": ("token", "logprob", "top"),
    "pace": Pace.__struct_fields__,
    "defaults": ("fault", "pace"),
}
# the step's key that another one goes with
GOES_WITH = {"retry_after": "fail", **dict.fromkeys((*_REPLY_KEYS, "pace"), "reply")}


def rules_of(root: Place) -> tuple[Rule, ...]:
    """The rules of a whole document."""
    pace = _pace_of_all(root)
    return tuple(_paced(rule_of(place), pace) for place in _listed(root))


def survey(root: Place) -> tuple[list[Rule], list[ScriptError]]:
    """The rules of a document that can be read, and what is wrong with the others.

    Of each wrong rule it is the first mistake, and the first ones of its conditions and its steps.
    """
    rules: list[Rule] = []
    mistakes: dict[str, ScriptError] = {}
    try:
        pace = _pace_of_all(root)
        places = _listed(root)
    except ScriptError as error:
        return [], [error]
    for place in places:
        try:
            rules.append(_paced(rule_of(place), pace))
        except ScriptError as error:
            mistakes.setdefault(str(error), error)
            if root.is_spent:
                break
            for also in _mistakes(place) if place.is_mapping() else ():
                mistakes.setdefault(str(also), also)
    return rules, sorted(mistakes.values(), key=lambda mistake: mistake.line or 0)


def _mistakes(place: Place) -> Iterator[ScriptError]:
    """What is wrong with the parts of a rule, each by itself."""
    attempts: list[Callable[[], object]] = []
    try:
        fields = place.fields(None, "a rule")
        if "when" in fields:
            attempts.append(partial(when_of, fields["when"]))
        own = {key: fields[key] for key in _STEP_KEYS if key in fields}
        if own:
            attempts.append(partial(_step, place, own))
        if "then" in fields:
            attempts += (partial(_then, item) for item in fields["then"].items("a list of steps"))
    except ScriptError as error:
        yield error
    for attempt in attempts:
        try:
            attempt()
        except ScriptError as error:
            yield error


def _pace_of_all(root: Place) -> Pace | None:
    """The pace of the replies that have none of their own."""
    if root.is_list():
        return None
    fields = root.fields(KEYS["script"], "version and rules")
    return _pace(fields["pace"]) if "pace" in fields else None


def _paced(rule: Rule, pace: Pace | None) -> Rule:
    if pace is None:
        return rule
    steps = (
        step if step.pace or isinstance(step.answer, ApiError) else replace(step, pace=pace)
        for step in rule.steps
    )
    return replace(rule, steps=tuple(steps))


def _listed(root: Place) -> list[Place]:
    """Where the rules of a document stand."""
    if root.is_list():
        return root.items("a list of rules")
    fields = root.fields(KEYS["script"], "version and rules")
    if "version" in fields and fields["version"].value() != VERSION:
        fields["version"].wrong(f"expected {VERSION}, got {fields['version'].kind()}")
    if "rules" not in fields:
        root.wrong("expected rules: a list of rules")
    return fields["rules"].items("a list of rules")


def rule_of(place: Place) -> Rule:
    """One rule."""
    fields = place.fields(KEYS["rule"], "a rule: when, and reply, fail, pass or then")
    steps: list[Step] = []
    if any(key in fields for key in _STEP_KEYS):
        steps.append(_step(place, {key: fields[key] for key in _STEP_KEYS if key in fields}))
    if "then" in fields:
        steps += map(_then, fields["then"].items("a list of steps"))
    if not steps:
        place.wrong("expected reply, fail, pass or then: what the rule answers")
    texts = {key: fields[key].text() for key in _RULE_KEYS if key in fields and key != "optional"}
    used_up = texts.pop("used_up", "repeat")
    if used_up not in USED_UP:
        fields["used_up"].wrong(f"expected one of {', '.join(USED_UP)}, got {used_up!r}")
    scenario = place.at_fault(
        lambda: scenario_of(texts.get("scenario"), texts.get("in_state"), texts.get("to_state"))
    )
    return Rule(
        when_of(fields["when"]) if "when" in fields else When(),
        tuple(steps),
        place.origin,
        used_up,
        scenario,
        fields["optional"].boolean() if "optional" in fields else False,
    )


def _then(place: Place) -> Step:
    return _step(place, place.fields(_STEP_KEYS, "a step: reply, fail or pass"))


def _step(place: Place, fields: dict[str, Place]) -> Step:
    passes = "pass" in fields or ("fault" in fields and not {"reply", "fail"} & fields.keys())
    if [passes, "reply" in fields, "fail" in fields].count(True) != 1:
        place.wrong("expected either reply, fail or pass")
    times = fields["times"].whole_number() if "times" in fields else 1
    if "times" in fields:
        fields["times"].at_fault(lambda: check_times(times))
    for key, other in GOES_WITH.items():
        if key in fields and other not in fields:
            fields[key].wrong(f"{key} goes with {other}")
    faults = _faults(fields["fault"]) if "fault" in fields else ()
    if passes:
        if "pass" in fields and not fields["pass"].boolean():
            fields["pass"].wrong("expected true, or no pass at all")
        return Step(None, times, None, faults)
    if "fail" in fields:
        return Step(_failure(fields["fail"], fields.get("retry_after")), times, None, faults)
    pace = _pace(fields["pace"]) if "pace" in fields else None
    return Step(_answer(fields), times, pace, faults)


def defaults_of(place: Place) -> tuple[Pace | None, tuple[Chance, ...]]:
    """The pace and the faults that a session has where its rules say nothing else."""
    fields = place.fields(KEYS["defaults"], "fault and pace")
    pace = _pace(fields["pace"]) if "pace" in fields else None
    return pace, _faults(fields["fault"]) if "fault" in fields else ()


def _faults(place: Place) -> tuple[Chance, ...]:
    return place.at_fault(lambda: faults_of(place.value()))


def _failure(place: Place, retry_after: Place | None) -> ApiError:
    wait = retry_after.number() if retry_after else None
    if not place.is_mapping():
        status = place.status()
        return place.at_fault(lambda: api_error(status, retry_after=wait))
    fields = place.fields(KEYS["fail"], "a status or a mapping")
    if "status" not in fields:
        place.wrong("expected status: the HTTP status, or the name of an error")
    status = fields["status"].status()
    if "retry_after" in fields:
        if retry_after:
            retry_after.wrong("retry_after stands here twice; keep one")
        wait = fields["retry_after"].number()
    texts = {
        key: fields[key].text() for key in ("message", "type", "code", "param") if key in fields
    }
    return place.at_fault(lambda: api_error(status, retry_after=wait, **texts))


def _answer(fields: dict[str, Place]) -> Reply | Recording | Maker:
    said = fields["reply"]
    if said.is_mapping() and set(KEYS["made"]) & set(said.key_names):
        for key in _REPLY_KEYS:
            if key in fields:
                fields[key].wrong(f"{key} goes with a reply that is written out")
        return _made(said)
    reply = _reply(fields)
    if "template" in fields and fields["template"].boolean():
        return said.at_fault(lambda: Templated(reply))
    return reply


def _made(place: Place) -> Maker:
    fields = place.fields(KEYS["made"], "generated, recorded or passthrough")
    made = [key for key in ("generated", "recorded", "passthrough") if key in fields]
    if len(made) != 1:
        place.wrong(
            f"expected one of generated, recorded, passthrough, got {' and '.join(made) or 'none'}"
        )
    if "seed" in fields and "generated" not in fields:
        fields["seed"].wrong("seed goes with generated")
    if "passthrough" in fields:
        if fields["passthrough"].value() is not True:
            fields["passthrough"].wrong(f"expected true, got {fields['passthrough'].kind()}")
        return passthrough()
    if "recorded" in fields:
        recorded = fields["recorded"]
        file = recorded.file_beside()
        return recorded.at_fault(lambda: Replayed.of(file, recorded.text()))
    hint = fields["generated"].value()
    if not isinstance(hint, str) and hint is not True:
        fields["generated"].wrong(f"expected true or a hint, got {fields['generated'].kind()}")
    seed = fields["seed"].whole_number() if "seed" in fields else 0
    return generated(hint if isinstance(hint, str) else None, seed=seed)


def _reply(fields: dict[str, Place]) -> Reply:
    said = fields["reply"]
    parts = (
        tuple(_part(item) for item in said.items("a list of parts"))
        if said.is_list()
        else (_part(said),)
    )
    given: dict[str, Any] = {key: fields[key].text() for key in _TEXT_KEYS if key in fields}
    if "usage" in fields:
        given["usage"] = fields["usage"].at_fault(lambda: _usage(fields["usage"]))
    if "annotations" in fields:
        given["annotations"] = tuple(map(_citation, fields["annotations"].items("a list")))
    if "logprobs" in fields:
        given["logprobs"] = tuple(map(_logprob, fields["logprobs"].items("a list")))
    if "others" in fields:
        given["others"] = tuple(map(_other, fields["others"].items("a list of replies")))
    for key in ("extra", "message_extra"):
        if key in fields:
            fields[key].fields(None, "a mapping of keys and values")
            given[key] = fields[key].value()
    return said.at_fault(lambda: reply_of(parts, **given))


def _other(place: Place) -> Reply:
    if place.is_mapping() and "reply" in place.key_names:
        return _reply(place.fields(KEYS["other"], "a reply"))
    return _reply({"reply": place})


def _part(place: Place) -> ReplyPart:
    if not place.is_mapping():
        return place.text()
    fields = place.fields(KEYS["part"], "a text, a call, or a refusal")
    for alone in ("refusal", "text", "file"):
        if alone in fields and len(fields) > 1:
            place.wrong(f"expected {alone} to stand alone")
    if "refusal" in fields:
        return Refusal(fields["refusal"].text())
    if "text" in fields:
        return fields["text"].text()
    if "file" in fields:
        return fields["file"].text_beside()
    if "call" not in fields:
        place.wrong("expected call: the name of the tool that is called")
    arguments = fields["with"].value() if "with" in fields else {}
    if not isinstance(arguments, dict | str):
        fields["with"].wrong(
            f"expected a mapping of arguments, or raw text, got {fields['with'].kind()}"
        )
    id = fields["id"].text() if "id" in fields else None  # noqa: A001 - the wire's word
    return place.at_fault(lambda: tool_call(fields["call"].text(), arguments, id))


def _usage(place: Place) -> Usage:
    fields = place.fields(KEYS["usage"], "prompt_tokens and completion_tokens")
    return Usage(**{key: value.whole_number() for key, value in fields.items()})


def _citation(place: Place) -> UrlCitation:
    fields = place.fields(KEYS["citation"], "url, title, start_index, end_index")
    for key in KEYS["citation"]:
        if key not in fields:
            place.wrong(f"expected {key}")
    return UrlCitation(
        fields["url"].text(),
        fields["title"].text(),
        fields["start_index"].whole_number(),
        fields["end_index"].whole_number(),
    )


def _logprob(place: Place) -> TokenLogprob:
    fields = place.fields(KEYS["logprob"], "token, logprob and top")
    for key in ("token", "logprob"):
        if key not in fields:
            place.wrong(f"expected {key}")
    token = fields["token"].text()
    top = fields["top"].items("a list of tokens") if "top" in fields else ()
    logprob = fields["logprob"].number()
    return TokenLogprob(token, logprob, tuple(token.encode()), tuple(map(_logprob, top)))


def _pace(place: Place) -> Pace:
    if place.is_mapping() and RECORDED in place.value():
        recorded = place.fields((RECORDED,), "recorded alone")[RECORDED]
        file = recorded.file_beside()
        return recorded.at_fault(lambda: recorded_pace(file))
    if place.is_mapping():
        place.fields(KEYS["pace"], "first, each, jitter, total or headers")
    elif not isinstance(place.value(), str):
        place.wrong(f"expected a mapping with first and each, or a text, got {place.kind()}")
    return place.at_fault(lambda: pace_of(place.value()) or Pace())
