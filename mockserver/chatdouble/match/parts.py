"""The parts of a condition: each looks at one thing of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from chatdouble.calls import Call, ToolResult
from chatdouble.errors import ScriptError
from chatdouble.match.fields import FIELDS, Values, at_path, check_path, header_values
from chatdouble.match.matchers import Contains, Equals, Matcher, OneOf
from chatdouble.match.values import shorten

# header values that never stand in an explanation
_SECRET = frozenset({"authorization", "api-key", "x-api-key", "cookie", "proxy-authorization"})


class Looked(Struct, frozen=True):
    """What a part looks at: how it is called, what there is, and what it is compared with."""

    label: str
    values: Values
    matcher: Matcher | None
    secret: bool = False


class Part(Protocol):
    """One thing that is asked."""

    def holds(self, call: Call) -> bool:
        """Whether the call, which can be read, fulfils it."""
        ...

    def why_not(self, call: Call) -> str | None:
        """Why it does not, in words; None if it does."""
        ...

    def looked_at(self, call: Call) -> list[Looked]:
        """What of the call it looks at."""
        ...

    def data(self) -> dict[str, Any]:
        """The part as a script says it: a key and what belongs to it."""
        ...

    def python(self) -> str:
        """The part as an argument of ``on()``."""
        ...


class Condition(Struct, frozen=True):
    """A condition on a field of the call."""

    field: str
    matcher: Matcher

    def __post_init__(self) -> None:
        kind = FIELDS[self.field].kind
        _check(self.field, kind, self.matcher)

    def values(self, call: Call) -> Values:
        """The field's values in the call."""
        return () if call.view is None else FIELDS[self.field].values(call, call.view)

    def holds(self, call: Call) -> bool:
        """Whether a value fulfils the condition."""
        return self.matcher.holds(self.values(call))

    def why_not(self, call: Call) -> str | None:
        """What is wanted, and what there is."""
        values = self.values(call)
        if self.matcher.holds(values):
            return None
        return f"wants {self}, {_got(values) if values else FIELDS[self.field].absent}"

    def looked_at(self, call: Call) -> list[Looked]:
        """The field."""
        return [Looked(self.field, self.values(call), self.matcher)]

    def data(self) -> dict[str, Any]:
        """The field and its matcher."""
        return {self.field: self.matcher.data()}

    def python(self) -> str:
        """The field and its matcher."""
        return f"{self.field}={self.matcher.python()}"

    def __str__(self) -> str:
        return f"{self.field} {self.matcher}"


class FieldAt(Struct, frozen=True):
    """A condition on any field of the request's body, by its path."""

    path: str
    matcher: Matcher

    def __post_init__(self) -> None:
        check_path(self.path)

    def holds(self, call: Call) -> bool:
        """Whether a value at the path fulfils the condition."""
        return self.matcher.holds(at_path(call.json, self.path))

    def why_not(self, call: Call) -> str | None:
        """What is wanted, and what there is."""
        values = at_path(call.json, self.path)
        if self.matcher.holds(values):
            return None
        return f"wants {self}, {_got(values) if values else 'there is no such field'}"

    def looked_at(self, call: Call) -> list[Looked]:
        """What is at the path."""
        return [Looked(f"field {self.path}", at_path(call.json, self.path), self.matcher)]

    def data(self) -> dict[str, Any]:
        """The path below ``field``."""
        return {"field": {self.path: self.matcher.data()}}

    def python(self) -> str:
        """The path in the argument ``field``."""
        return f"field={{{self.path!r}: {self.matcher.python()}}}"

    def __str__(self) -> str:
        return f"field {self.path} {self.matcher}"


class Header(Struct, frozen=True):
    """A condition on a request header."""

    name: str
    matcher: Matcher

    def holds(self, call: Call) -> bool:
        """Whether a value of the header fulfils the condition."""
        return self.matcher.holds(header_values(call, self.name))

    def why_not(self, call: Call) -> str | None:
        """What is wanted, and what there is; values that may be secret are not shown."""
        values = header_values(call, self.name)
        if self.matcher.holds(values):
            return None
        if not values:
            return f"wants {self}, there is no such header"
        got = "got another value" if self.name.lower() in _SECRET else _got(values)
        return f"wants {self}, {got}"

    def looked_at(self, call: Call) -> list[Looked]:
        """The header."""
        values = header_values(call, self.name)
        secret = self.name.lower() in _SECRET
        return [Looked(f"header {self.name}", values, self.matcher, secret)]

    def data(self) -> dict[str, Any]:
        """The name below ``header``."""
        return {"header": {self.name: self.matcher.data()}}

    def python(self) -> str:
        """The name in the argument ``header``."""
        return f"header={{{self.name!r}: {self.matcher.python()}}}"

    def __str__(self) -> str:
        if self.name.lower() in _SECRET:
            return f"header {self.name} of a certain value"
        return f"header {self.name} {self.matcher}"


class Result(Struct, frozen=True):
    """A condition on one tool result that the request ends with: all that is given must hold."""

    name: Matcher | None = None
    call_id: Matcher | None = None
    content: Matcher | None = None

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            asked = getattr(self, field)
            if asked is not None:
                _check(f"tool_result.{field}", "text", asked)

    def _fits(self, result: ToolResult) -> bool:
        return all(
            asked is None or asked.test(getattr(result, field) or "")
            for field, asked in self._asked()
        )

    def _asked(self) -> list[tuple[str, Matcher]]:
        found = ((field, getattr(self, field)) for field in self.__struct_fields__)
        return [(field, asked) for field, asked in found if asked is not None]

    def holds(self, call: Call) -> bool:
        """Whether one of the results fulfils it."""
        return any(map(self._fits, call.tool_results))

    def why_not(self, call: Call) -> str | None:
        """What is wanted, and what there is."""
        if self.holds(call):
            return None
        results = call.tool_results
        if not results:
            return f"wants {self}, {FIELDS['tool_result'].absent}"
        shown = (f"{result.name or '(unknown)'}: {shorten(result.content)}" for result in results)
        return f"wants {self}, got {', '.join(shown)}"

    def looked_at(self, call: Call) -> list[Looked]:
        """The fields of the results."""
        looked: list[Looked] = []
        for field, asked in self._asked():
            values = tuple(getattr(result, field) for result in call.tool_results)
            looked.append(Looked(f"tool_result {field}", values, asked))
        return looked

    def data(self) -> dict[str, Any]:
        """The result's fields below ``tool_result``."""
        return {"tool_result": {field: asked.data() for field, asked in self._asked()}}

    def python(self) -> str:
        """The result's fields in the argument ``tool_result``."""
        fields = (f"{field!r}: {asked.python()}" for field, asked in self._asked())
        return f"tool_result={{{', '.join(fields)}}}"

    def __str__(self) -> str:
        return "tool_result " + " and ".join(f"{field} {asked}" for field, asked in self._asked())


class Where(Struct, frozen=True):
    """A condition that is a Python function of the call."""

    function: Callable[[Call], object]

    def holds(self, call: Call) -> bool:
        """Whether the function says so; one that raises does not."""
        try:
            return bool(self.function(call))
        except Exception:  # why_not() tells it
            return False

    def why_not(self, call: Call) -> str | None:
        """That the function says no, or what it raises."""
        try:
            says = bool(self.function(call))
        except Exception as error:
            return f"wants {self}, which raised {type(error).__name__}: {error}"
        return None if says else f"wants {self}, which says no"

    def looked_at(self, call: Call) -> list[Looked]:
        """What a function looks at is not known."""
        return []

    def data(self) -> dict[str, Any]:
        """A function can only be named."""
        return {"where": _name(self.function)}

    def python(self) -> str:
        """The function by its name."""
        return f"where={_name(self.function)}"

    def __str__(self) -> str:
        return f"where {_name(self.function)}(call)"


def _check(field: str, kind: str, asked: Matcher) -> None:
    """Refuse what no value of the field could ever be."""
    if not isinstance(asked, Equals | Contains | OneOf):
        return
    values = asked.values if isinstance(asked, OneOf) else (asked.value,)
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            "text": isinstance(value, str),
            "number": number,
            "boolean": isinstance(value, bool),
        }
        if not fits[kind]:
            raise ScriptError(f"{field} expects a {kind} or a matcher of one, got {value!r}")


def implies(theirs: Part, mine: Part) -> bool:
    """Whether a call that fulfils the one certainly fulfils the other."""
    if type(theirs) is not Condition or type(mine) is not Condition:
        return theirs == mine
    if theirs.field != mine.field:
        return False
    if theirs.matcher == mine.matcher:
        return True
    match theirs.matcher:
        case Equals(value):
            return mine.matcher.test(value)
        case OneOf(values):
            return all(mine.matcher.test(value) for value in values)
        case Contains(str() as value):
            return isinstance(mine.matcher, Contains) and mine.matcher.test(value)
    return False


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", None) or repr(function)


def _got(values: Values) -> str:
    return f"got {listed(values)}"


def listed(values: Values) -> str:
    """Values as people read them."""
    shown = (shorten(v) if isinstance(v, str) else shorten(repr(v))[1:-1] for v in values)
    return ", ".join(shown) or "(nothing)"
