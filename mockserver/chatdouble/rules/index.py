"""Which of many conditions may hold for a call, found without a look at each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from msgspec import Struct

from chatdouble.calls import Call
from chatdouble.match import When
from chatdouble.match.matchers import AllOf, AnyOf, Contains, Equals, Matcher, OneOf
from chatdouble.match.parts import Condition

# a text that must stand somewhere is found by so many letters of it, chosen where few others have
# the same; of a long one, only the beginning is looked at
_GRAM = 4
_LONGEST_SEARCHED = 200
# a longer message has more places to look at than there are conditions
_LONGEST_MESSAGE = 20_000


class _Sought(Struct, frozen=True):
    """What a field's text must be, or must hold: one of these."""

    field: str
    whole: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


class Index:
    """Finds the conditions that may hold for a call: all that do are among them, in their order.

    A condition that wants the last user message or the model to be a text, or one of several, is
    looked up by that text; one that wants the user message to hold a text, by a few letters of it.
    All others may hold for any call.

    Args:
        whens: the conditions, in the order in which they are tried.
    """

    def __init__(self, whens: Sequence[When]) -> None:
        self._users: dict[str, list[int]] = {}
        self._models: dict[str, list[int]] = {}
        self._grams: dict[str, list[int]] = {}
        self._others: list[int] = []
        searched: list[tuple[int, str]] = []
        for number, when in enumerate(whens):
            sought = _sought(when)
            if sought is None:
                self._others.append(number)
                continue
            table = self._users if sought.field == "user" else self._models
            for text in sought.whole:
                table.setdefault(text, []).append(number)
            searched += ((number, text) for text in sought.parts)
        self._index(searched)
        self._sizes = sorted({len(gram) for gram in self._grams})

    def _index(self, searched: list[tuple[int, str]]) -> None:
        common = Counter(chain.from_iterable(_grams_of(text) for _, text in searched))
        for number, text in searched:
            gram = min(_grams_of(text), key=lambda one: (common[one], one))
            self._grams.setdefault(gram, []).append(number)

    def candidates(self, call: Call) -> list[int]:
        """The numbers of the conditions that may hold, ascending."""
        view = call.view
        if view is None:
            return []
        found = [self._others, self._models.get(view.model, ())]
        if view.user is not None:
            found.append(self._users.get(view.user, ()))
            found += self._standing_in(view.user)
        return sorted(set(chain.from_iterable(found)))

    def _standing_in(self, text: str) -> Iterable[list[int]]:
        """Those whose letters stand in the text; perhaps more, if it is long."""
        grams = self._grams
        if len(text) > _LONGEST_MESSAGE:
            return grams.values()
        return [
            grams[gram]
            for size in self._sizes
            for at in range(len(text) - size + 1)
            if (gram := text[at : at + size]) in grams
        ]


def _grams_of(text: str) -> set[str]:
    text = text[:_LONGEST_SEARCHED]
    size = min(len(text), _GRAM)
    return {text[at : at + size] for at in range(len(text) - size + 1)}


def _sought(when: When) -> _Sought | None:
    """What can be looked up of a condition, None if nothing can."""
    found = (
        sought
        for part in when.parts
        if type(part) is Condition
        and part.field in ("user", "model")
        and (sought := _of(part.field, part.matcher)) is not None
    )
    # of several the user's message, which tells more apart than the model does
    return min(found, key=lambda one: (one.field != "user", bool(one.parts)), default=None)


def _of(field: str, matcher: Matcher) -> _Sought | None:
    match matcher:
        case Equals(str() as text):
            return _Sought(field, whole=(text,))
        case OneOf(values) if all(isinstance(value, str) for value in values):
            return _Sought(field, whole=values)
        case Contains(str() as text) if text and field == "user":
            return _Sought(field, parts=(text,))
        case AllOf(parts):
            return next((one for part in parts if (one := _of(field, part)) is not None), None)
        case AnyOf(parts):
            each = [one for part in parts if (one := _of(field, part)) is not None]
            if len(each) < len(parts):
                return None
            return _Sought(
                field,
                tuple(chain.from_iterable(one.whole for one in each)),
                tuple(chain.from_iterable(one.parts for one in each)),
            )
    return None
