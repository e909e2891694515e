"""``POST /v1/chat/completions``."""

from __future__ import annotations

from typing import Any

import msgspec

from chatdouble.answers import Reply, ToolCall
from chatdouble.calls import Call, Tool, ToolResult, View
from chatdouble.settings import Settings
from chatdouble.wire.chat import capabilities, crossfield, limits, refusals, render, schemas
from chatdouble.wire.chat.cost import cost_of, cost_of_refused
from chatdouble.wire.chat.request import (
    AssistantMessage,
    ChatRequest,
    ChosenAllowed,
    CustomToolOffer,
    FunctionMessage,
    FunctionToolCall,
    JsonObjectFormat,
    JsonSchemaFormat,
    Message,
    ToolMessage,
    UserMessage,
    chosen_name,
    text_of,
    tool_functions,
)
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Response, Stamp


class ChatCompletions:
    """The dialect of chat completions."""

    name = "chat.completions"
    routes = (("POST", "/v1/chat/completions"),)

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(ChatRequest).decode

    def read(self, call: Call, settings: Settings) -> None:
        """Check the body against the contract; fill in the view, or settle the call."""
        request: ChatRequest | None
        try:
            request = self._decode(call.body)
        except msgspec.ValidationError:
            request = self._with_whole_floats(call.body)
        except (ValueError, RecursionError):
            request = None
        if request is None:
            refused = refusals.refusal(call.body)
            call.settle(refused, f"the API refuses it: {refused.param or 'the body'}")
            return
        broken = (
            crossfield.broken_rule(request)
            or schemas.refused_schema(request)
            or capabilities.refused_by_model(request)
        )
        if broken is not None:
            call.settle(broken, f"the API refuses it: {broken.param}")
            return
        call.view = _view(request)

    def _with_whole_floats(self, body: bytes) -> ChatRequest | None:
        """The request read once more, with 2.0 taken for 2 as JSON Schema does; None if refused."""
        try:
            return msgspec.convert(_whole(msgspec.json.decode(body)), ChatRequest)
        except (ValueError, RecursionError):
            return None

    def cost(self, call: Call) -> Cost | None:
        """A refused request counts, too."""
        return cost_of_refused(call.json) if call.view is None else cost_of(call.view.detail)

    def render(self, call: Call, reply: Reply, stamp: Stamp) -> Response:
        """Render the reply as one body or as chunks, as the request asks."""
        view = call.view
        if view is None:
            raise ValueError("a call that could not be read is answered by its refusal")
        return render.render(view.detail, limits.limited(view.detail, reply), stamp)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _view(request: ChatRequest) -> View:
    last = request.messages[-1]
    if isinstance(last, UserMessage) and not (
        request.tools or request.functions or request.response_format
    ):
        # most requests are this plain, and all of them wait for it
        stream = bool(request.stream)
        return View(model=request.model, user=text_of(last), stream=stream, detail=request)
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
        if isinstance(message, FunctionMessage):
            results.append(ToolResult(message.name, "", message.content or ""))
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
        tools=_tools(request) if request.tools or request.functions else (),
        tool_choice=_tool_choice(request),
        stream=bool(request.stream),
        schema=schema,
        json_object=isinstance(response_format, JsonObjectFormat),
        detail=request,
    )


def _calls_of(message: AssistantMessage) -> list[ToolCall]:
    return [
        ToolCall(made.function.name, made.function.arguments, made.id)
        if isinstance(made, FunctionToolCall)
        else ToolCall(made.custom.name, made.custom.input, made.id)
        for made in message.tool_calls or ()
    ]


def _tools(request: ChatRequest) -> tuple[Tool, ...]:
    functions = (*(request.functions or ()), *tool_functions(request))
    tools = [Tool(one.name, one.description or "", one.parameters) for one in functions]
    tools += [
        Tool(tool.custom.name, tool.custom.description or "", custom=True)
        for tool in request.tools or ()
        if isinstance(tool, CustomToolOffer)
    ]
    if isinstance(request.tool_choice, ChosenAllowed):
        allowed = {_name_of(tool) for tool in request.tool_choice.allowed_tools.tools}
        tools = [tool for tool in tools if tool.name in allowed]
    return tuple(tools)


def _name_of(tool: dict[str, Any]) -> str | None:
    inner = tool.get(str(tool.get("type")))
    return inner.get("name") if isinstance(inner, dict) else None


def _tool_choice(request: ChatRequest) -> str | tuple[str, ...]:
    name = chosen_name(request)
    if name is not None:
        return (name,)
    choice = request.tool_choice or request.function_call
    if isinstance(choice, ChosenAllowed):
        return choice.allowed_tools.mode
    return choice if isinstance(choice, str) else "auto"
