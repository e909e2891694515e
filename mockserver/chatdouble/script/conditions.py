"""What a script's ``when`` says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from chatdouble.match import When
from chatdouble.match.fields import FIELDS
from chatdouble.match.matchers import (
    AllOf,
    AnyOf,
    Compared,
    Contains,
    Equals,
    Fits,
    Glob,
    Like,
    Matcher,
    Not,
    OneOf,
    Regex,
    joined,
)
from chatdouble.match.parts import Condition, FieldAt, Header, Part, Result
from chatdouble.match.when import Either
from chatdouble.script.place import Place

_GROUPS = ("any", "all", "not")
WHEN_KEYS = (*FIELDS, "field", "header", *_GROUPS)


def when_of(place: Place) -> When:
    """The conditions of a rule."""
    fields = place.fields(WHEN_KEYS, "a mapping of conditions: user, model, tool_result, …")
    parts: list[Part] = []
    for key, value in fields.items():
        if key in _GROUPS:
            listed = [value] if key == "not" else value.items("a list of conditions")
            parts.append(Either(key, tuple(map(when_of, listed))))
        elif key == "field":
            parts += _named(value, FieldAt)
        elif key == "header":
            parts += _named(value, Header)
        elif key == "tool_result" and value.is_mapping() and not _is_matcher(value):
            asked = value.fields(Result.__struct_fields__, "name, call_id and content")
            parts.append(_result(value, asked))
        else:
            parts.append(_condition(key, value))
    # in one order, so that the same conditions make equal rules
    return When(tuple(sorted(parts, key=lambda part: WHEN_KEYS.index(next(iter(part.data()))))))


def _result(place: Place, asked: dict[str, Place]) -> Result:
    if not asked:
        place.wrong("expected one of name, call_id and content")
    matchers = {key: matcher_of(value) for key, value in asked.items()}
    return place.at_fault(lambda: Result(**matchers))


def _condition(field: str, place: Place) -> Condition:
    matcher = matcher_of(place, text=FIELDS[field].kind == "text")
    return place.at_fault(lambda: Condition(field, matcher))


def _named(place: Place, make: Callable[[str, Matcher], Part]) -> list[Part]:
    named = place.fields(None, "a mapping of names and conditions")
    return [value.at_fault(partial(make, name, matcher_of(value))) for name, value in named.items()]


def matcher_of(place: Place, *, text: bool = False) -> Matcher:
    """The condition on one value: a bare value, or a mapping with the name of a matcher."""
    if not place.is_mapping():
        return Equals(place.text() if text else place.value())
    fields = place.fields(MATCHERS, "a value or a matcher")
    if len(fields) != 1:
        place.wrong(f"expected one of {', '.join(MATCHERS)}, got {len(fields)} of them")
    ((how, wanted),) = fields.items()
    return wanted.at_fault(lambda: _matcher(how, wanted, text))


def _matcher(how: str, wanted: Place, text: bool) -> Matcher:
    match how:
        case "equals":
            return Equals(wanted.text() if text else wanted.value())
        case "contains":
            return Contains(wanted.text() if text else wanted.value())
        case "regex":
            return Regex(wanted.text())
        case "glob":
            return Glob(wanted.text())
        case "one_of":
            return OneOf(tuple(item.value() for item in wanted.items("a list of values")))
        case "json":
            return Like(wanted.value())
        case "schema":
            return Fits(wanted.value())
        case "not":
            return Not(matcher_of(wanted, text=text))
        case "all" | "any":
            parts = tuple(matcher_of(item, text=text) for item in wanted.items("a list"))
            return joined(AllOf if how == "all" else AnyOf, parts)
    return Compared(how, wanted.number())  # type: ignore[arg-type]


KINDS: tuple[type[Matcher], ...] = (
    Equals,
    Contains,
    Regex,
    Glob,
    OneOf,
    Like,
    Fits,
    AllOf,
    AnyOf,
    Not,
)
COMPARED = ("above", "below", "at_least", "at_most")
MATCHERS = (*(kind.how for kind in KINDS), *COMPARED)


def _is_matcher(place: Place) -> bool:
    return any(key in MATCHERS for key in place.key_names)
