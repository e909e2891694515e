"""What of a call a rule may look at: each field by its name, and how its values are found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from chatdouble.calls import Call, View
from chatdouble.errors import ScriptError

Values: TypeAlias = tuple[Any, ...]

PART = re.compile(r"[^.\[\]]+|\[(?:-?\d+|\*)\]")
PATH = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[(?:-?\d+|\*)\])*")


class Field(Struct, frozen=True):
    """A field that conditions name.

    Attributes:
        values: finds its values in a call; none if it is absent.
        kind: of what type its values are.
        meaning: for people and editors.
        absent: what is said when there is no value.
    """

    values: Callable[[Call, View], Values]
    kind: Literal["text", "number", "boolean"]
    meaning: str
    absent: str


def _of_role(*roles: str) -> Callable[[Call, View], Values]:
    def texts(call: Call, view: View) -> Values:
        return tuple(said.text for said in view.conversation if said.role in roles)

    return texts


def _user(call: Call, view: View) -> Values:
    return () if view.user is None else (view.user,)


def _conversation(call: Call, view: View) -> Values:
    return ("\n".join(said.text for said in view.conversation),)


def _turns(call: Call, view: View) -> Values:
    return (sum(said.role == "user" for said in view.conversation),)


def _tools(call: Call, view: View) -> Values:
    return tuple(tool.name for tool in view.tools)


def _tool_choice(call: Call, view: View) -> Values:
    choice = view.tool_choice
    return choice if isinstance(choice, tuple) else (choice,)


def _response_format(call: Call, view: View) -> Values:
    form = at_path(call.json, "response_format")
    return (*at_path(form[0], "type"), *at_path(form[0], "json_schema.name")) if form else ("text",)


def _tool_result(call: Call, view: View) -> Values:
    return tuple(result.name or "(unknown)" for result in view.tool_results)


FIELDS: dict[str, Field] = {
    "user": Field(_user, "text", "the text of the last user message", "there is no user message"),
    "any_user": Field(
        _of_role("user"), "text", "the text of any user message", "there is no user message"
    ),
    "system": Field(
        _of_role("system", "developer"),
        "text",
        "the text of the system or developer message",
        "there is no system message",
    ),
    "assistant": Field(
        _of_role("assistant"),
        "text",
        "the text of any assistant message of the history",
        "there is no assistant message",
    ),
    "conversation": Field(
        _conversation, "text", "the texts of all messages, a line each", "there are no messages"
    ),
    "turns": Field(_turns, "number", "how many user messages there are", "there are no messages"),
    "model": Field(
        lambda call, view: (view.model,),
        "text",
        "the model's name as the client sent it",
        "there is no model",
    ),
    "stream": Field(
        lambda call, view: (view.stream,),
        "boolean",
        "whether the answer is to be streamed",
        "there is no stream",
    ),
    "tools": Field(_tools, "text", "the name of any tool on offer", "there are no tools on offer"),
    "tool_choice": Field(
        _tool_choice,
        "text",
        "auto, none, required, or the name of the tool that must be called",
        "there is no tool_choice",
    ),
    "response_format": Field(
        _response_format,
        "text",
        "text, json_object, json_schema, or the name of the schema",
        "there is no response_format",
    ),
    "tool_result": Field(
        _tool_result,
        "text",
        "the name of a tool whose result the request ends with",
        "the last message is no tool result",
    ),
}


def header_values(call: Call, name: str) -> Values:
    """The values of a header, as they came."""
    wanted = name.lower().encode("latin-1", "replace")
    return tuple(value.decode("latin-1") for key, value in call.raw_headers if key == wanted)


def check_path(path: str) -> str:
    """The path of a field of the request's body, if it is one.

    Raises:
        ScriptError: it is none.
    """
    if not PATH.fullmatch(path):
        raise ScriptError(
            f"{path!r} is no path of a field; write keys with dots and indexes in brackets, "
            "for example messages[-1].content or tools[*].function.name"
        )
    return path


def at_path(document: Any, path: str) -> Values:
    """The values at a path, for example ``messages[-1].content`` or ``tools[*].type``."""
    values: list[Any] = [document]
    for part in PART.findall(path):
        values = [inner for value in values for inner in _inner(value, part)]
    return tuple(values)


def _inner(value: Any, part: str) -> list[Any]:
    if not part.startswith("["):
        return [value[part]] if isinstance(value, dict) and part in value else []
    if not isinstance(value, list):
        return []
    if part == "[*]":
        return value
    index = int(part[1:-1][:9])
    return [value[index]] if -len(value) <= index < len(value) else []
