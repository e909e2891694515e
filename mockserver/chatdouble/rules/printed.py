"""Rules as a script and as Python say them, so that each can be turned into the other."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import msgspec
import yaml
from msgspec import UNSET, Struct

from chatdouble.answers import ApiError, Recording, Reply, ToolCall, tool_call
from chatdouble.errors import ScriptError
from chatdouble.failures import FAILURES, api_error
from chatdouble.faults import written
from chatdouble.match.parts import Where
from chatdouble.match.when import Either, When
from chatdouble.rules.makers import Made, Templated
from chatdouble.rules.rule import Rule, Step
from chatdouble.schedule import written as pace_written

# what a script may say of a reply, beside its parts
_TEXTS = ("finish_reason", "reasoning_content", "model", "system_fingerprint", "service_tier")

# what only Python can say of a reply
_PYTHON_ONLY = ("stopped_by", "audio", "id", "created", "without")


@runtime_checkable
class _Scripted(Protocol):
    def data(self) -> Any: ...


@runtime_checkable
class _Pythonic(Protocol):
    def python(self) -> str: ...


def data(rule: Rule) -> dict[str, Any]:
    """The rule as a script says it, made of plain values.

    What a script cannot say (a function, a header of one's own) is named or left out;
    ``unwritable`` tells what.
    """
    said: dict[str, Any] = {"when": rule.when.data()} if rule.when.parts else {}
    steps = [_step(step) for step in rule.steps]
    said |= steps[0] if len(steps) == 1 else {"then": steps}
    return said | _rule_fields(rule)


def script(rules: tuple[Rule, ...]) -> str:
    """A whole script of the rules; comments say what of them no script can say."""
    lines = ["version: 1\n", "rules:\n" if rules else "rules: []\n"]
    for rule in rules:
        lines += (f"# no script can say this: {one}\n" for one in unwritable(rule))
        lines.append(text([data(rule)]))
    return "".join(lines)


def text(value: Any) -> str:
    """Plain values as YAML, in the order that they have."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def python(rule: Rule, session: str = "chatdouble") -> str:
    """The rule as Python says it, for a session of this name; comments say what is missing."""
    given = [rule.when.python()] if rule.when.parts else []
    given += (f"{key}={value!r}" for key, value in _rule_fields(rule).items())
    lines: list[str] = []
    said = f"{session}.on({', '.join(given)})"
    for step in rule.steps:
        lines += (f"# {one}\n" for one in _unsaid(step))
        said += _python_step(step)
    return "".join(lines) + said


def unwritable(rule: Rule) -> Iterator[str]:
    """What of the rule no script can say, in words."""
    yield from (f"where is {part}" for part in _functions(rule.when))
    for step in rule.steps:
        answer = step.answer.reply if isinstance(step.answer, Templated) else step.answer
        if isinstance(answer, Made):
            yield f"reply is {answer}"
        elif isinstance(answer, Reply):
            for one in (answer, *answer.others):
                yield from (f"{key} of a reply" for key in _PYTHON_ONLY if _is_set(one, key))
                if one.system_fingerprint is None:
                    yield "system_fingerprint that is null"
        elif isinstance(answer, ApiError):
            if _failure(answer)[1] is None:
                yield "this error's headers or fields"
        elif not isinstance(answer, _Scripted):
            yield f"reply is {type(answer).__name__}"


def _functions(when: When) -> Iterator[str]:
    for part in when.parts:
        if isinstance(part, Where):
            yield str(part).removeprefix("where ")
        elif isinstance(part, Either):
            for inner in part.whens:
                yield from _functions(inner)


def _rule_fields(rule: Rule) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if rule.used_up != "repeat":
        said["used_up"] = rule.used_up
    if rule.scenario is not None:
        said["scenario"] = rule.scenario.name
        states = {"in_state": rule.scenario.wants, "to_state": rule.scenario.sets}
        said |= {key: state for key, state in states.items() if state is not None}
    return said | ({"optional": True} if rule.optional else {})


def _step(step: Step) -> dict[str, Any]:
    answer = step.answer
    if isinstance(answer, ApiError):
        said: dict[str, Any] = {"fail": _failed(answer)}
    elif isinstance(answer, Reply):
        said = _reply(answer)
    elif isinstance(answer, Templated):
        said = _reply(answer.reply) | {"template": True}
    elif isinstance(answer, _Scripted):
        said = {"reply": answer.data()}
    else:
        name = str(answer) if isinstance(answer, Made) else type(answer).__name__
        said = {"reply": {"function": name}}
    if step.times != 1:
        said["times"] = step.times
    if step.faults:
        said["fault"] = written(step.faults)
    return said | ({"pace": pace_written(step.pace)} if step.pace is not None else {})


def _reply(reply: Reply) -> dict[str, Any]:
    parts: list[Any] = [] if reply.content is None else [reply.content]
    parts += map(_call, reply.tool_calls)
    if reply.refusal is not None:
        parts.append({"refusal": reply.refusal})
    said: dict[str, Any] = {"reply": parts[0] if len(parts) == 1 else parts}
    texts = {key: getattr(reply, key) for key in _TEXTS}
    said |= {key: text for key, text in texts.items() if isinstance(text, str)}
    if reply.usage is not None:
        said["usage"] = _given(reply.usage)
    if reply.annotations:
        said["annotations"] = [msgspec.structs.asdict(one) for one in reply.annotations]
    if reply.logprobs is not None:
        said["logprobs"] = [_logprob(one) for one in reply.logprobs]
    if reply.others:
        others = map(_reply, reply.others)
        said["others"] = [one["reply"] if len(one) == 1 else one for one in others]
    for key in ("extra", "message_extra"):
        if getattr(reply, key):
            said[key] = {name: json.loads(text) for name, text in getattr(reply, key)}
    return said


def _call(made: ToolCall) -> dict[str, Any]:
    said: dict[str, Any] = {"call": made.name}
    arguments = _arguments(made)
    if arguments != {}:
        said["with"] = arguments
    return said | ({} if made.id is None else {"id": made.id})


def _arguments(made: ToolCall) -> dict[str, Any] | str:
    """The arguments as a mapping, if they would be written as they are; else the text itself."""
    try:
        arguments = json.loads(made.arguments)
        if isinstance(arguments, dict) and tool_call("f", arguments).arguments == made.arguments:
            return arguments
    except (ValueError, RecursionError, ScriptError):
        pass
    return made.arguments


def _logprob(one: Any) -> dict[str, Any]:
    said = {"token": one.token, "logprob": one.logprob}
    return said | ({"top": list(map(_logprob, one.top))} if one.top else {})


def _failed(error: ApiError) -> Any:
    """What stands below ``fail``."""
    status, given = _failure(error)
    given = given or {}
    return {"status": status, **given} if given else status


def _failure(error: ApiError) -> tuple[int | str, dict[str, Any] | None]:
    """The status or name, and the arguments, that make this error; None if there are none."""
    statuses: list[int | str] = []
    if 400 <= error.status <= 599:
        names = (name for name, usual in FAILURES.items() if usual.status == error.status)
        statuses = [error.status, *names]
    fields = {key: getattr(error, key) for key in ("message", "type", "code", "param")}
    set_fields = {key: value for key, value in fields.items() if value is not None}
    headers = dict(error.headers)
    waits: list[dict[str, Any]] = [{}]
    if "retry-after" in headers:
        waits.append({"retry_after": _number(headers["retry-after"])})
    for status in statuses:
        usual = api_error(status)
        changed = {key: v for key, v in set_fields.items() if v != getattr(usual, key)}
        own = {"message": error.message, "type": error.type} | changed
        # with words of its own an error has only the code and the param that it is given
        for given in ({}, changed, own | set_fields):
            for wait in waits:
                try:
                    if api_error(status, **given, **wait) == error:
                        return status, _shortest(status, given | wait, error)
                except ScriptError:
                    continue
    return error.status, None


def _shortest(status: int | str, given: dict[str, Any], error: ApiError) -> dict[str, Any]:
    """The arguments without those that change nothing."""
    for key in tuple(given):
        fewer = {name: value for name, value in given.items() if name != key}
        if api_error(status, **fewer) == error:
            given = fewer
    return given


def _number(text: str) -> float | str:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _unsaid(step: Step) -> Iterator[str]:
    """What Python's ``reply()`` and ``fail()`` cannot say of a step."""
    answer = step.answer
    if isinstance(answer, Made):
        yield f"{answer} is a function of your own"
    elif isinstance(answer, ApiError):
        if _failure(answer)[1] is None:
            yield "the next error has headers or fields that fail() does not take"
    elif isinstance(answer, Recording) or not isinstance(answer, Reply | Templated | _Pythonic):
        said = answer.data() if isinstance(answer, _Scripted) else type(answer).__name__
        yield f"reply() does not take {said}; a script does"


def _python_step(step: Step) -> str:
    answer = step.answer
    given: list[str] = []
    if isinstance(answer, ApiError):
        status, fields = _failure(answer)
        fields = fields or {}
        given = [repr(status), *(f"{key}={value!r}" for key, value in fields.items())]
    elif isinstance(answer, Reply):
        given = _python_reply(answer)
    elif isinstance(answer, Templated):
        given = [*_python_reply(answer.reply), "template=True"]
    elif isinstance(answer, Made):
        given = [str(answer).removesuffix("(call)")]
    else:
        given = [answer.python() if isinstance(answer, _Pythonic) else "..."]
    if step.times != 1:
        given.append(f"times={step.times}")
    if step.pace is not None:
        pace = pace_written(step.pace)
        fields = pace if isinstance(pace, dict) else {}
        made = f"Pace({', '.join(f'{key}={value!r}' for key, value in fields.items())})"
        given.append(f"pace={pace!r}" if isinstance(pace, str) else f"pace={made}")
    if step.faults:
        given.append(f"fault={written(step.faults)!r}")
    return f".{'fail' if isinstance(answer, ApiError) else 'reply'}({', '.join(given)})"


def _python_reply(reply: Reply) -> list[str]:
    parts = [] if reply.content is None else [repr(reply.content)]
    parts += map(_python_call, reply.tool_calls)
    if reply.refusal is not None:
        parts.append(f"refusal({reply.refusal!r})")
    if not parts or (reply.refusal is not None and len(parts) > 1):
        return [_value(reply)]
    for key in reply.__struct_fields__:
        if key in ("content", "tool_calls", "refusal") or not _is_set(reply, key):
            continue
        value = getattr(reply, key)
        if key in ("extra", "message_extra"):
            mapping = {name: json.loads(text) for name, text in value}
            parts.append(f"{key}={mapping!r}")
        else:
            parts.append(f"{key}={_value(value)}")
    return parts


def _python_call(made: ToolCall) -> str:
    arguments = _arguments(made)
    if isinstance(arguments, str) or made.id is not None:
        return _value(made)
    named = [
        f"{key}={value!r}" if key.isidentifier() and not keyword.iskeyword(key) else ""
        for key, value in arguments.items()
    ]
    if not all(named):
        return f"call({made.name!r}, **{arguments!r})"
    return f"call({', '.join([repr(made.name), *named])})"


def _value(value: Any) -> str:
    """A value as Python makes it, of a Struct only what differs from its defaults."""
    if isinstance(value, Struct):
        given = (f"{key}={_value(one)}" for key, one in _given(value).items())
        return f"{type(value).__name__}({', '.join(given)})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' * (len(value) == 1)})"
    return repr(value)


def _given(value: Struct) -> dict[str, Any]:
    keys = value.__struct_fields__
    return {key: getattr(value, key) for key in keys if _is_set(value, key)}


def _is_set(value: Struct, key: str) -> bool:
    """Whether a field has another value than its default."""
    field = next(one for one in msgspec.structs.fields(value) if one.name == key)
    found = getattr(value, key)
    return found is not UNSET and (field.required or found != field.default)
