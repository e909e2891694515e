"""Conditions on one value, that can be combined, printed, and put into words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal

from msgspec import Struct

from chatdouble.errors import ScriptError
from chatdouble.match.values import alike, cut, is_number, read, same, shown

# seconds
_LONGEST_SEARCH = 0.3

_COMPARED: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "above": ("above", lambda left, right: left > right),
    "below": ("below", lambda left, right: left < right),
    "at_least": ("at least", lambda left, right: left >= right),
    "at_most": ("at most", lambda left, right: left <= right),
}


class Matcher(Struct, frozen=True):
    """A condition on a value; ``&``, ``|`` and ``~`` combine conditions.

    Where a call has several values to look at (the tools on offer, the messages of one role), the
    condition holds if it holds for one of them; ``~`` holds if it holds for none.
    """

    how: ClassVar[str] = ""

    def test(self, value: Any) -> bool:
        """Whether the value fulfils the condition."""
        raise NotImplementedError

    def holds(self, values: tuple[Any, ...]) -> bool:
        """Whether one of the values fulfils the condition."""
        return self.test(values[0]) if len(values) == 1 else any(map(self.test, values))

    def data(self) -> Any:
        """The condition as a script says it."""
        return {self.how: getattr(self, self.__struct_fields__[0])}

    def python(self) -> str:
        """The condition as Python says it."""
        return f"{self.how}({getattr(self, self.__struct_fields__[0])!r})"

    def __and__(self, other: object) -> Matcher:
        return joined(AllOf, (self, matcher(other)))

    def __or__(self, other: object) -> Matcher:
        return joined(AnyOf, (self, matcher(other)))

    def __invert__(self) -> Not:
        return Not(self)


class Equals(Matcher, frozen=True):
    """The value is this one: a text, number, boolean, None, list or mapping."""

    how: ClassVar[str] = "equals"
    value: Any

    def test(self, value: Any) -> bool:
        """Whether the value is equal; true is no number, but 2.0 is 2."""
        return same(value, self.value)

    def data(self) -> Any:
        """A bare value means equals; only a mapping has to say so."""
        return {"equals": self.value} if isinstance(self.value, dict) else self.value

    def python(self) -> str:
        """A bare value means equals."""
        return repr(self.value)

    def __str__(self) -> str:
        return f"equals {shown(self.value)}"


class Contains(Matcher, frozen=True):
    """The text has this in it, or the list has this item."""

    how: ClassVar[str] = "contains"
    value: Any

    def test(self, value: Any) -> bool:
        """Whether the value has it; letter case counts."""
        if isinstance(value, str):
            return isinstance(self.value, str) and self.value in value
        return isinstance(value, list | dict) and any(same(item, self.value) for item in value)

    def __str__(self) -> str:
        return f"contains {shown(self.value)}"


class Regex(Matcher, frozen=True):
    """The regular expression is found somewhere in the text (as ``re.search`` does); one that takes
    too long, as ``(a+)+$`` may, is not found.
    """

    how: ClassVar[str] = "regex"
    pattern: str

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise ScriptError(f"regex expects a text, got {self.pattern!r}")
        import regex

        try:
            re.compile(self.pattern)
            # it is searched with this one, which can be stopped
            regex.compile(self.pattern)
        except (re.error, regex.error, OverflowError, RecursionError) as error:
            raise ScriptError(f"{self.pattern!r} is not a regular expression: {error}") from None

    def test(self, value: Any) -> bool:
        """Whether it is found."""
        import regex

        if not isinstance(value, str):
            return False
        try:
            return regex.search(self.pattern, value, timeout=_LONGEST_SEARCH) is not None
        except TimeoutError:
            return False

    def __str__(self) -> str:
        return f"regex {self.pattern!r}"


class Glob(Matcher, frozen=True):
    """The whole text fits the pattern, in which ``*`` is any text and ``?`` any letter."""

    how: ClassVar[str] = "glob"
    pattern: str

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise ScriptError(f"glob expects a text, got {self.pattern!r}")

    def test(self, value: Any) -> bool:
        """Whether it fits; letter case counts."""
        return isinstance(value, str) and fnmatchcase(value, self.pattern)

    def __str__(self) -> str:
        return f"glob {self.pattern!r}"


class OneOf(Matcher, frozen=True):
    """The value is one of these."""

    how: ClassVar[str] = "one_of"
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ScriptError("one_of expects at least one value")

    def test(self, value: Any) -> bool:
        """Whether it is."""
        return any(same(value, one) for one in self.values)

    def data(self) -> Any:
        """The values as a list."""
        return {"one_of": list(self.values)}

    def python(self) -> str:
        """The values as arguments."""
        return f"one_of({', '.join(map(repr, self.values))})"

    def __str__(self) -> str:
        return f"one of {', '.join(map(shown, self.values))}"


class Like(Matcher, frozen=True):
    """The value has at least these keys with these values, at any depth; a text is read as JSON."""

    how: ClassVar[str] = "json"
    value: Any

    def test(self, value: Any) -> bool:
        """Whether it has; lists must be of the same length."""
        return alike(read(value), self.value)

    def python(self) -> str:
        """Its name in Python is ``like``."""
        return f"like({self.value!r})"

    def __str__(self) -> str:
        return f"like {cut(json.dumps(self.value, ensure_ascii=False))}"


class Fits(Matcher, frozen=True):
    """The value fits a JSON Schema; a text is read as JSON. Nothing outside the schema is read."""

    how: ClassVar[str] = "schema"
    schema: Any

    def __post_init__(self) -> None:
        from jsonschema import Draft202012Validator, SchemaError

        try:
            Draft202012Validator.check_schema(self.schema)
        except SchemaError as error:
            raise ScriptError(f"it is no JSON Schema: {error.message}") from None

    def test(self, value: Any) -> bool:
        """Whether it fits."""
        from jsonschema import Draft202012Validator
        from referencing import Registry
        from referencing.exceptions import Unresolvable

        # an empty registry: no reference is ever fetched
        validator = Draft202012Validator(self.schema, registry=Registry())
        try:
            return validator.is_valid(read(value))
        except (Unresolvable, RecursionError):
            return False

    def python(self) -> str:
        """Its name in Python is ``fits``."""
        return f"fits({self.schema!r})"

    def __str__(self) -> str:
        return f"fits the schema {cut(json.dumps(self.schema, ensure_ascii=False))}"


class Compared(Matcher, frozen=True):
    """The number is above, below, at least or at most this one."""

    op: Literal["above", "below", "at_least", "at_most"]
    value: float

    def __post_init__(self) -> None:
        if not is_number(self.value):
            raise ScriptError(f"{self.op} expects a number, got {self.value!r}")

    def test(self, value: Any) -> bool:
        """Whether it is; what is no number is not."""
        return is_number(value) and _COMPARED[self.op][1](value, self.value)

    def data(self) -> Any:
        """The comparison by its name."""
        return {self.op: self.value}

    def python(self) -> str:
        """The comparison by its name."""
        return f"{self.op}({self.value!r})"

    def __str__(self) -> str:
        return f"{_COMPARED[self.op][0]} {self.value!r}"


class AllOf(Matcher, frozen=True):
    """All of the conditions hold."""

    how: ClassVar[str] = "all"
    parts: tuple[Matcher, ...]

    def test(self, value: Any) -> bool:
        """Whether all hold."""
        return all(part.test(value) for part in self.parts)

    def data(self) -> Any:
        """The conditions as a list."""
        return {"all": [part.data() for part in self.parts]}

    def python(self) -> str:
        """The conditions with ``&`` between them."""
        return f"({' & '.join(map(_operand, self.parts))})"

    def __str__(self) -> str:
        return " and ".join(map(str, self.parts))


class AnyOf(Matcher, frozen=True):
    """One of the conditions holds."""

    how: ClassVar[str] = "any"
    parts: tuple[Matcher, ...]

    def test(self, value: Any) -> bool:
        """Whether one holds."""
        return any(part.test(value) for part in self.parts)

    def holds(self, values: tuple[Any, ...]) -> bool:
        """Whether one holds for the values."""
        return any(part.holds(values) for part in self.parts)

    def data(self) -> Any:
        """The conditions as a list."""
        return {"any": [part.data() for part in self.parts]}

    def python(self) -> str:
        """The conditions with ``|`` between them."""
        return f"({' | '.join(map(_operand, self.parts))})"

    def __str__(self) -> str:
        return f"({' or '.join(map(str, self.parts))})"


class Not(Matcher, frozen=True):
    """The condition does not hold."""

    how: ClassVar[str] = "not"
    part: Matcher

    def test(self, value: Any) -> bool:
        """Whether it does not."""
        return not self.part.test(value)

    def holds(self, values: tuple[Any, ...]) -> bool:
        """Whether it holds for none of the values."""
        return not self.part.holds(values)

    def data(self) -> Any:
        """The condition below ``not``."""
        return {"not": self.part.data()}

    def python(self) -> str:
        """The condition behind ``~``."""
        return f"~{_operand(self.part)}"

    def __str__(self) -> str:
        return f"not {self.part}"


def joined(kind: type[AllOf] | type[AnyOf], parts: tuple[Matcher, ...]) -> Matcher:
    """All or one of the conditions as one, the same however they were grouped.

    Raises:
        ScriptError: there are none.
    """
    if not parts:
        raise ScriptError(f"{kind.how} expects at least one condition")
    flat: list[Matcher] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else (part,)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _operand(part: Matcher) -> str:
    """The condition beside an operator, where a bare value would not do."""
    inner = part.python()
    return f"equals({inner})" if isinstance(part, Equals) else inner


def matcher(value: object) -> Matcher:
    """The value itself if it is a condition, else that a value equals it."""
    return value if isinstance(value, Matcher) else Equals(value)


def equals(value: Any) -> Matcher:
    """The value is exactly this one. A bare value in a rule means the same."""
    return Equals(value)


def contains(value: Any) -> Matcher:
    """The text has ``value`` in it (letter case counts), or the list has it as an item."""
    return Contains(value)


def regex(pattern: str) -> Matcher:
    """The regular expression is found somewhere in the text (as ``re.search`` does).

    Raises:
        ScriptError: it is not a regular expression.
    """
    return Regex(pattern)


def glob(pattern: str) -> Matcher:
    """The whole text fits the pattern: ``*`` is any text, ``?`` a letter, ``[ab]`` one of these."""
    return Glob(pattern)


def one_of(*values: Any) -> Matcher:
    """The value is one of these."""
    return OneOf(values)


def like(value: Any) -> Matcher:
    """The value has at least these keys with these values, at any depth; a text is read as JSON."""
    return Like(value)


def fits(schema: dict[str, Any]) -> Matcher:
    """The value fits this JSON Schema (2020-12); a text is read as JSON.

    Raises:
        ScriptError: it is no JSON Schema.
    """
    return Fits(schema)


def above(number: float) -> Matcher:
    """The number is greater."""
    return Compared("above", number)


def below(number: float) -> Matcher:
    """The number is smaller."""
    return Compared("below", number)


def at_least(number: float) -> Matcher:
    """The number is this or greater."""
    return Compared("at_least", number)


def at_most(number: float) -> Matcher:
    """The number is this or smaller."""
    return Compared("at_most", number)
