"""The JSON Schema of script files: what editors complete and check."""

from __future__ import annotations

import inspect
import itertools
import re
from typing import Any

from msgspec import Struct

from chatdouble.answers import FINISH_REASONS, UrlCitation, Usage
from chatdouble.faults import KNOWN
from chatdouble.match.fields import FIELDS, PATH, Field
from chatdouble.match.parts import Result
from chatdouble.rules import FAILURES, USED_UP
from chatdouble.schedule import PROFILES, Pace
from chatdouble.schedule.figures import DISTRIBUTIONS, LONGEST, MOST_SAMPLES, SAMPLES
from chatdouble.script.conditions import COMPARED, KINDS, MATCHERS, WHEN_KEYS
from chatdouble.script.written import GOES_WITH, KEYS, RECORDED, VERSION

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_SECONDS: Schema = {"type": "number", "minimum": 0}
# what becomes of a call: a step has one of them; with a fault alone it passes the call on
_ANSWERING = ("reply", "fail", "pass")
_ONE_FIGURE: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": LONGEST},
        {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})? ?(us|ms|s|m)?$"},
    ]
}
_NAMED_PACE: Schema = {"enum": list(PROFILES), "description": "a profile of docs/time.md"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_MAPPING: Schema = {"type": "object"}
_TYPES = {"text": "string", "number": "number", "boolean": "boolean"}


def schema() -> Schema:
    """The schema (JSON Schema 2020-12) of a script: of a mapping with rules, or a list of them."""
    rules: Schema = {"type": "array", "items": _ref("rule")}
    whole = {
        "version": {"const": VERSION, "description": "the version of this format"},
        "pace": _means("of the replies that have none of their own", _ref("timing")),
        "rules": rules | {"description": "the first rule that matches answers"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chatdouble script",
        "anyOf": [_object("script", whole, required=["rules"]), rules],
        "$defs": {
            "rule": _rule(),
            "step": _of_step(_object("step", _STEP), required=True),
            "when": _when(),
            **{f"{kind}Matcher": _matcher(kind) for kind in (*_TYPES, "any")},
            "reply": _reply(),
            "part": _part(),
            "other": {"anyOf": [_object("other", _STEP, required=["reply"]), _ref("said")]},
            "said": {"anyOf": [_ref("part"), {"type": "array", "items": _ref("part"), **_SOME}]},
            "status": _status(),
            "fail": {"anyOf": [_ref("status"), _object("fail", _FAIL, required=["status"])]},
            "usage": _object("usage", dict.fromkeys(KEYS["usage"], _COUNT), Usage),
            "citation": _object("citation", _CITATION, UrlCitation, required=KEYS["citation"]),
            "logprob": _object("logprob", _LOGPROB, required=["token", "logprob"]),
            "fault": _fault(),
            "figure": _figure(),
            "pace": _pace(),
            "timing": {
                "anyOf": [
                    _ref("pace"),
                    _NAMED_PACE,
                    {"type": "string", "pattern": "="},
                    _recorded_pace(),
                ]
            },
        },
    }


def _figure() -> Schema:
    two: Schema = {"type": "array", "items": _ONE_FIGURE, "minItems": 2, "maxItems": 2}
    spread: Schema = {
        name: {
            "anyOf": [
                two,
                {
                    "type": "object",
                    "properties": dict.fromkeys(kind.__struct_fields__, _ONE_FIGURE),
                    "required": list(kind.__struct_fields__),
                    "additionalProperties": False,
                },
            ]
        }
        for name, kind in DISTRIBUTIONS.items()
    }
    several: Schema = {
        "type": "array",
        "items": _ONE_FIGURE,
        "minItems": 1,
        "maxItems": MOST_SAMPLES,
    }
    distribution: Schema = {
        "type": "object",
        "properties": spread | {SAMPLES: several},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [*_ONE_FIGURE["anyOf"], distribution]}


def _recorded_pace() -> Schema:
    return {
        "type": "object",
        "properties": {RECORDED: _means("a cassette whose streams' times are taken", _TEXT)},
        "required": [RECORDED],
        "additionalProperties": False,
    }


def _pace() -> Schema:
    figures = dict.fromkeys(KEYS["pace"], _ref("figure"))
    share: Schema = {"type": "number", "minimum": 0, "maximum": 1}
    return _object("pace", figures | {"jitter": share}, Pace)


def _fault() -> Schema:
    names: Schema = {"enum": [*KNOWN, "probability", *FAILURES]}
    status: Schema = {"type": "integer", "minimum": 400, "maximum": 599}
    mapping: Schema = {"type": "object", "propertyNames": names, **_SOME_KEYS}
    return {"anyOf": [{"type": "string"}, status, mapping]}


_SOME_KEYS: Schema = {"minProperties": 1}
_SOME: Schema = {"minItems": 1}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _listed(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _means(description: str, schema: Schema) -> Schema:
    return schema | {"description": description}


_STEP: dict[str, Schema] = {
    "reply": _means("what is said: a text, a call of a tool, a refusal, or a list", _ref("reply")),
    "fail": _means("an HTTP status, the name of an error, or a mapping", _ref("fail")),
    "pass": _means(
        "leaves the call to the rules and sources behind; a fault alone does, too", {"const": True}
    ),
    "retry_after": _means("seconds for a retry-after header, beside fail", _SECONDS),
    "times": _means(
        "how many calls in a row get this step", {"type": "integer", "minimum": 1, "default": 1}
    ),
    "pace": _means("when the answer leaves", _ref("timing")),
    "fault": _means("what goes wrong, on purpose", {"anyOf": [_ref("fault"), _listed("fault")]}),
    "finish_reason": _means(
        "instead of the one that the API would give", {"enum": list(FINISH_REASONS)}
    ),
    "reasoning_content": _means("what the model thought", _TEXT),
    "model": _means("instead of the one that the API would give", _TEXT),
    "system_fingerprint": _means("instead of the one that the API would give", _TEXT),
    "service_tier": _means("instead of the one that the API would give", _TEXT),
    "usage": _means("figures instead of the counted ones", _ref("usage")),
    "annotations": _means("the pages that the text cites", _listed("citation")),
    "logprobs": _means("how likely each token was", _listed("logprob")),
    "others": _means("what the further choices of n > 1 say", _listed("other")),
    "extra": _means("further keys of the completion and its chunks", _MAPPING),
    "message_extra": _means("further keys of the message", _MAPPING),
    "template": _means(
        "whether ${user}, ${model}, ${system}, ${count}, ${result} and ${args.NAME} are filled in",
        {"type": "boolean", "default": False},
    ),
}

_RULE: dict[str, Schema] = {
    "when": _means("what a call must fulfil; without it every call matches", _ref("when")),
    **_STEP,
    "then": _means("the steps of the first and the further calls", _listed("step")),
    "used_up": _means(
        "what comes after the last step", {"enum": list(USED_UP), "default": "repeat"}
    ),
    "scenario": _means("the name of a state that several rules share", _TEXT),
    "in_state": _means("the scenario's state in which this rule answers", _TEXT),
    "to_state": _means("the scenario's state that its answer brings about", _TEXT),
    "optional": _means(
        "whether the rule may stay unused without that being reported",
        {"type": "boolean", "default": False},
    ),
}

_PART: dict[str, Schema] = {
    "call": _means(
        "the name of the tool that is called",
        {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"},
    ),
    "with": _means(
        "the tool's arguments: a mapping, or a text that is sent as it is",
        {"type": ["object", "string"]},
    ),
    "id": _means("the tool call's id; otherwise one is made", _TEXT),
    "refusal": _means("the text with which the model refuses", _TEXT),
    "text": _means("a text", _TEXT),
    "file": _means("a text file in the script's folder or below it", _TEXT),
}

_MADE: dict[str, Schema] = {
    "generated": _means(
        "true: made up as without rules; or one value of a kind, for example city",
        {"anyOf": [{"const": True}, _TEXT]},
    ),
    "seed": _means("another one gives other words", {"type": "integer"}),
    "recorded": _means("a cassette in the script's folder or below it", _TEXT),
    "passthrough": _means("true: the real server answers, which --upstream names", {"const": True}),
}

_FAIL: dict[str, Schema] = {
    "status": _means("the HTTP status, or the name of an error", _ref("status")),
    "message": _means("the envelope's sentence", _TEXT),
    "type": _means("the envelope's type", _TEXT),
    "code": _means("the envelope's code", _TEXT),
    "param": _means("the envelope's param", _TEXT),
    "pass": _means(
        "leaves the call to the rules and sources behind; a fault alone does, too", {"const": True}
    ),
    "retry_after": _means("seconds for a retry-after header", _SECONDS),
}

_CITATION: dict[str, Schema] = {
    "url": _TEXT,
    "title": _TEXT,
    "start_index": {"type": "integer"},
    "end_index": {"type": "integer"},
}

_LOGPROB: dict[str, Schema] = {
    "token": _means("the token's text", _TEXT),
    "logprob": _means("the natural logarithm of its probability", _NUMBER),
    "top": _means("the likeliest tokens at this place", _listed("logprob")),
}


def _object(
    name: str,
    properties: dict[str, Schema],
    documented: type[Struct] | None = None,
    required: list[str] | tuple[str, ...] = (),
) -> Schema:
    """A mapping with the keys that the reader knows by this name, and no others."""
    meanings = _attributes(documented) if documented else {}
    made: Schema = {
        "type": "object",
        "properties": {
            key: properties[key] | ({"description": meanings[key]} if key in meanings else {})
            for key in KEYS[name]
        },
        "additionalProperties": False,
    }
    return made | ({"required": list(required)} if required else {})


def _attributes(documented: type[Struct]) -> dict[str, str]:
    """What a class says of its attributes; nothing where Python strips docstrings."""
    _, _, said = (inspect.getdoc(documented) or "").partition("Attributes:\n")
    lines = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", said, re.MULTILINE)
    return {name: " ".join(text.split()).rstrip(".") for name, text in lines}


def _of_step(made: Schema, *, required: bool) -> Schema:
    """A mapping with the keys of a step: which go together, and which exclude each other."""
    made |= {
        "not": {
            "anyOf": [{"required": list(two)} for two in itertools.combinations(_ANSWERING, 2)]
        },
        "dependentRequired": {key: [other] for key, other in GOES_WITH.items()},
    }
    return made | ({"anyOf": _with_step()} if required else {})


def _with_step() -> list[Schema]:
    """One of which a mapping fulfils that says what becomes of a call."""
    return [{"required": [key]} for key in (*_ANSWERING, "fault")]


def _rule() -> Schema:
    made = _of_step(_object("rule", _RULE), required=False)
    made["anyOf"] = [*_with_step(), {"required": ["then"]}]
    made["dependentSchemas"] = {
        "times": {"anyOf": _with_step()},
        "scenario": {"anyOf": [{"required": ["in_state"]}, {"required": ["to_state"]}]},
    }
    made["dependentRequired"] |= {"in_state": ["scenario"], "to_state": ["scenario"]}
    return made


def _reply() -> Schema:
    made = _object("made", _MADE)
    made["oneOf"] = [{"required": ["generated"]}, {"required": ["recorded"]}]
    made["dependentRequired"] = {"seed": ["generated"]}
    return {"anyOf": [_ref("said"), made]}


def _part() -> Schema:
    made = _object("part", _PART)
    alone = [{"required": [key], "maxProperties": 1} for key in ("refusal", "text", "file")]
    return {"anyOf": [_TEXT, made | {"anyOf": [{"required": ["call"]}, *alone]}]}


def _status() -> Schema:
    return {
        "anyOf": [
            {"type": "integer", "minimum": 400, "maximum": 599},
            *({"const": name, "description": usual.message} for name, usual in FAILURES.items()),
        ]
    }


def _when() -> Schema:
    properties: dict[str, Schema] = {name: _asked(field) for name, field in FIELDS.items()}
    result: Schema = {
        "type": "object",
        "properties": {key: _value("text") for key in Result.__struct_fields__},
        "additionalProperties": False,
        "minProperties": 1,
    }
    properties["tool_result"]["anyOf"].append(result)
    named: Schema = {"type": "object", "additionalProperties": _value("any")}
    properties["field"] = _means("any fields of the body by their paths", named) | {
        "propertyNames": {"pattern": f"^{PATH.pattern}$"}
    }
    properties["header"] = _means("request headers by their names", named)
    for key, meaning in (("any", "one of these must hold"), ("all", "all of these must hold")):
        properties[key] = _means(meaning, _listed("when"))
    properties["not"] = _means("these conditions must not hold", _ref("when"))
    return {
        "type": "object",
        "description": "all of these conditions must hold",
        "properties": {key: properties[key] for key in WHEN_KEYS},
        "additionalProperties": False,
    }


def _asked(field: Field) -> Schema:
    return _means(field.meaning, _value(field.kind))


def _value(kind: str) -> Schema:
    """A bare value of this kind, or a matcher of such."""
    bare: Schema = {"type": _TYPES[kind]} if kind in _TYPES else {"not": _MAPPING}
    return {"anyOf": [bare, _ref(f"{kind}Matcher")]}


def _matcher(kind: str) -> Schema:
    """A mapping with one matcher of values of this kind."""
    value: Schema = {"type": _TYPES[kind]} if kind in _TYPES else {}
    parts: Schema = {"type": "array", "items": _value(kind), **_SOME}
    wanted: dict[str, Schema] = {
        "equals": value,
        "contains": value,
        "regex": {"type": "string", "format": "regex"},
        "glob": _TEXT,
        "one_of": {"type": "array", "items": value, **_SOME},
        "json": {},
        "schema": {"type": ["object", "boolean"]},
        "all": parts,
        "any": parts,
        "not": _value(kind),
        **dict.fromkeys(COMPARED, _NUMBER),
    }
    meanings = {kind.how: (inspect.getdoc(kind) or "").partition("\n")[0] for kind in KINDS}
    meanings |= {op: f"The number is {op.replace('_', ' ')} this one." for op in COMPARED}
    return {
        "type": "object",
        "properties": {how: _means(meanings[how], wanted[how]) for how in MATCHERS},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
