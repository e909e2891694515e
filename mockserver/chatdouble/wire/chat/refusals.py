"""Why a request is refused, in the API's own sentences.

The types in ``request`` are the rules; this module reads the same declarations again, field by
field in their order, and words the first one that a body breaks. It runs only for refused requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from chatdouble.answers import ApiError
from chatdouble.wire.chat import request
from chatdouble.wire.chat.request import ChatRequest

_NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
    "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
    "help center at help.openai.com.)"
)
_NOT_AN_OBJECT = "We could not parse the JSON body of your request."
# what the API calls some fields' types, apart from the rule
_NOUNS = {"metadata": "a metadata object"}

_NO_MODEL = "you must provide a model parameter"


def refusal(body: bytes) -> ApiError:
    """The refusal of a body that ``ChatRequest`` does not accept."""
    value = json_object(body)
    if isinstance(value, ApiError):
        return value
    if not value.get("model"):
        return ApiError(400, _NO_MODEL)
    if not isinstance(value["model"], str):
        return ApiError(400, _NOT_AN_OBJECT)
    return refused_value(value, ChatRequest)


def json_object(body: bytes) -> dict[str, Any] | ApiError:
    """The JSON object that a body holds, or the refusal of a body that holds none."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ApiError(400, _NOT_JSON)
    return value if isinstance(value, dict) else ApiError(400, _NOT_AN_OBJECT)


def refused_value(value: dict[str, Any], kind: type[msgspec.Struct]) -> ApiError:
    """The refusal of an object that this type does not accept."""
    fault = _Faults().find(inspect.type_info(kind), value, "")
    return fault or ApiError(400, "Invalid request.")


def _fault(message: str, param: str, code: str | None) -> ApiError:
    return ApiError(400, message, param=param, code=code)


def unknown_parameter(path: str, key: str, known: Iterator[str] | list[str]) -> ApiError:
    """The refusal of a key that nobody knows, with up to two known ones that look like it."""
    near = sorted(word for word in known if _one_edit_apart(key, word))[:2]
    hint = f" Did you mean {' or '.join(repr(word) for word in near)}?" if near else ""
    where = f"{path}.{key}" if path else key
    return _fault(f"Unknown parameter: '{where}'.{hint}", where, "unknown_parameter")


def _one_edit_apart(left: str, right: str) -> bool:
    if len(left) > len(right):
        left, right = right, left
    if len(right) - len(left) > 1 or left == right:
        return False
    same = 0
    while same < len(left) and left[same] == right[same]:
        same += 1
    rest = right[same + 1 :]
    return left[same:] == rest or left[same + 1 :] == rest


class _Faults:
    """Finds the first fault of a JSON value against a msgspec type."""

    def find(self, kind: inspect.Type, value: Any, path: str) -> ApiError | None:
        """The first fault at or below this path, None if there is none."""
        match kind:
            case inspect.UnionType():
                return self._union(kind, value, path)
            case inspect.StructType():
                return self._struct(kind, value, path)
            case inspect.ListType():
                return self._list(kind, value, path)
            case inspect.DictType():
                return self._dict(kind, value, path)
            case inspect.StrType():
                return self._text(kind, value, path)
            case inspect.LiteralType():
                return self._literal(kind, value, path)
            case inspect.IntType() | inspect.FloatType():
                return self._number(kind, value, path)
            case inspect.BoolType() if not isinstance(value, bool):
                return _wrong_type(kind, value, path)
            case inspect.NoneType() if value is not None:
                return _wrong_type(kind, value, path)
            case _:
                return None

    def _union(self, kind: inspect.UnionType, value: Any, path: str) -> ApiError | None:
        fitting = [part for part in _parts(kind) if _fits(part, value)]
        if not fitting:
            return None if value is None and _nullable(kind) else _wrong_type(kind, value, path)
        tagged = [
            part for part in fitting if isinstance(part, inspect.StructType) and part.tag_field
        ]
        if not tagged:
            return self.find(fitting[0], value, path)
        return self._tagged(tagged, value, path)

    def _tagged(
        self, kinds: list[inspect.StructType], value: dict[str, Any], path: str
    ) -> ApiError | None:
        field = kinds[0].tag_field or "type"
        where = f"{path}.{field}"
        if field not in value:
            return _missing(where)
        tag = value[field]
        if not isinstance(tag, str):
            return _wrong_type(inspect.StrType(), tag, where)
        for kind in kinds:
            if kind.tag == tag:
                return self._struct(kind, value, path)
        return _not_one_of(tag, [str(kind.tag) for kind in kinds], where)

    def _struct(self, kind: inspect.StructType, value: Any, path: str) -> ApiError | None:
        if not isinstance(value, dict):
            return _wrong_type(kind, value, path)
        if kind.tag_field and kind.tag_field not in value:
            return _missing(f"{path}.{kind.tag_field}")
        if kind.tag_field and value[kind.tag_field] != kind.tag:
            return _not_one_of(
                str(value[kind.tag_field]), [str(kind.tag)], f"{path}.{kind.tag_field}"
            )
        known = [field.encode_name for field in kind.fields]
        at_top = not path
        if at_top and "messages" in known and "messages" not in value:
            return _missing("messages")
        for key in value if kind.forbid_unknown_fields else ():
            if key not in known and key != kind.tag_field:
                return unknown_parameter(path, key, [name for name in known if name not in value])
        for field in kind.fields:
            where = field.encode_name if at_top else f"{path}.{field.encode_name}"
            if field.encode_name not in value:
                if field.required:
                    return _missing(where)
                continue
            fault = self.find(field.type, value[field.encode_name], where)
            if fault is not None:
                return fault
        return None

    def _list(self, kind: inspect.ListType, value: Any, path: str) -> ApiError | None:
        if not isinstance(value, list):
            return _wrong_type(kind, value, path)
        fault = _wrong_length(kind, "array", len(value), path)
        if fault is not None:
            return fault
        for index, item in enumerate(value):
            fault = self.find(kind.item_type, item, f"{path}[{index}]")
            if fault is not None:
                return fault
        return None

    def _dict(self, kind: inspect.DictType, value: Any, path: str) -> ApiError | None:
        if not isinstance(value, dict):
            return _wrong_type(kind, value, path)
        for key, item in value.items():
            fault = self.find(kind.value_type, item, f"{path}.{key}")
            if fault is not None:
                return fault
        return None

    def _text(self, kind: inspect.StrType, value: Any, path: str) -> ApiError | None:
        if not isinstance(value, str):
            return _wrong_type(kind, value, path)
        fault = _wrong_length(kind, "string", len(value), path)
        if fault is not None:
            return fault
        if kind.pattern is not None and not re.search(kind.pattern, value):
            return _fault(
                f"Invalid '{path}': string does not match pattern. Expected a string that matches "
                f"the pattern '{kind.pattern}'.",
                path,
                "invalid_value",
            )
        return None

    def _literal(self, kind: inspect.LiteralType, value: Any, path: str) -> ApiError | None:
        if value in kind.values and isinstance(value, str):
            return None
        if isinstance(value, str):
            return _not_one_of(value, _known(kind), path)
        return _wrong_type(kind, value, path)

    def _number(
        self, kind: inspect.IntType | inspect.FloatType, value: Any, path: str
    ) -> ApiError | None:
        if not _fits(kind, value):
            return _wrong_type(kind, value, path)
        noun = "integer" if isinstance(kind, inspect.IntType) else "decimal"
        if kind.ge is not None and value < kind.ge:
            return _fault(
                f"Invalid '{path}': {noun} below minimum value. Expected a value >= {kind.ge}, "
                f"but got {value} instead.",
                path,
                f"{noun}_below_min_value",
            )
        if kind.le is not None and value > kind.le:
            return _fault(
                f"Invalid '{path}': {noun} above maximum value. Expected a value <= {kind.le}, "
                f"but got {value} instead.",
                path,
                f"{noun}_above_max_value",
            )
        return None


@lru_cache(maxsize=1)
def _orders() -> dict[frozenset[Any], tuple[Any, ...]]:
    """The literals of the request's types in the order in which they are declared; msgspec sorts
    them.
    """
    orders: dict[frozenset[Any], tuple[Any, ...]] = {}
    waiting: list[Any] = [
        hint
        for struct in vars(request).values()
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


def _known(kind: inspect.LiteralType) -> list[str]:
    return [str(value) for value in _orders().get(frozenset(kind.values), kind.values)]


def _parts(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return tuple(part for part in kinds if not isinstance(part, inspect.NoneType | _UNSET_KINDS))


_UNSET_KINDS = type(inspect.type_info(msgspec.UnsetType))


def _nullable(kind: inspect.UnionType) -> bool:
    return any(isinstance(part, inspect.NoneType) for part in kind.types)


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
    parts = _parts(kind)
    if len({_noun(part) for part in parts}) > 1:
        nouns = list(dict.fromkeys(_noun(part) for part in parts))
        bare = [re.sub(r"^an? ", "", noun) for noun in nouns[1:]]
        return f"one of {' or '.join([nouns[0], *bare])}"
    return _noun(parts[0])


def _noun(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType():
            return f"one of {_listed(_known(kind), 'or')}"
        case inspect.StrType():
            return "a string"
        case inspect.IntType():
            return "an integer"
        case inspect.FloatType():
            return "a decimal"
        case inspect.BoolType():
            return "a boolean"
        case inspect.ListType():
            item = _parts(kind.item_type)[0]
            plural = re.sub(r"^(an? |one of .*)", "", _noun(item)) or "string"
            return f"an array of {plural}s"
        case _:
            return "an object"


def _got(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _listed(words: list[str], last: str) -> str:
    quoted = [f"'{word}'" for word in words]
    if len(quoted) < 3:
        return f" {last} ".join(quoted)
    return f"{', '.join(quoted[:-1])}, {last} {quoted[-1]}"


def _wrong_length(
    kind: inspect.ListType | inspect.StrType, noun: str, length: int, path: str
) -> ApiError | None:
    article = "an" if noun == "array" else "a"
    if kind.min_length is not None and length < kind.min_length:
        return _fault(
            f"Invalid '{path}': empty {noun}. Expected {article} {noun} with minimum length "
            f"{kind.min_length}, but got an empty {noun} instead.",
            path,
            f"empty_{noun}",
        )
    if kind.max_length is not None and length > kind.max_length:
        return _fault(
            f"Invalid '{path}': {noun} too long. Expected {article} {noun} with maximum length "
            f"{kind.max_length}, but got {article} {noun} with length {length} instead.",
            path,
            f"{noun}_above_max_length",
        )
    return None


def _missing(path: str) -> ApiError:
    return _fault(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def _wrong_type(kind: inspect.Type, value: Any, path: str) -> ApiError:
    expected = _NOUNS.get(path) or _expected(kind)
    return _fault(
        f"Invalid type for '{path}': expected {expected}, but got {_got(value)} instead.",
        path,
        "invalid_type",
    )


def _not_one_of(value: str, known: list[str], path: str) -> ApiError:
    return _fault(
        f"Invalid value: '{value}'. Supported values are: {_listed(known, 'and')}.",
        path,
        "invalid_value",
    )
