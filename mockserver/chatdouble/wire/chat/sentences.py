"""The API's sentences for refusals, each with its ``param`` and ``code``.

Source: recorded refusals and direct probes; ``errors.jsonl`` of the shared recordings holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chatdouble.answers import ApiError

# a name that is more edits away than this is not meant
_MOST_EDITS = 2
# longer names are shown by their ends alone, in some sentences
_LONGEST_SHOWN = 12


def refuse(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A refusal in words of its own."""
    return ApiError(400, message, param=param, code=code)


def missing(path: str) -> ApiError:
    """A required field is not there."""
    return refuse(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def wrong_type(path: str, expected: str, value: Any) -> ApiError:
    """A value is of another type than ``expected`` says."""
    return refuse(
        f"Invalid type for '{path}': expected {expected}, but got {_got(value)} instead.",
        path,
        "invalid_type",
    )


def not_one_of(path: str, value: str, known: Sequence[str]) -> ApiError:
    """A text is none of those that the field takes."""
    return refuse(
        f"Invalid value: '{value}'. Supported values are: {listed(known, 'and')}.",
        path,
        "invalid_value",
    )


def below(path: str, noun: str, value: float, least: float) -> ApiError:
    """A number is too small; ``noun`` is ``integer`` or ``decimal``."""
    return refuse(
        f"Invalid '{path}': {noun} below minimum value. Expected a value >= {_number(least)}, "
        f"but got {value} instead.",
        path,
        f"{noun}_below_min_value",
    )


def above(path: str, noun: str, value: float, most: float) -> ApiError:
    """A number is too big; ``noun`` is ``integer`` or ``decimal``."""
    return refuse(
        f"Invalid '{path}': {noun} above maximum value. Expected a value <= {_number(most)}, "
        f"but got {value} instead.",
        path,
        f"{noun}_above_max_value",
    )


def too_short(path: str, noun: str, least: int) -> ApiError:
    """An array or a string is empty; ``noun`` says which."""
    article = "an" if noun == "array" else "a"
    return refuse(
        f"Invalid '{path}': empty {noun}. Expected {article} {noun} with minimum length {least}, "
        f"but got an empty {noun} instead.",
        path,
        f"empty_{noun}",
    )


def too_long(path: str, noun: str, length: int, most: int) -> ApiError:
    """An array or a string is too long; ``noun`` says which."""
    article = "an" if noun == "array" else "a"
    return refuse(
        f"Invalid '{path}': {noun} too long. Expected {article} {noun} with maximum length {most}, "
        f"but got {article} {noun} with length {length} instead.",
        path,
        f"{noun}_above_max_length",
    )


def too_many_properties(path: str, count: int, most: int) -> ApiError:
    """A mapping has too many keys."""
    return refuse(
        f"Invalid '{path}': too many properties. Expected an object with at most {most} "
        f"properties, but got an object with {count} properties instead.",
        path,
        "object_above_max_properties",
    )


def key_too_long(path: str, key: str, most: int) -> ApiError:
    """A mapping's key is too long."""
    shown = key if len(key) <= _LONGEST_SHOWN else f"{key[:3]}...{key[-3:]}"
    return refuse(
        f"Invalid property name in '{path}': '{shown}' is too long. Expected a string with maximum "
        f"length {most}, but got a string with length {len(key)} instead.",
        f"{path}.{key}",
        "property_name_above_max_length",
    )


def no_match(path: str, pattern: str) -> ApiError:
    """A string does not match a pattern."""
    return refuse(
        f"Invalid '{path}': string does not match pattern. Expected a string that matches the "
        f"pattern '{pattern}'.",
        path,
        "invalid_value",
    )


def unknown(path: str, known: Iterable[str] = ()) -> ApiError:
    """A key is known to nobody; of ``known`` keys, those that look like it are named.

    The rule of the hint is probed: keys within two edits that the body does not have already, the
    nearest first, equals by the alphabet.
    """
    key = path.rpartition(".")[2]
    near = sorted(
        (edits, word)
        for word in known
        if abs(len(word) - len(key)) <= _MOST_EDITS and (edits := _edits(key, word)) <= _MOST_EDITS
    )
    hint = f" Did you mean {listed([word for _, word in near], 'or')}?" if near else ""
    return refuse(f"Unknown parameter: '{path}'.{hint}", path, "unknown_parameter")


def unrecognized(keys: Sequence[str]) -> ApiError:
    """Top-level keys are known to nobody, in the words of models that do not reason."""
    noun = "arguments" if len(keys) > 1 else "argument"
    return refuse(f"Unrecognized request {noun} supplied: {', '.join(sorted(keys))}")


def unsupported_parameter(field: str, hint: str = "") -> ApiError:
    """The model does not take this field."""
    return refuse(
        f"Unsupported parameter: '{field}' is not supported with this model.{hint}",
        field,
        "unsupported_parameter",
    )


def unsupported_value(field: str, value: Any, supported: str) -> ApiError:
    """The model does not take this value; ``supported`` is the sentence about those it takes."""
    return refuse(
        f"Unsupported value: '{field}' does not support {value!r} with this model. {supported}",
        field,
        "unsupported_value",
    )


def listed(words: Sequence[str], last: str) -> str:
    """The words in quotes, as a list whose last comma is an ``and`` or an ``or``."""
    quoted = [f"'{word}'" for word in words]
    if len(quoted) < 3:
        return f" {last} ".join(quoted)
    return f"{', '.join(quoted[:-1])}, {last} {quoted[-1]}"


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


def _number(bound: float) -> float:
    return int(bound) if float(bound).is_integer() else bound


def _edits(left: str, right: str) -> int:
    """Letters that are put in, taken out or changed to make one word of the other."""
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, 1):
        before, row[0] = row[0], at
        for column, other in enumerate(right, 1):
            before, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, before + (letter != other)),
            )
    return row[-1]
