"""Why a body is refused that is no request, or whose fields are not as they are declared.

The types in ``request`` are the rules; ``faults`` reads the same declarations again, field by field
in their order, and words the first one that a body breaks. It runs only for refused requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from chatdouble.answers import ApiError
from chatdouble.wire.chat import faults
from chatdouble.wire.chat.capabilities import refused_at_field, refused_role, unknown_to
from chatdouble.wire.chat.models import is_chat, is_known, only_responds
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.chat.sentences import missing, refuse, unknown, unrecognized

_NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
    "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
    "help center at help.openai.com.)"
)
_NOT_AN_OBJECT = "We could not parse the JSON body of your request."
# whose bounds are looked at behind all other fields (probed)
_BOUNDED_LATE = ("temperature", "top_p")
_NO_MODEL = "you must provide a model parameter"


def refusal(body: bytes) -> ApiError:
    """The refusal of a body that ``ChatRequest`` does not accept."""
    value = json_object(body)
    if isinstance(value, ApiError):
        return value
    model = value.get("model")
    if not model:
        return refuse(_NO_MODEL)
    if not isinstance(model, str):
        return refuse(_NOT_AN_OBJECT)
    if "messages" not in value:
        return refused_model(model) or missing("messages")
    fault = refused_model(model) or refused_key(model, value) or _first_field(model, value)
    return fault or refuse("Invalid request.")


def json_object(body: bytes) -> dict[str, Any] | ApiError:
    """The JSON object that a body holds, or the refusal of a body that holds none."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return refuse(_NOT_JSON)
    return value if isinstance(value, dict) else refuse(_NOT_AN_OBJECT)


def refused_value(value: dict[str, Any], kind: type[msgspec.Struct]) -> ApiError:
    """The refusal of an object that this type, which is no chat request, does not accept."""
    return faults.find(inspect.type_info(kind), value, "") or refuse("Invalid request.")


def refused_model(model: str) -> ApiError | None:
    """The refusal of a model that this endpoint does not serve."""
    if not is_chat(model):
        said = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?"
        )
    elif only_responds(model):
        said = "This model is only supported in v1/responses and not in v1/chat/completions."
    else:
        return None
    return ApiError(404, said, param="model")


def refused_key(model: str, body: Mapping[str, Any]) -> ApiError | None:
    """The refusal of a key of the body that the model does not know."""
    strange = unknown_to(model)
    keys = [
        key
        for key, value in body.items()
        if key not in _FIELDS or (key in strange and value is not None)
    ]
    if not keys:
        return None
    if is_known(model):
        return unrecognized(keys)
    # top_k is this endpoint's own: the API does not name it
    return unknown(keys[0], _FIELDS - strange - body.keys() - {"top_k"})


_FIELDS = frozenset(ChatRequest.__struct_fields__)


def _first_field(model: str, body: dict[str, Any]) -> ApiError | None:
    """The first fault of a field, in the order in which the fields are declared."""
    late: ApiError | None = None
    for name, kind in _declared():
        if name not in body:
            continue
        value = body[name]
        fault = None if value is None else refused_at_field(model, name, value)
        fault = fault or faults.find(kind, value, name)
        if fault is None and name == "messages":
            fault = refused_role(model, [message["role"] for message in value])
        if fault is not None and name in _BOUNDED_LATE and fault.code != "invalid_type":
            late = late or fault
        elif fault is not None:
            return fault
    return late


@lru_cache(maxsize=1)
def _declared() -> tuple[tuple[str, inspect.Type], ...]:
    fields = msgspec.structs.fields(ChatRequest)
    return tuple((field.encode_name, inspect.type_info(field.type)) for field in fields)
