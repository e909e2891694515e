"""Scripts: rules written as YAML.

::

    version: 1
    rules:
      - when: {user: {contains: weather}}
        reply: [{call: get_weather, with: {city: Paris}}]
      - when: {tool_result: get_weather}
        reply: It is 18 degrees.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml

from chatdouble.answers import Refusal, Reply, ReplyPart, Usage, reply_of, tool_call
from chatdouble.errors import ScriptError
from chatdouble.match import Text, When
from chatdouble.plainyaml import BROKEN, compose, where
from chatdouble.rules import Rule, Step, api_error, check_times
from chatdouble.schedule import Pace

ENDINGS = (".yaml", ".yml")
VERSION = 1

_MOST_NODES = 200_000
_TAG_PREFIX = "tag:yaml.org,2002:"
_PLAIN_TAGS = (f"{_TAG_PREFIX}map", f"{_TAG_PREFIX}seq")
_T = TypeVar("_T")


def load(paths: tuple[Path, ...]) -> tuple[Rule, ...]:
    """Read the rules of script files and of all scripts in folders, in the order of their paths.

    Raises:
        ScriptError: a path does not exist, a folder holds no script, or a script is wrong.
    """
    rules: list[Rule] = []
    for path in paths:
        if _is_folder(path):
            files = sorted(
                f for f in path.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file()
            )
            if not files:
                raise ScriptError(f"there is no script ({', '.join(ENDINGS)}) in it", file=path)
        else:
            files = [path]
        for file in files:
            rules += load_file(file)
    return tuple(rules)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise ScriptError(f"cannot be read: {error.strerror or error}", file=path) from None


def load_file(file: Path) -> tuple[Rule, ...]:
    """Read one script file.

    Raises:
        ScriptError: it cannot be read, or it is wrong; the error says where.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ScriptError(f"cannot be read: {error.strerror or error}", file=file) from None
    except UnicodeDecodeError as error:
        raise ScriptError(f"is not UTF-8 (byte {error.start})", file=file) from None
    return parse(text, file)


def parse(text: str, file: Path | str = "script") -> tuple[Rule, ...]:
    """Read the rules of a script's text; ``file`` is what errors call it.

    Raises:
        ScriptError: the script is wrong; the error says where.
    """
    try:
        root = compose(text)
    except BROKEN as error:
        line, problem = where(error)
        raise ScriptError(f"is no sound YAML: {problem}", file=file, line=line) from None
    if root is None:
        raise ScriptError("is empty; expected version and rules", file=file)
    return _document(_Place.whole(root, file))


class _Place:
    """A value of the script that knows where it stands."""

    def __init__(self, node: yaml.Node, file: Path | str, path: str, budget: list[int]) -> None:
        self._node = node
        self._file = file
        self.path = path
        self._budget = budget
        self._spend()
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            self.wrong(f"the tag {node.tag.replace(_TAG_PREFIX, '!!')} means nothing here")

    @classmethod
    def whole(cls, node: yaml.Node, file: Path | str) -> _Place:
        return cls(node, file, "", [_MOST_NODES])

    @property
    def line(self) -> int:
        return int(self._node.start_mark.line) + 1

    @property
    def origin(self) -> str:
        """Where it stands, for explanations: the file's path, its line and the path within."""
        return f"{self._file}:{self.line} {self.path}"

    def wrong(self, problem: str) -> NoReturn:
        raise ScriptError(problem, file=self._file, line=self.line, path=self.path)

    def at_fault(self, make: Callable[[], _T]) -> _T:
        """What ``make`` makes; a ScriptError that it raises gets this place."""
        try:
            return make()
        except ScriptError as error:
            self.wrong(error.problem)

    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    def is_list(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    def items(self, expected: str) -> list[_Place]:
        if not isinstance(self._node, yaml.SequenceNode):
            self.wrong(f"expected {expected}, got {self.kind()}")
        return [
            _Place(node, self._file, f"{self.path}[{index}]", self._budget)
            for index, node in enumerate(self._node.value)
        ]

    def fields(self, known: tuple[str, ...] | None, expected: str) -> dict[str, _Place]:
        """The mapping's values by key; with ``known``, any other key is refused."""
        if not isinstance(self._node, yaml.MappingNode):
            self.wrong(f"expected {expected}, got {self.kind()}")
        found: dict[str, _Place] = {}
        for key_node, value_node in self._node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.wrong("expected texts as keys")
            key = key_node.value
            place = _Place(key_node, self._file, self._below(key), self._budget)
            if key_node.tag == f"{_TAG_PREFIX}merge":
                place.wrong("merge keys are not read here; write the keys out")
            if key in found:
                place.wrong(f"{key!r} stands here twice; keep one")
            if known is not None and key not in known:
                near = difflib.get_close_matches(key, known, 1, 0.6)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                place.wrong(f"expected one of {', '.join(known)}, got {key!r}{hint}")
            found[key] = _Place(value_node, self._file, place.path, self._budget)
        return found

    def text(self) -> str:
        value = self.value()
        if not isinstance(value, str):
            hint = "; put it in quotes to make it a text" if self._is_plain() else ""
            self.wrong(f"expected a text, got {self.kind()}{hint}")
        return value

    def number(self) -> float:
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(f"expected a number, got {self.kind()}")
        return value

    def whole_number(self) -> int:
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(f"expected a whole number, got {self.kind()}")
        return value

    def value(self) -> Any:
        """The plain value: texts, numbers, true, false, null, lists and mappings of them."""
        if isinstance(self._node, yaml.SequenceNode):
            return [item.value() for item in self.items("a list")]
        if isinstance(self._node, yaml.MappingNode):
            return {key: place.value() for key, place in self.fields(None, "a mapping").items()}
        loader = yaml.SafeLoader("")
        try:
            value = loader.construct_object(self._node)
        except BROKEN as error:
            self.wrong(f"cannot be read: {where(error)[1]}")
        finally:
            loader.dispose()
        if isinstance(value, bytes):
            self.wrong("binary values mean nothing here; write a text")
        if value is not None and not isinstance(value, str | int | float | bool):
            return self._node.value  # a date is a text here, as JSON knows no dates
        return value

    def kind(self) -> str:
        if self.is_mapping():
            return "a mapping"
        if self.is_list():
            return "a list"
        value = self.value()
        if value is None:
            return "nothing"
        if isinstance(value, bool):
            return f"{str(value).lower()} (a boolean)"
        if isinstance(value, str):
            return f"the text {value!r}"
        return f"the number {value}"

    def _is_plain(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode) and bool(self._node.value)

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _spend(self) -> None:
        self._budget[0] -= 1
        if self._budget[0] < 0 or self.path.count(".") + self.path.count("[") > 200:
            raise ScriptError(
                "is too large or refers to itself",
                file=self._file,
                line=self.line,
                path=self.path[:80],
            )


def _document(root: _Place) -> tuple[Rule, ...]:
    if root.is_list():
        return tuple(_rule(place) for place in root.items("a list of rules"))
    fields = root.fields(("version", "rules"), "version and rules")
    if "version" in fields and fields["version"].value() != VERSION:
        fields["version"].wrong(f"expected {VERSION}, got {fields['version'].kind()}")
    if "rules" not in fields:
        root.wrong("expected rules: a list of rules")
    return tuple(_rule(place) for place in fields["rules"].items("a list of rules"))


_STEP_KEYS = ("reply", "fail", "finish_reason", "usage", "retry_after", "times", "pace")


def _rule(place: _Place) -> Rule:
    fields = place.fields(("when", *_STEP_KEYS, "then"), "a rule: when, and reply, fail or then")
    steps: list[Step] = []
    if any(key in fields for key in _STEP_KEYS):
        steps.append(_step(place, {key: fields[key] for key in _STEP_KEYS if key in fields}))
    if "then" in fields:
        items = fields["then"].items("a list of steps")
        steps += (_step(item, item.fields(_STEP_KEYS, "a step: reply or fail")) for item in items)
    if not steps:
        place.wrong("expected reply, fail or then: what the rule answers")
    when = _when(fields["when"]) if "when" in fields else When()
    return Rule(when, tuple(steps), place.origin)


def _when(place: _Place) -> When:
    fields = place.fields(When.__struct_fields__, "a mapping: user, model, tool_result")
    return When(**{key: _condition(value) for key, value in fields.items()})


def _condition(place: _Place) -> Text:
    if not place.is_mapping():
        return Text("equals", place.text())
    fields = place.fields(("equals", "contains", "regex"), "a text or a matcher")
    if len(fields) != 1:
        place.wrong(f"expected one of equals, contains, regex, got {len(fields)} of them")
    ((how, wanted),) = fields.items()
    text = wanted.text()
    return wanted.at_fault(lambda: Text(how, text))  # type: ignore[arg-type]


def _step(place: _Place, fields: dict[str, _Place]) -> Step:
    if ("reply" in fields) == ("fail" in fields):
        place.wrong("expected either reply or fail")
    times = fields["times"].whole_number() if "times" in fields else 1
    if "times" in fields:
        fields["times"].at_fault(lambda: check_times(times))
    for key, other in (("retry_after", "fail"), ("finish_reason", "reply"), ("usage", "reply")):
        if key in fields and other not in fields:
            fields[key].wrong(f"{key} goes with {other}")
    if "fail" in fields:
        if "pace" in fields:
            fields["pace"].wrong("pace goes with reply")
        return Step(_failure(fields["fail"], fields.get("retry_after")), times)
    return Step(_reply(fields), times, _pace(fields["pace"]) if "pace" in fields else None)


def _failure(place: _Place, retry_after: _Place | None) -> Any:
    wait = retry_after.number() if retry_after else None
    if not place.is_mapping():
        status = place.whole_number()
        return place.at_fault(lambda: api_error(status, retry_after=wait))
    fields = place.fields(
        ("status", "message", "type", "code", "param", "retry_after"), "a status or a mapping"
    )
    if "status" not in fields:
        place.wrong("expected status: the HTTP status")
    status = fields["status"].whole_number()
    if "retry_after" in fields:
        if retry_after:
            retry_after.wrong("retry_after stands here twice; keep one")
        wait = fields["retry_after"].number()
    texts = {
        key: fields[key].text() for key in ("message", "type", "code", "param") if key in fields
    }
    return place.at_fault(lambda: api_error(status, retry_after=wait, **texts))


def _reply(fields: dict[str, _Place]) -> Reply:
    said = fields["reply"]
    parts = (
        tuple(_part(item) for item in said.items("a list of parts"))
        if said.is_list()
        else (_part(said),)
    )
    finish_reason = fields["finish_reason"].text() if "finish_reason" in fields else None
    usage = fields["usage"].at_fault(lambda: _usage(fields["usage"])) if "usage" in fields else None
    return said.at_fault(lambda: reply_of(parts, finish_reason=finish_reason, usage=usage))


def _part(place: _Place) -> ReplyPart:
    if not place.is_mapping():
        return place.text()
    fields = place.fields(("call", "with", "id", "refusal", "text"), "a text, a call, or a refusal")
    if "refusal" in fields or "text" in fields:
        if len(fields) > 1:
            place.wrong("expected text or refusal to stand alone")
        return Refusal(fields["refusal"].text()) if "refusal" in fields else fields["text"].text()
    if "call" not in fields:
        place.wrong("expected call: the name of the tool that is called")
    arguments = fields["with"].value() if "with" in fields else {}
    if not isinstance(arguments, dict | str):
        fields["with"].wrong(
            f"expected a mapping of arguments, or raw text, got {fields['with'].kind()}"
        )
    id = fields["id"].text() if "id" in fields else None  # noqa: A001 - the wire's word
    return place.at_fault(lambda: tool_call(fields["call"].text(), arguments, id))


def _usage(place: _Place) -> Usage:
    fields = place.fields(Usage.__struct_fields__, "prompt_tokens and completion_tokens")
    return Usage(**{key: value.whole_number() for key, value in fields.items()})


def _pace(place: _Place) -> Pace:
    fields = place.fields(Pace.__struct_fields__, "first and each, in seconds")
    seconds = {key: value.number() for key, value in fields.items()}
    return place.at_fault(lambda: Pace(**seconds))
