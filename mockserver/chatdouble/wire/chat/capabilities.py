"""What a family of models refuses that others take. Sources: recorded refusals and probes."""

from __future__ import annotations

from typing import Any

from chatdouble.answers import ApiError
from chatdouble.wire.chat.models import is_old, reasons, reasons_unasked
from chatdouble.wire.chat.request import ChatRequest, JsonSchemaFormat, role_of

_STRUCTURED_OUTPUTS = "https://platform.openai.com/docs/guides/structured-outputs"

# parameters that models which reason do not take, in the order in which they are reported
_NOT_BESIDE_REASONING = (
    "parallel_tool_calls",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "max_tokens",
    "logit_bias",
    "stop",
    "prediction",
)
# gpt-5.6 does not know these at all
_UNKNOWN_TO_GPT_5_6 = ("modalities", "audio", "web_search_options")


def refused_by_model(request: ChatRequest) -> ApiError | None:
    """The refusal of the first parameter or value that the request's model does not take."""
    model = request.model
    if reasons(model):
        return _reasoning(request, model)
    if request.reasoning_effort is not None and _is_known(model):
        return _unknown("reasoning_effort")
    if request.web_search_options is not None and _is_known(model) and "search" not in model:
        return ApiError(
            400, "Web search options not supported with this model.", param="web_search_options"
        )
    if isinstance(request.response_format, JsonSchemaFormat) and is_old(model):
        return ApiError(
            400,
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this "
            "model. Learn more about supported models at the Structured Outputs guide: "
            f"{_STRUCTURED_OUTPUTS}",
            param="response_format",
        )
    return None


def _reasoning(request: ChatRequest, model: str) -> ApiError | None:
    if model.startswith("gpt-5.6"):
        for field in _UNKNOWN_TO_GPT_5_6:
            if getattr(request, field) is not None:
                return _unknown(field)
    role = _refused_role(request, model)
    if role is not None:
        return role
    for field in _NOT_BESIDE_REASONING:
        if getattr(request, field) is not None and _refuses(request, model, field):
            hint = " Use 'max_completion_tokens' instead." if field == "max_tokens" else ""
            return _unsupported(field, hint)
    temperature = request.temperature
    if temperature is not None and temperature != 1 and not _without_reasoning(request):
        if model.startswith("o3-mini"):
            return _unsupported("temperature", "")
        return _unsupported_value("temperature", temperature, "Only the default (1) value is")
    return None


def _refuses(request: ChatRequest, model: str, field: str) -> bool:
    value = getattr(request, field)
    if field == "parallel_tool_calls":
        return model.startswith(("o1", "o3-mini"))
    if field in ("presence_penalty", "frequency_penalty", "logprobs"):
        # taken while the model does not reason, and at their defaults
        return bool(value) and not _without_reasoning(request)
    return True


def _without_reasoning(request: ChatRequest) -> bool:
    effort = request.reasoning_effort
    return effort == "none" or (effort is None and not reasons_unasked(request.model))


def _refused_role(request: ChatRequest, model: str) -> ApiError | None:
    refused = {"system", "developer"} if model.startswith("o1-mini") else {"function"}
    for index, message in enumerate(request.messages):
        role = role_of(message)
        if role in refused:
            param = f"messages[{index}].role"
            return ApiError(
                400,
                f"Unsupported value: '{param}' does not support '{role}' with this model.",
                param=param,
                code="unsupported_value",
            )
    return None


def _is_known(model: str) -> bool:
    """Whether it is one of OpenAI's that do not reason; what others take is not known here."""
    return model.startswith(("gpt-3.5", "gpt-4"))


def _unknown(field: str) -> ApiError:
    return ApiError(400, f"Unknown parameter: '{field}'.", param=field, code="unknown_parameter")


def _unsupported(field: str, hint: str) -> ApiError:
    return ApiError(
        400,
        f"Unsupported parameter: '{field}' is not supported with this model.{hint}",
        param=field,
        code="unsupported_parameter",
    )


def _unsupported_value(field: str, value: Any, supported: str) -> ApiError:
    return ApiError(
        400,
        f"Unsupported value: '{field}' does not support {value:g} with this model. {supported} "
        "supported.",
        param=field,
        code="unsupported_value",
    )
