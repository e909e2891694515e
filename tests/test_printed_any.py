"""Any rule that a script can say is the same when it is printed and read, as a script or Python."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import chatdouble
from chatdouble import Session, Settings
from chatdouble.faults import KNOWN
from chatdouble.match.fields import FIELDS
from chatdouble.plainyaml import of_json
from chatdouble.rules import FAILURES, USED_UP, Rule, printed
from chatdouble.script import parse
from chatdouble.sources.scripted import Scripted

NAMES = {name: getattr(chatdouble, name) for name in chatdouble.__all__}

Said = st.SearchStrategy[Any]

text = st.text(max_size=8) | st.sampled_from(
    ["1", "1e5", "-2.5E-3", "true", "null", "2026-01-02", "~", "a: b", "- a", "\x85\r", "😀\u2028"]
)
number = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
seconds = st.integers(0, 9) | st.floats(0, 3600)
count = st.integers(0, 9)
plain = st.recursive(
    text | number | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
VALUES: dict[str, Said] = {
    "text": text,
    "number": number,
    "boolean": st.booleans(),
    "any": plain,
}


def named(**parts: Said) -> Said:
    """Mappings with one or more of these keys."""
    return st.fixed_dictionaries({}, optional=parts).filter(bool)


def one(**parts: Said) -> Said:
    """Mappings with one of these keys."""
    return st.one_of([st.fixed_dictionaries({key: part}) for key, part in parts.items()])


def matchers(kind: str) -> Said:
    value = VALUES[kind]
    leaf = one(
        equals=value,
        contains=value,
        regex=st.sampled_from(["a+", "^x$", "(?i)y", "\\d", "[é😀]"]),
        glob=text,
        one_of=st.lists(value, min_size=1, max_size=2),
        json=plain,
        schema=st.sampled_from([True, {"type": "string"}, {"enum": ["a", 1, None]}]),
        above=number,
        at_most=number,
    )
    if kind != "any":
        leaf |= value
    return st.recursive(
        leaf,
        lambda inner: one(**{"not": inner}) | one(any=_some(inner), all=_some(inner)),
        max_leaves=3,
    )


def _some(inner: Said) -> Said:
    return st.lists(inner, min_size=1, max_size=2)


fields = named(
    **{name: matchers(field.kind) for name, field in FIELDS.items()},
    field=st.dictionaries(
        st.sampled_from(["temperature", "messages[-1].role", "tools[*].type", "a.b-c"]),
        matchers("any"),
        min_size=1,
        max_size=2,
    ),
    header=st.dictionaries(
        st.sampled_from(["x-tenant", "authorization"]), matchers("text"), min_size=1
    ),
) | one(tool_result=named(name=matchers("text"), content=matchers("text")))
conditions = st.recursive(
    fields,
    lambda inner: one(**{"not": inner}) | one(any=_some(inner), all=_some(inner)),
    max_leaves=3,
)

tool = st.sampled_from(["f", "get_weather", "class"])
arguments = st.dictionaries(text, plain, max_size=2) | text | plain.map(json.dumps)
part = (
    text
    | one(text=text, refusal=text)
    | st.fixed_dictionaries({"call": tool}, optional={"with": arguments, "id": text})
)
said = part | st.lists(part, min_size=1, max_size=3).filter(
    lambda parts: not any(isinstance(one, dict) and "refusal" in one for one in parts)
)
logprob = st.fixed_dictionaries({"token": text, "logprob": number})
citation = st.fixed_dictionaries(
    {"url": text, "title": text, "start_index": count, "end_index": count}
)
reply_fields: dict[str, Said] = {
    "finish_reason": st.sampled_from(["stop", "length", "content_filter"]),
    "reasoning_content": text,
    "model": text,
    "system_fingerprint": text,
    "service_tier": text,
    "usage": named(prompt_tokens=count, cached_tokens=count),
    "annotations": st.lists(citation, max_size=2),
    "logprobs": st.lists(logprob, max_size=2),
    "extra": st.dictionaries(text, plain, max_size=2),
    "message_extra": st.dictionaries(text, plain, max_size=2),
}
other = said | st.fixed_dictionaries({"reply": said}, optional=reply_fields)
fault = (
    st.sampled_from(["cut=3", "delay=1.5, reset=2", "no_done", "429", "cut=120b"])
    | one(**{name: st.just(True) for name in KNOWN if name in ("crlf", "cut", "no_usage")})
    | st.fixed_dictionaries({"cut": count, "probability": st.floats(0, 1)})
)
step_fields: dict[str, Said] = {
    "times": st.integers(1, 9),
    "fault": fault | st.lists(fault, min_size=1, max_size=2),
}
step = (
    st.fixed_dictionaries(
        {"reply": said},
        optional={
            **reply_fields,
            **step_fields,
            "others": st.lists(other, max_size=2),
            "pace": named(first=seconds, each=seconds),
        },
    )
    | st.fixed_dictionaries(
        {
            "reply": st.fixed_dictionaries(
                {"generated": st.sampled_from([True, "city"])}, optional={"seed": count}
            )
        },
        optional=step_fields,
    )
    | st.fixed_dictionaries(
        {"fail": st.sampled_from([*FAILURES, 400, 418, 429, 599])},
        optional={**step_fields, "retry_after": seconds},
    )
    | st.fixed_dictionaries(
        {
            "fail": st.fixed_dictionaries(
                {"status": st.sampled_from([*FAILURES, 400, 503])},
                optional={"message": text, "type": text, "code": text, "param": text},
            )
        },
        optional=step_fields,
    )
)
rule_fields: dict[str, Said] = {
    "when": conditions,
    "used_up": st.sampled_from(USED_UP),
    "optional": st.booleans(),
}
state: Said = st.fixed_dictionaries(
    {"scenario": text, "in_state": text}, optional={"to_state": text}
) | st.just({})
rules = st.builds(
    lambda steps, fields, state: {"then": steps, **fields, **state},
    st.lists(step, min_size=1, max_size=2),
    st.fixed_dictionaries({}, optional=rule_fields),
    state,
)


def anywhere(rule: Rule) -> Rule:
    return replace(rule, origin="")


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(rules)
def test_any_rule_is_the_same_when_it_is_printed_and_read(said: dict[str, Any]) -> None:
    (rule,) = parse(of_json(json.dumps([said])))
    assert not list(printed.unwritable(rule))
    (read,) = parse(printed.script((rule,)))
    assert anywhere(read) == anywhere(rule)
    # as the control API and its client send it
    (read,) = parse(of_json(json.dumps([printed.data(rule)])))
    assert anywhere(read) == anywhere(rule)
    session = Session("", Settings(), (Scripted(),))
    eval(printed.python(rule), {**NAMES, "chatdouble": session})
    assert anywhere(session.rules[0]) == anywhere(rule)
