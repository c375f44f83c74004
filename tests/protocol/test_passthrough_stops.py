"""Stop sequences that the upstream overlooked."""

from __future__ import annotations

import pytest

from aiproxy.protocol import passthrough_stops
from aiproxy.protocol.passthrough_stream import PassthroughStream
from aiproxy.records import replace
from tests.protocol.test_passthrough_stream import (
    CLOSE,
    FINISH,
    OPEN,
    PING,
    REPLY,
    START,
    STOP,
    delta,
    event,
    events_in,
)

WATCHED = replace(REPLY, stop_sequences=("</s>", "END"))


def run(*events: bytes) -> tuple[bytes, PassthroughStream]:
    stream = PassthroughStream(WATCHED)
    out = b"".join(stream.feed(event) for event in events)
    return out + stream.end(), stream


def text_in(stream: bytes) -> str:
    deltas = [event.get("delta", {}) for event in events_in(stream)]
    return "".join(piece.get("text", "") for piece in deltas)


@pytest.mark.parametrize(
    ("texts", "kept", "sequence"),
    [
        (["5</s>more"], "5", "</s>"),
        (["5<", "/s", ">", "more"], "5", "</s>"),
        (["a<", "b</", "s>"], "a<b", "</s>"),
        (["EN", "END"], "EN", "END"),
        (["xENDy</s>"], "x", "END"),
        (["</s>"], "", "</s>"),
        (["a", "END"], "a", "END"),
    ],
)
def test_the_text_ends_before_the_sequence_and_the_answer_says_so(
    texts, kept, sequence
):
    pieces = [delta(text) for text in texts]
    out, stream = run(START, OPEN, *pieces, CLOSE, FINISH, STOP)
    events = events_in(out)

    assert text_in(out) == kept
    assert [event["type"] for event in events[-3:]] == [
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[-2]["delta"] == {
        "stop_reason": "stop_sequence",
        "stop_sequence": sequence,
    }
    assert stream.done
    assert stream.outcome.stop_reason == "stop_sequence"


def test_the_end_tells_how_much_was_written():
    out, _ = run(START, OPEN, delta("word " * 40), delta("END"))
    usage = events_in(out)[-2]["usage"]

    assert usage["input_tokens"] == 25
    assert usage["output_tokens"] >= 40


@pytest.mark.parametrize(
    "texts", [["a", "b"], ["a<", "/", "x"], ["EN"], ["</s"], ["E", "E", "N"]]
)
def test_without_a_match_the_bytes_are_the_same(texts):
    stream = [START, OPEN, *map(delta, texts), PING, CLOSE, FINISH, STOP]
    out, _ = run(*stream)

    assert out.replace(PING, b"") == b"".join(stream).replace(PING, b"")


def test_only_what_may_become_a_match_is_held_back():
    stream = PassthroughStream(WATCHED)

    assert stream.feed(START + OPEN + delta("a")) == START + OPEN + delta("a")
    assert stream.feed(delta("b<")) == b""
    assert stream.feed(delta("/")) == b""
    assert stream.feed(PING) == PING
    assert stream.feed(delta("c")) == delta("b<") + delta("/") + delta("c")


def test_what_was_held_is_not_lost_in_an_error():
    stream = PassthroughStream(WATCHED)
    stream.feed(START + OPEN + delta("a<"))

    assert stream.end().startswith(delta("a<"))


def test_a_sequence_does_not_span_blocks():
    stream = [START, OPEN, delta("EN"), CLOSE, OPEN, delta("D"), CLOSE, FINISH, STOP]

    assert run(*stream)[0] == b"".join(stream)


def test_a_whole_answer_is_cut_at_its_first_match():
    message = {
        "content": [
            {"type": "thinking", "thinking": "END", "text": "END"},
            {"type": "text", "text": "a"},
            {"type": "text", "text": "bENDc", "citations": []},
            {"type": "tool_use", "id": "t"},
        ],
        "stop_reason": "end_turn",
        "stop_sequence": None,
    }
    cut = passthrough_stops.cut(message, ["END"])

    assert cut["content"] == [
        *message["content"][:2],
        {"type": "text", "text": "b", "citations": []},
    ]
    assert (cut["stop_reason"], cut["stop_sequence"]) == ("stop_sequence", "END")


def test_a_block_of_which_nothing_is_left_goes():
    message = {"content": [{"type": "text", "text": "ENDa"}]}

    assert passthrough_stops.cut(message, ["END"])["content"] == []


def test_in_a_whole_answer_a_sequence_does_not_span_blocks():
    texts = [{"type": "text", "text": text} for text in ("EN", "D")]

    assert passthrough_stops.cut({"content": texts}, ["END"]) == {"content": texts}


@pytest.mark.parametrize(
    "piece",
    [
        {"type": "thinking_delta", "thinking": "END"},
        {"type": "input_json_delta", "partial_json": "END"},
    ],
)
def test_only_visible_text_is_searched(piece):
    odd = event(
        "content_block_delta",
        {"type": "content_block_delta", "index": 0, "delta": piece},
    )
    stream = [START, OPEN, odd, CLOSE, FINISH, STOP]

    assert run(*stream)[0] == b"".join(stream)


def test_a_whole_answer_without_a_match_stays():
    message = {"content": [{"type": "text", "text": "EN"}, {"type": "x"}, None]}

    assert passthrough_stops.cut(message, ["END"]) == message
