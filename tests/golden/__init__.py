"""Streams as providers send them, and what a client must get: a folder a quirk.

`upstream.sse` is the provider's, `expected.sse` ours, `reply.json` (where it is there)
what differs in the request that was asked. Secrets and texts are made up.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from aiproxy.errors import UpstreamError
from aiproxy.protocol import messages
from aiproxy.protocol.chat_stream import ChatStreamTranslator
from aiproxy.protocol.reply import ReplyContext

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/upstream.sse"))


def upstream(case: str) -> bytes:
    return (HERE / case / "upstream.sse").read_bytes()


def expected(case: str) -> bytes:
    return (HERE / case / "expected.sse").read_bytes()


def reply(case: str) -> ReplyContext:
    """The request that was asked: a plain one with two tools, but for reply.json."""
    fields = {
        "model": "claude-opus-5-5",
        "message_id": "msg_golden",
        "nonce": "g0ld3n",
        "input_estimate": 1000,
        "reasoning_key": "0123456789ab",
        "tool_names": {"Read": "Read", "Bash": "Bash"},
        "tool_schemas": {
            "Read": {"type": "object", "required": ["file_path"]},
            "Bash": {"type": "object", "required": ["command"]},
        },
    }
    own = HERE / case / "reply.json"
    if own.exists():
        fields.update(json.loads(own.read_text("utf-8")))
    fields["stop_sequences"] = tuple(fields.get("stop_sequences", ()))
    return ReplyContext(**fields)


def replay(case: str, size: int) -> bytes:
    """What a client gets; an error before the first event as the body it would be.

    The stream comes in pieces of so many bytes, or an event at a time if that is 0.
    """
    data = upstream(case)
    translator = ChatStreamTranslator(reply(case))
    pieces = re.findall(rb".+?(?:\r\n\r\n|\n\n|\r\r|\Z)", data, re.S)
    if size:
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
    try:
        return b"".join(map(translator.feed, pieces)) + translator.end()
    except UpstreamError as error:
        return b"HTTP %d\n\n%s\n" % (error.status, messages.envelope(error, ""))
