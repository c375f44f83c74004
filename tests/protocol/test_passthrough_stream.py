"""A Messages stream on its way through, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiproxy.errors import UpstreamBroken, UpstreamError, UpstreamTimeout
from aiproxy.protocol.passthrough_stream import PassthroughStream
from aiproxy.protocol.reply import ReplyContext, Usage
from aiproxy.protocol.sse import SSEDecoder
from aiproxy.records import replace
from tests.examples import examples

KEY = "sk-provider-secret-0123456789"
REPLY = ReplyContext(
    model="claude-opus-5-5",
    message_id="msg_here",
    nonce="abcdef",
    input_estimate=77,
    provider="Acme",
    secrets=(KEY,),
)


def event(kind: str, data: Any, *, spaced: bool = True) -> bytes:
    # Written unlike our own encoder, so that a rewrite would show.
    text = json.dumps(data, ensure_ascii=False, indent=None if spaced else 1)
    lines = "".join(f"data: {line}\n" for line in text.split("\n"))
    return f"event: {kind}\n{lines}\n".encode()


START = event(
    "message_start",
    {
        "type": "message_start",
        "message": {
            "id": "msg_up",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": [],
            "usage": {
                "input_tokens": 25,
                "output_tokens": 1,
                "cache_read_input_tokens": 4,
            },
        },
    },
)
OPEN = event(
    "content_block_start",
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    },
)


def delta(text: str) -> bytes:
    return event(
        "content_block_delta",
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": text},
        },
    )


CLOSE = event("content_block_stop", {"type": "content_block_stop", "index": 0})
FINISH = event(
    "message_delta",
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 15},
    },
)
STOP = event("message_stop", {"type": "message_stop"})
PING = event("ping", {"type": "ping"})
SIGNATURE = event(
    "content_block_delta",
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "signature_delta", "signature": "EqQBCkYIBxgC+/=="},
    },
)
FUTURE = event(
    "future_event", {"type": "future_event", "x": {"y": "\u00e9\u2028"}}, spaced=False
)
STREAM = START + PING + OPEN + delta("Hi \U0001f600") + SIGNATURE + FUTURE + CLOSE
STREAM += FINISH + STOP


def passed(
    *chunks: bytes, reply: ReplyContext = REPLY
) -> tuple[bytes, PassthroughStream]:
    stream = PassthroughStream(reply)
    out = b"".join(stream.feed(chunk) for chunk in chunks)
    return out + stream.end(), stream


def events_in(stream: bytes) -> list[dict[str, Any]]:
    decoder = SSEDecoder()
    events = [*decoder.feed(stream), *decoder.finish()]
    parsed = [json.loads(event.data) for event in events]
    assert [event.type for event in events] == [event["type"] for event in parsed]
    return parsed


# Byte for byte


def test_events_pass_byte_for_byte():
    out, stream = passed(STREAM)

    assert out == STREAM
    assert stream.done


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_any_cut_gives_the_same_bytes(size):
    out, _ = passed(*(STREAM[at : at + size] for at in range(0, len(STREAM), size)))

    assert out == STREAM


def test_comments_and_other_line_ends_pass():
    stream = b": hello\r\n\r\n" + STREAM.replace(b"\n", b"\r\n")

    assert passed(stream)[0] == stream


def test_the_model_is_set_back_and_nothing_else():
    reply = ReplyContext(model="sonnet", message_id="m", nonce="n")
    out, _ = passed(STREAM, reply=reply)
    start = json.loads(START.split(b"data: ")[1])
    start["message"]["model"] = "sonnet"

    assert events_in(out)[0] == start
    assert out.endswith(STREAM[len(START) :])


def test_missing_event_lines_are_added():
    bare = b"\n\n".join(block.partition(b"\n")[2] for block in STREAM.split(b"\n\n"))

    assert passed(bare)[0] == STREAM


def test_an_event_line_of_another_name_is_corrected():
    out, _ = passed(STREAM.replace(b"event: ping", b"event: message"))

    assert out == STREAM


def test_what_is_no_event_is_skipped():
    stream = STREAM.replace(PING, b"data: nonsense\n\ndata: [1]\n\ndata: {}\n\n")

    assert passed(stream)[0] == STREAM.replace(PING, b"")


def test_nothing_after_the_end_counts():
    out, _ = passed(STREAM + b"data: [DONE]\n\n" + PING)

    assert out == STREAM


# What is noted


def test_usage_and_stop_reason_are_noted():
    _, stream = passed(STREAM)

    assert stream.outcome.usage == Usage(25, 15, cache_read_input_tokens=4)
    assert stream.outcome.stop_reason == "end_turn"
    assert stream.outcome.error is None


def test_an_upstream_without_counts_is_estimated():
    _, stream = passed(
        START.replace(b'"input_tokens": 25', b'"input_tokens": 0').replace(
            b'"cache_read_input_tokens": 4', b'"x": 4'
        )
        + STOP
    )

    assert stream.outcome.usage.estimated
    assert stream.outcome.usage.input_tokens == 77


def test_nothing_is_started_by_a_comment():
    stream = PassthroughStream(REPLY)
    stream.feed(b": keep-alive\n\n")

    assert not stream.started


# Ends


@pytest.mark.parametrize("end", range(1, len(STREAM) - len(STOP), 97))
def test_a_stream_cut_short_ends_in_an_error_and_never_in_a_stop(end):
    stream = PassthroughStream(REPLY)
    out = stream.feed(STREAM[:end])
    if not stream.started:
        with pytest.raises(UpstreamError):
            stream.end()
        return
    events = events_in(out + stream.end())

    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["type"] == "api_error"
    assert all(event["type"] != "message_stop" for event in events)
    assert stream.done
    assert isinstance(stream.outcome.error, UpstreamBroken)


def test_a_stop_reason_is_not_the_end():
    out, stream = passed(START, FINISH)

    assert not stream.finish_seen
    assert events_in(out)[-1]["type"] == "error"


def test_a_broken_connection_is_an_error_event():
    stream = PassthroughStream(REPLY)
    stream.feed(START + OPEN)
    events = events_in(stream.fail(UpstreamTimeout("silent")))

    assert events == [
        {"type": "error", "error": {"type": "api_error", "message": "silent"}}
    ]
    assert stream.fail(UpstreamTimeout("again")) == b""
    assert stream.end() == b""
    assert stream.feed(STOP) == b""


@pytest.mark.parametrize(
    "body",
    [b"", b"\n\n", b": comment\n\n", b"data: [DONE]\n\n", b"<html><title>Hi</title>"],
)
def test_nothing_at_all_is_502(body):
    stream = PassthroughStream(REPLY)
    stream.feed(body)
    with pytest.raises(UpstreamError) as caught:
        stream.end()

    assert caught.value.status == 502


def test_an_event_too_large_is_an_error():
    stream = PassthroughStream(REPLY)
    stream.feed(START)
    out = stream.feed(b"data: " + b"x" * (17 << 20))

    assert events_in(out)[-1]["error"]["type"] == "api_error"
    assert stream.done


# Errors


def error_of(kind: str, message: str) -> bytes:
    return event(
        "error", {"type": "error", "error": {"type": kind, "message": message}}
    )


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("overloaded_error", 529),
        ("rate_limit_error", 429),
        ("invalid_request_error", 400),
        ("api_error", 500),
    ],
)
def test_an_error_before_the_first_event_keeps_its_status(kind, status):
    stream = PassthroughStream(REPLY)
    with pytest.raises(UpstreamError) as caught:
        stream.feed(b": hi\n\n" + error_of(kind, "its words"))

    assert (caught.value.status, caught.value.message) == (status, "its words")


def test_an_error_in_the_stream_passes_byte_for_byte_and_ends_it():
    error = error_of("overloaded_error", "its words")
    out, stream = passed(START + OPEN + error + STOP)

    assert out == START + OPEN + error
    assert stream.done
    assert stream.outcome.error is not None
    assert stream.outcome.error.error_type == "overloaded_error"


def test_an_error_under_another_name_gets_its_own():
    bare = error_of("overloaded_error", "x").replace(b"event: error", b"event: message")
    out, _ = passed(START + bare)

    assert out == START + error_of("overloaded_error", "x")


def test_an_error_behind_held_text_comes_after_it():
    stream = PassthroughStream(replace(REPLY, stop_sequences=("END",)))
    error = error_of("overloaded_error", "x")

    out = stream.feed(START + OPEN + delta("EN") + error)
    assert out == START + OPEN + delta("EN") + error


@pytest.mark.parametrize("kind", ["message_delta", "content_block_delta", "ping"])
def test_an_error_field_in_an_event_of_the_api_is_no_error(kind):
    odd = event(kind, {"type": kind, "error": {"message": "x"}})
    out, _ = passed(START + odd)

    assert out.startswith(START + odd)


def test_an_error_in_the_stream_loses_only_the_key():
    error = error_of("api_error", f"bad key {KEY}")
    out, _ = passed(START + error)

    assert out == START + error.replace(KEY.encode(), "…6789".encode())


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"error": {"message": "x", "code": 429}}, "rate_limit_error"),
        ({"error": {"message": "overloaded"}}, "overloaded_error"),
        ({"error": "x"}, "api_error"),
        ({"object": "error", "message": "x", "type": "BadRequestError"}, "api_error"),
    ],
)
def test_another_formats_error_in_the_stream_is_translated(data, kind):
    bare = b"data: " + json.dumps(data).encode() + b"\n\n"
    out, stream = passed(START + bare)

    assert events_in(out)[-1]["error"]["type"] == kind
    assert "broke off" not in events_in(out)[-1]["error"]["message"]
    assert stream.done


@pytest.mark.parametrize(("code", "status"), [(429, 429), (401, 401), (None, 502)])
def test_another_formats_error_before_the_first_event_keeps_its_code(code, status):
    data = json.dumps({"error": {"message": "x", "code": code}}).encode()
    stream = PassthroughStream(REPLY)
    with pytest.raises(UpstreamError) as caught:
        stream.feed(b"data: " + data + b"\n\n")

    assert caught.value.status == status


# Opened here, after a long silence


def test_an_answer_opened_here_has_one_start_only():
    stream = PassthroughStream(REPLY)
    opened = stream.begin()
    out = opened + stream.feed(STREAM)
    events = events_in(out)
    message = events[0]["message"]

    assert [event["type"] for event in events].count("message_start") == 1
    assert (message["id"], message["model"]) == ("msg_here", "claude-opus-5-5")
    assert message["usage"] == {"input_tokens": 77, "output_tokens": 0}
    assert stream.done


def test_an_answer_opened_here_tells_the_upstreams_numbers_at_its_end():
    stream = PassthroughStream(REPLY)
    events = events_in(stream.begin() + stream.feed(STREAM))

    assert events[-2]["usage"] == {
        "input_tokens": 25,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "output_tokens": 15,
    }


def test_an_answer_opened_here_announces_a_token_at_least():
    (opened,) = events_in(PassthroughStream(replace(REPLY, input_estimate=0)).begin())

    assert opened["message"]["usage"]["input_tokens"] == 1


def test_opening_twice_opens_once():
    stream = PassthroughStream(REPLY)
    stream.begin()

    assert stream.begin() == b""


def test_after_opening_an_error_is_an_event():
    stream = PassthroughStream(REPLY)
    stream.begin()
    events = events_in(stream.feed(error_of("overloaded_error", "x")))

    assert events[-1]["error"]["type"] == "overloaded_error"


# One JSON answer where a stream was asked for

MESSAGE = {
    "id": "msg_up",
    "type": "message",
    "role": "assistant",
    "model": "up",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 2},
}


@pytest.mark.parametrize("lead", [b"", b" \r\n", b"\xef\xbb\xbf"])
def test_a_message_in_json_becomes_events(lead):
    body = lead + json.dumps(MESSAGE).encode()
    out, stream = passed(*(body[at : at + 5] for at in range(0, len(body), 5)))
    events = events_in(out)

    assert events[0]["message"]["model"] == "claude-opus-5-5"
    assert events[-1]["type"] == "message_stop"
    assert "Hello" in out.decode()
    assert stream.outcome.usage.output_tokens == 2


def test_a_message_in_json_after_opening_here_has_one_start_only():
    stream = PassthroughStream(REPLY)
    out = stream.begin() + stream.feed(json.dumps(MESSAGE).encode()) + stream.end()

    assert out.count(b"event: message_start") == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', 529),
        (b'{"error":{"message":"x","code":429}}', 429),
        (b'{"error":{"message":"x"}}', 502),
        (b'{"type":"message"}', 502),
        (b'{"cut', 502),
        (b"{}", 502),
    ],
)
def test_an_error_in_json_keeps_its_status(body, status):
    stream = PassthroughStream(REPLY)
    stream.feed(body)
    with pytest.raises(UpstreamError) as caught:
        stream.end()

    assert caught.value.status == status


def test_a_last_event_without_its_blank_line_counts():
    out, stream = passed(STREAM.rstrip(b"\n"))

    assert out == STREAM
    assert stream.done


def test_a_json_answer_too_large_is_an_error():
    stream = PassthroughStream(REPLY)
    stream.feed(b'{"type": "message", "content": "')
    with pytest.raises(UpstreamError):
        stream.feed(b"x" * (33 << 20))


def test_a_broken_json_answer_after_opening_here_is_an_error_event():
    stream = PassthroughStream(REPLY)
    stream.begin()
    stream.feed(b'{"type": "mess')

    assert events_in(stream.end())[-1]["type"] == "error"
    assert stream.done


# Laws


ODD = [
    {"type": [], "error": "x"},
    {"type": {}, "error": {"type": [], "message": {}}},
    {"type": "message_start", "message": {"usage": [], "model": []}},
    {"type": "message_start", "message": []},
    {
        "type": "message_delta",
        "delta": {"stop_reason": []},
        "usage": {"input_tokens": {}},
    },
    {"type": "content_block_delta", "index": [], "delta": {"type": []}},
    {"type": "content_block_start", "index": {}, "content_block": []},
    {"type": "error", "error": []},
    {"type": "error", "error": {"type": {}, "message": []}},
]


@pytest.mark.parametrize("data", ODD)
@pytest.mark.parametrize("sequences", [(), ("END",)])
def test_events_of_odd_types_are_no_trouble(data, sequences):
    reply = replace(REPLY, stop_sequences=sequences)
    raw = b"data: " + json.dumps(data).encode() + b"\n\n"
    for chunks in ((raw,), (START, raw)):
        stream = PassthroughStream(reply)
        try:
            for chunk in chunks:
                stream.feed(chunk)
            stream.end()
        except UpstreamError:
            assert not stream.started


@settings(max_examples=examples(200))
@given(
    st.lists(
        st.sampled_from([START, PING, OPEN, CLOSE, FINISH, STOP, FUTURE])
        | st.binary(max_size=12),
        max_size=12,
    )
)
def test_nothing_that_comes_raises_anything_but_our_own_errors(pieces):
    stream = PassthroughStream(REPLY)
    try:
        out = b"".join(stream.feed(piece) for piece in pieces) + stream.end()
    except UpstreamError:
        assert not stream.started
        return
    assert stream.done
    assert out.count(b"event: error") + (b"message_stop" in out) >= 1
