"""A rule, its script and its Python say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

import chatdouble
from chatdouble import ApiError, Call, Reply, Session, Settings, ToolCall, contains
from chatdouble.answers import UrlCitation
from chatdouble.match import when
from chatdouble.rules import FAILURES, Rule, Step, printed
from chatdouble.script import load, parse
from chatdouble.sources.scripted import Scripted
from tests.test_script import EVERYTHING, FULLER

EXAMPLES = Path(__file__).parent.parent / "examples"

CONDITIONS = [
    "{user: Hello}",
    "{user: 'yes'}",
    "{user: {contains: it's}}",
    "{model: {glob: gpt-4*}, user: {regex: '(?i)hi'}}",
    "{turns: 2, stream: false}",
    "{turns: {any: [1, {above: 3}]}}",
    "{system: {all: [{contains: a}, {all: [{contains: b}, {not: {contains: c}}]}]}}",
    "{user: {any: [a, b]}}",
    "{user: {any: [{all: [{contains: a}, {contains: b}]}, c]}}",
    "{user: {all: [{contains: a}]}}",
    "{user: {not: {not: x}}}",
    "{user: {not: {any: [x, y]}}}",
    "{tools: {one_of: [a, b]}}",
    "{field: {temperature: {at_most: 1.5}, 'messages[-1].content': {equals: {a: 1}}, x: null}}",
    "{field: {'metadata.n': [1, 2.5, true]}}",
    "{header: {x-a: b, X-C: {contains: d}}, model: m}",
    "{tool_result: {name: f, content: {json: {a: [1]}}}}",
    "{tool_result: {schema: {type: object, required: [a]}}}",
    "{not: {user: a, not: {model: m}}, any: [{user: x}, {}], all: [{model: {below: 3}}]}",
    "{not: {}}",
]

REPLIES = [
    "reply: 'null'",
    "reply: ''",
    'reply: "two\\nlines, an \\u00e9, a \\u2028 and a tab\\t."',
    "reply: [Look., {call: f}, {call: g, with: {city: Paris, from: here, n: 1.0}, id: call_1}]",
    "reply: {call: f, with: {class: 1, 'a b': '2026-01-02'}}",
    "reply: {call: f, with: {self: 1, name: x, on: true, none: null}}",
    "reply: {call: f, with: '{\"city\": '}",
    "reply: {call: f, with: '{\"a\": 1}'}",
    "{reply: a, usage: {}}",
    "{reply: a, logprobs: []}",
    "{reply: a, pace: {}, times: 3}",
    "{reply: a, pace: slow}",
    "{reply: a, pace: 'ttft=300ms, jitter=0.1'}",
    "{reply: a, pace: {first: {lognormal: [0.3, 0.7]}, each: 20ms, total: 3}}",
    "{reply: a, fault: [delay=1.25, {cut: 3, probability: 0.2}, cut=120b]}",
    "{fail: 500, fault: reset, times: 2}",
    "{reply: '${user}', template: true, times: 2, pace: {first: 1}}",
    "{reply: a, others: [b, [c, {call: f}], {reply: d, logprobs: [{token: d, logprob: -1}]}]}",
    "{reply: {generated: email}, times: 2}",
    "{reply: a, scenario: s, to_state: t}",
    "{reply: a, then: [{fail: 500}, {reply: b}], used_up: next}",
]

FAILS = [
    *(f"fail: {name}" for name in FAILURES),
    *(f"fail: {status}" for status in (400, 404, 418, 429, 500, 504, 599)),
    "{fail: rate_limit, retry_after: 2.5}",
    "{fail: rate_limit, retry_after: 0}",
    "{fail: 429, retry_after: 1, times: 4}",
    "fail: {status: 400, message: No.}",
    "fail: {status: 401, message: No.}",
    "fail: {status: 401, message: No., code: c}",
    "fail: {status: quota, message: No more.}",
    "fail: {status: 404, type: t, param: p}",
    "fail: {status: 400, message: No., type: t, code: c, param: p, retry_after: 0.5}",
    "fail: {status: rate_limit, message: Slow., retry_after: 3}",
]


def every_rule() -> list[Any]:
    rules = [(f"when {text}", parse(f"- {{when: {text}, reply: x}}")[0]) for text in CONDITIONS]
    for text in (*REPLIES, *FAILS):
        rules.append((text, parse(f"- {text}")[0]))
    whole = (*parse(EVERYTHING), *parse(FULLER), *load((EXAMPLES,)))
    rules += [(f"{number}: {rule}", rule) for number, rule in enumerate(whole)]
    return [pytest.param(rule, id=name) for name, rule in rules]


def anywhere(rule: Rule) -> Rule:
    return replace(rule, origin="")


@pytest.mark.parametrize("rule", every_rule())
def test_a_rule_that_is_written_as_a_script_is_read_as_itself(rule: Rule) -> None:
    text = yaml.safe_dump([printed.data(rule)], sort_keys=False)
    assert anywhere(parse(text)[0]) == anywhere(rule)
    (read,) = parse(printed.script((rule,)))
    assert anywhere(read) == anywhere(rule)
    assert "#" not in printed.script((rule,)).partition("rules:")[0]
    assert not list(printed.unwritable(rule))


@pytest.mark.parametrize("rule", every_rule())
def test_a_rule_that_is_written_as_python_makes_itself(rule: Rule) -> None:
    session = Session("", Settings(), (Scripted(),))
    names = {name: getattr(chatdouble, name) for name in chatdouble.__all__}
    eval(printed.python(rule), {**names, "chatdouble": session})
    assert anywhere(session.rules[0]) == anywhere(rule)


def test_rules_read_as_people_write_them() -> None:
    assert printed.script(load((EXAMPLES / "weather.yaml",))[1:2]) == (
        "version: 1\n"
        "rules:\n"
        "- when:\n"
        "    user:\n"
        "      contains: weather\n"
        "  then:\n"
        "  - fail:\n"
        "      status: 429\n"
        "      retry_after: 0.2\n"
        "    times: 2\n"
        "  - reply:\n"
        "    - Let me look that up.\n"
        "    - call: get_weather\n"
        "      with:\n"
        "        city: Paris\n"
    )
    assert printed.python(load((EXAMPLES / "weather.yaml",))[1]) == (
        "chatdouble.on(user=contains('weather')).fail(429, retry_after=0.2, times=2)"
        ".reply('Let me look that up.', call('get_weather', city='Paris'))"
    )


def test_a_recording_is_written_by_its_file_and_not_as_python(tmp_path: Path) -> None:
    source = Path(__file__).parent.parent / "cassettes"
    files = sorted(source.rglob("*.yaml"))
    cassette = next(file for file in files if "/chat/completions" in file.read_text())
    (tmp_path / "talk.yaml").write_bytes(cassette.read_bytes())
    (tmp_path / "script.yaml").write_text("- reply: {recorded: talk.yaml}")
    (rule,) = load((tmp_path / "script.yaml",))
    assert printed.data(rule) == {"reply": {"recorded": "talk.yaml"}}
    assert printed.python(rule) == (
        "# reply() does not take {'recorded': 'talk.yaml'}; a script does\n"
        "chatdouble.on().reply(...)"
    )


def test_what_no_script_can_say_is_named_in_a_comment() -> None:
    def weather(call: Call) -> str:
        return "sunny"

    def is_new(call: Call) -> bool:
        return True

    session = Session("", Settings(), (Scripted(),))
    session.on(where=is_new).reply(weather).reply("a", id="chatcmpl-1")
    session.on(user=contains("x")).reply("b")
    text = printed.script(session.rules)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# no script can say this: where is is_new(call)",
        "# no script can say this: reply is weather(call)",
        "# no script can say this: id of a reply",
    ]
    assert printed.python(session.rules[0]) == (
        "# weather(call) is a function of your own\n"
        "chatdouble.on(where=is_new).reply(weather).reply('a', id='chatcmpl-1')"
    )


def test_an_error_with_headers_of_its_own_is_told_apart() -> None:
    error = ApiError(429, "No.", headers=(("x-mine", "1"),))
    rule = Rule(when(), (Step(error),), "r")
    assert list(printed.unwritable(rule)) == ["this error's headers or fields"]
    assert printed.python(rule).startswith("# the next error has headers or fields that")


def test_a_whole_reply_is_written_as_one() -> None:
    reply = Reply(tool_calls=(ToolCall("f", "[1]"),), annotations=(UrlCitation("u", "t", 0, 1),))
    rule = Rule(when(), (Step(reply), Step(Reply())), "r")
    assert printed.python(rule) == (
        "chatdouble.on().reply(ToolCall(name='f', arguments='[1]'), annotations=(UrlCitation("
        "url='u', title='t', start_index=0, end_index=1),)).reply(Reply())"
    )
