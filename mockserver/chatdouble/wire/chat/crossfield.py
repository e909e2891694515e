"""Rules that look at more than one field of a well-typed request, in the API's order."""

from __future__ import annotations

from msgspec import UNSET

from chatdouble.answers import ApiError
from chatdouble.wire.chat.request import (
    AssistantMessage,
    ChatRequest,
    CustomToolOffer,
    JsonObjectFormat,
    Message,
    TextPart,
    ToolMessage,
    UserMessage,
    chosen_name,
    tool_functions,
)


def broken_rule(request: ChatRequest) -> ApiError | None:
    """The refusal of the first rule that the request breaks, None if it breaks none."""
    return _options(request) or _messages(request) or _json_word(request)


def _refuse(message: str, param: str) -> ApiError:
    return ApiError(400, message, param=param)


def _options(request: ChatRequest) -> ApiError | None:
    if request.tools is None:
        for field in ("tool_choice", "parallel_tool_calls"):
            if getattr(request, field) is not None:
                return _refuse(
                    f"Invalid value for '{field}': '{field}' is only allowed when 'tools' are "
                    "specified.",
                    field,
                )
    chosen = chosen_name(request)
    if chosen is not None and chosen not in _offered(request):
        # recorded: a tool_choice is reported in the words for functions, too
        return _refuse(
            f"Invalid value for 'function_call': no function named '{chosen}' was specified in "
            "the 'functions' parameter.",
            "function_call",
        )
    if request.stream_options is not None and not request.stream:
        return _refuse(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    return None


def _offered(request: ChatRequest) -> set[str]:
    functions = [*(request.functions or ()), *tool_functions(request)]
    custom = [tool.custom for tool in request.tools or () if isinstance(tool, CustomToolOffer)]
    return {offer.name for offer in (*functions, *custom)}


def _messages(request: ChatRequest) -> ApiError | None:
    waiting: list[str] = []
    for index, message in enumerate(request.messages):
        if isinstance(message, ToolMessage):
            if index == 0 or not (waiting or isinstance(request.messages[index - 1], ToolMessage)):
                return _refuse(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'.",
                    f"messages.[{index}].role",
                )
            if message.tool_call_id not in waiting:
                return _refuse(
                    f"Invalid parameter: 'tool_call_id' of '{message.tool_call_id}' not found in "
                    "'tool_calls' of previous message.",
                    f"messages.[{index}].tool_call_id",
                )
            waiting.remove(message.tool_call_id)
            continue
        if waiting:
            return _unanswered(index, waiting)
        if isinstance(message, AssistantMessage) and message.tool_calls:
            waiting = [call.id for call in message.tool_calls]
        elif isinstance(message, UserMessage) and message.content is UNSET:
            return _refuse(
                "Invalid value for 'content': expected a string, got null.",
                f"messages.[{index}].content",
            )
    return _unanswered(len(request.messages), waiting) if waiting else None


def _json_word(request: ChatRequest) -> ApiError | None:
    if not isinstance(request.response_format, JsonObjectFormat):
        return None
    if any("json" in text.lower() for message in request.messages for text in _texts(message)):
        return None
    return _refuse(
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
        "'json_object'.",
        "messages",
    )


def _texts(message: Message) -> list[str]:
    content = message.content
    if isinstance(content, str):
        return [content]
    return [part.text for part in content or () if isinstance(part, TextPart)]


def _unanswered(index: int, ids: list[str]) -> ApiError:
    return _refuse(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        f"{', '.join(ids)}",
        f"messages.[{index}].role",
    )
