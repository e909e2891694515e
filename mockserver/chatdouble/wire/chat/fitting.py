"""What of a JSON value fits a declared type; the rest is left out."""

from __future__ import annotations

from typing import Any, Final

from msgspec import inspect

from chatdouble.wire.chat import faults

_NOTHING: Final = object()


def fields_of(kind: inspect.StructType, value: dict[str, Any]) -> dict[str, Any]:
    """Those fields of an object that fit their types, read by them, by their names."""
    found = {
        field.name: _fitting(field.type, value[field.encode_name])
        for field in kind.fields
        if field.encode_name in value
    }
    return {name: fitting for name, fitting in found.items() if fitting is not _NOTHING}


def _fitting(kind: inspect.Type, value: Any) -> Any:
    match kind:
        case inspect.UnionType():
            parts = (_fitting(part, value) for part in kind.types)
            return next((part for part in parts if part is not _NOTHING), _NOTHING)
        case inspect.StructType():
            return _struct(kind, value) if isinstance(value, dict) else _NOTHING
        case inspect.ListType():
            return _list(kind, value) if isinstance(value, list) else _NOTHING
        case inspect.DictType():
            return _dict(kind, value) if isinstance(value, dict) else _NOTHING
        case inspect.NoneType():
            return None if value is None else _NOTHING
    if faults.find(kind, value, "") is not None:
        return _NOTHING
    # JSON Schema takes 2.0 for an integer
    return int(value) if isinstance(kind, inspect.IntType) else value


def _struct(kind: inspect.StructType, value: dict[str, Any]) -> Any:
    if kind.tag_field and value.get(kind.tag_field) != kind.tag:
        return _NOTHING
    fields = fields_of(kind, value)
    if any(field.required and field.name not in fields for field in kind.fields):
        return _NOTHING
    return kind.cls(**fields)


def _list(kind: inspect.ListType, value: list[Any]) -> Any:
    items = [_fitting(kind.item_type, item) for item in value]
    items = [item for item in items if item is not _NOTHING]
    return items if _is_bounded(kind, len(items)) else _NOTHING


def _dict(kind: inspect.DictType, value: dict[str, Any]) -> Any:
    items = {key: _fitting(kind.value_type, item) for key, item in value.items()}
    items = {
        key: item
        for key, item in items.items()
        if item is not _NOTHING and _fitting(kind.key_type, key) is not _NOTHING
    }
    return items if _is_bounded(kind, len(items)) else _NOTHING


def _is_bounded(kind: inspect.ListType | inspect.DictType, length: int) -> bool:
    return (kind.min_length or 0) <= length and (
        kind.max_length is None or length <= kind.max_length
    )
