"""One reader for streams and answers in one piece: what it takes for which."""

from __future__ import annotations

import pytest

from aiproxy.errors import UpstreamError
from aiproxy.protocol.block_writer import MessageWriter
from aiproxy.protocol.chat_reader import ChatReader
from tests.protocol.answering import DONE, REPLY, chunk, sse

ANSWER = b'{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
OPENING = sse(chunk(content="-")).replace(DONE, b"")
STREAM = sse(chunk(content="Hel"), chunk("stop", content="lo"))


def read(*pieces):
    writer = MessageWriter()
    reader = ChatReader(REPLY, writer)
    for piece in pieces:
        reader.read(piece)
    reader.end()
    return writer.message


@pytest.mark.parametrize(
    "body",
    [
        ANSWER,
        b"\n \t" + ANSWER,
        b"\xef\xbb\xbf" + ANSWER,
        ANSWER + b"\r\n",
        STREAM,
        b"\xef\xbb\xbf" + STREAM,
        b"\n\n" + STREAM,
        b": hello\n\n" + STREAM,
        b"event: message\n" + STREAM,
        STREAM.replace(b"data: ", b"data:"),
        STREAM.replace(b"\n", b"\r\n"),
        STREAM.replace(b"\n", b"\r"),
    ],
)
def test_the_first_character_tells_what_it_is(body):
    whole = read(body)

    assert whole["content"] == [{"type": "text", "text": "Hello"}]
    assert read(*(body[at : at + 1] for at in range(len(body)))) == whole


def test_an_event_of_two_lines_is_no_example_for_one_of_one():
    first = b'data: {"choices":\n'
    second = b'data: [{"delta":{"content":"%b"}}]}\n\n'
    broken = second % b"lost"
    pieces = [OPENING, first, second % b"a", broken, first + second % b"b", DONE]

    assert read(*pieces)["content"][0]["text"] == "-ab"


def test_an_answer_in_one_piece_may_be_cut_anywhere():
    whole = read(ANSWER)

    for at in range(len(ANSWER)):
        assert read(ANSWER[:at], ANSWER[at:]) == whole


def test_the_first_choice_counts_wherever_it_stands():
    body = (
        b'{"choices":[{"index":1,"message":{"content":"other"}},'
        b'{"index":0,"message":{"content":"Hello"}}]}'
    )

    assert read(body)["content"][0]["text"] == "Hello"


def test_an_endless_run_of_blanks_is_no_answer():
    with pytest.raises(UpstreamError):
        read(b" " * (70 << 10), b"\n" * (70 << 10))


def test_a_full_context_is_told_with_our_estimate():
    words = b"This model's maximum context length is 100 tokens."
    with pytest.raises(UpstreamError, match="120 tokens > 100"):
        read(b'{"error":{"message":"' + words + b'"}}')


def test_nothing_is_read_after_the_end():
    writer = MessageWriter()
    reader = ChatReader(REPLY, writer)
    reader.read(STREAM)
    assert reader.done
    reader.read(sse(chunk(content="more")))
    reader.end()

    assert writer.message["content"] == [{"type": "text", "text": "Hello"}]


def test_the_outcome_tells_how_it_ended():
    reader = ChatReader(REPLY, MessageWriter())
    reader.read(
        sse(chunk("length", content="x", usage={"prompt_tokens": 3, "cost": 0.5}))
    )

    assert reader.outcome.stop_reason == "max_tokens"
    assert reader.outcome.usage.cost == 0.5
    assert reader.outcome.usage.input_tokens == 3
