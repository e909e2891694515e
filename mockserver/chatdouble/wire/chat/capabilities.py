"""What a family of models refuses that others take.

Sources: recorded refusals, and direct probes of gpt-5.6 which say, too, what is reported first: a
parameter that a model does not take at the parameter's place among the fields, a value that it does
not take behind all fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from chatdouble.answers import ApiError
from chatdouble.tokens import EncodingName
from chatdouble.wire.chat.models import (
    counts_media,
    efforts,
    encoding,
    family,
    is_known,
    is_old,
    is_search,
    reasons,
    reasons_unasked,
)
from chatdouble.wire.chat.request import (
    ChatRequest,
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
)
from chatdouble.wire.chat.sentences import (
    above,
    listed,
    refuse,
    unsupported_parameter,
    unsupported_value,
)

_STRUCTURED_OUTPUTS = "https://platform.openai.com/docs/guides/structured-outputs"

# what a model that reasons does not take, whatever its value
_NOT_BESIDE_REASONING = ("max_tokens", "logit_bias", "stop", "prediction")
# what it does not take while it reasons
_NOT_WHILE_REASONING = ("presence_penalty", "frequency_penalty", "logprobs")
# keys that models which reason do not know
_UNKNOWN_TO_REASONING = frozenset(("modalities", "audio", "web_search_options"))
_EFFORT = frozenset(("reasoning_effort",))
_NOTHING: frozenset[str] = frozenset()
# what models that search the web do not take
_NOT_BESIDE_SEARCH = ("frequency_penalty", "presence_penalty", "temperature", "top_p")

_GREATEST_TOKENS: dict[EncodingName, int] = {"cl100k_base": 100_257, "o200k_base": 199_999}
# bounds of gpt-5.6, which are narrower than the declared ones
_MOST_CHOICES = 8
_MOST_LOGPROBS = 5


def unknown_to(model: str) -> frozenset[str]:
    """The fields that the model does not know at all."""
    if reasons(model):
        unknown = _UNKNOWN_TO_REASONING if efforts(model) else _UNKNOWN_TO_REASONING | _EFFORT
        return unknown - {"web_search_options"} if "-search" in model else unknown
    return _EFFORT if is_known(model) else _NOTHING


def refused_role(model: str, roles: Iterable[str]) -> ApiError | None:
    """The refusal of the first message whose role the model does not know."""
    if not reasons(model):
        return None
    refused = {"system", "developer"} if family(model).startswith("o1-mini") else {"function"}
    for index, role in enumerate(roles):
        if role in refused:
            param = f"messages[{index}].role"
            return refuse(
                f"Unsupported value: '{param}' does not support '{role}' with this model.",
                param,
                "unsupported_value",
            )
    return None


def refused_at_field(model: str, field: str, value: Any) -> ApiError | None:
    """The refusal of a field that the model does not take, or not with this value.

    Args:
        model: the request's model.
        field: the field's name.
        value: its value as JSON has it or as the types have it; not None.
    """
    model = family(model)
    if field == "prompt_cache_retention":
        return _retention(model, value)
    if reasons(model):
        return _reasoning(model, field, value)
    if field == "reasoning_effort" and efforts(model):
        return _effort(model, value)
    return _known(model, field, value) if is_known(model) else None


def _reasoning(model: str, field: str, value: Any) -> ApiError | None:
    if field in _NOT_BESIDE_REASONING:
        hint = " Use 'max_completion_tokens' instead." if field == "max_tokens" else ""
        return unsupported_parameter(field, hint)
    if field == "reasoning_effort":
        return _effort(model, value)
    if field == "parallel_tool_calls" and model.startswith(("o1", "o3-mini")):
        return unsupported_parameter(field)
    if field == "tools" and model.startswith(("o1-mini", "o1-preview")):
        return unsupported_parameter(field)
    if not model.startswith("gpt-5.6") or not _is_integer(value):
        return None
    if field == "n" and value > _MOST_CHOICES:
        return above("n", "integer", value, _MOST_CHOICES)
    if field == "top_logprobs" and value > _MOST_LOGPROBS:
        return refuse(
            f"Invalid value for 'top_logprobs': must be less than or equal to {_MOST_LOGPROBS}.",
            "top_logprobs",
        )
    return None


def _known(model: str, field: str, value: Any) -> ApiError | None:
    if field == "web_search_options" and not is_search(model):
        return refuse("Web search options not supported with this model.", field)
    if field == "verbosity" and value in ("low", "high"):
        return unsupported_value(field, value, "Supported values are: 'medium'.")
    if field == "prediction" and not model.startswith(("gpt-4o", "gpt-4.1", "chatgpt-4o")):
        return unsupported_parameter(field)
    if field == "modalities" and isinstance(value, list) and "audio" in value:
        return None if counts_media(model) else _text_alone(field)
    return None


def _text_alone(field: str) -> ApiError:
    return unsupported_value(field, "audio", "Supported values are: 'text'.")


def _effort(model: str, value: Any) -> ApiError | None:
    known = efforts(model)
    if isinstance(value, str) and value in known:
        return None
    try:
        return unsupported_value(
            "reasoning_effort", value, f"Supported values are: {listed(known, 'and')}."
        )
    except RecursionError:
        # nested as deep as can be read, but not written again from here: its type says enough
        return None


def _retention(model: str, value: Any) -> ApiError | None:
    if isinstance(value, str) and value not in ("in_memory", "24h"):
        return refuse("Invalid prompt_cache_retention argument", "prompt_cache_retention")
    if value == "in_memory" and model.startswith(("gpt-5.5", "gpt-5.6")):
        return refuse(
            "This model is compatible only with 24h extended prompt caching",
            "prompt_cache_retention",
        )
    return None


def refused_values(request: ChatRequest, body: bytes) -> ApiError | None:
    """The refusal of the first value or combination that the request's model does not take."""
    model = request.model
    if not reasons(model):
        return _bias(request) or _incompatible(request)
    if _needs_responses(request):
        return refuse(
            f"Function tools with reasoning_effort are not supported for {model} in "
            "/v1/chat/completions. To use function tools, use /v1/responses or set "
            "reasoning_effort to 'none'.",
            "reasoning_effort",
        )
    return None if _without_reasoning(request) else _sampling(request, body)


def refused_format(request: ChatRequest) -> ApiError | None:
    """The refusal of a form of the reply that the request's model does not take."""
    model, form = family(request.model), request.response_format
    if isinstance(form, JsonObjectFormat) and _without_json_mode(model):
        return _no_format("json_object", ".")
    if isinstance(form, JsonSchemaFormat) and _without_schemas(model):
        guide = ". Learn more about supported models at the Structured Outputs guide: "
        return _no_format("json_schema", f"{guide}{_STRUCTURED_OUTPUTS}")
    return None


def _sampling(request: ChatRequest, body: bytes) -> ApiError | None:
    if request.temperature not in (None, 1):
        if family(request.model).startswith("o3-mini"):
            return unsupported_parameter("temperature")
        # as it was sent: 0 is not written 0.0
        sent = msgspec.json.decode(body)["temperature"]
        return unsupported_value("temperature", sent, "Only the default (1) value is supported.")
    if request.top_p not in (None, 1):
        return unsupported_parameter("top_p")
    for field in _NOT_WHILE_REASONING:
        if getattr(request, field):
            return unsupported_parameter(field)
    return None


def _needs_responses(request: ChatRequest) -> bool:
    """Whether the model calls functions while it reasons, which it does for another endpoint."""
    return (
        family(request.model).startswith(("gpt-5.4", "gpt-5.5", "gpt-5.6"))
        and any(isinstance(tool, FunctionTool) for tool in request.tools or ())
        and not _without_reasoning(request)
    )


def _without_reasoning(request: ChatRequest) -> bool:
    effort = request.reasoning_effort
    return effort == "none" or (effort is None and not reasons_unasked(request.model))


def _bias(request: ChatRequest) -> ApiError | None:
    """The refusal of a key of ``logit_bias`` that is no token of the model's."""
    model = request.model
    most = _GREATEST_TOKENS[encoding(model)] if is_known(model) else None
    for key in request.logit_bias or ():
        if not (key.isascii() and key.isdecimal()):
            said = "You should only be submitting non-negative integers."
        elif most is not None and (len(key.lstrip("0")) > len(str(most)) or int(key) > most):
            said = f"Maximum value is {most}."
        else:
            continue
        return refuse(f"Invalid key in 'logit_bias': {key}. {said}", "logit_bias")
    return None


def _incompatible(request: ChatRequest) -> ApiError | None:
    if not (is_search(request.model)):
        return None
    supplied = [field for field in _NOT_BESIDE_SEARCH if getattr(request, field) is not None]
    if not supplied:
        return None
    noun = "arguments" if len(supplied) > 1 else "argument"
    return refuse(f"Model incompatible request {noun} supplied: {', '.join(supplied)}")


def _no_format(kind: str, end: str) -> ApiError:
    return refuse(
        f"Invalid parameter: 'response_format' of type '{kind}' is not supported with this "
        f"model{end}",
        "response_format",
    )


def _without_json_mode(model: str) -> bool:
    first = ("gpt-4-0314", "gpt-4-0613", "gpt-4-32k", "gpt-4-vision", "gpt-3.5-turbo-0301")
    second = ("gpt-3.5-turbo-0613", "gpt-3.5-turbo-16k")
    return model == "gpt-4" or model.startswith(first + second) or counts_media(model)


def _without_schemas(model: str) -> bool:
    return is_old(model) or model.startswith("gpt-4o-2024-05-13") or counts_media(model)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
