"""Images, sounds and files that the API does not take."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.conftest import Raw
from tests.wire.test_chat_read import USER, read_chat, refused

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 30).decode()
WHERE = "messages[0].content[0]"
EXPECTED = (
    f"Invalid image URL: '{WHERE}.image_url.url'. Expected a base64-encoded data URL with an image "
    "MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got "
)
UNSUPPORTED = (
    "You uploaded an unsupported image. Please make sure your image has of one the following "
    "formats: ['png', 'jpeg', 'gif', 'webp']."
)


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def sound(form: str = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": form}}


def file(**fields: str) -> dict[str, Any]:
    return {"type": "file", "file": fields}


def said(*parts: Any, role: str = "user", **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": list(parts), **fields}


def encoded(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "HTTP://example.com/a",
        f"data:image/png;base64,{PNG}",
        f"data:image/jpeg;charset=utf-8;base64,{PNG}",
        encoded(b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
        encoded(b"GIF89a" + b"\0" * 20, "image/gif"),
        encoded(b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_images_that_are_taken(url: str) -> None:
    assert read_chat(said(image(url))).settled is None


@pytest.mark.parametrize(
    ("url", "message", "param", "code"),
    [
        (encoded(b"plain text"), UNSUPPORTED, None, "invalid_image_format"),
        (encoded(b"%PDF-1.4", "image/jpeg"), UNSUPPORTED, None, "invalid_image_format"),
        (encoded(b"BM bitmap", "image/bmp"), UNSUPPORTED, None, "invalid_image_format"),
        (
            encoded(b"x", "text/plain"),
            "Invalid MIME type. Only image types are supported.",
            None,
            "invalid_image_format",
        ),
        ("data:image/png;base64,***", "Invalid base64 image_url.", None, "invalid_base64"),
        ("data:image/png;base64,", "Invalid base64 image_url.", None, "invalid_base64"),
        (
            "a.png",
            f"{EXPECTED}a value without the 'data:' prefix.",
            f"{WHERE}.image_url.url",
            "invalid_value",
        ),
        (
            "ftp://example.com/a.png",
            f"{EXPECTED}a value without the 'data:' prefix.",
            f"{WHERE}.image_url.url",
            "invalid_value",
        ),
        (
            f"data:image/png,{PNG}",
            f"{EXPECTED}a value without the ';base64' separator.",
            f"{WHERE}.image_url.url",
            "invalid_value",
        ),
    ],
)
def test_images_that_are_not_taken(
    url: str, message: str, param: str | None, code: str | None
) -> None:
    error = refused(read_chat(said(image(url))))
    assert (error.message, error.param, error.code) == (message, param, code)


@pytest.mark.parametrize("model", ["gpt-3.5-turbo", "gpt-4", "gpt-4-0613", "o3-mini"])
def test_a_model_that_does_not_see_takes_no_image(model: str) -> None:
    text = {"type": "text", "text": "What is it?"}
    asked = said(text, image(f"data:image/png;base64,{PNG}"))
    error = refused(read_chat(USER, asked, model=model))
    assert error.message == ("Invalid content type. image_url is only supported by certain models.")
    assert (error.param, error.code) == ("messages.[1].content.[1].type", None)


def test_a_model_that_speaks_takes_no_image() -> None:
    asked = said(sound(), image("https://example.com/a.png"))
    error = refused(read_chat(asked, model="gpt-4o-audio-preview"))
    assert error.message == "This model does not support image_url content."
    assert (error.param, error.code) == ("messages[0].content", "invalid_value")


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_images_are_the_users(role: str) -> None:
    error = refused(read_chat(USER, said(image(f"data:image/png;base64,{PNG}"), role=role)))
    assert error.message == (
        "Invalid 'messages[1]'. Image URLs are only allowed for messages with role 'user', but "
        f"this message with role '{role}' contains an image URL."
    )
    assert (error.param, error.code) == ("messages[1]", "invalid_value")


def test_misplaced_media_are_refused_by_a_layer_that_writes_one_line(raw: Raw) -> None:
    asked = (
        b'{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"input_audio",'
        b'"input_audio":{"data":"","format":"wav"}}]}]}'
    )
    response, body = raw.chat(asked)
    assert response.status == 400
    assert body == (
        b'{"error": {"message": "Invalid \'messages[0]\'. Content blocks are expected to be either '
        b'text or image_url type.", "type": "invalid_request_error", "param": "messages[0]", '
        b'"code": "invalid_value"}}'
    )
    _, other = raw.chat(asked.replace(b"gpt-4o", b"").replace(b"wav", b"mp3"))
    assert other.startswith(b'{\n  "error": {\n')


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1", "gpt-5"])
def test_a_model_that_does_not_hear_takes_no_sound(model: str) -> None:
    error = refused(read_chat(USER, said(sound()), model=model))
    assert error.message == (
        "Invalid 'messages[1]'. Content blocks are expected to be either text or image_url type."
    )


def test_a_model_that_speaks_wants_sound_on_one_side() -> None:
    error = refused(read_chat(model="gpt-audio"))
    assert error.message == (
        "This model requires that either input content or output modality contain audio."
    )
    assert (error.param, error.code) == ("model", "invalid_value")
    assert read_chat(said(sound("mp3")), model="gpt-audio").settled is None
    spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    assert read_chat(model="gpt-audio", **spoken).settled is None


PDF = encoded(b"%PDF-1.4", "application/pdf")


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (file(file_data="JVBERi0=", filename="a.pdf"), "a value without the 'data:' prefix"),
        (
            file(file_data=encoded(b"x", "text/csv"), filename="a.csv"),
            "unsupported MIME type 'text/csv'",
        ),
        (
            file(file_data="data:application/pdf;base64,***", filename="a.pdf"),
            "an invalid base64-encoded value",
        ),
    ],
)
def test_files_that_are_not_taken(part: dict[str, Any], found: str) -> None:
    error = refused(read_chat(said(part)))
    assert error.message == (
        f"Invalid file data: '{WHERE}.file.file_data'. Expected a base64-encoded data URL with an "
        "application/pdf MIME type (e.g. 'data:application/pdf;base64,SGVsbG8sIFdvcmxkIQ=='), but "
        f"got {found}."
    )


def test_a_file_is_named_or_known() -> None:
    assert read_chat(said(file(file_data=PDF, filename="a.pdf"))).settled is None
    assert read_chat(said(file(file_id="file-1"))).settled is None
    error = refused(read_chat(said(file(file_data=PDF))))
    assert error.message == f"Missing required parameter: '{WHERE}.file.file_id'."


def test_the_first_bad_part_is_reported_and_misplaced_ones_come_first() -> None:
    bad = image("a.png")
    error = refused(
        read_chat(
            said(bad), said(image(f"data:image/png;base64,{PNG}"), role="tool", tool_call_id="a")
        )
    )
    assert error.param == "messages.[1].role"
    error = refused(read_chat(said(bad), said(image("b.png"), role="system")))
    assert error.param == "messages[1]"
    assert refused(read_chat(USER, said(bad, bad))).param == "messages[1].content[0].image_url.url"
