"""What a rule looks at: conditions over a Call that can say, in words, why they do not hold."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from msgspec import Struct

from chatdouble.calls import Call
from chatdouble.errors import ScriptError


class Text(Struct, frozen=True):
    """A condition on one text, as ``equals()``, ``contains()`` and ``regex()`` make it."""

    how: Literal["equals", "contains", "regex"]
    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str):
            raise ScriptError(f"{self.how} expects a text, got {self.value!r}")
        if self.how == "regex":
            try:
                re.compile(self.value)
            except (re.error, OverflowError, RecursionError) as error:
                raise ScriptError(f"{self.value!r} is not a regular expression: {error}") from None

    def test(self, text: str) -> bool:
        """Whether the text fulfils the condition."""
        match self.how:
            case "equals":
                return text == self.value
            case "contains":
                return self.value in text
            case "regex":
                return re.search(self.value, text) is not None

    def __str__(self) -> str:
        return f"{self.how} {self.value!r}"


def equals(value: str) -> Text:
    """The text is exactly ``value``. A bare string in a rule means the same."""
    return Text("equals", value)


def contains(value: str) -> Text:
    """The text has ``value`` in it; letter case counts."""
    return Text("contains", value)


def regex(value: str) -> Text:
    """The regular expression is found somewhere in the text (as ``re.search`` does).

    Raises:
        ScriptError: ``value`` is not a regular expression.
    """
    return Text("regex", value)


Condition: TypeAlias = Text | str | None


class When(Struct, frozen=True):
    """What a rule asks of a call; everything that is given must hold.

    Attributes:
        user: the text of the last user message.
        model: the model's name as the client sent it.
        tool_result: the name of a tool whose result the request ends with.
    """

    user: Text | None = None
    model: Text | None = None
    tool_result: Text | None = None

    def matches(self, call: Call) -> bool:
        """Whether everything that is asked holds for the call."""
        view = call.view
        if view is None:
            return False
        if self.user is not None and (view.user is None or not self.user.test(view.user)):
            return False
        if self.model is not None and not self.model.test(view.model):
            return False
        if self.tool_result is None:
            return True
        names = (result.name for result in view.tool_results)
        return any(name is not None and self.tool_result.test(name) for name in names)

    def why_not(self, call: Call) -> str | None:
        """The first thing that does not hold, in words; None when everything does."""
        view = call.view
        if view is None:
            return "the request could not be read"
        if self.user is not None:
            if view.user is None:
                return f"wants user {self.user}, there is no user message"
            if not self.user.test(view.user):
                return f"wants user {self.user}, got {shorten(view.user)}"
        if self.model is not None and not self.model.test(view.model):
            return f"wants model {self.model}, got {shorten(view.model)}"
        if self.tool_result is None or self.matches(call):
            return None
        if not view.tool_results:
            return f"wants tool_result {self.tool_result}, the last message is no tool result"
        got = ", ".join(shorten(result.name or "(unknown)") for result in view.tool_results)
        return f"wants tool_result {self.tool_result}, got {got}"

    def __str__(self) -> str:
        asked = [
            f"{field} {getattr(self, field)}"
            for field in self.__struct_fields__
            if getattr(self, field) is not None
        ]
        return ", ".join(asked) or "any call"


def when(user: Condition = None, model: Condition = None, tool_result: Condition = None) -> When:
    """Make a When from conditions; a bare string means equals.

    Raises:
        ScriptError: a condition is neither a text nor a matcher.
    """
    return When(_text("user", user), _text("model", model), _text("tool_result", tool_result))


def _text(field: str, condition: Condition) -> Text | None:
    if condition is None or isinstance(condition, Text):
        return condition
    if isinstance(condition, str):
        return Text("equals", condition)
    raise ScriptError(
        f"{field} expects a text, equals(...), contains(...) or regex(...), got {condition!r}"
    )


def shorten(text: str, limit: int = 120) -> str:
    """The text in quotes, cut when it is longer than the limit."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")
