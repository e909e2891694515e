"""What the layer in front of the API refuses: unknown keys, and models that are not there.

It looks at a request before the API does, so its refusals come before those of a broken body.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence

from chatdouble.answers import ApiError
from chatdouble.calls import Call
from chatdouble.wire.chat.models import SNAPSHOTS

_NO_KEY = ApiError(
    401,
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank "
    "username) if you're accessing the API from your browser and are prompted for a username and "
    "password. You can obtain an API key from https://platform.openai.com/account/api-keys.",
)


def refused_key(call: Call, keys: Sequence[str]) -> ApiError | None:
    """The refusal of a request without a key, or with another than these."""
    key = key_of(call.raw_headers)
    if not key:
        return _NO_KEY
    if key in keys:
        return None
    return ApiError(
        401,
        f"Incorrect API key provided: {masked(key)}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def key_of(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The key that the request brings: a bearer token, or the password of basic authentication."""
    value = next((value for name, value in headers if name == b"authorization"), b"")
    scheme, _, credentials = value.decode("latin-1").strip().partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer":
        return credentials
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def masked(key: str) -> str:
    """The key as the API shows it: whole up to 12 characters, else the first 8 and the last 4."""
    return key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"


def is_served(model: str, models: Sequence[str]) -> bool:
    """Whether the model is one of these, or the snapshot that answers for one of them."""
    return model in models or any(SNAPSHOTS.get(alias) == model for alias in models)


def no_such_model(model: str) -> ApiError:
    """The refusal of a model that is not there."""
    return ApiError(
        404,
        f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )
