"""Short ways to write a provider's answer in a test, and to read what became of it."""

from __future__ import annotations

import json
from typing import Any, Iterable, Mapping

from aiproxy.errors import UpstreamError
from aiproxy.protocol import from_chat
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.protocol.reply import ReplyContext
from aiproxy.records import replace
from tests.validators import messages_stream

DONE = b"data: [DONE]\n\n"
KEY = "0123456789ab"
REPLY = ReplyContext(
    model="claude-opus-5-5",
    message_id="msg_01",
    nonce="n0nce1",
    input_estimate=120,
    reasoning_key=KEY,
    tool_names={"get_weather": "get_weather", "mcp__a_b": "mcp__a.b"},
    tool_schemas={
        "get_weather": {"type": "object", "required": ["city"]},
        "mcp__a_b": {"type": "object", "required": ["path", "mode"]},
    },
)


def reply(**changes: Any) -> ReplyContext:
    return replace(REPLY, **changes)


def chunk(
    finish: Any = None, *, usage: Any = None, choice: Any = None, **delta: Any
) -> dict[str, Any]:
    """One chunk: its delta by name."""
    made: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1750000000,
        "model": "some-model",
        "choices": [
            {"index": 0, "delta": delta, "finish_reason": finish, **(choice or {})}
        ],
    }
    if usage is not None:
        made["usage"] = usage
    return made


def call(
    arguments: Any = None, *, index: Any = 0, call_id: Any = None, name: Any = None
) -> dict[str, Any]:
    """One piece of a tool call; what is None is left out."""
    function = {"name": name, "arguments": arguments}
    piece = {
        "index": index,
        "id": call_id,
        "function": {
            key: value for key, value in function.items() if value is not None
        },
    }
    return {key: value for key, value in piece.items() if value is not None}


def calls(*pieces: Mapping[str, Any], finish: Any = None) -> dict[str, Any]:
    return chunk(finish, tool_calls=list(pieces))


def sse(*chunks: Any, done: bool = True) -> bytes:
    """The chunks as a stream; bytes stay as they are."""
    data = b"".join(
        part
        if isinstance(part, bytes)
        else b"data: " + json.dumps(part).encode() + b"\n\n"
        for part in chunks
    )
    return data + (DONE if done else b"")


def translate(data: bytes, to: ReplyContext = REPLY, *, size: int = 0) -> bytes:
    """The event stream of a whole upstream body, read in pieces of that size."""
    translator = ChatStreamTranslator(to)
    pieces = [data]
    if size:
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(map(translator.feed, pieces)) + translator.end()


def streamed(
    *chunks: Any, to: ReplyContext = REPLY, done: bool = True
) -> dict[str, Any]:
    """What a client has of a stream, checked on the way."""
    events = translate(sse(*chunks, done=done), to)
    assert messages_stream.problems(events) == []
    return fold(events)


def answered(message: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    """What a client has of an answer in one piece, checked on the way."""
    to = more.pop("to", REPLY)
    choice = {"index": 0, "message": message, "finish_reason": finish}
    choice.update(more.pop("choice", {}))
    body = {"id": "chatcmpl-1", "choices": [choice], **more}
    result = from_chat.translate_answer(json.dumps(body).encode(), to).message
    assert messages_stream.answer_problems(result) == []
    return result


def failure(data: bytes, to: ReplyContext = REPLY) -> UpstreamError:
    """The error that a body is; fails if it is none."""
    try:
        from_chat.translate_answer(data, to)
    except UpstreamError as error:
        return error
    raise AssertionError("the answer passed")


def tool_uses(message: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and inputs of the tool uses."""
    return [
        (block["name"], block["input"])
        for block in message["content"]
        if block["type"] == "tool_use"
    ]


def texts(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Type and text of each block that has one."""
    return [
        (block["type"], block.get("text", block.get("thinking")))
        for block in message["content"]
        if block["type"] in {"text", "thinking"}
    ]


def types(message: Mapping[str, Any]) -> list[str]:
    return [block["type"] for block in message["content"]]


def fold(events: bytes | Iterable[Any]) -> dict[str, Any]:
    """The message that a client has after these events; an error as `error`."""
    if isinstance(events, bytes):
        events = messages_stream.parse(events)
    folder = _Folder()
    for event in events:
        body = getattr(event, "body", event)
        getattr(folder, body["type"])(body)
    return folder.message


class _Folder:
    def __init__(self) -> None:
        self.message: dict[str, Any] = {"content": [], "open": False}
        self._parts: list[str] = []

    def message_start(self, event: Mapping[str, Any]) -> None:
        self.message.update(event["message"])

    def content_block_start(self, event: Mapping[str, Any]) -> None:
        self.message["content"].append(dict(event["content_block"]))
        self.message["open"] = True
        self._parts = []

    def content_block_delta(self, event: Mapping[str, Any]) -> None:
        block, delta = self.message["content"][-1], event["delta"]
        if delta["type"] == "input_json_delta":
            self._parts.append(delta["partial_json"])
            block["partial"] = "".join(self._parts)
        elif delta["type"] == "signature_delta":
            block["signature"] = delta["signature"]
        else:
            field = "text" if delta["type"] == "text_delta" else "thinking"
            block[field] += delta[field]

    def content_block_stop(self, _event: Mapping[str, Any]) -> None:
        self.message["open"] = False
        block = self.message["content"][-1]
        if block["type"] in {"tool_use", "server_tool_use"}:
            block["input"] = json.loads(block.pop("partial", "{}"))

    def message_delta(self, event: Mapping[str, Any]) -> None:
        self.message.update(event["delta"])
        self.message["usage"] = {**self.message["usage"], **event["usage"]}

    def message_stop(self, _event: Mapping[str, Any]) -> None:
        self.message["complete"] = True

    def ping(self, _event: Mapping[str, Any]) -> None:
        pass

    def error(self, event: Mapping[str, Any]) -> None:
        self.message["error"] = event["error"]
