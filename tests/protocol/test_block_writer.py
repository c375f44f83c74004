"""Both writers write the same blocks."""

from __future__ import annotations

import pytest

from aiproxy.protocol.block_writer import EventWriter, MessageWriter
from tests.protocol.answering import fold
from tests.validators import messages_stream

OPENING = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {
        "input_tokens": 5,
        "output_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
    },
}
USAGE = {**OPENING["usage"], "output_tokens": 9}


def write(writer):
    writer.start(OPENING)
    writer.open({"type": "thinking", "thinking": "", "signature": ""})
    writer.add("hm")
    writer.close("sig")
    writer.open({"type": "redacted_thinking", "data": "x"})
    writer.close()
    writer.open({"type": "text", "text": ""})
    writer.add("Hel")
    writer.add("lo\n\u2028 é")
    writer.close()
    writer.open({"type": "tool_use", "id": "a", "name": "f", "input": {}})
    writer.add('{"x":')
    writer.add("1}")
    writer.close()
    writer.open({"type": "tool_use", "id": "b", "name": "g", "input": {}})
    writer.close()
    writer.finish("tool_use", None, USAGE)


def test_the_events_fold_into_the_message():
    events, message = EventWriter(), MessageWriter()
    write(events)
    write(message)
    stream = events.take()

    assert messages_stream.problems(stream) == []
    assert messages_stream.answer_problems(message.message) == []
    folded = fold(stream)
    assert {name: folded[name] for name in message.message} == message.message
    assert events.payload_bytes == message.payload_bytes > 0


@pytest.mark.parametrize("make", [EventWriter, MessageWriter])
def test_plain_text_is_text(make):
    said, plain = make(), make()
    for writer in (said, plain):
        writer.start(OPENING)
        writer.open({"type": "text", "text": ""})
    said.add("two words /\x7f")
    plain.add_plain(b"two words /\x7f")
    for writer in (said, plain):
        writer.close()

    assert vars(plain) == vars(said)


def test_a_zero_after_no_announcement_is_kept():
    events = EventWriter()
    events.start({**OPENING, "usage": {}})
    events.finish("end_turn", None, {**USAGE, "input_tokens": 0})

    assert b'"input_tokens":0' in events.take()


def test_an_input_that_was_announced_does_not_end_as_zero():
    writer = EventWriter()
    writer.start(OPENING)
    writer.finish("end_turn", None, {**USAGE, "input_tokens": 0})

    assert fold(writer.take())["usage"]["input_tokens"] == 1


def test_a_thought_is_signed_even_where_there_is_no_signature():
    writer = EventWriter()
    writer.open({"type": "thinking", "thinking": "", "signature": ""})
    writer.add("hm")
    writer.close()

    assert b'"delta":{"type":"signature_delta","signature":""}' in writer.take()


def test_events_are_given_out_once():
    writer = EventWriter()
    writer.start(OPENING)

    assert writer.take()
    assert writer.take() == b""


def test_a_block_is_open_or_none():
    for writer in (EventWriter(), MessageWriter()):
        writer.start(OPENING)
        assert writer.kind == ""
        writer.open({"type": "text", "text": ""})
        assert writer.kind == "text"
        writer.add("x")
        writer.close()
        assert writer.kind == ""


def test_the_opening_is_not_changed_by_what_follows():
    writer = MessageWriter()
    write(writer)

    assert OPENING["content"] == []
    assert OPENING["stop_reason"] is None
