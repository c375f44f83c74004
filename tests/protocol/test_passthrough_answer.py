"""A whole answer of a Messages upstream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiproxy.errors import UpstreamError
from aiproxy.protocol.passthrough_answer import translate_answer
from aiproxy.protocol.reply import Usage
from aiproxy.records import replace
from tests.protocol.test_passthrough_stream import (
    CLOSE,
    FINISH,
    MESSAGE,
    ODD,
    OPEN,
    REPLY,
    START,
    STOP,
    STREAM,
    delta,
    error_of,
    event,
)


def answer(body: Any, reply=REPLY):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return translate_answer(raw, reply)


def test_only_the_model_is_set_back():
    message = {
        **MESSAGE,
        "content": [
            {"type": "thinking", "thinking": "t", "signature": "EqQB+/=="},
            {"type": "future_block", "x": [1]},
        ],
        "future_field": {"a": None},
    }
    got = answer(message)

    assert got.message == {**message, "model": "claude-opus-5-5"}
    assert list(got.message) == list(message)


def test_usage_and_stop_reason_are_noted():
    outcome = answer(MESSAGE).outcome

    assert outcome.usage == Usage(9, 2)
    assert outcome.stop_reason == "end_turn"


def test_an_answer_without_counts_is_estimated():
    body = json.dumps({"type": "message", "content": [], "model": "m"}).encode()
    usage = translate_answer(body, REPLY).outcome.usage

    assert (usage.input_tokens, usage.estimated) == (REPLY.input_estimate, True)


def test_an_answer_is_cut_at_a_stop_sequence():
    got = answer(MESSAGE, replace(REPLY, stop_sequences=("llo",)))

    assert got.message["content"] == [{"type": "text", "text": "He"}]
    assert got.message["stop_sequence"] == "llo"
    assert got.outcome.stop_reason == "stop_sequence"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 502),
        (b"null", 502),
        (b"[]", 502),
        (b"{}", 502),
        (b'"text"', 502),
        (b"<html><title>Welcome</title></html>", 502),
        (b'{"type":"message","content":"text"}', 502),
        (b'{"type":"message","content":["text"]}', 502),
        (b'{"type":"completion","content":[]}', 502),
        (b'{"choices":[{"message":{"content":"hi"}}]}', 502),
        (b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', 429),
        (b'{"error":{"message":"x","code":401}}', 401),
        (b'{"content":[],"error":{"message":"x"}}', 502),
        (json.dumps(MESSAGE).encode()[:-9], 502),
        (error_of("overloaded_error", "x"), 529),
    ],
)
def test_what_is_no_answer_is_an_error(body, status):
    with pytest.raises(UpstreamError) as caught:
        answer(body)

    assert caught.value.status == status


def test_a_stream_is_folded_into_its_message():
    tool = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
    stream = [
        START,
        event(
            "content_block_start",
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "thinking", "thinking": "", "signature": ""},
            },
        ),
        *(
            event(
                "content_block_delta",
                {"type": "content_block_delta", "index": 0, "delta": piece},
            )
            for piece in (
                {"type": "thinking_delta", "thinking": "a"},
                {"type": "thinking_delta", "thinking": "b"},
                {"type": "signature_delta", "signature": "s"},
            )
        ),
        CLOSE,
        event(
            "content_block_start",
            {"type": "content_block_start", "index": 1, "content_block": tool},
        ),
        *(
            event(
                "content_block_delta",
                {
                    "type": "content_block_delta",
                    "index": 1,
                    "delta": {"type": "input_json_delta", "partial_json": piece},
                },
            )
            for piece in ('{"command"', ':"ls"}')
        ),
        FINISH,
        STOP,
    ]
    got = answer(b"".join(stream))

    assert got.message["content"] == [
        {"type": "thinking", "thinking": "ab", "signature": "s"},
        {**tool, "input": {"command": "ls"}},
    ]
    assert got.message["stop_reason"] == "end_turn"
    assert got.outcome.usage == Usage(25, 15, cache_read_input_tokens=4)


@pytest.mark.parametrize("data", ODD)
def test_odd_events_fold_or_are_an_error(data):
    raw = b"data: " + json.dumps(data).encode() + b"\n\n"
    try:
        got = answer(START + raw + STOP)
    except UpstreamError:
        return
    assert isinstance(got.message["content"], list)


def test_a_folded_text_is_whole():
    got = answer(STREAM)

    assert got.message["content"][0]["text"] == "Hi \U0001f600"


@pytest.mark.parametrize(
    "stream",
    [
        START + OPEN + delta("a"),
        START + OPEN + delta("a") + CLOSE + FINISH,
        START + OPEN + delta("a") + error_of("api_error", "x"),
    ],
)
def test_half_a_stream_is_no_answer(stream):
    with pytest.raises(UpstreamError):
        answer(stream)


def piece(**delta: Any) -> bytes:
    data = {"type": "content_block_delta", "index": 0, "delta": delta}
    return event("content_block_delta", data)


def test_citations_are_folded_too():
    stream = [START, OPEN, piece(type="citations_delta", citation={"url": "x"}), STOP]

    assert answer(b"".join(stream)).message["content"] == [
        {"type": "text", "text": "", "citations": [{"url": "x"}]}
    ]


def test_broken_arguments_are_no_answer():
    block = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    data = {"type": "content_block_start", "index": 0, "content_block": block}
    stream = [
        START,
        event("content_block_start", data),
        piece(type="input_json_delta", partial_json='{"cut'),
        STOP,
    ]
    with pytest.raises(UpstreamError):
        answer(b"".join(stream))


def test_what_is_no_event_is_skipped_in_a_folded_stream():
    stream = START + b"data: nonsense\n\ndata: [DONE]\n\n" + delta("lost") + STOP

    assert answer(stream).message["content"] == []
