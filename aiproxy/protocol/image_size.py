"""Width and height of an image, from its first bytes; nothing is decoded.

PNG, JPEG, GIF and WebP: the four kinds that the Messages API takes.
"""

from __future__ import annotations

from typing import Optional, Tuple

Size = Optional[Tuple[int, int]]

# Markers of JPEG frames: SOF0 to SOF15, without DHT, JPG and DAC among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))


def size_of(image: bytes) -> Size:
    """Pixels across and down, or None for what is no image that we know."""
    if image.startswith(b"\x89PNG\r\n\x1a\n") and image[12:16] == b"IHDR":
        return _known(_big(image[16:20]), _big(image[20:24]))
    if image[:6] in {b"GIF87a", b"GIF89a"}:
        return _known(_little(image[6:8]), _little(image[8:10]))
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return _webp(image)
    if image[:2] == b"\xff\xd8":
        return _jpeg(image)
    return None


def _known(width: int, height: int) -> Size:
    return (width, height) if width and height else None


def _webp(image: bytes) -> Size:
    kind = image[12:16]
    if kind == b"VP8X":
        return _known(_little(image[24:27]) + 1, _little(image[27:30]) + 1)
    if kind == b"VP8L" and image[20:21] == b"\x2f" and len(image) >= 25:
        bits = _little(image[21:25])
        return _known((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and image[23:26] == b"\x9d\x01\x2a":
        return _known(_little(image[26:28]) & 0x3FFF, _little(image[28:30]) & 0x3FFF)
    return None


def _jpeg(image: bytes) -> Size:
    position = 2
    while position + 9 <= len(image):
        if image[position] != 0xFF:
            return None
        marker = image[position + 1]
        if marker == 0xFF:  # fill bytes
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker in _FRAMES:
            height, width = (
                image[position + 5 : position + 7],
                image[position + 7 :][:2],
            )
            return _known(_big(width), _big(height))
        else:
            length = _big(image[position + 2 : position + 4])
            if length < 2:
                return None
            position += 2 + length
    return None


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
