"""Answers that are made when the call comes: by a Python function, or from a template."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable
from string import Template
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import replace

from chatdouble.answers import Answer, ApiError, Recording, Reply, ToolCall, reply_of
from chatdouble.calls import Call
from chatdouble.errors import ScriptError


@runtime_checkable
class Maker(Protocol):
    """Makes an answer when the call comes."""

    async def make(self, call: Call, count: int) -> Answer:
        """The answer to this call, which is the ``count``-th that the rule answers, from 1.

        Raises:
            ScriptError: there is none; the error says why.
        """
        ...


class Made(Struct, frozen=True):
    """An answer that a Python function of the call returns, directly or when it is awaited.

    The function returns what ``reply()`` takes: a text, ``call(...)``, ``refusal(...)``, a tuple or
    list of them, a ``Reply``; or an ``ApiError``. A plain function runs in a thread of its own, so
    it may wait.
    """

    function: Callable[[Call], Any]

    async def make(self, call: Call, count: int) -> Answer:
        """What the function returns."""
        try:
            if inspect.iscoroutinefunction(self.function):
                made = await self.function(call)
            else:
                made = await asyncio.to_thread(self.function, call)
                if inspect.isawaitable(made):
                    made = await made
        except Exception as error:
            raise ScriptError(f"{self} raised {type(error).__name__}: {error}") from error
        if isinstance(made, ApiError | Recording):
            return made
        try:
            return reply_of(tuple(made) if isinstance(made, tuple | list) else (made,))
        except ScriptError as error:
            raise ScriptError(f"{self} returned no reply: {error.problem}") from None

    def __str__(self) -> str:
        return f"{getattr(self.function, '__name__', None) or repr(self.function)}(call)"


class _Braced(Template):
    """Only ``${name}`` is filled in, and ``$$`` is a dollar; any other ``$`` stands for itself."""

    pattern = r"""
        \$(?:
            (?P<escaped>\$(?=\{))
          | \{(?P<braced>[^{}]*)\}
          | (?P<named>(?!))
          | (?P<invalid>(?!))
        )
    """  # type: ignore[assignment]
    flags = re.VERBOSE


_NAMES = ("user", "system", "model", "count", "result")


class Templated(Struct, frozen=True):
    """A reply whose texts and arguments hold ``${user}``, ``${args.city}`` and the like.

    Names: ``user`` (the last user message), ``system``, ``model``, ``count`` (the number of the
    call among those that the rule answers), ``result`` (the last tool result), ``args.NAME`` (an
    argument of the last tool call that has its result). ``$${`` is a plain ``${``.
    """

    reply: Reply

    def __post_init__(self) -> None:
        _Filling(self.reply, _check_name).reply()

    async def make(self, call: Call, count: int) -> Answer:
        """The reply with its names filled in."""

        def value(name: str) -> str:
            found = _value(name, call, count)
            if found is None:
                raise ScriptError(f"the template's ${{{name}}} has no value in this call")
            return found

        return _Filling(self.reply, value).reply()

    def __str__(self) -> str:
        return "template"


def _check_name(name: str) -> str:
    if name not in _NAMES and not re.fullmatch(r"args\.[^.\s]+", name):
        raise ScriptError(
            f"a template knows {', '.join(_NAMES)} and args.NAME, got ${{{name}}}; "
            "write $${ for a plain ${"
        )
    return name


def _value(name: str, call: Call, count: int) -> str | None:
    view = call.view
    if view is None:
        return None
    match name:
        case "user":
            return view.user
        case "system":
            systems = (one.text for one in view.conversation if one.role in ("system", "developer"))
            return next(systems, None)
        case "model":
            return view.model
        case "count":
            return str(count)
        case "result":
            return view.tool_results[-1].content if view.tool_results else None
    if not view.answered:
        return None
    try:
        arguments = json.loads(view.answered[-1].arguments)
    except (ValueError, RecursionError):
        return None
    found = arguments.get(name.removeprefix("args.")) if isinstance(arguments, dict) else None
    return found if isinstance(found, str | None) else json.dumps(found, ensure_ascii=False)


class _Filling:
    """Fills a reply's names in."""

    def __init__(self, reply: Reply, value: Callable[[str], str]) -> None:
        self._reply = reply
        self._value = value

    def reply(self) -> Reply:
        reply = self._reply
        return replace(
            reply,
            content=self._text(reply.content),
            refusal=self._text(reply.refusal),
            reasoning_content=self._text(reply.reasoning_content),
            tool_calls=tuple(map(self._call, reply.tool_calls)),
            others=tuple(_Filling(other, self._value).reply() for other in reply.others),
        )

    def _text(self, text: str | None) -> str | None:
        if text is None or "${" not in text:
            return text
        return _Braced(text).substitute(_Lookup(self._value))

    def _call(self, made: ToolCall) -> ToolCall:
        if "${" not in made.arguments:
            return made
        try:
            arguments = json.loads(made.arguments)
        except (ValueError, RecursionError):
            return replace(made, arguments=self._text(made.arguments) or "")
        filled = self._inside(arguments)
        text = json.dumps(filled, ensure_ascii=False, separators=(",", ":"))
        return replace(made, arguments=text)

    def _inside(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._inside(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._inside(item) for item in value]
        return self._text(value) if isinstance(value, str) else value


class _Lookup(dict[str, str]):
    """A mapping that asks for each value when it is wanted."""

    def __init__(self, value: Callable[[str], str]) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, name: str) -> str:
        return self._value(name)
