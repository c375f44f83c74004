"""Width and height of an image, from its first bytes; nothing is decoded.

PNG, JPEG, GIF and WebP: the four kinds that the Messages API takes.
"""

from __future__ import annotations

import struct
from typing import Callable, Tuple

Size = Tuple[int, int]

_UNKNOWN: Size = (0, 0)
# Markers of JPEG frames: SOF0 to SOF15, without DHT, JPG and DAC among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))


def size_of(image: bytes) -> Size | None:
    """Pixels across and down, or None for what is no image that we know."""
    for head, read in _READERS:
        if image.startswith(head):
            try:
                size = read(image)
            except struct.error:  # cut short
                return None
            return size if all(size) else None
    return None


def _png(image: bytes) -> Size:
    kind, width, height = struct.unpack_from(">4sII", image, 12)
    return (width, height) if kind == b"IHDR" else _UNKNOWN


def _gif(image: bytes) -> Size:
    width, height = struct.unpack_from("<HH", image, 6)
    return width, height


def _webp(image: bytes) -> Size:
    form, kind = struct.unpack_from("<4s4s", image, 8)
    if form == b"WEBP" and kind == b"VP8X":
        sides = struct.unpack_from("<HBHB", image, 24)
        return (sides[0] | sides[1] << 16) + 1, (sides[2] | sides[3] << 16) + 1
    if form == b"WEBP" and kind == b"VP8L":
        mark, bits = struct.unpack_from("<BI", image, 20)
        size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        return size if mark == 0x2F else _UNKNOWN
    if form == b"WEBP" and kind == b"VP8 ":
        mark, width, height = struct.unpack_from("<3sHH", image, 23)
        size = width & 0x3FFF, height & 0x3FFF
        return size if mark == b"\x9d\x01\x2a" else _UNKNOWN
    return _UNKNOWN


def _jpeg(image: bytes) -> Size:
    position = 2
    while True:
        start, marker = struct.unpack_from("BB", image, position)
        if start != 0xFF:
            return _UNKNOWN
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", image, position + 5)
            return width, height
        if marker == 0xFF:  # fill bytes
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        else:
            position += 2 + struct.unpack_from(">H", image, position + 2)[0]


_READERS: tuple[tuple[bytes, Callable[[bytes], Size]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8", _jpeg),
    (b"GIF87a", _gif),
    (b"GIF89a", _gif),
    (b"RIFF", _webp),
)
