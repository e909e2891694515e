"""Rules that look at more than one field of a well-typed request, in the API's order."""

from __future__ import annotations

from chatdouble.answers import ApiError
from chatdouble.wire.chat.request import (
    AssistantMessage,
    ChatRequest,
    ChosenAllowed,
    ChosenCustom,
    CustomToolOffer,
    DeveloperMessage,
    FunctionMessage,
    JsonObjectFormat,
    Message,
    TextPart,
    ToolMessage,
    chosen_name,
    tool_functions,
)
from chatdouble.wire.chat.sentences import missing, refuse

# what cannot be asked for beside a predicted reply (published)
_NOT_BESIDE_PREDICTION = (
    "functions",
    "tools",
    "max_completion_tokens",
    "audio",
)
_AT_MOST = (("n", 1), ("presence_penalty", 0), ("frequency_penalty", 0))


def broken_options(request: ChatRequest) -> ApiError | None:
    """The refusal of the first field that does not go with the others, None if all do."""
    return _tools(request) or _output(request) or _prediction(request)


def _tools(request: ChatRequest) -> ApiError | None:
    if request.functions is not None and request.tools is not None:
        return refuse(
            "Invalid request: 'functions' and 'tools' cannot both be provided. 'functions' are "
            "deprecated; use the 'tools' parameter instead."
        )
    for field, needed in _ONLY_WITH:
        if getattr(request, field) is not None and getattr(request, needed) is None:
            return refuse(
                f"Invalid value for '{field}': '{field}' is only allowed when '{needed}' are "
                "specified.",
                field,
            )
    twice = _named_twice(request)
    if twice is not None:
        # no recording shows the words
        return refuse(
            f"Invalid value for 'tools': function names must be unique, but '{twice}' was "
            "specified more than once.",
            "tools" if request.tools else "functions",
        )
    chosen = chosen_name(request)
    if chosen is not None and chosen not in _choosable(request):
        # recorded: a tool_choice is reported in the words for functions, too
        return refuse(
            f"Invalid value for 'function_call': no function named '{chosen}' was specified in "
            "the 'functions' parameter.",
            "function_call",
        )
    if isinstance(request.tool_choice, ChosenAllowed):
        return _not_offered(request, request.tool_choice)
    return None


_ONLY_WITH = (
    ("function_call", "functions"),
    ("tool_choice", "tools"),
    ("parallel_tool_calls", "tools"),
)


def _named_twice(request: ChatRequest) -> str | None:
    names = [one.name for one in (*(request.functions or ()), *tool_functions(request))]
    return next((name for at, name in enumerate(names) if name in names[:at]), None)


def _not_offered(request: ChatRequest, choice: ChosenAllowed) -> ApiError | None:
    offered = _offered(request)
    for tool in choice.allowed_tools.tools:
        inner = tool.get(str(tool.get("type")))
        name = inner.get("name") if isinstance(inner, dict) else None
        if not isinstance(name, str) or name not in offered:
            return refuse(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")
    return None


def _offered(request: ChatRequest) -> set[str]:
    return _functions(request) | _custom(request)


def _choosable(request: ChatRequest) -> set[str]:
    """The names that the one tool that must be called can have: a choice says of which kind."""
    if isinstance(request.tool_choice, ChosenCustom):
        return _custom(request)
    return _functions(request)


def _functions(request: ChatRequest) -> set[str]:
    return {offer.name for offer in (*(request.functions or ()), *tool_functions(request))}


def _custom(request: ChatRequest) -> set[str]:
    tools = request.tools or ()
    return {tool.custom.name for tool in tools if isinstance(tool, CustomToolOffer)}


def _output(request: ChatRequest) -> ApiError | None:
    if request.max_tokens is not None and request.max_completion_tokens is not None:
        return refuse(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
            "invalid_parameter_combination",
        )
    if request.top_logprobs is not None and not request.logprobs:
        return _only_allowed("top_logprobs", "'logprobs' is enabled")
    if request.stream_options is not None and not request.stream:
        return _only_allowed("stream_options", "'stream' is enabled")
    return _audio(request)


def _audio(request: ChatRequest) -> ApiError | None:
    audio, spoken = request.audio, "audio" in (request.modalities or ())
    if audio is None:
        return missing("audio") if spoken else None
    if not spoken:
        return _only_allowed("audio", "'modalities' contains 'audio'")
    if request.stream and audio.format != "pcm16":
        return refuse(
            f"Unsupported value: 'audio.format' does not support '{audio.format}' when "
            "stream=true. Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        )
    return None


def _prediction(request: ChatRequest) -> ApiError | None:
    if request.prediction is None:
        return None
    fields = [field for field in _NOT_BESIDE_PREDICTION if getattr(request, field) is not None]
    fields += [field for field, most in _AT_MOST if (getattr(request, field) or 0) > most]
    if request.logprobs:
        fields.append("logprobs")
    if not fields:
        return None
    return refuse(
        f"Unsupported parameter: '{fields[0]}' is not supported when 'prediction' is specified.",
        fields[0],
        "unsupported_parameter",
    )


def _only_allowed(field: str, condition: str) -> ApiError:
    return refuse(f"The '{field}' parameter is only allowed when {condition}.", field)


def missing_content(request: ChatRequest) -> ApiError | None:
    """The refusal of the first message that says nothing; what the API reports last (probed)."""
    for index, message in enumerate(request.messages):
        if message.content is None and not _goes_without(message):
            return refuse(
                "Invalid value for 'content': expected a string, got null.",
                f"messages.[{index}].content",
            )
    return None


def _goes_without(message: Message) -> bool:
    """Whether something stands for the message's content: of the assistant's, one of these."""
    if not isinstance(message, AssistantMessage):
        return isinstance(message, FunctionMessage | DeveloperMessage)
    others = (message.tool_calls, message.function_call, message.refusal, message.audio)
    return any(other is not None for other in others)


def broken_sequence(request: ChatRequest) -> ApiError | None:
    """The refusal of the first message that may not stand where it does."""
    waiting: list[str] = []
    for index, message in enumerate(request.messages):
        if isinstance(message, ToolMessage):
            if index == 0 or not (waiting or isinstance(request.messages[index - 1], ToolMessage)):
                return refuse(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'.",
                    f"messages.[{index}].role",
                )
            if message.tool_call_id not in waiting:
                return refuse(
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
    return _unanswered(len(request.messages), waiting) if waiting else None


def missing_json(request: ChatRequest) -> ApiError | None:
    """The refusal of JSON mode in a conversation that does not speak of JSON."""
    if not isinstance(request.response_format, JsonObjectFormat):
        return None
    if any("json" in text.lower() for message in request.messages for text in _texts(message)):
        return None
    return refuse(
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
    return refuse(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        f"{', '.join(ids)}",
        f"messages.[{index}].role",
    )
