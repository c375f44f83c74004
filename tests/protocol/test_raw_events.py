"""Events with the bytes that they came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol.raw_events import RawEventSplitter

STREAM = (
    b": hello\n\n"
    b'event: a\ndata: {"x": 1}\n\n'
    b'data: {"y":\r\ndata: 2}\r\n\r\n'
    b"event:b\rdata:z\r\r"
    b"id: 7\ndata: caf\xc3\xa9\n\n\n\n"
    b"data: \xff\n\n"
)
READ = [
    ("", ""),
    ("a", '{"x": 1}'),
    ("", '{"y":\n2}'),
    ("b", "z"),
    ("", "caf\u00e9"),
    ("", "\ufffd"),
]


def split(*chunks: bytes):
    splitter = RawEventSplitter()
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events + splitter.finish()


def read(events):
    return [(event.type, event.data) for event in events if event.raw.strip()]


def test_events_are_read_and_kept():
    events = split(STREAM)

    assert read(events) == READ
    assert b"".join(event.raw for event in events) == STREAM


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_any_cut_gives_the_same_bytes_and_events(size):
    chunks = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    events = split(*chunks)

    assert read(events) == READ
    assert b"".join(event.raw for event in events) == STREAM


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a:b", b"data: x", b":"]), max_size=20))
def test_no_byte_is_lost(pieces):
    stream = b"".join(pieces)
    whole = b"".join(event.raw for event in split(stream))
    by_bytes = b"".join(event.raw for event in split(*(bytes([b]) for b in stream)))

    # The end may add the blank line that was missing.
    assert whole.rstrip(b"\n\r") == stream.rstrip(b"\n\r")
    assert by_bytes.rstrip(b"\n\r") == stream.rstrip(b"\n\r")


def test_an_event_ends_with_its_blank_line_at_once():
    splitter = RawEventSplitter()

    assert [event.data for event in splitter.feed(b"data: x\r\r")] == ["x"]
    assert [event.data for event in splitter.feed(b"\ndata: y\r\n\r")] == ["y"]


def test_the_last_event_needs_no_blank_line():
    (event,) = split(b"data: x")

    assert event.raw == b"data: x\n\n"


def test_a_mark_of_byte_order_is_no_part_of_an_event():
    (event,) = split(b"\xef\xbb\xbfdata: x\n\n")

    assert event == (b"data: x\n\n", "", "x")


def test_only_the_first_mark_of_byte_order_is_one():
    later = b"\xef\xbb\xbfdata: y\n\n"

    assert [event.raw for event in split(b"data: x\n\n" + later)][1] == later


@pytest.mark.parametrize(
    "raw", [b"data: x\n\n", b"event: old\ndata: x\n\n", b"\n\nevent:old\ndata: x\n\n"]
)
def test_an_event_can_be_named(raw):
    event = next(event for event in split(raw) if event.data)

    assert event.renamed("new") == b"event: new\ndata: x\n\n"


def test_an_event_without_end_is_refused():
    splitter = RawEventSplitter(max_event_bytes=100)
    with pytest.raises(UpstreamBroken):
        splitter.feed(b"data: " + b"x" * 200)


def test_a_long_event_in_small_pieces_takes_linear_time():
    splitter = RawEventSplitter()
    for _ in range(20_000):
        splitter.feed(b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxx\n")

    (event,) = splitter.feed(b"\n")
    assert len(event.raw) > 600_000
