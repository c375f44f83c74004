"""A whole answer of a Messages upstream: only its model is set back.

An answer that is none (an error inside a 200, a web page, nothing) is an error. A
stream that answers a plain request is folded into the message it adds up to.
"""

from __future__ import annotations

from typing import Any, Mapping

from aiproxy.errors import UpstreamBroken, UpstreamError
from aiproxy.protocol import (
    error_text,
    messages_usage,
    passthrough_stops,
    upstream_errors,
)
from aiproxy.protocol.reply import Outcome, ReplyContext
from aiproxy.protocol.sse import SSEDecoder
from aiproxy.records import dataclass, field


@dataclass
class Answer:
    """The message for the client, and what it cost."""

    message: dict[str, Any]
    outcome: Outcome = field(default_factory=Outcome)


def translate_answer(body: bytes, reply: ReplyContext) -> Answer:
    """The answer to a request that asked for no stream; raises UpstreamError."""
    # Content types are not trusted: the body itself says what it is.
    message = error_text.parse(body)
    failed = body
    if message is None:
        message, failed = _folded(body)
    if not is_message(message):
        raise as_error(failed, reply)
    return _read(message, reply)


def as_error(body: bytes, reply: ReplyContext) -> UpstreamError:
    """What a 200 says that holds no message."""
    return upstream_errors.to_error(
        200,
        {},
        body,
        provider=reply.provider,
        secrets=reply.secrets,
        input_estimate=reply.input_estimate,
        max_tokens=reply.max_tokens,
        context_window=reply.context_window,
        api_format="anthropic",
        inside_200=True,
    )


def is_message(value: Any) -> bool:
    """An answer in Messages' shape: nothing less is given to a client."""
    return (
        isinstance(value, dict)
        and value.get("type", "message") == "message"
        and isinstance(value.get("content"), list)
        and all(isinstance(block, dict) for block in value["content"])
        and not value.get("error")
    )


def _read(message: dict[str, Any], reply: ReplyContext) -> Answer:
    outcome = Outcome()
    messages_usage.tap(outcome.usage, message.get("usage"))
    messages_usage.complete(outcome.usage, input_estimate=reply.input_estimate)
    if reply.stop_sequences:
        message = passthrough_stops.cut(message, reply.stop_sequences)
    if reply.model and message.get("model") != reply.model:
        message = {**message, "model": reply.model}
    reason = message.get("stop_reason")
    outcome.stop_reason = reason if isinstance(reason, str) else None
    return Answer(message, outcome)


# A stream where a message was asked for

_GROWING = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
}


def _folded(body: bytes) -> tuple[Any, bytes]:
    """The message that a stream adds up to, or None and the data of its error."""
    decoder = SSEDecoder()
    fold = _Fold()
    for event in [*decoder.feed(body), *decoder.finish()]:
        parsed = error_text.parse(event.data.encode("utf-8", "replace"))
        if not isinstance(parsed, dict):
            continue
        if parsed.get("type") == "error" or (parsed.get("error") and not fold.message):
            return None, event.data.encode("utf-8", "replace")
        fold.add(parsed)
    if fold.message is not None and not fold.is_complete:
        raise UpstreamBroken("the provider's answer broke off before its end")
    return fold.message, body


class _Fold:
    """Adds events up; arguments of tools are parsed when their block is over."""

    def __init__(self) -> None:
        self.message: dict[str, Any] | None = None
        self.is_complete = False
        self._blocks: dict[Any, dict[str, Any]] = {}
        self._pieces: dict[tuple[Any, str], list[str]] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            self.message = {**event["message"], "content": []}
        elif self.message is None:
            return
        elif kind == "content_block_start":
            self._start(event)
        elif kind == "content_block_delta":
            self._grow(event)
        elif kind == "message_delta":
            self._finish(event)
        elif kind == "message_stop":
            self._close()

    def _start(self, event: Mapping[str, Any]) -> None:
        index, block = event.get("index"), event.get("content_block")
        if self.message and isinstance(index, int) and isinstance(block, dict):
            self._blocks[index] = dict(block)
            self.message["content"].append(self._blocks[index])

    def _grow(self, event: Mapping[str, Any]) -> None:
        index, delta = event.get("index"), event.get("delta")
        if not isinstance(index, int) or not isinstance(delta, dict):
            return
        if index not in self._blocks:
            return
        kind = str(delta.get("type"))
        name = _GROWING.get(kind)
        if name and isinstance(delta.get(name), str):
            self._pieces.setdefault((index, name), []).append(delta[name])
        elif kind == "input_json_delta" and isinstance(delta.get("partial_json"), str):
            pieces = self._pieces.setdefault((index, "input"), [])
            pieces.append(delta["partial_json"])
        elif kind == "citations_delta":
            citations = self._blocks[index].setdefault("citations", [])
            if isinstance(citations, list):
                citations.append(delta.get("citation"))

    def _finish(self, event: Mapping[str, Any]) -> None:
        if self.message is None:
            return
        if isinstance(event.get("delta"), dict):
            self.message.update(event["delta"])
        if isinstance(event.get("usage"), dict):
            self.message["usage"] = {
                **(self.message.get("usage") or {}),
                **event["usage"],
            }

    def _close(self) -> None:
        self.is_complete = True
        for (index, name), pieces in self._pieces.items():
            block, text = self._blocks[index], "".join(pieces)
            if name != "input":
                block[name] = str(block.get(name) or "") + text
            elif text.strip():
                parsed = error_text.parse(text.encode("utf-8", "replace"))
                if not isinstance(parsed, dict):
                    raise UpstreamBroken("the provider sent arguments that are no JSON")
                block["input"] = parsed
        self._pieces = {}
