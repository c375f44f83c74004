"""Kept bodies become readable, and nothing malformed is an error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import transcript


def sse(*items: object, named: bool = False) -> bytes:
    lines = []
    for item in items:
        if named:
            lines.append(f"event: {item['type']}\n")
        word = item if isinstance(item, str) else json.dumps(item)
        lines.append(f"data: {word}\n\n")
    return "".join(lines).encode()


MESSAGES = sse(
    {
        "type": "message_start",
        "message": {"id": "msg_1", "role": "assistant", "usage": {"input_tokens": 7}},
    },
    {"type": "ping"},
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Grüß "},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Gott"},
    },
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "name": "Read", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"path": '},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '"/etc"}'},
    },
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use"},
        "usage": {"output_tokens": 9},
    },
    {"type": "message_stop"},
    named=True,
)
CHAT = sse(
    {"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant"}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {"content": "lo"}}]},
    {
        "choices": [
            {
                "index": 0,
                "delta": {
                    "tool_calls": [
                        {"index": 0, "id": "t", "function": {"name": "Read"}}
                    ]
                },
            }
        ]
    },
    {
        "choices": [
            {
                "index": 0,
                "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
            }
        ]
    },
    {
        "choices": [
            {
                "index": 0,
                "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
                "finish_reason": "tool_calls",
            }
        ]
    },
    {"choices": [], "usage": {"total_tokens": 12}},
    "[DONE]",
)


def test_a_messages_stream_is_shown_as_its_message():
    assert transcript.assembled(MESSAGES) == {
        "id": "msg_1",
        "role": "assistant",
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "output_tokens": 9},
        "content": [
            {"type": "text", "text": "Grüß Gott"},
            {"type": "tool_use", "name": "Read", "input": {"path": "/etc"}},
        ],
    }


def test_a_chat_stream_is_shown_as_its_answer():
    assert transcript.assembled(CHAT) == {
        "id": "c1",
        "usage": {"total_tokens": 12},
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "Hello",
                    "tool_calls": [
                        {
                            "index": 0,
                            "id": "t",
                            "function": {"name": "Read", "arguments": "{}"},
                        }
                    ],
                },
            }
        ],
    }


def test_json_is_indented_and_stays_readable_beyond_ascii():
    assert transcript.readable('{"a":"ü"}'.encode()) == '{\n  "a": "ü"\n}'


def test_a_stream_that_broke_shows_its_error():
    broken = MESSAGES[: MESSAGES.index(b"event: message_delta")] + sse(
        {"type": "error", "error": {"message": "gone"}}
    )

    assert json.loads(transcript.readable(broken))["error"] == {"message": "gone"}


def test_tool_input_cut_short_is_shown_as_far_as_it_came():
    cut = MESSAGES[: MESSAGES.rindex(b"event: content_block_delta")]

    assert transcript.assembled(cut)["content"][1]["input"] == '{"path": '


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"data: x", b"\xff\xfe"])
def test_what_is_neither_is_shown_as_it_is(body):
    assert transcript.readable(body) == body.decode("utf-8", "replace")


@given(st.integers(min_value=0, max_value=len(CHAT)))
def test_a_body_cut_anywhere_can_be_read(length):
    for body in (CHAT[:length], MESSAGES[:length]):
        assert isinstance(transcript.readable(body), str)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "text_delta"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["index", "delta", "type", "content"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
kinds = st.sampled_from(["message_start", "content_block_start", "content_block_delta"])


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "type": kinds,
                "index": json_values,
                "delta": json_values,
                "choices": json_values,
                "message": json_values,
                "content_block": json_values,
                "error": json_values,
            },
        ),
        max_size=4,
    )
)
def test_no_stream_of_odd_objects_is_an_error(items):
    assert isinstance(transcript.readable(sse(*items)), str)
