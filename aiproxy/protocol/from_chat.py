"""A Chat Completions answer as a Messages answer, and a message as an event stream."""

from __future__ import annotations

import json
import zlib
from typing import Any, Mapping

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol.block_writer import EventWriter, MessageWriter
from aiproxy.protocol.chat_reader import MAX_BODY_BYTES, ChatReader
from aiproxy.protocol.reply import Outcome, ReplyContext
from aiproxy.records import dataclass

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: the largest window, with a gzip header
# The field of a block that arrives in deltas; other blocks arrive whole.
_GROWING = {
    "text": "text",
    "thinking": "thinking",
    "tool_use": "input",
    "server_tool_use": "input",
}


@dataclass(frozen=True)
class TranslatedAnswer:
    """A whole message, and what the request log wants to know of it."""

    message: dict[str, Any]
    outcome: Outcome


def translate_answer(body: bytes, reply: ReplyContext) -> TranslatedAnswer:
    """The message in a body, be it JSON or an event stream; raises UpstreamError."""
    writer = MessageWriter()
    reader = ChatReader(reply, writer)
    reader.read(_without_gzip(body))
    reader.end()
    return TranslatedAnswer(writer.message, reader.outcome)


def as_events(message: Mapping[str, Any]) -> bytes:
    """A whole message, ours or a provider's, as the stream that a client asked for."""
    found = message.get("usage")
    usage = found if isinstance(found, dict) else {}
    writer = EventWriter()
    writer.start(
        {
            **message,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage, "output_tokens": 0},
        }
    )
    content = message.get("content")
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict) and isinstance(block.get("type"), str):
            _write_block(writer, block)
    writer.finish(message.get("stop_reason"), message.get("stop_sequence"), usage)
    return writer.take()


def _write_block(writer: EventWriter, block: Mapping[str, Any]) -> None:
    field = _GROWING.get(block["type"])
    if field is None:
        writer.open(block)
        writer.close()
        return
    value = block.get(field)
    empty: Any = {} if field == "input" else ""
    signature = {"signature": ""} if field == "thinking" else {}
    writer.open({**block, field: empty, **signature})
    if value:
        writer.add(value if isinstance(value, str) else json.dumps(value))
    signed = block.get("signature")
    writer.close(signed if isinstance(signed, str) else "")


def _without_gzip(body: bytes) -> bytes:
    """Undo one layer that no header told of; bounded."""
    if not body.startswith(_GZIP):
        return body
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = inflate.decompress(body, MAX_BODY_BYTES)
    except zlib.error as exc:
        raise UpstreamBroken(f"the provider's answer is not valid gzip: {exc}") from exc
    if not inflate.eof:
        raise UpstreamBroken("the provider's answer is cut off or larger than 32 MiB")
    return plain
