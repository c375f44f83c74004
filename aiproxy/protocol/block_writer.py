"""Content blocks on their way out: as server-sent events, or folded into a message.

One block is open at a time; indices are dense. Both writers take the same calls, so
that a streamed answer and an unstreamed one cannot differ.
"""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from aiproxy.protocol import arguments, sse

# The delta of each kind of block: its type, and the field that it adds to.
_DELTAS: Mapping[str, tuple[str, str]] = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
    "server_tool_use": ("input_json_delta", "partial_json"),
}
_TAIL = b"}}\n\n"


class BlockWriter(Protocol):
    """Where blocks go; `kind` is the open block's type, empty for none."""

    kind: str
    payload_bytes: int  # of all that was added, for an estimate

    def start(self, message: Mapping[str, Any]) -> None:
        """The answer begins, without content yet."""

    def open(self, content_block: Mapping[str, Any]) -> None:
        """Begin a block; none is open."""

    def add(self, text: str) -> None:
        """More of the open block."""

    def add_plain(self, text: bytes) -> None:
        """The same, of ASCII that a JSON string holds as it is."""

    def close(self, signature: str = "") -> None:
        """End the open block; a thinking block is signed."""

    def finish(
        self,
        stop_reason: str | None,
        stop_sequence: str | None,
        usage: Mapping[str, Any],
    ) -> None:
        """The answer is complete; no block is open."""


class EventWriter:
    """Blocks as the bytes of a Messages event stream."""

    def __init__(self) -> None:
        self.kind = ""
        self.payload_bytes = 0
        self._index = -1
        self._prefix = b""  # all of a delta's event up to its text
        self._announced = False  # the opening told a number of input tokens
        self._out: list[bytes] = []

    def take(self) -> bytes:
        """The events since the last call."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def start(self, message: Mapping[str, Any]) -> None:
        usage = message.get("usage")
        self._announced = bool(isinstance(usage, dict) and usage.get("input_tokens"))
        self._event({"type": "message_start", "message": message})

    def open(self, content_block: Mapping[str, Any]) -> None:
        self.kind = content_block["type"]
        self._index += 1
        self._event(
            {
                "type": "content_block_start",
                "index": self._index,
                "content_block": content_block,
            }
        )
        delta_type, field = _DELTAS.get(self.kind, ("", ""))
        self._prefix = (
            "event: content_block_delta\n"
            f'data: {{"type":"content_block_delta","index":{self._index},'
            f'"delta":{{"type":"{delta_type}","{field}":'
        ).encode()

    def add(self, text: str) -> None:
        # Nine of ten events: the prefix is ready, only the text is encoded.
        quoted = sse.quote(text)
        self.payload_bytes += len(quoted) - 2
        self._out.append(self._prefix + quoted + _TAIL)

    def add_plain(self, text: bytes) -> None:
        self.payload_bytes += len(text)
        self._out.append(b'%b"%b"%b' % (self._prefix, text, _TAIL))

    def close(self, signature: str = "") -> None:
        if self.kind == "thinking":
            self._event(
                {
                    "type": "content_block_delta",
                    "index": self._index,
                    "delta": {"type": "signature_delta", "signature": signature},
                }
            )
        self._event({"type": "content_block_stop", "index": self._index})
        self.kind = ""

    def finish(
        self,
        stop_reason: str | None,
        stop_sequence: str | None,
        usage: Mapping[str, Any],
    ) -> None:
        if self._announced and usage.get("input_tokens") == 0:
            # The client takes a zero for nothing said and keeps the estimate.
            usage = {**usage, "input_tokens": 1}
        self._event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop_reason, "stop_sequence": stop_sequence},
                "usage": usage,
            }
        )
        self._event({"type": "message_stop"})

    def _event(self, event: Mapping[str, Any]) -> None:
        self._out.append(sse.encode(event["type"], event))


class MessageWriter:
    """Blocks folded into one message."""

    def __init__(self) -> None:
        self.kind = ""
        self.payload_bytes = 0
        self.message: dict[str, Any] = {}
        self._block: dict[str, Any] = {}
        self._parts: list[str] = []

    def start(self, message: Mapping[str, Any]) -> None:
        self.message = {**message, "content": []}

    def open(self, content_block: Mapping[str, Any]) -> None:
        self.kind = content_block["type"]
        self._block = dict(content_block)
        self._parts = []

    def add(self, text: str) -> None:
        self.payload_bytes += len(sse.quote(text)) - 2
        self._parts.append(text)

    def add_plain(self, text: bytes) -> None:
        self.add(text.decode())

    def close(self, signature: str = "") -> None:
        text = "".join(self._parts)
        if self.kind in {"text", "thinking"}:
            self._block[self.kind] = text
        elif self.kind in {"tool_use", "server_tool_use"}:
            self._block["input"] = arguments.decode(text or "{}")
        if self.kind == "thinking":
            self._block["signature"] = signature
        self.message["content"].append(self._block)
        self.kind = ""

    def finish(
        self,
        stop_reason: str | None,
        stop_sequence: str | None,
        usage: Mapping[str, Any],
    ) -> None:
        self.message["stop_reason"] = stop_reason
        self.message["stop_sequence"] = stop_sequence
        self.message["usage"] = usage
