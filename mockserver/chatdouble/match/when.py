"""What a rule asks of a call, and why a call does not fulfil it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from chatdouble.calls import Call
from chatdouble.errors import ScriptError
from chatdouble.match.differences import difference, likeness
from chatdouble.match.fields import FIELDS
from chatdouble.match.matchers import Matcher, matcher
from chatdouble.match.parts import (
    Condition,
    FieldAt,
    Header,
    Looked,
    Part,
    Result,
    Where,
    implies,
    listed,
)

# further than any condition that looks at something
_FAR = 1_000_000

_UNREADABLE = "the request could not be read"


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
        if call.view is None:
            return False
        for part in self.parts:  # noqa: SIM110 - quicker than all(), and every call waits for it
            if not part.holds(call):
                return False
        return True

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
        return {one.label: "(not shown)" if one.secret else listed(one.values) for one in looked}

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
                if implies(theirs, mine):
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
    for how, sets in (("any", any_of), ("all", all_of), ("not", none_of)):
        if sets is not None:
            parts.append(Either(how, tuple(when(**one) for one in sets)))
    if where is not None:
        if not callable(where):
            raise ScriptError(f"where is a function of the call, got {where!r}")
        parts.append(Where(where))
    return When(tuple(parts))
