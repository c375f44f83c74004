"""What providers and clients say, in the fewest words that are true to them."""

from __future__ import annotations

import json
from typing import Any, Mapping

KEY = "sk-wire-0123456789abcdef"  # the provider's


def answer(
    status: int,
    body: Any,
    content_type: str = "application/json",
    **headers: str,
) -> bytes:
    """A provider's answer; `headers` have underscores for hyphens."""
    data = body if isinstance(body, bytes) else str(body).encode()
    if isinstance(body, (dict, list)):
        data = json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(data)}",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def streamed(*chunks: Any, done: bool = True) -> bytes:
    """A provider's event stream, of chunks or bytes; it ends with the connection."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    body = b"".join(
        chunk
        if isinstance(chunk, bytes)
        else b"data: %s\n\n" % json.dumps(chunk).encode()
        for chunk in chunks
    )
    return head + b"Connection: close\r\n\r\n" + body + b"data: [DONE]\n\n" * done


def chat(
    content: Any = "Hi", *, finish: Any = "stop", usage: Any = None, **message: Any
) -> bytes:
    """A Chat Completions answer in one piece."""
    said = {"role": "assistant", "content": content, **message}
    return answer(
        200,
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": said, "finish_reason": finish}],
            "usage": usage or {"prompt_tokens": 10, "completion_tokens": 5},
        },
    )


def chunk(finish: Any = None, *, usage: Any = None, **delta: Any) -> dict[str, Any]:
    """A Chat Completions chunk."""
    made = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return {**made, "usage": usage} if usage else made


def call(
    arguments: Any, *, tool_id: Any = None, name: Any = "Bash", index: Any = 0
) -> dict[str, Any]:
    """A tool call, or a piece of one; what is None is left out."""
    function = {"name": name, "arguments": arguments}
    made: dict[str, Any] = {"index": index, "id": tool_id, "type": "function"}
    made["function"] = {k: v for k, v in function.items() if v is not None}
    return {k: v for k, v in made.items() if v is not None}


def message(*content: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A Messages answer as the provider's own."""
    return {
        "id": "msg_theirs",
        "type": "message",
        "role": "assistant",
        "model": "their-model",
        "content": list(content) or [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
        **fields,
    }


def events(*bodies: Mapping[str, Any]) -> bytes:
    """Messages events, as a provider's stream."""
    lines = (f"event: {body['type']}\ndata: {json.dumps(body)}\n\n" for body in bodies)
    return streamed("".join(lines).encode(), done=False)


def told(text: str) -> list[dict[str, Any]]:
    """The events of a Messages answer that says this."""
    opening = {**message(), "content": [], "stop_reason": None}
    block = {"type": "text", "text": ""}
    delta = {"type": "text_delta", "text": text}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": opening},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]


def said(words: Any, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": words, **fields}}


# What a client says

ID = "call_abcdefghijklmnopqrst"
LS = '{"command":"ls"}'  # what a model says to list a folder
BASH = {
    "name": "Bash",
    "description": "Run a command",
    "input_schema": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
        "additionalProperties": False,
    },
}
TOOLS = {"tools": [BASH]}
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
STREAM = {"stream": True}
ADAPTIVE = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}
FORMAT = {"type": "json_schema", "schema": {"type": "object"}}


def turn(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def used(tool_id: str, name: str = "Bash", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": tool_id, "name": name, "input": given}


def result(tool_id: str, content: Any, **fields: Any) -> dict[str, Any]:
    return {
        "type": "tool_result",
        "tool_use_id": tool_id,
        "content": content,
        **fields,
    }


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def talk(*turns: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hi"}, *turns]}


PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"},
}
CALLED = turn(text("Let me look."), used(ID, command="ls"), role="assistant")
