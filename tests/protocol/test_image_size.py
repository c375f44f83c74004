"""Sizes read from the first bytes of the four kinds of images."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol.image_size import size_of


def png(width: int, height: int) -> bytes:
    head = struct.pack(">II", width, height)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + head + b"\x08\x06\x00\x00\x00"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\xf7\x00\x00"


def webp_lossy(width: int, height: int) -> bytes:
    frame = b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00" + frame


def webp_lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + struct.pack("<I", bits)


def webp_extended(width: int, height: int) -> bytes:
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00" + sides


def jpeg(width: int, height: int, *, marker: int = 0xC0) -> bytes:
    thumbnail = b"\xff\xc0" + b"\x00" * 300  # looks like a frame, inside a segment
    exif = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    table = b"\xff\xc4" + struct.pack(">H", 6) + b"\x00" * 4
    frame = b"\xff" + bytes([marker]) + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + exif + table + b"\xff" + frame + b"\x03"


KINDS = {
    "png": png,
    "gif": gif,
    "webp lossy": webp_lossy,
    "webp lossless": webp_lossless,
    "webp extended": webp_extended,
    "jpeg": jpeg,
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_width_and_height_are_read(make):
    assert size_of(make(640, 480)) == (640, 480)


def test_the_older_kind_of_gif_is_one_too():
    assert size_of(gif(640, 480).replace(b"89a", b"87a")) == (640, 480)


def test_a_progressive_jpeg_has_a_size_too():
    assert size_of(jpeg(640, 480, marker=0xC2)) == (640, 480)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_head_cut_short_has_no_size_or_the_right_one(make):
    whole = make(640, 480)
    for end in range(len(whole)):
        assert size_of(whole[:end]) in {None, (640, 480)}


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"BM" + b"\x00" * 50, png(0, 5)])
def test_other_bytes_have_no_size(data):
    assert size_of(data) is None


@given(
    st.sampled_from(
        [b"", b"\xff\xd8", b"GIF89a", b"RIFF0000WEBPVP8X", b"\x89PNG\r\n\x1a\n"]
    ),
    st.binary(max_size=60),
)
def test_any_bytes_are_read_without_trouble(head, rest):
    size = size_of(head + rest)

    assert size is None or min(size) > 0
