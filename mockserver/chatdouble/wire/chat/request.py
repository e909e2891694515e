"""The body of ``POST /v1/chat/completions``: every field, its type and its bounds, declared once.

The order of the fields is the order in which the API reports faults. Sources: the published
OpenAPI document, and recorded refusals for the bounds that it does not state.

None of the types can hold a cycle, so the garbage collector need not look at them (``gc=False``); a
journal keeps many.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatdouble.wire.chat.options import (
    AudioOutput,
    JsonObject,
    LogitBias,
    Metadata,
    Moderation,
    PromptCacheBreakpoint,
    PromptCacheOptions,
    StreamOptions,
    ToolFormat,
    WebSearchOptions,
)

Name = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[a-zA-Z0-9_-]+$")]
ParticipantName = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]
CallId = Annotated[str, Meta(max_length=40)]
LongText = Annotated[str, Meta(max_length=1048576)]


class _Part(Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    """A part of a message's content, told apart by ``type``."""


class TextPart(_Part, tag="text", gc=False):
    """A text."""

    text: LongText
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class ImageUrl(Struct, forbid_unknown_fields=True, gc=False):
    """Where an image is: an address or a data URL."""

    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(_Part, tag="image_url", gc=False):
    """An image."""

    image_url: ImageUrl
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class InputAudio(Struct, forbid_unknown_fields=True, gc=False):
    """Sound, written in base64."""

    data: str
    format: Literal["wav", "mp3"]


class AudioPart(_Part, tag="input_audio", gc=False):
    """Spoken input."""

    input_audio: InputAudio
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class RefusalPart(_Part, tag="refusal", gc=False):
    """A refusal that the assistant gave earlier."""

    refusal: str


class EarlierAudio(Struct, forbid_unknown_fields=True, gc=False):
    """A spoken reply that the model gave earlier."""

    id: str


class EarlierAudioPart(_Part, tag="audio", gc=False):
    """A spoken reply as a part. It stands in no document, but refusals name it."""

    audio: EarlierAudio


class InputFile(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A file: one that was uploaded, or a data URL."""

    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class FilePart(_Part, tag="file", gc=False):
    """A file."""

    file: InputFile
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


Part = TextPart | ImagePart | AudioPart | RefusalPart | EarlierAudioPart | FilePart


class FunctionCall(Struct, gc=False):
    """Which function was called, with which arguments as JSON text."""

    name: Name
    arguments: str


class CustomCall(Struct, forbid_unknown_fields=True, gc=False):
    """Which custom tool was called, with which input."""

    name: str
    input: str


class _HistoryCall(Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    """A call that an assistant message of the history made."""


class FunctionToolCall(_HistoryCall, tag="function", gc=False):
    """A call of a function."""

    id: CallId
    function: FunctionCall


class CustomToolCall(_HistoryCall, tag="custom", gc=False):
    """A call of a custom tool."""

    id: CallId
    custom: CustomCall


class _Message(Struct, tag_field="role", forbid_unknown_fields=True, kw_only=True, gc=False):
    """A message, told apart by ``role``.

    All roles but ``developer`` take all keys and all parts (probed): what does not belong to a
    role is ignored, or refused by a rule of its own. So is a missing content, after all else.
    """

    content: LongText | list[Part] | None = None
    name: ParticipantName | None = None
    refusal: str | None = None
    audio: EarlierAudio | None = None
    tool_calls: (
        Annotated[list[FunctionToolCall | CustomToolCall], Meta(min_length=1, max_length=128)]
        | None
    ) = None
    function_call: FunctionCall | None = None
    tool_call_id: CallId | None = None
    annotations: list[JsonObject] | None = None


class SystemMessage(_Message, tag="system", gc=False):
    """Instructions of whoever runs the app."""


class AssistantMessage(_Message, tag="assistant", forbid_unknown_fields=False, gc=False):
    """What the model said earlier.

    Clients send back what they were told with keys of their own beside it (LiteLLM's
    ``provider_specific_fields``, the openai client's ``parsed``), and loops of theirs go on.
    """


class UserMessage(_Message, tag="user", gc=False):
    """What the user said."""


class FunctionMessage(_Message, tag="function", gc=False):
    """What a function gave back, in the legacy form."""

    name: ParticipantName


class ToolMessage(_Message, tag="tool", gc=False):
    """What a tool gave back."""

    tool_call_id: CallId


class DeveloperMessage(
    Struct, tag_field="role", tag="developer", forbid_unknown_fields=True, gc=False
):
    """What reasoning models call the system message; it takes nothing else (probed)."""

    content: LongText | list[TextPart]
    name: ParticipantName | None = None


Message = (
    SystemMessage
    | AssistantMessage
    | UserMessage
    | FunctionMessage
    | ToolMessage
    | DeveloperMessage
)


class Function(Struct, forbid_unknown_fields=True, gc=False):
    """A function on offer; without ``parameters`` it takes none."""

    name: Name
    description: Annotated[str, Meta(max_length=1024)] | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class CustomTool(Struct, forbid_unknown_fields=True, gc=False):
    """A custom tool on offer: its input is a text."""

    name: Name
    description: str | None = None
    format: ToolFormat | None = None


class _Tool(Struct, tag_field="type", gc=False):
    """A tool on offer. Recorded: further keys beside ``type`` and ``function`` are accepted."""


class FunctionTool(_Tool, tag="function", gc=False):
    """A function as a tool."""

    function: Function


class CustomToolOffer(_Tool, tag="custom", gc=False):
    """A custom tool."""

    custom: CustomTool


class FunctionName(Struct, forbid_unknown_fields=True, gc=False):
    """The name of a function that must be called."""

    name: str


class _ToolChoice(Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    """Which tool must be called."""


class ChosenFunction(_ToolChoice, tag="function", gc=False):
    """This function must be called."""

    function: FunctionName


class ChosenCustom(_ToolChoice, tag="custom", gc=False):
    """This custom tool must be called."""

    custom: FunctionName


class AllowedTools(Struct, forbid_unknown_fields=True, gc=False):
    """The tools that may (``auto``) or must (``required``) be called."""

    mode: Literal["auto", "required"]
    tools: list[JsonObject]


class ChosenAllowed(_ToolChoice, tag="allowed_tools", gc=False):
    """Only some of the tools on offer."""

    allowed_tools: AllowedTools


class JsonSchema(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The schema that the reply's text must fit."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]
    description: str | None = None
    schema: JsonObject
    strict: bool | None = None


class _ResponseFormat(Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    """What form the reply's text must have."""


class JsonObjectFormat(_ResponseFormat, tag="json_object", gc=False):
    """A JSON object."""


class JsonSchemaFormat(_ResponseFormat, tag="json_schema", gc=False):
    """JSON that fits a schema."""

    json_schema: JsonSchema


class TextFormat(_ResponseFormat, tag="text", gc=False):
    """Any text."""


class Prediction(Struct, tag_field="type", tag="content", forbid_unknown_fields=True, gc=False):
    """What most of the reply will be, as the client expects."""

    content: str | Annotated[list[TextPart], Meta(min_length=1)]


class ChatRequest(Struct, forbid_unknown_fields=True, gc=False):
    """The request's body."""

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[list[Message], Meta(min_length=1)]
    functions: Annotated[list[Function], Meta(min_length=1, max_length=128)] | None = None
    function_call: Literal["none", "auto"] | FunctionName | None = None
    tools: (
        Annotated[list[FunctionTool | CustomToolOffer], Meta(min_length=1, max_length=128)] | None
    ) = None
    tool_choice: (
        Literal["none", "auto", "required"] | ChosenFunction | ChosenCustom | ChosenAllowed | None
    ) = None
    parallel_tool_calls: bool | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=1)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    user: Annotated[str, Meta(max_length=64)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    moderation: Moderation | None = None
    safety_identifier: Annotated[str, Meta(max_length=64)] | None = None
    prompt_cache_options: PromptCacheOptions | None = None
    prompt_cache_key: Annotated[str, Meta(max_length=64)] | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    response_format: JsonObjectFormat | JsonSchemaFormat | TextFormat | None = None
    # "scale" stands in the published document; recorded refusals do not list it any more
    service_tier: Literal["auto", "default", "fast", "flex", "priority"] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    logit_bias: LogitBias | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    prediction: Prediction | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: AudioOutput | None = None
    web_search_options: WebSearchOptions | None = None


def role_of(message: Message) -> str:
    """The message's role."""
    return str(message.__struct_config__.tag)


def text_of(message: Message) -> str:
    """The message's text: its content, or its text parts joined."""
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content or () if isinstance(part, TextPart))


def tool_functions(request: ChatRequest) -> list[Function]:
    """The functions that are offered as tools."""
    return [tool.function for tool in request.tools or () if isinstance(tool, FunctionTool)]


def chosen_name(request: ChatRequest) -> str | None:
    """The name of the one tool or legacy function that must be called, None without one."""
    match request.tool_choice or request.function_call:
        case ChosenFunction(function=chosen) | ChosenCustom(custom=chosen):
            return chosen.name
        case FunctionName(name=name):
            return name
        case _:
            return None
