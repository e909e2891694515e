"""One request, read once: what rules, sources and tests look at, whatever the endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from chatdouble.answers import Answer, ApiError, Document, ToolCall

_SECRET_HEADERS = frozenset(
    {"authorization", "api-key", "x-api-key", "cookie", "proxy-authorization"}
)
_REDACTED = "<redacted>"


class Tool(Struct, frozen=True, gc=False):
    """A tool that the request offers: its name, what it is for and the JSON Schema of its input.

    A custom tool's input is a text instead, which may have to match a pattern.
    """

    name: str
    description: str = ""
    parameters: Any = None
    custom: bool = False
    pattern: str | None = None


class ToolResult(Struct, frozen=True, gc=False):
    """What a tool gave back: the tool's name (None if its call is unknown), call id and text."""

    name: str | None
    call_id: str
    content: str


class Said(Struct, frozen=True, gc=False):
    """A message of the conversation.

    Attributes:
        role: ``system``, ``developer``, ``user``, ``assistant``, ``tool`` or ``function``.
        text: its text; what its parts say, joined.
        name: the participant's name, None without one.
        tool_calls: the calls that it makes.
        call_id: the id of the call that it answers, None if it answers none.
    """

    role: str
    text: str
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None


class View(Struct, kw_only=True, gc=False):
    """The endpoint-neutral view of a request: a dialect fills it in when it reads the body.

    Attributes:
        model: the model's name as it was sent.
        user: the text of the last user message, None without one.
        tool_results: the results that the request ends with, oldest first; empty when the last
            message is no tool result.
        answered: the calls since the last user message that have their result.
        tools: the tools on offer.
        tool_choice: ``auto``, ``none``, ``required``, or the name of the tool that must be called
            in a tuple.
        stream: whether the answer is to be streamed.
        schema: the JSON Schema that the reply's text must fit, None if there is none.
        json_object: whether the reply's text must be a JSON object.
        choices: how many replies are asked for.
        rounds: how often tools were called since the last user message.
        parallel: whether several tools may be called at once.
        tell: makes the conversation, which few want to see.
        detail: what only the dialect itself knows how to read.
    """

    model: str
    user: str | None = None
    tool_results: tuple[ToolResult, ...] = ()
    answered: tuple[ToolCall, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str | tuple[str, ...] = "auto"
    stream: bool = False
    schema: Any = None
    json_object: bool = False
    choices: int = 1
    rounds: int = 0
    parallel: bool = True
    detail: Any = None
    tell: Callable[[], tuple[Said, ...]] = tuple
    _told: tuple[Said, ...] | None = None

    @property
    def conversation(self) -> tuple[Said, ...]:
        """All messages, oldest first."""
        if self._told is None:
            self._told = self.tell()
        return self._told


class Call(Struct, kw_only=True, gc=False):
    """One request.

    Attributes:
        method: the HTTP method in capitals.
        path: the path without the session's prefix, for example ``/v1/chat/completions``.
        query: the raw query string.
        raw_path: the path as it was sent, still quoted.
        raw_headers: the headers as they came, names in lower case.
        body: the body's bytes, with any compression undone.
        endpoint: the dialect that reads the path, for example ``chat.completions``; ``""`` if none.
        view: the endpoint-neutral view, None when the request is refused or the path unknown.
        settled: the answer that the contract itself dictates (a refusal of a broken request, the
            list of models), None when a source has to answer.
        because: why it is settled so.
        asked: what the request asks of the session's stored completions, as its dialect reads it;
            None when it asks for something else.
        left: while it is answered, waits until the client has left; None if nobody can tell.
        pass_on: while it is answered, gives what an upstream server answers it; None if its session
            knows none.
    """

    method: str
    path: str
    query: str = ""
    raw_path: bytes = b""
    raw_headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list)
    body: bytes = b""
    endpoint: str = ""
    view: View | None = None
    settled: ApiError | Document | None = None
    because: str = ""
    asked: Any = None
    left: Callable[[], Awaitable[None]] | None = None
    pass_on: Callable[[], Awaitable[Answer]] | None = None
    _json: Any = UNSET
    _named: dict[bytes, bytes] | None = None

    def __repr__(self) -> str:
        return f"<Call {self.method} {self.path} model={self.model!r} user={self.user!r}>"

    def settle(self, answer: ApiError | Document, because: str) -> None:
        """Say what the contract dictates as the answer to this call, and why."""
        self.settled = answer
        self.because = because

    @property
    def model(self) -> str | None:
        """The model's name as it was sent, None if it could not be read."""
        return self.view.model if self.view else None

    @property
    def user(self) -> str | None:
        """The text of the last user message, None without one."""
        return self.view.user if self.view else None

    @property
    def stream(self) -> bool:
        """Whether the answer was to be streamed."""
        return self.view.stream if self.view else False

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The tool results that the request ends with, oldest first."""
        return self.view.tool_results if self.view else ()

    @property
    def json(self) -> Any:
        """The body read as JSON, None if it is none."""
        if self._json is UNSET:
            try:
                self._json = msgspec.json.decode(self.body)
            except (ValueError, RecursionError):
                self._json = None
        return self._json

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as they were sent; an empty list if the body holds none."""
        return self._list("messages")

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools as they were sent; an empty list if the body holds none."""
        return self._list("tools")

    def _list(self, key: str) -> list[dict[str, Any]]:
        found = self.json.get(key) if isinstance(self.json, dict) else None
        return found if isinstance(found, list) else []

    @property
    def named(self) -> Mapping[bytes, bytes]:
        """The headers as they came by lower-case name; of one that came twice, the last."""
        if self._named is None:
            self._named = dict(self.raw_headers)
        return self._named

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by lower-case name; values that carry keys are replaced by a placeholder."""
        return {
            name: _REDACTED if name in _SECRET_HEADERS else value.decode("latin-1")
            for name, value in ((key.decode("latin-1"), value) for key, value in self.raw_headers)
        }
