from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chatdouble import ApiError, Pace, Reply, ScriptError, ToolCall, Usage
from chatdouble.answers import TokenLogprob, UrlCitation
from chatdouble.calls import Call
from chatdouble.faults import faults_of
from chatdouble.match import When, at_least, below, contains, glob, like, one_of, regex, when
from chatdouble.rules import Rule, Scenario, Step, Templated, api_error
from chatdouble.schedule import PROFILES
from chatdouble.script import load, parse
from chatdouble.sources.making import Replayed
from chatdouble.wire import dialects

EVERYTHING = """\
version: 1
rules:
  - when: {user: {contains: weather}, model: {regex: ^gpt-4}}
    reply: [{call: get_weather, with: {city: Paris, days: 2}}, {call: get_time, id: call_x}]
  - when: {tool_result: get_weather}
    reply: It is 18 degrees.
  - when: {user: Hello}
    then:
      - {fail: 429, retry_after: 1, times: 2}
      - {reply: Hello., pace: {first: 0.4, each: 0.02}}
  - reply: [Some text, {refusal: ""}]
""".replace('[Some text, {refusal: ""}]', "{refusal: I cannot help with that.}")


def test_every_form_is_read() -> None:
    weather, result, hello, anything = parse(EVERYTHING)
    assert weather.when == when(user=contains("weather"), model=regex("^gpt-4"))
    assert weather.steps == (
        Step(
            Reply(
                tool_calls=(
                    ToolCall("get_weather", '{"city":"Paris","days":2}'),
                    ToolCall("get_time", "{}", "call_x"),
                )
            )
        ),
    )
    assert result.when == when(tool_result="get_weather")
    assert result.steps == (Step(Reply("It is 18 degrees.")),)
    fail, reply = hello.steps
    assert isinstance(fail.answer, ApiError)
    assert (fail.answer.status, fail.answer.headers, fail.times) == (
        429,
        (("retry-after", "1"),),
        2,
    )
    assert reply == Step(Reply("Hello."), pace=Pace(0.4, 0.02))
    assert anything.when == When()
    assert anything.steps == (Step(Reply(refusal="I cannot help with that.")),)


def test_a_first_reply_and_then_are_one_sequence() -> None:
    (rule,) = parse("rules: [{reply: one, then: [{reply: two}, {reply: three}]}]")
    assert [step.answer for step in rule.steps] == [Reply("one"), Reply("two"), Reply("three")]


def test_a_bare_list_of_rules_is_a_script() -> None:
    (rule,) = parse("- reply: Hi.")
    assert rule.steps == (Step(Reply("Hi.")),)


def test_a_failure_may_set_every_field_of_the_envelope() -> None:
    (rule,) = parse(
        "- fail: {status: 400, message: No., type: t, code: c, param: p, retry_after: 0.5}"
    )
    assert rule.steps[0].answer == ApiError(
        400, "No.", "t", "p", "c", headers=(("retry-after", "0.5"),)
    )


def test_a_reply_may_set_finish_reason_and_usage() -> None:
    (rule,) = parse(
        "- {reply: Hi, finish_reason: length, usage: {prompt_tokens: 5, completion_tokens: 1}}"
    )
    assert rule.steps[0].answer == Reply("Hi", finish_reason="length", usage=Usage(5, 1))


def test_arguments_may_be_raw_text_that_is_no_json() -> None:
    (rule,) = parse("- reply: {call: f, with: '{\"city\": '}")
    assert rule.steps[0].answer == Reply(tool_calls=(ToolCall("f", '{"city": '),))


def test_dates_in_arguments_stay_the_text_that_was_written() -> None:
    (rule,) = parse("- reply: {call: f, with: {day: 2026-01-02, on: true, n: null}}")
    answer = rule.steps[0].answer
    assert isinstance(answer, Reply)
    assert answer.tool_calls[0].arguments == '{"day":"2026-01-02","on":true,"n":null}'


def test_a_rule_knows_where_it_was_written() -> None:
    rule: Rule = parse(EVERYTHING, "weather.yaml")[1]
    assert rule.origin == "weather.yaml:5 rules[1]"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("", "s.yaml: is empty; expected version and rules"),
        ("rules: [", "s.yaml:2: is no sound YAML: "),
        ("rules:\n- reply: a\n reply: b", "s.yaml:3: is no sound YAML: "),
        ("7", "s.yaml:1: expected version and rules, got the number 7"),
        ("version: 2\nrules: []", "s.yaml:1: version: expected 1, got the number 2"),
        ("version: 1", "s.yaml:1: expected rules: a list of rules"),
        ("rules: {}", "s.yaml:1: rules: expected a list of rules, got a mapping"),
        (
            "rules:\n- whn: {}\n  reply: a",
            "s.yaml:2: rules[0].whn: there is no 'whn' here; did you mean 'when'?",
        ),
        ("rules:\n- when: {}", "s.yaml:2: rules[0]: expected reply, fail or then"),
        (
            "rules:\n- reply: a\n- when: {user: {contain: x}}\n  reply: a",
            "s.yaml:3: rules[1].when.user.contain: there is no 'contain' here; did you mean "
            "'contains'?",
        ),
        (
            "- when: {user: {xyz: x}}\n  reply: a",
            "s.yaml:1: [0].when.user.xyz: expected one of equals, contains, regex, glob, one_of, "
            "json, schema, all, any, not, above, below, at_least, at_most, got 'xyz'",
        ),
        (
            "- when: {user: {contains: x, regex: y}}\n  reply: a",
            "s.yaml:1: [0].when.user: expected one of equals, contains, regex, glob, one_of",
        ),
        (
            "- when: {user: {regex: '('}}\n  reply: a",
            "s.yaml:1: [0].when.user.regex: '(' is not a regular expression",
        ),
        (
            "- reply: yes",
            "s.yaml:1: [0].reply: expected a text, got true (a boolean); put it in quotes",
        ),
        (
            "- reply: 12",
            "s.yaml:1: [0].reply: expected a text, got the number 12; put it in quotes",
        ),
        ("- reply: a\n  reply: b", "s.yaml:2: [0].reply: 'reply' stands here twice; keep one"),
        ("- reply: []", "s.yaml:1: [0].reply: a reply needs something to say"),
        ("- reply: {with: {}}", "s.yaml:1: [0].reply: expected call: the name of the tool"),
        (
            "- reply: {call: f, with: [1]}",
            "s.yaml:1: [0].reply.with: expected a mapping of arguments, or raw text, got a list",
        ),
        ("- {reply: a, fail: 500}", "s.yaml:1: [0]: expected either reply or fail"),
        ("- {reply: a, retry_after: 1}", "s.yaml:1: [0].retry_after: retry_after goes with fail"),
        ("- {fail: 500, usage: {}}", "s.yaml:1: [0].usage: usage goes with reply"),
        ("- fail: 200", "s.yaml:1: [0].fail: an error's status is a whole number from 400 to 599"),
        ("- fail: {message: x}", "s.yaml:1: [0].fail: expected status: the HTTP status"),
        ("- {reply: a, times: 0}", "s.yaml:1: [0].times: times is a whole number from 1, got 0"),
        ("- {reply: a, pace: quick}", "s.yaml:1: [0].pace: there is no pace 'quick'"),
        ("- {reply: a, pace: 0.1}", "s.yaml:1: [0].pace: expected a mapping with first and each"),
        ("{pace: quick, rules: []}", "s.yaml:1: pace: there is no pace 'quick'"),
        ("- {reply: a, pace: {each: -1}}", "s.yaml:1: [0].pace: each is a number of seconds"),
        (
            "- reply: !!python/object/apply:os.getcwd []",
            "s.yaml:1: [0].reply: the tag !!python/object/apply:os.getcwd means nothing here",
        ),
        (
            "- reply: !!python/name:os.getcwd ''",
            "s.yaml:1: [0].reply: cannot be read: could not determine a constructor for the tag",
        ),
        ("- reply: " + "[" * 100_000, "s.yaml:1: is no sound YAML: it is nested more than"),
        ("- reply: !!bool foo", "s.yaml:1: [0].reply: cannot be read: 'foo'"),
        ("- fail: !!int ''", "s.yaml:1: [0].fail: cannot be read: "),
        ("- reply: !!timestamp foo", "s.yaml:1: [0].reply: cannot be read: "),
        ("- reply: !!binary aGk=", "s.yaml:1: [0].reply: binary values mean nothing here"),
        ("- {? [a] : b, reply: c}", "s.yaml:1: [0]: expected texts as keys"),
        (
            "- reply: {call: f, with: {<<: {x: 1}, y: 2}}",
            "s.yaml:1: [0].reply.with.<<: merge keys are not read here; write the keys out",
        ),
        (
            "- when: {user: {regex: 'a{99999999999}'}}\n  reply: x",
            "s.yaml:1: [0].when.user.regex: 'a{99999999999}' is not a regular expression",
        ),
        (
            "- {fail: {status: 429, retry_after: 1}, retry_after: 2}",
            "s.yaml:1: [0].retry_after: retry_after stands here twice; keep one",
        ),
        (
            "- {reply: a, finish_reason: lenght}",
            "s.yaml:1: [0].reply: finish_reason is one of stop, length, tool_calls, "
            "content_filter, function_call, got 'lenght'",
        ),
        (
            "- {reply: a, usage: {prompt_tokens: -5}}",
            "s.yaml:1: [0].usage: prompt_tokens is a whole number, 0 or more, got -5",
        ),
        ("- reply: {call: a b/c}", "s.yaml:1: [0].reply: a tool's name is made of letters"),
        ("- then: [{times: 2}]", "s.yaml:1: [0].then[0]: expected either reply or fail"),
        ("- &a [*a]", "s.yaml:1: "),
    ],
)
def test_a_broken_script_is_named_with_file_line_path_expected_and_got(
    script: str, message: str
) -> None:
    with pytest.raises(ScriptError) as caught:
        parse(script, "s.yaml")
    assert str(caught.value).startswith(message)


def test_aliases_that_multiply_are_refused_quickly() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    script = f"- reply: {{call: f, with: {{{bomb.replace(chr(10), ', ')}}}}}"
    with pytest.raises(ScriptError, match="is too large or refers to itself"):
        parse(script)


def test_scripts_come_from_files_and_from_folders_in_order(tmp_path: Path) -> None:
    (tmp_path / "more" / "deep").mkdir(parents=True)
    (tmp_path / "one.yaml").write_text("- reply: one")
    (tmp_path / "more" / "b.yml").write_text("- reply: b")
    (tmp_path / "more" / "a.yaml").write_text("- reply: a")
    (tmp_path / "more" / "deep" / "c.yaml").write_text("- reply: c")
    (tmp_path / "more" / "notes.txt").write_text("no script")
    rules = load((tmp_path / "one.yaml", tmp_path / "more"))
    texts = [
        step.answer.content
        for rule in rules
        for step in rule.steps
        if isinstance(step.answer, Reply)
    ]
    assert texts == ["one", "a", "b", "c"]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    with pytest.raises(ScriptError, match=r"missing\.yaml: cannot be read: No such file"):
        load((missing,))
    with pytest.raises(ScriptError, match="there is no script"):
        load((tmp_path,))


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"- reply: caf\xe9")
    with pytest.raises(ScriptError, match=r"latin\.yaml: is not UTF-8 \(byte 12\)"):
        load((file,))


FULLER = """\
- when:
    system: {all: [{contains: brief}, {not: {regex: long}}]}
    turns: {at_least: 2}
    stream: true
    tools: {one_of: [search, find]}
    field: {temperature: {below: 1}, "messages[-1].role": user}
    header: {x-tenant: {glob: "a*"}}
    any: [{user: a}, {user: {contains: b}}]
    not: {model: o3}
  reply: Hello ${user}.
  template: true
  used_up: fail
  scenario: shop
  in_state: started
  to_state: paid
  optional: true
- when: {tool_result: {name: f, content: {json: {city: Rome}}}}
  reply: The answer.
  reasoning_content: Let me think.
  model: my-model
  system_fingerprint: fp_1
  service_tier: flex
  annotations: [{url: "https://example.org", title: Example, start_index: 0, end_index: 3}]
  logprobs: [{token: The answer., logprob: -0.5, top: [{token: A, logprob: -1}]}]
  others: [Another., {reply: {refusal: No.}}, {reply: Cut, finish_reason: length}]
  extra: {provider: {name: x}}
  message_extra: {mood: calm}
  usage: {completion_tokens: 3, accepted_prediction_tokens: 1}
- fail: quota
- reply: {generated: true}
- reply: {generated: city}
"""


def test_every_further_form_is_read() -> None:
    first, second, third, fourth, fifth = parse(FULLER)
    assert first.when == when(
        system=contains("brief") & ~regex("long"),
        turns=at_least(2),
        stream=True,
        tools=one_of("search", "find"),
        field={"temperature": below(1), "messages[-1].role": "user"},
        header={"x-tenant": glob("a*")},
        any_of=[{"user": "a"}, {"user": contains("b")}],
        not_={"model": "o3"},
    )
    assert first.steps[0].answer == Templated(Reply("Hello ${user}."))
    assert (first.used_up, first.optional) == ("fail", True)
    assert first.scenario == Scenario("shop", "started", "paid")
    assert second.when == when(tool_result={"name": "f", "content": like({"city": "Rome"})})
    likely = TokenLogprob("A", -1, (65,))
    assert second.steps[0].answer == Reply(
        "The answer.",
        reasoning_content="Let me think.",
        model="my-model",
        system_fingerprint="fp_1",
        service_tier="flex",
        annotations=(UrlCitation("https://example.org", "Example", 0, 3),),
        logprobs=(TokenLogprob("The answer.", -0.5, tuple(b"The answer."), (likely,)),),
        others=(Reply("Another."), Reply(refusal="No."), Reply("Cut", finish_reason="length")),
        extra=(("provider", '{"name": "x"}'),),
        message_extra=(("mood", '"calm"'),),
        usage=Usage(completion_tokens=3, accepted_prediction_tokens=1),
    )
    assert third.steps[0].answer == api_error("quota")
    assert [str(rule.steps[0].answer) for rule in (fourth, fifth)] == [
        "generated",
        "generated city",
    ]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("- {reply: a, used_up: stop}", "s: [0].used_up: expected one of repeat, fail, next"),
        ("- {reply: a, in_state: x}", "s: [0]: a scenario goes with in_state or to_state"),
        ("- {reply: a, optional: 1}", "s: [0].optional: expected true or false, got the number 1"),
        ("- {fail: qota}", "s: [0].fail: an error is one of bad_request"),
        ("- {reply: {generated: true}, model: m}", "s: [0].model: model goes with a reply that is"),
        ("- {reply: {generated: 3}}", "s: [0].reply.generated: expected true or a hint, got the"),
        ("- {reply: '${usr}', template: true}", "s: [0].reply: a template knows user, system"),
        ("- {when: {turns: x}, reply: a}", "s: [0].when.turns: turns expects a number"),
        ("- {when: {turns: {above: x}}, reply: a}", "s: [0].when.turns.above: expected a number"),
        ("- {when: {field: {a..b: 1}}, reply: a}", "s: [0].when.field.a..b: 'a..b' is no path"),
        ("- {when: {user: {schema: {type: x}}}, reply: a}", "s: [0].when.user.schema: it is no"),
        ("- {when: {tool_result: {nme: x}}, reply: a}", "s: [0].when.tool_result.nme: there is no"),
        ("- {when: {user: {one_of: []}}, reply: a}", "s: [0].when.user.one_of: one_of expects"),
        ("- {reply: a, annotations: [{url: x}]}", "s: [0].annotations[0]: expected title"),
        ("- {reply: a, logprobs: [{token: x}]}", "s: [0].logprobs[0]: expected logprob"),
        ("- {reply: {file: a.txt}}", "s: [0].reply.file: expected a file in the script's folder"),
    ],
)
def test_a_further_form_that_is_broken_is_named(script: str, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse(script, "s")
    assert str(caught.value).replace("s:1: ", "s: ").startswith(message)


def test_a_reply_may_stand_in_a_file_beside_the_script(tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    (folder / "texts").mkdir(parents=True)
    (folder / "texts" / "long.md").write_text("A long text, ünicode.", encoding="utf-8")
    script = folder / "one.yaml"
    script.write_text("- reply: {file: texts/long.md}")
    (rule,) = load((script,))
    assert rule.steps[0].answer == Reply("A long text, ünicode.")


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "link.txt", "texts", "no.txt"])
def test_no_other_file_is_ever_read(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "scripts"
    (folder / "texts").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    for form in (f"{{file: {name}}}", f"{{recorded: {name}}}"):
        script = folder / "one.yaml"
        script.write_text(f"- reply: {form}")
        with pytest.raises(ScriptError, match=r"in the script's folder"):
            load((script,))


def test_a_reply_may_be_a_recorded_one(tmp_path: Path) -> None:
    recorded = Path(__file__).parents[1] / "cassettes"
    cassette = next(recorded.rglob("*.yaml"))
    (tmp_path / "c.yaml").write_bytes(cassette.read_bytes())
    script = tmp_path / "s.yml"
    script.write_text("- reply: {recorded: c.yaml}")
    (rule,) = load((script,))
    maker = rule.steps[0].answer
    assert isinstance(maker, Replayed)
    call = Call(
        method="POST",
        path="/v1/chat/completions",
        body=b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}',
    )
    dialects.read(call)
    assert asyncio.run(maker.make(call, 1)) is not None
    script.write_text("- reply: {recorded: s.yml}")
    with pytest.raises(ScriptError, match=r"s\.yml:1: \[0\]\.reply\.recorded: .*cassette"):
        load((script,))


def test_a_step_says_what_goes_wrong() -> None:
    (rule,) = parse(
        "- then:\n"
        "  - {reply: Hi., fault: [429, {cut: 3, probability: 0.2}], times: 2}\n"
        "  - {fail: 500, fault: delay=1.5}\n"
        "  - {reply: {generated: true}, fault: {close: true}}\n"
    )
    assert [step.faults for step in rule.steps] == [
        faults_of(["429", {"cut": 3, "probability": 0.2}]),
        faults_of("delay=1.5"),
        faults_of("close"),
    ]


def test_a_fault_that_cannot_be_meant_names_its_place() -> None:
    with pytest.raises(ScriptError, match=r":1: .*fault: lost_chunk takes a whole number from 1"):
        parse("- {reply: Hi., fault: lost_chunk=0}")


def test_a_script_may_give_a_pace_to_the_replies_that_have_none() -> None:
    rules = parse("{pace: slow, rules: [{reply: a, then: [{reply: b, pace: {}}, {fail: 500}]}]}")
    assert [step.pace for step in rules[0].steps] == [PROFILES["slow"], Pace(), None]
