"""How many tokens an image of the prompt counts, when its size can be read from a data URL.

The prices are fitted to recordings of api.openai.com, those of o1 and o3 are the published ones. An
image elsewhere, or one of which no size can be read, counts nothing.
"""

from __future__ import annotations

import binascii
from math import ceil, floor, sqrt
from typing import TypeAlias

from chatdouble.wire.chat.models import family
from chatdouble.wire.chat.request import ImageUrl

Size: TypeAlias = tuple[int, int]

# a model's beginning -> tokens of any image, and of each tile of 512 by 512; the first that fits
_TILES = (
    ("gpt-4o-mini", 2833, 5667),
    ("gpt-4", 85, 170),
    ("gpt-5", 70, 140),
    ("o1", 75, 150),
    ("o3", 75, 150),
)
# a model's beginning -> tokens of each patch of 32 by 32
_PATCHES = (
    ("gpt-4.1-mini", 1.62),
    ("gpt-4.1-nano", 2.46),
    ("gpt-5-mini", 1.2),
    ("gpt-5-nano", 1.5),
    ("gpt-5.4", 1.2),
    ("o4-mini", 1.72),
)
_MOST_PATCHES = 1536

# base64 letters of a data URL in which a size is looked for before all are decoded
_FIRST_LETTERS = 1 << 16

# JPEG segments that begin a frame and hold its size
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_tokens(image: ImageUrl, model: str) -> int:
    """Tokens of one image for this model."""
    size = _size_in(image.url)
    if size is None:
        return 0
    model = family(model)
    for beginning, price in _PATCHES:
        if model.startswith(beginning):
            return ceil(price * _patches(*size)) + 1
    for beginning, base, tile in _TILES:
        if model.startswith(beginning):
            return base if image.detail == "low" else base + tile * _tiles(*size)
    return 0


def is_image(data: bytes) -> bool:
    """Whether the bytes begin as an image of a format that the API reads."""
    webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    return webp or data.startswith((b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"\xff\xd8\xff"))


def _tiles(width: int, height: int) -> int:
    """Tiles of the image, made to fit 2048 by 2048 and then 768 on its shorter side."""
    scale = min(1, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    return ceil(int(width * scale) / 512) * ceil(int(height * scale) / 512)


def _patches(width: int, height: int) -> int:
    """Patches of the image, made smaller until they are not too many (the published way)."""
    patches = ceil(width / 32) * ceil(height / 32)
    if patches <= _MOST_PATCHES:
        return patches
    scale = sqrt(32 * 32 * _MOST_PATCHES / (width * height))
    across, down = width * scale / 32, height * scale / 32
    scale *= min(floor(across) / across, floor(down) / down)
    return min(ceil(width * scale / 32) * ceil(height * scale / 32), _MOST_PATCHES)


def _size_in(url: str) -> Size | None:
    head = url[:256].partition(",")[0].lower()
    if not head.startswith("data:") or not head.endswith(";base64"):
        return None
    begin = len(head) + 1
    size = _size(_decoded(url[begin : begin + _FIRST_LETTERS]))
    if size is None and len(url) > begin + _FIRST_LETTERS:
        size = _size(_decoded(url[begin:]))
    return size if size and min(size) > 0 else None


def _decoded(letters: str) -> bytes:
    letters = "".join(letters.split()).rstrip("=")
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    try:
        return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))
    except ValueError:
        return b""


def _size(image: bytes) -> Size | None:
    """Width and height as the header of a PNG, GIF, WebP or JPEG says them."""
    if image.startswith(b"\x89PNG\r\n\x1a\n") and len(image) >= 24:
        return int.from_bytes(image[16:20]), int.from_bytes(image[20:24])
    if image.startswith((b"GIF87a", b"GIF89a")) and len(image) >= 10:
        return _little(image[6:8]), _little(image[8:10])
    if image.startswith(b"RIFF") and image[8:12] == b"WEBP" and len(image) >= 30:
        return _webp_size(image)
    return _jpeg_size(image) if image.startswith(b"\xff\xd8") else None


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")


def _webp_size(image: bytes) -> Size | None:
    match image[12:16]:
        case b"VP8 ":
            return _little(image[26:28]) & 0x3FFF, _little(image[28:30]) & 0x3FFF
        case b"VP8L":
            bits = _little(image[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return _little(image[24:27]) + 1, _little(image[27:30]) + 1
    return None


def _jpeg_size(image: bytes) -> Size | None:
    at = 2
    while at + 9 <= len(image) and image[at] == 0xFF:
        marker = image[at + 1]
        if marker in _FRAMES:
            return int.from_bytes(image[at + 7 : at + 9]), int.from_bytes(image[at + 5 : at + 7])
        # a marker may be filled up with 0xFF, and a few have no length
        if marker == 0xFF:
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        else:
            at += 2 + int.from_bytes(image[at + 2 : at + 4])
    return None
