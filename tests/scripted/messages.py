"""Replies as a provider with the Messages format words them, streamed and not."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping

from tests.scripted.asks import Ask
from tests.scripted.replies import Reply

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
SIGNATURE = "EqQBCkYIARgCKkAscripted"


def answer(reply: Reply, ask: Ask, number: int) -> dict[str, Any]:
    """The whole answer as one message object."""
    return {
        **_message(ask, number),
        "content": _blocks(reply, number),
        "stop_reason": _STOP_REASONS.get(reply.finish_reason(), "end_turn"),
        "usage": {**_usage(reply, ask), "output_tokens": reply.completion_tokens()},
    }


def events(reply: Reply, ask: Ask, number: int) -> Iterator[bytes]:
    """The answer as a Messages stream."""
    start = {
        **_message(ask, number),
        "usage": {**_usage(reply, ask), "output_tokens": 1},
    }
    yield _event({"type": "message_start", "message": start})
    yield _event({"type": "ping"})
    for index, block in enumerate(_blocks(reply, number)):
        yield from _block_events(index, block, reply)
    reason = _STOP_REASONS.get(reply.finish_reason(), "end_turn")
    yield _event(
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": reply.completion_tokens()},
        }
    )
    yield _event({"type": "message_stop"})


def call_ids(reply: Reply, number: int) -> list[str]:
    return [
        call.id or f"toolu_{number:06d}{index:02d}ScriptedAnswerXY"
        for index, call in enumerate(reply.calls)
    ]


def error(message: str, status: int, kind: str = "") -> dict[str, Any]:
    kind = kind or _ERROR_TYPES.get(status, "api_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_scripted",
    }


def error_event(message: str, status: int) -> bytes:
    return _event(error(message, status))


def overflow(tokens: int, window: int) -> dict[str, Any]:
    return error(f"prompt is too long: {tokens} tokens > {window} maximum", 400)


def _message(ask: Ask, number: int) -> dict[str, Any]:
    return {
        "id": f"msg_scripted{number:08d}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(reply: Reply, ask: Ask) -> dict[str, int]:
    prompt = ask.tokens if reply.prompt_tokens is None else reply.prompt_tokens
    return {
        "input_tokens": prompt - reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached_tokens,
    }


def _blocks(reply: Reply, number: int) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.thinking:
        blocks.append(
            {"type": "thinking", "thinking": reply.thinking, "signature": SIGNATURE}
        )
    if reply.search:
        blocks += _search_blocks(reply, number)
    if reply.text:
        blocks.append({"type": "text", "text": reply.text})
    for id_, call in zip(call_ids(reply, number), reply.calls):
        value = json.loads(call.argument_text())
        blocks.append(
            {"type": "tool_use", "id": id_, "name": call.name, "input": value}
        )
    return blocks


def _search_blocks(reply: Reply, number: int) -> list[dict[str, Any]]:
    id_ = f"srvtoolu_{number:08d}"
    results = [
        {
            "type": "web_search_result",
            "title": title,
            "url": url,
            "encrypted_content": "c2NyaXB0ZWQ=",
            "page_age": None,
        }
        for title, url in reply.search
    ]
    query = {"query": "scripted"}
    return [
        {"type": "server_tool_use", "id": id_, "name": "web_search", "input": query},
        {"type": "web_search_tool_result", "tool_use_id": id_, "content": results},
    ]


def _block_events(
    index: int, block: Mapping[str, Any], reply: Reply
) -> Iterator[bytes]:
    kind = block["type"]
    empty = {**block, **_EMPTY.get(kind, {})}
    yield _event(
        {"type": "content_block_start", "index": index, "content_block": empty}
    )
    for delta in _deltas(block, reply):
        yield _event({"type": "content_block_delta", "index": index, "delta": delta})
    yield _event({"type": "content_block_stop", "index": index})


_EMPTY: Mapping[str, Mapping[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}


def _deltas(block: Mapping[str, Any], reply: Reply) -> Iterator[dict[str, Any]]:
    kind = block["type"]
    if kind == "text":
        for piece in reply.text_pieces():
            yield {"type": "text_delta", "text": piece}
    elif kind == "thinking":
        for piece in reply.thinking_pieces():
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif kind in ("tool_use", "server_tool_use"):
        arguments = json.dumps(block["input"], ensure_ascii=False)
        yield {"type": "input_json_delta", "partial_json": ""}
        size = max(1, len(arguments) // 3)
        for start in range(0, len(arguments), size):
            piece = arguments[start : start + size]
            yield {"type": "input_json_delta", "partial_json": piece}


def _event(value: Mapping[str, Any]) -> bytes:
    body = json.dumps(value, ensure_ascii=False)
    return f"event: {value['type']}\ndata: {body}\n\n".encode()
