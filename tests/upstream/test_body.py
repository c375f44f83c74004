"""Where a body ends, whatever says so, and how much a gzip layer may give at once."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import UpstreamBroken
from aiproxy.upstream.body import (
    PIECE_BYTES,
    ChunkedBody,
    CloseBody,
    Gunzip,
    LengthBody,
    framing_of,
    gunzip_of,
)
from aiproxy.upstream.head import ResponseHead

FRAMINGS = {
    "nothing said": ({}, CloseBody),
    "a length": ({"content-length": "5"}, LengthBody),
    "the same length twice": ({"content-length": "5, 5"}, LengthBody),
    "chunks": ({"transfer-encoding": "chunked"}, ChunkedBody),
    "chunks in capitals": ({"transfer-encoding": "Chunked"}, ChunkedBody),
    "chunks, which win over a length": (
        {"transfer-encoding": "chunked", "content-length": "5"},
        ChunkedBody,
    ),
}
BAD_FRAMINGS = {
    "two lengths": {"content-length": "5, 6"},
    "a negative length": {"content-length": "-5"},
    "a sign": {"content-length": "+5"},
    "hexadecimal": {"content-length": "0x5"},
    "an underscore": {"content-length": "1_0"},
    "an empty length": {"content-length": ""},
    "a length that is no number": {"content-length": "five"},
    "a length beyond all measure": {"content-length": "9" * 16},
    "another coding": {"transfer-encoding": "gzip"},
    "two codings": {"transfer-encoding": "gzip, chunked"},
}


def gunzip(
    data: bytes, *, step: int = 1 << 20, piece_bytes: int = PIECE_BYTES
) -> bytes:
    layer = Gunzip(piece_bytes)
    out = []
    for start in range(0, len(data), step):
        out.append(layer.feed(data[start : start + step]))
        while layer.more:
            out.append(layer.feed(b""))
    layer.end()
    return b"".join(out)


@pytest.mark.parametrize(("headers", "kind"), FRAMINGS.values(), ids=FRAMINGS)
def test_the_head_says_how_the_body_ends(headers, kind):
    assert isinstance(framing_of(ResponseHead(200, headers), "POST"), kind)


@pytest.mark.parametrize("headers", BAD_FRAMINGS.values(), ids=BAD_FRAMINGS)
def test_an_unclear_end_is_refused(headers):
    with pytest.raises(UpstreamBroken):
        framing_of(ResponseHead(200, headers), "POST")


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)]
)
def test_some_answers_have_no_body_whatever_their_head_says(method, status):
    framing = framing_of(ResponseHead(status, {"content-length": "5"}), method)

    assert framing.done


def test_bytes_beyond_a_length_are_no_part_of_the_body():
    body = LengthBody(5)

    assert body.feed(b"hello, world") == b"hello"
    assert body.done
    assert body.excess


def test_bytes_beyond_the_last_chunk_are_no_part_of_the_body():
    body = ChunkedBody()

    assert body.feed(b"2\r\nhi\r\n0\r\n\r\nmore") == b"hi"
    assert body.done
    assert body.excess


@pytest.mark.parametrize("body", [LengthBody(5), ChunkedBody()])
def test_an_end_before_its_time_is_a_failure(body):
    with pytest.raises(UpstreamBroken):
        body.end_of_connection()


def test_a_body_that_ends_with_its_connection_ends_well():
    body = CloseBody()
    body.end_of_connection()

    assert body.done


@pytest.mark.parametrize("coding", ["", "identity", "Identity", "identity, "])
def test_a_plain_body_needs_no_decoding(coding):
    assert gunzip_of(ResponseHead(200, {"content-encoding": coding})) is None


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity, gzip"])
def test_one_gzip_layer_is_taken_off(coding):
    assert gunzip_of(ResponseHead(200, {"content-encoding": coding})) is not None


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,br"])
def test_any_other_coding_is_refused(coding):
    with pytest.raises(UpstreamBroken):
        gunzip_of(ResponseHead(200, {"content-encoding": coding}))


def test_a_bomb_comes_in_pieces():
    layer = Gunzip()
    bomb = gzip.compress(bytes(50 << 20))

    assert len(layer.feed(bomb)) == PIECE_BYTES
    assert layer.more


def test_several_members_are_one_body():
    assert gunzip(gzip.compress(b"one, ") + gzip.compress(b"two")) == b"one, two"


def test_members_without_end_are_refused():
    gunzip = Gunzip()
    gunzip.feed(gzip.compress(b"") * 1001)
    for _ in range(999):
        gunzip.feed(b"")

    with pytest.raises(UpstreamBroken):
        gunzip.feed(b"")


@pytest.mark.parametrize(
    "data", [b"plain text", gzip.compress(b"x" * 999)[:-9]], ids=["other", "cut"]
)
def test_broken_or_unfinished_gzip_is_refused(data):
    with pytest.raises(UpstreamBroken):
        gunzip(data)


@given(
    body=st.binary(max_size=5000),
    step=st.integers(min_value=1, max_value=700),
    piece_bytes=st.integers(min_value=1, max_value=300),
)
def test_gunzip_undoes_gzip_however_both_are_cut(body, step, piece_bytes):
    data = gzip.compress(body * 3)

    assert gunzip(data, step=step, piece_bytes=piece_bytes) == body * 3
