"""Replies as a Chat Completions provider words them, streamed and not."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping

from tests.scripted.asks import Ask
from tests.scripted.replies import Call, Reply

_SIGNATURE = "c2NyaXB0ZWQtc2lnbmF0dXJl"


def usage(reply: Reply, ask: Ask) -> dict[str, Any]:
    prompt = ask.tokens if reply.prompt_tokens is None else reply.prompt_tokens
    completion = reply.completion_tokens()
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": len(reply.thinking) // 4},
    }


def answer(reply: Reply, ask: Ask, number: int) -> dict[str, Any]:
    """The whole answer as one JSON object."""
    message: dict[str, Any] = {"role": "assistant", "content": _content(reply)}
    message.update(_reasoning(reply.thinking, reply.reasoning_style))
    if reply.calls:
        ids = call_ids(reply, number)
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": _function(call)}
            for id_, call in zip(ids, reply.calls)
        ]
    if reply.search:
        message["annotations"] = _annotations(reply)
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason()}
    return {
        "id": f"chatcmpl-{number:08d}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": ask.model,
        "choices": [choice],
        "usage": usage(reply, ask),
    }


def events(reply: Reply, ask: Ask, number: int) -> Iterator[bytes]:
    """The answer as server-sent events, the usage chunk and [DONE] at the end."""
    if reply.comments:
        yield b": PROCESSING\n\n"
    yield _chunk(ask, number, {"role": "assistant", "content": ""})
    for delta in _deltas(reply, number):
        yield _chunk(ask, number, delta)
    yield _chunk(ask, number, {}, finish=reply.finish_reason())
    options = ask.body.get("stream_options") or {}
    if options.get("include_usage"):
        yield _event({**_frame(ask, number), "choices": [], "usage": usage(reply, ask)})
    yield b"data: [DONE]\n\n"


def call_ids(reply: Reply, number: int) -> list[str]:
    """The ids of the calls; made ones are long, as OpenAI's are."""
    return [
        call.id or f"call_{number:04d}{index:02d}ScriptedAnswerXYZ"
        for index, call in enumerate(reply.calls)
    ]


def error(message: str, status: int, kind: str = "") -> dict[str, Any]:
    return {
        "error": {
            "message": message,
            "type": kind
            or ("server_error" if status >= 500 else "invalid_request_error"),
            "param": None,
            "code": status,
        }
    }


def error_event(message: str, status: int) -> bytes:
    return _event(error(message, status))


def overflow(tokens: int, window: int) -> dict[str, Any]:
    """A full context, in the words of OpenAI and of many who imitate it."""
    text = (
        f"This model's maximum context length is {window} tokens. However, your "
        f"messages resulted in {tokens} tokens. Please reduce the length."
    )
    body = error(text, 400)
    body["error"]["code"] = "context_length_exceeded"
    return body


def _content(reply: Reply) -> str | None:
    text = reply.text
    if reply.thinking and reply.reasoning_style == "tags":
        text = f"<think>\n{reply.thinking}\n</think>\n\n{text}"
    return text or None


def _reasoning(thinking: str, style: str) -> dict[str, Any]:
    if not thinking or style == "tags":
        return {}
    if style == "details":
        detail = {
            "type": "reasoning.text",
            "text": thinking,
            "signature": _SIGNATURE,
            "format": "anthropic-claude-v1",
            "index": 0,
        }
        return {"reasoning": thinking, "reasoning_details": [detail]}
    return {style: thinking}


def _function(call: Call) -> dict[str, str]:
    return {"name": call.name, "arguments": call.argument_text()}


def _annotations(reply: Reply) -> list[dict[str, Any]]:
    return [
        {"type": "url_citation", "url_citation": {"url": url, "title": title}}
        for title, url in reply.search
    ]


def _deltas(reply: Reply, number: int) -> Iterator[dict[str, Any]]:
    for piece in reply.thinking_pieces():
        if reply.reasoning_style == "tags":
            continue
        # The signature comes with the last piece in life; here with each, all alike.
        yield {"content": None, **_reasoning(piece, reply.reasoning_style)}
    if reply.thinking and reply.reasoning_style == "tags":
        yield {"content": "<think>\n"}
        for piece in reply.thinking_pieces():
            yield {"content": piece}
        yield {"content": "\n</think>\n\n"}
    for piece in reply.text_pieces():
        yield {"content": piece}
    if reply.search:
        yield {"content": "", "annotations": _annotations(reply)}
    yield from _call_deltas(reply, number)


def _call_deltas(reply: Reply, number: int) -> Iterator[dict[str, Any]]:
    ids = call_ids(reply, number)
    for index, part, piece in reply.call_order():
        entry: dict[str, Any] = {"index": index, "function": {"arguments": piece}}
        if part == 0:
            name = reply.calls[index].name
            start = {"name": name, "arguments": ""}
            yield {
                "tool_calls": [
                    {
                        "index": index,
                        "id": ids[index],
                        "type": "function",
                        "function": start,
                    }
                ]
            }
        yield {"tool_calls": [entry]}


def _frame(ask: Ask, number: int) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{number:08d}",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": ask.model,
        "system_fingerprint": "fp_scripted",
    }


def _chunk(
    ask: Ask, number: int, delta: Mapping[str, Any], finish: str | None = None
) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event({**_frame(ask, number), "choices": [choice]})


def _event(value: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"
