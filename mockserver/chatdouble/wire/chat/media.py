"""Which images, sounds and files of the messages the API does not take.

Sources: recorded refusals. Nothing is fetched: an address on the web is taken for an image.
"""

from __future__ import annotations

import binascii
from typing import TypeAlias

from msgspec.structs import replace

from chatdouble.answers import ApiError
from chatdouble.wire.chat.images import is_image
from chatdouble.wire.chat.models import counts_media, is_known, reasons, sees
from chatdouble.wire.chat.request import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    InputFile,
    Message,
    Part,
    TextPart,
    UserMessage,
    role_of,
)
from chatdouble.wire.chat.sentences import missing, refuse

# a part that is no text: its message's index, its message, its index
_Medium: TypeAlias = tuple[int, Message, int, Part]

_FORMATS = "['png', 'jpeg', 'gif', 'webp']"
_IMAGE_EXAMPLE = "data:image/png;base64,aW1nIGJ5dGVzIGhlcmU="
_FILE_EXAMPLE = "data:application/pdf;base64,SGVsbG8sIFdvcmxkIQ=="


def refused_media(request: ChatRequest) -> ApiError | None:
    """The refusal of the first part that is no text and that the API does not take."""
    media: list[_Medium] = [
        (index, message, at, part)
        for index, message in enumerate(request.messages)
        if isinstance(message.content, list)
        for at, part in enumerate(message.content)
        if not isinstance(part, TextPart)
    ]
    return (
        _misplaced(request.model, media)
        or _unreadable(request.model, media)
        or _silent(request, media)
    )


def _misplaced(model: str, media: list[_Medium]) -> ApiError | None:
    """Parts in messages, or for models, that have no place for them; a layer of its own."""
    hears = counts_media(model) or not (is_known(model) or reasons(model))
    for index, message, _, part in media:
        if isinstance(part, ImagePart) and not isinstance(message, UserMessage):
            role = role_of(message)
            said = (
                "Image URLs are only allowed for messages with role 'user', but this message "
                f"with role '{role}' contains an image URL."
            )
        elif isinstance(part, AudioPart) and not hears:
            said = "Content blocks are expected to be either text or image_url type."
        else:
            continue
        where = f"messages[{index}]"
        return replace(refuse(f"Invalid '{where}'. {said}", where, "invalid_value"), layer="media")
    return None


def _unreadable(model: str, media: list[_Medium]) -> ApiError | None:
    for index, _, at, part in media:
        if isinstance(part, ImagePart):
            fault = _image(part.image_url.url, model, index, at)
        elif isinstance(part, FilePart):
            fault = _file(part.file, f"messages[{index}].content[{at}].file")
        else:
            continue
        if fault is not None:
            return fault
    return None


def _image(url: str, model: str, index: int, at: int) -> ApiError | None:
    blind = not sees(model)
    on_the_web = url[:8].lower().startswith(("http://", "https://"))
    if url[:5].lower() != "data:" and (not on_the_web or (blind and reasons(model))):
        return _no_data_url(index, at, "a value without the 'data:' prefix")
    if blind:
        return refuse(
            "Invalid content type. image_url is only supported by certain models.",
            f"messages.[{index}].content.[{at}].type",
        )
    if counts_media(model):
        return refuse(
            "This model does not support image_url content.",
            f"messages[{index}].content",
            "invalid_value",
        )
    return None if on_the_web else _image_data(url, index, at)


def _image_data(url: str, index: int, at: int) -> ApiError | None:
    kind, encoded = _head(url)
    if not encoded:
        return _no_data_url(index, at, "a value without the ';base64' separator")
    if not kind.startswith("image/"):
        return refuse(
            "Invalid MIME type. Only image types are supported.", None, "invalid_image_format"
        )
    data = _decoded(url)
    if not data:
        return refuse("Invalid base64 image_url.", None, "invalid_base64")
    if not is_image(data):
        return refuse(
            "You uploaded an unsupported image. Please make sure your image has of one the "
            f"following formats: {_FORMATS}.",
            None,
            "invalid_image_format",
        )
    return None


def _no_data_url(index: int, at: int, found: str) -> ApiError:
    where = f"messages[{index}].content[{at}].image_url.url"
    return refuse(
        f"Invalid image URL: '{where}'. Expected a base64-encoded data URL with an image MIME type "
        f"(e.g. '{_IMAGE_EXAMPLE}'), but got {found}.",
        where,
        "invalid_value",
    )


def _file(file: InputFile, where: str) -> ApiError | None:
    if file.file_id is not None:
        return None
    if file.file_data is None or file.filename is None:
        return missing(f"{where}.file_id")
    kind, encoded = _head(file.file_data)
    if file.file_data[:5].lower() != "data:":
        found = "a value without the 'data:' prefix"
    elif kind != "application/pdf":
        found = f"unsupported MIME type '{kind}'"
    elif not encoded or not _decoded(file.file_data):
        found = "an invalid base64-encoded value"
    else:
        return None
    path = f"{where}.file_data"
    return refuse(
        f"Invalid file data: '{path}'. Expected a base64-encoded data URL with an application/pdf "
        f"MIME type (e.g. '{_FILE_EXAMPLE}'), but got {found}.",
        path,
        "invalid_value",
    )


def _silent(request: ChatRequest, media: list[_Medium]) -> ApiError | None:
    """Models that speak want sound on one side, at least."""
    if not counts_media(request.model) or "audio" in (request.modalities or ()):
        return None
    if any(isinstance(part, AudioPart) for _, _, _, part in media):
        return None
    return refuse(
        "This model requires that either input content or output modality contain audio.",
        "model",
        "invalid_value",
    )


def _head(url: str) -> tuple[str, bool]:
    """A data URL's MIME type, and whether it says that base64 follows."""
    kind, *others = url[5:256].partition(",")[0].split(";")
    return kind.strip().lower(), "base64" in [other.strip().lower() for other in others]


def _decoded(url: str) -> bytes:
    """A data URL's bytes, none if they are not written in base64."""
    letters = "".join(url.partition(",")[2].split()).rstrip("=")
    try:
        return binascii.a2b_base64(letters + "=" * (-len(letters) % 4), strict_mode=True)
    except ValueError:
        return b""
