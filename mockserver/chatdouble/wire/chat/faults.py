"""The first fault of a JSON value against a declared type, in the API's sentences.

It reads the same declarations that the decoder obeys, so a bound stands in one place.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import GenericAlias
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from chatdouble.answers import ApiError
from chatdouble.wire.chat import options, request
from chatdouble.wire.chat.sentences import (
    above,
    below,
    key_too_long,
    listed,
    missing,
    no_match,
    not_one_of,
    too_long,
    too_many_properties,
    too_short,
    unknown,
    wrong_type,
)

# what the API calls some fields' types, apart from the rule
_NOUNS = {"metadata": "a metadata object", "functions": "an array of function definitions"}
# items of a list that are looked at together
_MANY = 1_000
# probed: an object of no known type is read as one of this type
_UNLESS_KNOWN = {"tool_choice": "function"}


def find(kind: inspect.Type, value: Any, path: str) -> ApiError | None:
    """The first fault at or below this path, None if there is none."""
    match kind:
        case inspect.UnionType():
            return _union(kind, value, path)
        case inspect.StructType():
            return _struct(kind, value, path)
        case inspect.ListType():
            return _list(kind, value, path)
        case inspect.DictType():
            return _dict(kind, value, path)
        case inspect.StrType():
            return _text(kind, value, path)
        case inspect.LiteralType():
            return _literal(kind, value, path)
        case inspect.IntType() | inspect.FloatType():
            return _number(kind, value, path)
        case inspect.BoolType() if not isinstance(value, bool):
            return _wrong_type(kind, value, path)
        case inspect.NoneType() if value is not None:
            return _wrong_type(kind, value, path)
        case _:
            return None


def _union(kind: inspect.UnionType, value: Any, path: str) -> ApiError | None:
    fitting = [part for part in _parts(kind) if _fits(part, value)]
    if not fitting:
        return None if value is None and kind.includes_none else _wrong_type(kind, value, path)
    tagged = [part for part in fitting if isinstance(part, inspect.StructType) and part.tag_field]
    if not tagged:
        return find(fitting[0], value, path)
    return _tagged(tagged, value, path)


def _tagged(kinds: list[inspect.StructType], value: dict[str, Any], path: str) -> ApiError | None:
    field = kinds[0].tag_field or "type"
    where = f"{path}.{field}"
    tag = value.get(field)
    for kind in kinds:
        if kind.tag == tag:
            return _struct(kind, value, path)
    for kind in kinds:
        if kind.tag == _UNLESS_KNOWN.get(path):
            fault = _fields(kind, value, path)
            if fault is not None:
                return fault
    if field not in value:
        return missing(where)
    if not isinstance(tag, str):
        return _wrong_type(inspect.StrType(), tag, where)
    return not_one_of(where, tag, [str(kind.tag) for kind in kinds])


def _struct(kind: inspect.StructType, value: Any, path: str) -> ApiError | None:
    if not isinstance(value, dict):
        return _wrong_type(kind, value, path)
    if kind.tag_field:
        where = f"{path}.{kind.tag_field}"
        if kind.tag_field not in value:
            return missing(where)
        tag = value[kind.tag_field]
        if not isinstance(tag, str):
            return _wrong_type(inspect.StrType(), tag, where)
        if tag != kind.tag:
            return not_one_of(where, tag, [str(kind.tag)])
    known = {field.encode_name for field in kind.fields}
    for key in value if kind.forbid_unknown_fields else ():
        if key not in known and key != kind.tag_field:
            return unknown(_inside(path, key), known - value.keys())
    return _fields(kind, value, path)


def _fields(kind: inspect.StructType, value: dict[str, Any], path: str) -> ApiError | None:
    for field in kind.fields:
        where = _inside(path, field.encode_name)
        if field.encode_name not in value:
            if field.required:
                return missing(where)
            continue
        fault = find(field.type, value[field.encode_name], where)
        if fault is not None:
            return fault
    return None


def _inside(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _list(kind: inspect.ListType, value: Any, path: str) -> ApiError | None:
    if not isinstance(value, list):
        return _wrong_type(kind, value, path)
    fault = _wrong_length(kind, "array", len(value), path)
    if fault is not None:
        return fault
    for index in range(_sound(kind, value), len(value)):
        fault = find(kind.item_type, value[index], f"{path}[{index}]")
        if fault is not None:
            return fault
    return None


def _sound(kind: inspect.ListType, value: list[Any]) -> int:
    """How many items of a long list are surely as declared, which the decoder tells quicker."""
    parts = _parts(kind.item_type)
    classes = tuple(part.cls for part in parts if isinstance(part, inspect.StructType))
    if len(value) < _MANY or len(classes) < len(parts):
        return 0
    items: Any = GenericAlias(list, Union[classes])  # noqa: UP007 - made of a tuple
    for at in range(0, len(value), _MANY):
        try:
            msgspec.convert(value[at : at + _MANY], items)
        except (ValueError, RecursionError):
            return at
    return len(value)


def _dict(kind: inspect.DictType, value: Any, path: str) -> ApiError | None:
    if not isinstance(value, dict):
        return _wrong_type(kind, value, path)
    if kind.max_length is not None and len(value) > kind.max_length:
        return too_many_properties(path, len(value), kind.max_length)
    longest = kind.key_type.max_length if isinstance(kind.key_type, inspect.StrType) else None
    for key, item in value.items():
        if longest is not None and len(key) > longest:
            return key_too_long(path, key, longest)
        fault = find(kind.value_type, item, f"{path}.{key}")
        if fault is not None:
            return fault
    return None


def _text(kind: inspect.StrType, value: Any, path: str) -> ApiError | None:
    if not isinstance(value, str):
        return _wrong_type(kind, value, path)
    fault = _wrong_length(kind, "string", len(value), path)
    if fault is None and kind.pattern is not None and not re.search(kind.pattern, value):
        return no_match(path, kind.pattern)
    return fault


def _literal(kind: inspect.LiteralType, value: Any, path: str) -> ApiError | None:
    if not isinstance(value, str):
        return _wrong_type(kind, value, path)
    return None if value in kind.values else not_one_of(path, value, _known(kind))


def _number(kind: inspect.IntType | inspect.FloatType, value: Any, path: str) -> ApiError | None:
    if not _fits(kind, value):
        return _wrong_type(kind, value, path)
    noun = "integer" if isinstance(kind, inspect.IntType) else "decimal"
    if kind.ge is not None and value < kind.ge:
        return below(path, noun, value, kind.ge)
    if kind.le is not None and value > kind.le:
        return above(path, noun, value, kind.le)
    return None


def _wrong_length(
    kind: inspect.ListType | inspect.StrType, noun: str, length: int, path: str
) -> ApiError | None:
    if kind.min_length is not None and length < kind.min_length:
        return too_short(path, noun, kind.min_length)
    if kind.max_length is not None and length > kind.max_length:
        return too_long(path, noun, length, kind.max_length)
    return None


def _wrong_type(kind: inspect.Type, value: Any, path: str) -> ApiError:
    return wrong_type(path, _NOUNS.get(path) or _expected(kind), value)


def _parts(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return tuple(part for part in kinds if not isinstance(part, inspect.NoneType))


def _fits(kind: inspect.Type, value: Any) -> bool:
    match kind:
        case inspect.StrType() | inspect.LiteralType():
            return isinstance(value, str)
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, dict)
        case inspect.ListType():
            return isinstance(value, list)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            return True


def _expected(kind: inspect.Type) -> str:
    nouns = list(dict.fromkeys(_noun(part) for part in _parts(kind)))
    if len(nouns) == 1:
        return nouns[0]
    bare = [re.sub(r"^an? ", "", noun) for noun in nouns[1:]]
    return f"one of {' or '.join([nouns[0], *bare])}"


def _noun(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType():
            return f"one of {listed(_known(kind), 'or')}"
        case inspect.StrType():
            return "a string"
        case inspect.IntType():
            return "an integer"
        case inspect.FloatType():
            return "a decimal"
        case inspect.BoolType():
            return "a boolean"
        case inspect.ListType():
            item = _noun(_parts(kind.item_type)[0])
            return f"an array of {re.sub(r'^an? ', '', item)}" + (
                "" if item.startswith("one of ") else "s"
            )
        case _:
            return "an object"


def _known(kind: inspect.LiteralType) -> list[str]:
    return [str(value) for value in _orders().get(frozenset(kind.values), kind.values)]


@lru_cache(maxsize=1)
def _orders() -> dict[frozenset[Any], tuple[Any, ...]]:
    """The literals of the request's types in the order in which they are declared; msgspec sorts
    them.
    """
    orders: dict[frozenset[Any], tuple[Any, ...]] = {}
    waiting: list[Any] = [
        hint
        for module in (request, options)
        for struct in vars(module).values()
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct)
        for hint in get_type_hints(struct).values()
    ]
    while waiting:
        hint = waiting.pop()
        if get_origin(hint) is Literal:
            orders[frozenset(get_args(hint))] = get_args(hint)
        else:
            waiting += get_args(hint)
    return orders
