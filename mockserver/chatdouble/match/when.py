"""What a rule asks of a call, and why a call does not fulfil it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from chatdouble.calls import Call, ToolResult
from chatdouble.errors import ScriptError
from chatdouble.match.differences import difference, likeness
from chatdouble.match.fields import FIELDS, Values, at_path, check_path, header_values
from chatdouble.match.matchers import Contains, Equals, Matcher, OneOf, matcher, shorten

# header values that never stand in an explanation
_SECRET = frozenset({"authorization", "api-key", "x-api-key", "cookie", "proxy-authorization"})

# further than any condition that looks at something
_FAR = 1_000_000

_UNREADABLE = "the request could not be read"


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
        """Whether the function says so."""
        return bool(self.function(call))

    def why_not(self, call: Call) -> str | None:
        """That the function says no."""
        return None if self.holds(call) else f"wants {self}, which says no"

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


class Either(Struct, frozen=True):
    """One of several conditions, or all of them, or none, as a whole."""

    how: str
    whens: tuple[When, ...]

    def holds(self, call: Call) -> bool:
        """Whether one, all or none hold."""
        found = (asked.matches(call) for asked in self.whens)
        if self.how == "any":
            return any(found)
        return all(found) if self.how == "all" else not any(found)

    def why_not(self, call: Call) -> str | None:
        """Why each does not hold, or which one holds that must not."""
        if self.holds(call):
            return None
        if self.how == "not":
            return f"wants {self}, which it fulfils"
        reasons = (asked.why_not(call) for asked in self.whens)
        return " and ".join(dict.fromkeys(reason for reason in reasons if reason))

    def looked_at(self, call: Call) -> list[Looked]:
        """What the conditions look at."""
        parts = (part for asked in self.whens for part in asked.parts)
        return [looked for part in parts for looked in part.looked_at(call)]

    def data(self) -> dict[str, Any]:
        """The conditions below ``any``, ``all`` or ``not``."""
        listed = [asked.data() for asked in self.whens]
        return {self.how: listed[0] if self.how == "not" else listed}

    def python(self) -> str:
        """The conditions in the argument ``any_of``, ``all_of`` or ``not_``."""
        listed = [f"dict({asked.python()})" for asked in self.whens]
        if self.how == "not":
            return f"not_={listed[0]}"
        return f"{self.how}_of=[{', '.join(listed)}]"

    def __str__(self) -> str:
        if self.how == "not":
            return f"not ({self.whens[0]})"
        return f"({f' {_WORDS[self.how]} '.join(map(str, self.whens))})"


_WORDS = {"any": "or", "all": "and"}


class When(Struct, frozen=True):
    """What a rule asks of a call; every part must hold. Without parts any call fulfils it."""

    parts: tuple[Part, ...] = ()

    def matches(self, call: Call) -> bool:
        """Whether everything that is asked holds for the call."""
        return call.view is not None and all(part.holds(call) for part in self.parts)

    def why_not(self, call: Call) -> str | None:
        """The first thing that does not hold, in words; None when everything does."""
        return next(iter(self.misses(call)), None)

    def misses(self, call: Call) -> list[str]:
        """Everything that does not hold, in words."""
        if call.view is None:
            return [_UNREADABLE]
        return [reason for part in self.parts if (reason := part.why_not(call))]

    def shown(self, call: Call) -> dict[str, str]:
        """What of the call it looks at, as people read it."""
        looked = (one for part in self.parts for one in part.looked_at(call))
        return {one.label: "(not shown)" if one.secret else _listed(one.values) for one in looked}

    def distance(self, call: Call) -> tuple[int, float]:
        """How far it is from holding: how many parts do not, and how unlike the first one is."""
        if call.view is None:
            return (_FAR, 0.0)
        missed = [part for part in self.parts if not part.holds(call)]
        near = (likeness(one.matcher, one.values) for one in self._compared(missed[:1], call))
        return (len(missed), -max(near, default=0.0))

    def difference(self, call: Call) -> list[str]:
        """How the first part that does not hold nearly does, line by line."""
        missed = [part for part in self.parts if not part.holds(call)]
        looked = self._compared(missed[:1], call)
        return next((lines for one in looked if (lines := difference(one.matcher, one.values))), [])

    def _compared(self, parts: list[Part], call: Call) -> list[Any]:
        looked = (one for part in parts for one in part.looked_at(call))
        return [one for one in looked if one.matcher is not None and not one.secret]

    def asks_for(self, field: str) -> bool:
        """Whether it asks something of this field."""
        return any(field in part.data() for part in self.parts)

    def covers(self, other: When) -> bool:
        """Whether every call that fulfils the other one certainly fulfils this one."""
        for mine in self.parts:
            for theirs in other.parts:
                if _implies(theirs, mine):
                    break
            else:
                return False
        return True

    def data(self) -> dict[str, Any]:
        """The conditions as a script says them."""
        merged: dict[str, Any] = {}
        for part in self.parts:
            for key, value in part.data().items():
                if key in merged and key in ("field", "header"):
                    merged[key] = merged[key] | value
                else:
                    merged[key] = value
        return merged

    def python(self) -> str:
        """The conditions as arguments of ``on()``."""
        arguments: dict[str, str] = {}
        for part in self.parts:
            name, _, value = part.python().partition("=")
            if name in arguments:
                value = f"{arguments[name][:-1]}, {value[1:]}"  # one mapping of all names
            arguments[name] = value
        return ", ".join(f"{name}={value}" for name, value in arguments.items())

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts)) or "any call"


Asked: TypeAlias = "Matcher | str | int | float | bool | None"
AskedResult: TypeAlias = "Matcher | str | Mapping[str, Asked] | None"


def when(
    *,
    tool_result: AskedResult = None,
    field: Mapping[str, Any] | None = None,
    header: Mapping[str, Asked] | None = None,
    any_of: list[Mapping[str, Any]] | None = None,
    all_of: list[Mapping[str, Any]] | None = None,
    not_: Mapping[str, Any] | None = None,
    where: Callable[[Call], object] | None = None,
    **fields: Asked,
) -> When:
    """Make a When from conditions, as ``Session.on`` takes them; a bare value means equals.

    Raises:
        ScriptError: there is no such field, or a condition is of the wrong type.
    """
    parts: list[Part] = []
    unknown = next((name for name in fields if name not in FIELDS), None)
    if unknown is not None:
        raise ScriptError(f"there is no field {unknown!r}; fields are {', '.join(FIELDS)}")
    # in one order, so that the same conditions make equal rules
    for name in FIELDS:
        if fields.get(name) is not None:
            parts.append(Condition(name, matcher(fields[name])))
    if isinstance(tool_result, Mapping):
        if not tool_result or tool_result.keys() - set(Result.__struct_fields__):
            raise ScriptError("tool_result has name, call_id and content")
        parts.append(Result(**{key: matcher(asked) for key, asked in tool_result.items()}))
    elif tool_result is not None:
        parts.append(Condition("tool_result", matcher(tool_result)))
    parts += (FieldAt(path, matcher(asked)) for path, asked in (field or {}).items())
    parts += (Header(name, matcher(asked)) for name, asked in (header or {}).items())
    none_of = None if not_ is None else [not_]
    for how, listed in (("any", any_of), ("all", all_of), ("not", none_of)):
        if listed is not None:
            parts.append(Either(how, tuple(when(**one) for one in listed)))
    if where is not None:
        if not callable(where):
            raise ScriptError(f"where is a function of the call, got {where!r}")
        parts.append(Where(where))
    return When(tuple(parts))


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


def _implies(theirs: Part, mine: Part) -> bool:
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
    return f"got {_listed(values)}"


def _listed(values: Values) -> str:
    shown = (shorten(v) if isinstance(v, str) else shorten(repr(v))[1:-1] for v in values)
    return ", ".join(shown) or "(nothing)"
