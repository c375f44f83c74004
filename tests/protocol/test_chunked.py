"""Chunked bodies: read as RFC 9112 says, and refused wherever readers could differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import InvalidRequest, UpstreamBroken
from aiproxy.protocol.chunked import (
    MAX_LINE_BYTES,
    MAX_TRAILER_BYTES,
    ChunkedDecoder,
)

GOOD = {
    "one chunk": (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "several chunks": (b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello"),
    "an empty body": (b"0\r\n\r\n", b""),
    "either case of hexadecimal": (
        b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
        b"0123456789" * 2,
    ),
    "leading zeros": (b"005\r\nhello\r\n000\r\n\r\n", b"hello"),
    "CRLF inside a chunk": (b"7\r\na\r\nb\r\nc\r\n0\r\n\r\n", b"a\r\nb\r\nc"),
    "an extension": (b'5;name="value"\r\nhello\r\n0;last\r\n\r\n', b"hello"),
    "a space before the extension": (b"5 ;x=y\r\nhello\r\n0\r\n\r\n", b"hello"),
    "a trailer": (b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Other:\r\n\r\n", b"hello"),
}
BAD = {
    "a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-1\r\nhello\r\n0\r\n\r\n",
    "0x before the size": b"0x5\r\nhello\r\n0\r\n\r\n",
    "an underscore in the size": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "a space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "a space after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "an extension without a size": b";x\r\nhello\r\n0\r\n\r\n",
    "a size of 16 digits": b"0000000000000005\r\nhello\r\n0\r\n\r\n",
    "digits of another script": "\u0665\r\nhello\r\n0\r\n\r\n".encode(),
    "a bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "a bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
    "a CR in the extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a NUL in the extension": b"5;a\x00b\r\nhello\r\n0\r\n\r\n",
    "a chunk that goes on": b"5\r\nhello!\r\n0\r\n\r\n",
    "a bare LF after a chunk": b"5\r\nhello\n0\r\n\r\n",
    "no CRLF after a chunk": b"5\r\nhello0\r\n\r\n",
    "a trailer without a colon": b"0\r\nX-Sum\r\n\r\n",
    "a trailer with a space before its colon": b"0\r\nX-Sum : 1\r\n\r\n",
    "a folded trailer": b"0\r\nX-Sum: 1\r\n 2\r\n\r\n",
    "a bare LF at the end": b"0\r\n\n",
    "a request in the trailer": b"0\r\nGET / HTTP/1.1\r\n\r\n",
}


def decode(*pieces: bytes) -> tuple[bytes, ChunkedDecoder]:
    decoder = ChunkedDecoder()
    return b"".join(decoder.feed(piece) for piece in pieces), decoder


def one_by_one(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


@pytest.mark.parametrize(("stream", "body"), GOOD.values(), ids=GOOD)
def test_the_payload_does_not_depend_on_how_the_stream_is_cut(stream, body):
    whole, decoder = decode(stream)
    in_bytes, slow_decoder = decode(*one_by_one(stream))

    assert whole == in_bytes == body
    assert decoder.done
    assert slow_decoder.done


@pytest.mark.parametrize("stream", BAD.values(), ids=BAD)
def test_a_loose_encoding_is_refused_however_it_is_cut(stream):
    with pytest.raises(InvalidRequest):
        decode(stream)
    with pytest.raises(InvalidRequest):
        decode(*one_by_one(stream))


@pytest.mark.parametrize("end", range(len(b"5\r\nhello\r\n0\r\n\r\n")))
def test_an_unfinished_body_is_not_done(end):
    _, decoder = decode(b"5\r\nhello\r\n0\r\n\r\n"[:end])

    assert not decoder.done


def test_what_follows_the_body_is_kept_apart():
    body, decoder = decode(b"2\r\nhi\r\n0\r\n\r\nGET / ", b"HTTP/1.1")

    assert body == b"hi"
    assert decoder.rest == b"GET / HTTP/1.1"


def test_the_last_chunk_ends_the_body_when_it_comes_alone():
    body, decoder = decode(b"2\r\nhi\r\n", b"0\r\n\r\n")

    assert body == b"hi"
    assert decoder.done


@pytest.mark.parametrize(
    "endless",
    [
        b"5;" + b"x" * MAX_LINE_BYTES,
        b"0\r\n" + b"X-Sum: 1\r\n" * (MAX_TRAILER_BYTES // 10 + 1),
        b"0\r\nX-Sum: " + b"1" * MAX_TRAILER_BYTES,
    ],
    ids=["extension", "trailer lines", "trailer line"],
)
def test_endless_lines_are_refused(endless):
    with pytest.raises(InvalidRequest):
        decode(endless)


def test_the_error_is_the_one_of_the_side_that_reads():
    with pytest.raises(UpstreamBroken):
        ChunkedDecoder(UpstreamBroken).feed(b"x\r\n")


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=200), max_size=20),
    cuts=st.lists(st.integers(min_value=1, max_value=50), max_size=50),
    rest=st.binary(max_size=20),
)
def test_decoding_undoes_encoding_for_any_chunks_and_any_cuts(chunks, cuts, rest):
    stream = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    stream += b"0\r\n\r\n" + rest
    pieces = []
    for cut in cuts:
        pieces.append(stream[:cut])
        stream = stream[cut:]

    body, decoder = decode(*pieces, stream)

    assert body == b"".join(chunks)
    assert decoder.done
    assert decoder.rest == rest


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_noise_is_refused_or_waited_for_but_breaks_nothing(pieces):
    decoder = ChunkedDecoder()
    try:
        body = b"".join(decoder.feed(piece) for piece in pieces)
    except InvalidRequest:
        return
    assert len(body) <= sum(map(len, pieces))
