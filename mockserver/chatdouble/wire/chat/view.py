"""A request of chat completions as rules and sources see it."""

from __future__ import annotations

from functools import partial
from typing import Any

from chatdouble.answers import ToolCall, is_tool_name
from chatdouble.calls import Said, Tool, ToolResult, View
from chatdouble.wire.chat.options import GrammarFormat, ToolFormat
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
    role_of,
    text_of,
    tool_functions,
)


def view_of(request: ChatRequest) -> View:
    """What rules and sources look at."""
    last = request.messages[-1] if request.messages else None
    if isinstance(last, UserMessage) and not (
        request.tools or request.functions or request.response_format
    ):
        # most requests are this plain, and all of them wait for it
        return View(
            model=request.model,
            user=text_of(last),
            stream=bool(request.stream),
            choices=request.n or 1,
            detail=request,
            tell=partial(_conversation, request),
        )
    user = None
    after: list[Message] = []
    for message in reversed(request.messages):
        if isinstance(message, UserMessage):
            user = text_of(message)
            break
        after.append(message)
    # by id; by name those of the legacy form
    calls: dict[str | None, ToolCall] = {}
    rounds = 0
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
            results.append(ToolResult(message.name, "", text_of(message)))
            if message.name in calls:
                answered.append(calls[message.name])
            continue
        results.clear()
        if isinstance(message, AssistantMessage):
            made_calls = _calls_of(message)
            rounds += bool(made_calls)
            calls |= {made.id or made.name: made for made in made_calls}
    response_format = request.response_format
    schema = (
        response_format.json_schema.schema
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
        choices=request.n or 1,
        rounds=rounds,
        parallel=request.parallel_tool_calls is not False and not request.functions,
        detail=request,
        tell=partial(_conversation, request),
    )


def _conversation(request: ChatRequest) -> tuple[Said, ...]:
    return tuple(
        Said(
            role_of(message),
            text_of(message),
            message.name,
            tuple(_calls_of(message)) if isinstance(message, AssistantMessage) else (),
            message.tool_call_id if isinstance(message, ToolMessage) else None,
        )
        for message in request.messages
    )


def _calls_of(message: AssistantMessage) -> list[ToolCall]:
    """The calls that a message made; no tool that could be called has an odd name."""
    if message.function_call:
        return [ToolCall(message.function_call.name, message.function_call.arguments)]
    made = (
        (one.function.name, one.function.arguments, one.id)
        if isinstance(one, FunctionToolCall)
        else (one.custom.name, one.custom.input, one.id)
        for one in message.tool_calls or ()
    )
    return [ToolCall(*one) for one in made if is_tool_name(one[0])]


def _pattern(form: ToolFormat | None) -> str | None:
    """The regular expression that a custom tool's input must match, None without one."""
    if isinstance(form, GrammarFormat) and form.grammar.syntax == "regex":
        return form.grammar.definition
    return None


def _tools(request: ChatRequest) -> tuple[Tool, ...]:
    functions = (*(request.functions or ()), *tool_functions(request))
    tools = [Tool(one.name, one.description or "", one.parameters) for one in functions]
    tools += [
        Tool(
            tool.custom.name,
            tool.custom.description or "",
            custom=True,
            pattern=_pattern(tool.custom.format),
        )
        for tool in request.tools or ()
        if isinstance(tool, CustomToolOffer)
    ]
    if isinstance(request.tool_choice, ChosenAllowed):
        allowed = [_name_of(tool) for tool in request.tool_choice.allowed_tools.tools]
        tools = [tool for tool in tools if tool.name in allowed]
    return tuple(tools)


def _name_of(tool: dict[str, Any]) -> Any:
    inner = tool.get(str(tool.get("type")))
    return inner.get("name") if isinstance(inner, dict) else None


def _tool_choice(request: ChatRequest) -> str | tuple[str, ...]:
    name = chosen_name(request)
    if name is not None and is_tool_name(name):
        return (name,)
    choice = request.tool_choice or request.function_call
    if isinstance(choice, ChosenAllowed):
        return choice.allowed_tools.mode
    return choice if isinstance(choice, str) else "auto"
