"""What a client has in the end of what a provider answered."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.wire.says import (
    ID,
    KEY,
    LS,
    STREAM,
    TOOLS,
    USAGE,
    answer,
    call,
    chat,
    chunk,
    streamed,
    text,
)

THOUGHT = {"type": "thinking", "thinking": "hm"}
RUN = {"type": "tool_use", "id": ID, "name": "Bash", "input": {"command": "ls"}}

# What the client asks, what the provider answers, and what the client has in the end.
ANSWERS: dict[str, tuple[dict[str, Any], bytes, dict[str, Any]]] = {
    "text": (
        {"model": "grok-4"},
        chat("Hello"),
        {"content": [text("Hello")], "stop_reason": "end_turn", "model": "grok-4"},
    ),
    "whitespace alone is no block": ({}, chat(" \n"), {"content": []}),
    "a thought in tags": (
        STREAM,
        streamed(
            *(chunk(content=c) for c in "<think>\nhm</think>\n\nA"), chunk("stop")
        ),
        {"content.0.thinking": "hm", "content.1": text("A")},
    ),
    "a thought that goes on after the text": (
        STREAM,
        streamed(
            chunk(reasoning_content="h", content=""),
            chunk(reasoning_content="m"),
            chunk(content="A"),
            chunk(reasoning_content="more"),
            chunk("stop"),
        ),
        {
            "content.0.thinking": "hm",
            "content.1": text("A"),
            "content.2.thinking": "more",
        },
    ),
    "the same thought under three names": (
        {},
        chat(
            "A",
            reasoning="hm",
            reasoning_content="hm",
            reasoning_details=[{"type": "reasoning.text", "text": "hm", "index": 0}],
        ),
        {"content.0.thinking": "hm", "content.1": text("A"), "content.2": None},
    ),
    "a refusal": (
        {},
        chat(None, refusal="No."),
        {"content": [text("No.")], "stop_reason": "refusal"},
    ),
    "a call, whatever the finish": (
        TOOLS,
        chat(None, tool_calls=[call(LS, tool_id=ID)]),
        {"content": [RUN], "stop_reason": "tool_use"},
    ),
    "a call in pieces, its name repeated": (
        {**STREAM, **TOOLS},
        streamed(
            chunk(tool_calls=[call("", tool_id=ID)]),
            chunk(tool_calls=[call(LS[:6], tool_id=ID)]),
            chunk(tool_calls=[call(LS[6:], name=None)]),
            chunk(tool_calls=[call(LS, name=None)]),
            chunk("tool_calls"),
        ),
        {"content": [RUN], "stop_reason": "tool_use"},
    ),
    "two calls under one index": (
        {**STREAM, **TOOLS},
        streamed(
            chunk(tool_calls=[call('{"command":"1"}', tool_id=ID)]),
            chunk(tool_calls=[call('{"command":"2"}', tool_id=ID[:-1] + "x")]),
            chunk("stop"),
        ),
        {
            "content.0.input.command": "1",
            "content.1.input.command": "2",
            "stop_reason": "tool_use",
        },
    ),
    "arguments in Python's words": (
        TOOLS,
        chat(None, tool_calls=[call("{'command': 'ls',}", tool_id=ID)]),
        {"content": [RUN]},
    ),
    "arguments cut by the token limit do not run": (
        {**STREAM, **TOOLS},
        streamed(
            chunk(tool_calls=[call('{"command":"rm -rf /tm', tool_id=ID)]),
            chunk("length"),
        ),
        {"content.0.input": {"command": None}, "stop_reason": "max_tokens"},
    ),
    "arguments beyond repair are shown to the model": (
        TOOLS,
        chat(None, tool_calls=[call("ls -la", tool_id=ID)]),
        {"content.0.input": {"_invalid_arguments": "ls -la"}},
    ),
    "a stop sequence across pieces": (
        {**STREAM, "stop_sequences": ["</severity>"]},
        streamed(chunk(content="<severity>4</sev"), chunk(content="erity> x")),
        {
            "content": [text("<severity>4")],
            "stop_reason": "stop_sequence",
            "stop_sequence": "</severity>",
        },
    ),
    "a fifth stop sequence, which was not sent": (
        {"stop_sequences": ["a1", "b1", "c1", "d1", "e1"]},
        chat("one e1 two", tool_calls=[call(LS)]),
        {"content": [text("one ")], "stop_sequence": "e1"},
    ),
    "usage with a cache": (
        {},
        chat(usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 60}}),
        {
            "usage.input_tokens": 40,
            "usage.cache_read_input_tokens": 60,
            "usage.output_tokens": 20,
        },
    ),
    "usage after the finish": (
        STREAM,
        streamed(chunk(content="A"), chunk("stop"), {"choices": [], "usage": USAGE}),
        {"usage.input_tokens": 100, "usage.output_tokens": 20},
    ),
    "an event stream to a plain question": (
        {},
        streamed(chunk(content="a"), chunk(content="b"), chunk("stop")),
        {"content": [text("ab")], "type": "message"},
    ),
    "a plain answer to a stream": (STREAM, chat("A"), {"content": [text("A")]}),
    "a compressed answer": (
        {},
        answer(
            200,
            gzip.compress(chat("zip").partition(b"\r\n\r\n")[2]),
            content_encoding="gzip",
        ),
        {"content": [text("zip")]},
    ),
    "comments, odd lines, other choices": (
        STREAM,
        streamed(
            b": OPENROUTER PROCESSING\r\n\r\nid: 7\rdata:",
            json.dumps(chunk(content="a")).encode() + b"\r\r",
            b'data: no JSON\n\ndata: {"choices": null}\n\nnonsense\n\n',
            {"choices": [{"index": 1, "delta": {"content": "other"}}]},
            chunk("stop"),
        ),
        {"content": [text("a")], "stop_reason": "end_turn"},
    ),
    "an end without its mark": (
        STREAM,
        streamed(chunk(content="a"), chunk("stop"), done=False),
        {"content": [text("a")], "complete": True},
    ),
    "a stream cut off is no success": (
        STREAM,
        streamed(chunk(content="a"), done=False),
        {"error.type": "api_error", "complete": None},
    ),
    "an error in the midst of a stream": (
        STREAM,
        streamed(
            chunk(content="a"), {"error": {"message": f"slow, {KEY}", "code": 429}}
        ),
        {
            "error": {"type": "rate_limit_error", "message": "slow, …cdef"},
            "complete": None,
        },
    ),
}
