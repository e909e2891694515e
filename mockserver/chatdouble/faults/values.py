"""Faults as values: what is written in a header, a script or Python, read once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

from msgspec import Struct

from chatdouble.answers import FINISH_REASONS, ApiError, own_error
from chatdouble.dice import Dice
from chatdouble.errors import ScriptError
from chatdouble.failures import FAILURES, api_error
from chatdouble.schedule import Way
from chatdouble.schedule.figures import seconds_of

HEADER = b"x-chatdouble-fault"

_MOST_FAULTS = 20
_LARGEST_NUMBER = 1_000_000_000
# seconds
_LONGEST_DELAY = 3600.0

_STATUS = re.compile(r"[45][0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,10}")
_PLACE = re.compile(r"([0-9]{1,10})(b?)")
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,50}/[\w.+-]{1,50}", re.ASCII)

_PROBABILITY = "probability"

Value: TypeAlias = str | float | None

# how a fault, or several, may be written: a text, a status, a mapping, or a list of these
Written: TypeAlias = (
    "str | int | Mapping[str, Any] | Sequence[str | int | Mapping[str, Any]] | None"
)


class Fault(Struct, frozen=True):
    """One thing that goes wrong.

    Attributes:
        name: which, for example ``cut``.
        value: what stands behind the ``=``; None leaves the choice to the seed or the default.
        bytes: whether the value counts bytes, and not events.
    """

    name: str
    value: Value = None
    bytes: bool = False

    @property
    def number(self) -> int | None:
        """The value as a whole number, None without one."""
        return None if self.value is None else int(self.value)

    def __str__(self) -> str:
        if self.value is None:
            return self.name
        if self.name == "status":
            return str(self.value)
        value = self.value if isinstance(self.value, str) else _plain(self.value)
        return f"{self.name}={value}{'b' * self.bytes}"


class Chance(Struct, frozen=True):
    """Faults that come together, with this probability."""

    faults: tuple[Fault, ...]
    probability: float = 1.0


def written(chances: Iterable[Chance]) -> str | list[str]:
    """The faults as a script says them: a text, or a list of texts with their probabilities."""
    texts: list[str] = []
    for one in chances:
        parts = [str(fault) for fault in one.faults]
        if one.probability != 1:
            parts.append(f"{_PROBABILITY}={_plain(one.probability)}")
        texts.append(", ".join(parts))
    return texts[0] if len(texts) == 1 else texts


def _plain(number: float) -> str:
    """The number in its shortest form."""
    return repr(int(number) if number == int(number) else number)


def due(chances: Iterable[Chance], dice: Dice) -> tuple[Fault, ...]:
    """The faults that this call gets, by their probabilities."""
    return tuple(
        fault
        for number, chance in enumerate(chances)
        if chance.probability >= 1 or dice.share(f"chance {number}") < chance.probability
        for fault in chance.faults
    )


def asked(headers: Iterable[tuple[bytes, bytes]]) -> tuple[Chance, ...] | ApiError:
    """The faults that a request's headers ask for; an error if they cannot be read."""
    said = [value.decode("latin-1") for name, value in headers if name == HEADER]
    if not any(said):
        return ()
    try:
        return faults_of(", ".join(said))
    except ScriptError as error:
        return own_error(400, f"X-Chatdouble-Fault: {error.problem}", "bad_fault")


def faults_of(said: Written) -> tuple[Chance, ...]:
    """Read faults.

    Args:
        said: a text such as ``cut=3, delay=1``; a status; a mapping of names and values, with
            ``probability`` for all of them; a list of these, each with its own probability; None
            for none.

    Raises:
        ScriptError: a name or a value is unknown, or two of them contradict each other.
    """
    if said is None:
        return ()
    items = said if isinstance(said, list | tuple) else (said,)
    chances = tuple(_chance(item) for item in items)
    found = [fault for chance in chances for fault in chance.faults]
    if len(found) > _MOST_FAULTS:
        raise ScriptError(f"expected at most {_MOST_FAULTS} faults, got {len(found)}")
    return chances


def _chance(said: object) -> Chance:
    pairs = _pairs(said)
    probability = [value for name, value in pairs if name == _PROBABILITY]
    faults = tuple(_fault(name, value) for name, value in pairs if name != _PROBABILITY)
    if not faults:
        raise ScriptError(f"expected a fault, got {str(said)[:80]!r}; {_known()}")
    for names in (tuple(ENDS), ("status",), ("short_length", "long_length")):
        both = [str(fault) for fault in faults if fault.name in names]
        if len(both) > 1:
            raise ScriptError(f"{both[0]} and {both[1]} exclude each other")
    return Chance(faults, _share(probability[-1]) if probability else 1.0)


def _pairs(said: object) -> list[tuple[str, str | None]]:
    if isinstance(said, Mapping):
        return [(str(name), _text(name, value)) for name, value in said.items()]
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    if not isinstance(said, str):
        raise ScriptError(
            f"a fault is a text such as 'cut=3', a status, or a mapping such as {{cut: 3}}, got "
            f"{said!r}"
        )
    parts = (part.partition("=") for part in said.split(",") if part.strip())
    return [(name.strip(), value.strip() if equals else None) for name, equals, value in parts]


def _text(name: object, value: object) -> str | None:
    if value is None or value is True:
        return None
    if isinstance(value, str | int | float) and value is not False:
        return str(value)
    raise ScriptError(f"the value of {name} is a number, a text or true, got {value!r}")


def _fault(name: str, text: str | None) -> Fault:
    if text is None and (_STATUS.fullmatch(name) or name in FAILURES):
        return Fault("status", name)
    if name not in KNOWN:
        raise ScriptError(f"there is no fault {name[:80]!r}; {_known()}")
    value, bytes_ = KNOWN[name](name, text)
    return Fault(name, value, bytes_)


def error_of(fault: Fault) -> ApiError:
    """The error that a status or a name of an error stands for.

    A status by its number means what the API usually sends with it: 429 is a rate limit, with its
    headers.
    """
    text = str(fault.value)
    if text == "429":
        return api_error("rate_limit")
    return api_error(int(text) if _STATUS.fullmatch(text) else text)


def _known() -> str:
    return (
        f"known are {', '.join(KNOWN)}, a status from 400 to 599, and the errors "
        f"{', '.join(FAILURES)}; {_PROBABILITY}=0.2 beside them makes them rarer"
    )


_Read: TypeAlias = tuple[Value, bool]


def _nothing(name: str, text: str | None) -> _Read:
    if text is not None:
        _wrong(name, "no value", text)
    return None, False


def _place(name: str, text: str | None) -> _Read:
    if text is None:
        return None, False
    found = _PLACE.fullmatch(text)
    if found is None:
        _wrong(name, "a number of events such as 3, or of bytes such as 120b", text)
    return _limited(name, found.group(1)), bool(found.group(2))


def _count(name: str, text: str | None) -> _Read:
    if text is None:
        return None, False
    if not _WHOLE.fullmatch(text) or int(text) < 1:
        _wrong(name, "a whole number from 1", text)
    return _limited(name, text), False


def _limited(name: str, digits: str) -> int:
    if int(digits) > _LARGEST_NUMBER:
        _wrong(name, f"a number up to {_LARGEST_NUMBER}", digits)
    return int(digits)


def _seconds(name: str, text: str | None) -> _Read:
    seconds = seconds_of(text or "")
    if seconds is None or seconds > _LONGEST_DELAY:
        _wrong(name, f"seconds from 0 to {_LONGEST_DELAY:g}, or a time such as 300ms", text)
    return seconds, False


def _media_type(name: str, text: str | None) -> _Read:
    if text is not None and not _MEDIA_TYPE.fullmatch(text):
        _wrong(name, "a media type such as text/html", text)
    return text, False


def _finish_reason(name: str, text: str | None) -> _Read:
    if text not in FINISH_REASONS:
        _wrong(name, f"one of {', '.join(FINISH_REASONS)}", text)
    return text, False


def _share(text: str | None) -> float:
    try:
        share = float(text or "")
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        _wrong(_PROBABILITY, "a number from 0 to 1", text)
    return share


def _wrong(name: str, expected: str, text: str | None) -> NoReturn:
    got = "nothing" if text is None else repr(text[:80])
    raise ScriptError(f"{name} takes {expected}, got {got}")


# name -> how the connection ends before the answer does, and that in words; one at most
ENDS: dict[str, tuple[Way, str]] = {
    "close": ("close", "closed"),
    "cut": ("close", "closed"),
    "reset": ("reset", "reset"),
    "hang": ("hang", "silent"),
}

# name -> how its value is read
KNOWN: dict[str, Callable[[str, str | None], _Read]] = {
    "delay": _seconds,
    "close": _nothing,
    "reset": _place,
    "hang": _place,
    "cut": _place,
    "no_finish": _nothing,
    "no_done": _nothing,
    "no_usage": _nothing,
    "error_event": _count,
    "bad_chunk": _count,
    "lost_chunk": _count,
    "doubled_chunk": _count,
    "swapped_chunk": _count,
    "pings": _count,
    "crlf": _nothing,
    "one_write": _nothing,
    "split": _place,
    "split_utf8": _count,
    "truncate": _count,
    "short_length": _count,
    "long_length": _count,
    "media_type": _media_type,
    "bad_arguments": _nothing,
    "finish_reason": _finish_reason,
}
