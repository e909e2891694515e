from __future__ import annotations

from pathlib import Path

import pytest

from chatdouble import ApiError, Pace, Reply, ScriptError, ToolCall, Usage
from chatdouble.match import Text, When
from chatdouble.rules import Rule, Step
from chatdouble.script import load, parse

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
    assert weather.when == When(Text("contains", "weather"), Text("regex", "^gpt-4"))
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
    assert result.when == When(tool_result=Text("equals", "get_weather"))
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
            "s.yaml:2: rules[0].whn: expected one of when, reply, fail, finish_reason, usage, "
            "retry_after, times, pace, then, got 'whn'; did you mean 'when'?",
        ),
        ("rules:\n- when: {}", "s.yaml:2: rules[0]: expected reply, fail or then"),
        (
            "rules:\n- reply: a\n- when: {user: {contain: x}}\n  reply: a",
            "s.yaml:3: rules[1].when.user.contain: expected one of equals, contains, regex, "
            "got 'contain'; did you mean 'contains'?",
        ),
        (
            "- when: {user: {contains: x, regex: y}}\n  reply: a",
            "s.yaml:1: [0].when.user: expected one of equals, contains, regex, got 2 of them",
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
