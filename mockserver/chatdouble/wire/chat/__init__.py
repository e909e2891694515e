"""``POST /v1/chat/completions``."""

from __future__ import annotations

import msgspec

from chatdouble.answers import Reply, ToolCall
from chatdouble.calls import Call, Tool, ToolResult, View
from chatdouble.wire.chat import crossfield, limits, refusals, render
from chatdouble.wire.chat.request import (
    AssistantMessage,
    ChatRequest,
    ChosenAllowed,
    ChosenCustom,
    ChosenFunction,
    FunctionTool,
    FunctionToolCall,
    JsonObjectFormat,
    JsonSchemaFormat,
    Message,
    TextPart,
    ToolMessage,
    UserMessage,
)
from chatdouble.wire.response import Response, Stamp


class ChatCompletions:
    """The dialect of chat completions."""

    name = "chat.completions"
    routes = (("POST", "/v1/chat/completions"),)

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(ChatRequest).decode

    def read(self, call: Call) -> None:
        """Check the body against the contract; fill in the view, or settle the call."""
        try:
            request = self._decode(call.body)
        except (ValueError, RecursionError):
            refused = refusals.refusal(call.body)
            call.settle(refused, f"the API refuses it: {refused.param or 'the body'}")
            return
        broken = crossfield.broken_rule(request)
        if broken is not None:
            call.settle(broken, f"the API refuses it: {broken.param}")
            return
        call.view = _view(request)

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Render the reply as one body or as chunks, as the request asks."""
        view = call.view
        if view is None:
            raise ValueError("a call that could not be read is answered by its refusal")
        return render.render(view.detail, limits.limited(view.detail, reply), stamp)


def _view(request: ChatRequest) -> View:
    user = None
    after: list[Message] = []
    for message in reversed(request.messages):
        if isinstance(message, UserMessage):
            user = text_of(message)
            break
        after.append(message)
    calls: dict[str, ToolCall] = {}
    answered: list[ToolCall] = []
    results: list[ToolResult] = []
    for message in reversed(after):
        if isinstance(message, ToolMessage):
            made = calls.get(message.tool_call_id)
            results.append(
                ToolResult(made.name if made else None, message.tool_call_id, text_of(message))
            )
            if made:
                answered.append(made)
            continue
        results.clear()
        if isinstance(message, AssistantMessage):
            for made in _calls_of(message):
                calls[made.id or ""] = made
    response_format = request.response_format
    schema = (
        response_format.json_schema.schema or {}
        if isinstance(response_format, JsonSchemaFormat)
        else None
    )
    return View(
        model=request.model,
        user=user,
        tool_results=tuple(results),
        answered=tuple(answered),
        tools=_tools(request) if request.tools else (),
        tool_choice=_tool_choice(request),
        stream=bool(request.stream),
        schema=schema,
        json_object=isinstance(response_format, JsonObjectFormat),
        detail=request,
    )


def text_of(message: UserMessage | ToolMessage) -> str:
    """The message's text: its content, or its text parts joined."""
    content = message.content
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.text for part in content if isinstance(part, TextPart))
    return ""


def _calls_of(message: AssistantMessage) -> list[ToolCall]:
    return [
        ToolCall(made.function.name, made.function.arguments, made.id)
        if isinstance(made, FunctionToolCall)
        else ToolCall(made.custom.name, made.custom.input, made.id)
        for made in message.tool_calls or ()
    ]


def _tools(request: ChatRequest) -> tuple[Tool, ...]:
    return tuple(
        Tool(tool.function.name, tool.function.description or "", tool.function.parameters)
        if isinstance(tool, FunctionTool)
        else Tool(tool.custom.name, tool.custom.description or "", None)
        for tool in request.tools or ()
    )


def _tool_choice(request: ChatRequest) -> str | tuple[str, ...]:
    match request.tool_choice:
        case ChosenFunction(function=chosen):
            return (chosen.name,)
        case ChosenCustom(custom=chosen):
            return (chosen.name,)
        case ChosenAllowed(allowed_tools=allowed):
            return allowed.mode
        case None:
            return "auto"
        case word:
            return word
