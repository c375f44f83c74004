"""Server-sent events: how a stream is cut does not change what it says."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol import sse
from aiproxy.protocol.sse import Event, SSEDecoder


def decode(pieces, **limits):
    decoder = SSEDecoder(**limits)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.finish()


def said(*data):
    return [Event("", text) for text in data]


CASES = {
    "lf": (b"data: a\n\ndata: b\n\n", said("a", "b")),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", said("a", "b")),
    "crlf, several data lines": (b"data: a\r\ndata: b\r\n\r\n", said("a\nb")),
    "cr": (b"data: a\r\rdata: b\r\r", said("a", "b")),
    "mixed line ends": (b"data: a\r\n\ndata: b\n\r\n", said("a", "b")),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", said("a")),
    "a later byte order mark": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", said("a")),
    "no space": (b"data:a\n\n", said("a")),
    "only one space is cut": (b"data:  a\n\n", said(" a")),
    "several data lines": (b"data: a\ndata: b\n\n", said("a\nb")),
    "an empty data line": (b"data: a\ndata\ndata:\n\n", said("a\n\n")),
    "comments": (b": hello\n\n:\ndata: a\n: more\n\n", said("a")),
    "event, id and retry": (
        b"event: ping\nid: 7\nretry: 10\ndata: a\n\ndata: b\n\n",
        [Event("ping", "a"), Event("", "b")],
    ),
    "an event without data": (b"event: ping\n\ndata: a\n\n", said("a")),
    "lines that are no field": (b"<html>\ndata: a\nfoo: bar\n\n", said("a")),
    "the last blank line is missing": (b"data: a\n", said("a")),
    "the last line end is missing": (b"data: a\n\ndata: b", said("a", "b")),
    "no UTF-8": (b"data: \xff\xe2\x82\n\n", said("\ufffd\ufffd")),
    "separators of text are no line ends": (
        "data: a\u2028b\x85c\x0bd\n\n".encode(),
        said("a\u2028b\x85c\x0bd"),
    ),
    "characters of several bytes": ("data: é漢😀\n\n".encode(), said("é漢😀")),
}


@pytest.mark.parametrize(("stream", "expected"), CASES.values(), ids=CASES)
def test_decoding_does_not_depend_on_how_the_stream_is_cut(stream, expected):
    one_byte_at_a_time = [stream[at : at + 1] for at in range(len(stream))]

    assert decode([stream]) == expected
    assert decode(one_byte_at_a_time) == expected


@pytest.mark.parametrize("stream", [stream for stream, _ in CASES.values()], ids=CASES)
def test_any_single_cut_changes_nothing(stream):
    whole = decode([stream])

    for at in range(len(stream) + 1):
        assert decode([stream[:at], stream[at:]]) == whole


def test_an_event_is_given_out_with_its_blank_line_and_not_later():
    decoder = SSEDecoder()

    assert decoder.feed(b"data: a\r") == []
    assert decoder.feed(b"\r") == said("a")
    assert decoder.feed(b"\n") == []
    assert decoder.feed(b"data: b\n\n") == said("b")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))))
def test_decoding_undoes_encoding(texts):
    bodies = [{"type": "ping", "text": text} for text in texts]
    stream = b"".join(sse.encode("ping", body) for body in bodies)

    assert [json.loads(event.data) for event in decode([stream])] == bodies


@given(st.binary(), st.integers(1, 5))
def test_any_bytes_are_read_alike_in_one_piece_and_in_many(data, size):
    pieces = [data[at : at + size] for at in range(0, len(data), size)]

    assert decode(pieces) == decode([data])


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 200,
        b"data: " + b"x" * 60 + b"\ndata: " + b"y" * 60,
        b":" * 200,
    ],
    ids=["a line", "an event of many lines", "a comment"],
)
def test_what_exceeds_the_limit_is_refused(stream):
    with pytest.raises(UpstreamBroken, match="larger than 100 bytes"):
        decode([stream + b"\n\n"], max_event_bytes=100)


def test_a_line_is_refused_before_it_ends():
    decoder = SSEDecoder(max_event_bytes=100)
    with pytest.raises(UpstreamBroken, match="larger than 100 bytes"):
        decoder.feed(b"data: " + b"x" * 100)


def test_a_line_without_end_takes_linear_time():
    decoder = SSEDecoder()
    started = time.process_time()
    for _ in range(200_000):
        decoder.feed(b"x")

    assert time.process_time() - started < 2


def test_an_event_is_one_line_whatever_its_text_holds():
    encoded = sse.encode("ping", {"text": "a\u2028b\x85c\nd\u2029\x1c\ud83d"})

    assert len(encoded.decode().splitlines()) == 3
    data = encoded.split(b"data: ")[1]
    assert json.loads(data)["text"] == "a\u2028b\x85c\nd\u2029\x1c\ufffd"


def test_a_quoted_text_is_the_text():
    text = 'é"\\\n漢\u2028😀\x00'

    assert json.loads(sse.quote(text)) == text
