"""What an event stream or an answer in the Messages format may look like.

Stricter than any client: Claude Code forgives much, but each thing it forgives costs
a repeated request or a lost usage. Sources: Anthropic's reference of the streaming
events, and what Claude Code was seen to need.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterable, Mapping, NamedTuple

Event = Mapping[str, Any]


class ReadEvent(NamedTuple):
    """An event as it stood in the stream: the `event:` line and the object."""

    name: str
    body: dict[str, Any]


_STOP_REASONS = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "refusal",
    "pause_turn",
    "model_context_window_exceeded",
}
_ERROR_TYPES = {
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
}
_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
_TOOL_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
_SERVER_ID = re.compile(r"srvtoolu_[A-Za-z0-9_]+\Z")
# The delta of a block type, and the field of the delta.
_DELTAS = {
    "text": {"text_delta": "text"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
    "server_tool_use": {"input_json_delta": "partial_json"},
}


def parse(stream: bytes) -> list[ReadEvent]:
    """The events of our own output, in the one form it has; raises ValueError."""
    events = []
    if stream and not stream.endswith(b"\n\n"):
        raise ValueError("the stream ends within an event")
    for event in stream.decode("utf-8").split("\n\n")[:-1]:
        lines = event.split("\n")  # U+2028 may stand in a string
        if len(lines) != 2 or not lines[0].startswith("event: "):
            raise ValueError(f"not an event line and one data line: {event!r}")
        if not lines[1].startswith("data: "):
            raise ValueError(f"no data line: {event!r}")
        events.append(ReadEvent(lines[0][len("event: ") :], json.loads(lines[1][6:])))
    return events


def problems(events: bytes | Iterable[Any]) -> list[str]:
    """Everything wrong with a whole event stream, from its first event to its end."""
    if isinstance(events, bytes):
        try:
            events = parse(events)
        except ValueError as exc:
            return [str(exc)]
    judge = _StreamJudge()
    for event in events:
        if isinstance(event, ReadEvent):
            if event.name != event.body.get("type"):
                judge.found.append(f"event: {event.name} over {event.body!r}")
            event = event.body  # noqa: PLW2901
        judge.take(event)
    judge.end()
    return judge.found


def answer_problems(message: Any) -> list[str]:
    """Everything wrong with an answer that was not streamed."""
    if not isinstance(message, Mapping):
        return ["the answer is no object"]
    found = list(_message_problems(message))
    if not isinstance(message.get("content"), list):
        return [*found, "content is no list"]
    if message.get("stop_reason") not in _STOP_REASONS:
        found.append(f"stop_reason is {message.get('stop_reason')!r}")
    found += _ending_problems(message, message["content"])
    found += _usage_problems(message.get("usage"))
    for at, block in enumerate(message["content"]):
        found += [f"block {at}: {what}" for what in _block_problems(block)]
    return found + list(_id_problems(message["content"]))


class _StreamJudge:
    """Walks through a stream; `found` are the problems so far."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._started = False
        self._blocks: list[dict[str, Any]] = []
        self._open: dict[str, Any] | None = None
        self._parts: list[str] = []
        self._is_signed = False
        self._ending: Mapping[str, Any] | None = None
        self._over = ""
        self._announced = 0

    def take(self, event: Event) -> None:
        kind = event.get("type")
        if self._over:
            self._say(f"{kind} after {self._over}")
        if kind == "ping":
            return
        if not self._started and kind not in {"message_start", "error"}:
            self._say(f"{kind} before message_start")
        if self._ending is not None and kind not in {"message_stop", "error"}:
            self._say(f"{kind} after message_delta")
        act = getattr(self, f"_{kind}", None)
        if act is None:
            self._say(f"unknown event {kind!r}")
        else:
            act(event)

    def end(self) -> None:
        if not self._over:
            self._say("neither message_stop nor an error ends the stream")

    def _say(self, what: str) -> None:
        self.found.append(what)

    def _message_start(self, event: Event) -> None:
        if self._started:
            self._say("a second message_start")
        self._started = True
        message = event.get("message") or {}
        self.found += _message_problems(message)
        if message.get("content") != []:
            self._say("message_start with content")
        if message.get("stop_reason", 0) is not None:
            self._say("message_start with a stop_reason")
        self.found += _usage_problems(message.get("usage"))
        self._announced = (message.get("usage") or {}).get("input_tokens") or 0

    def _content_block_start(self, event: Event) -> None:
        if self._open is not None:
            self._say("two blocks are open")
        if event.get("index") != len(self._blocks):
            self._say(f"block {len(self._blocks)} has index {event.get('index')}")
        self._open = dict(event.get("content_block") or {})
        self._parts, self._is_signed = [], False
        self._blocks.append(self._open)
        kind = self._open.get("type")
        if kind == "text" and self._open != {"type": "text", "text": ""}:
            self._say(f"a text block opens as {self._open}")
        if kind == "thinking" and self._open != {
            "type": "thinking",
            "thinking": "",
            "signature": "",
        }:
            self._say(f"a thinking block opens as {self._open}")
        if kind in {"tool_use", "server_tool_use"} and self._open.get("input") != {}:
            self._say("a tool use opens with an input")

    def _content_block_delta(self, event: Event) -> None:
        if self._open is None:
            self._say("a delta without a block")
            return
        if event.get("index") != len(self._blocks) - 1:
            self._say(f"a delta for block {event.get('index')}")
        delta = event.get("delta") or {}
        field = _DELTAS.get(self._open.get("type", ""), {}).get(delta.get("type"))
        if field is None or set(delta) != {"type", field}:
            self._say(f"{delta} in a block of type {self._open.get('type')}")
            return
        if not isinstance(delta[field], str):
            self._say(f"{field} is no string")
        elif delta["type"] == "input_json_delta":
            self._parts.append(delta[field])
            if not delta[field]:
                self._say("an empty delta")
        elif delta["type"] == "signature_delta":
            self._is_signed = True
            self._open["signature"] = delta[field]
        else:
            if not delta[field]:
                self._say("an empty delta")
            if self._is_signed:
                self._say("thinking after its signature")
            self._open[field] += delta[field]

    def _content_block_stop(self, event: Event) -> None:
        if self._open is None:
            self._say("a stop without a block")
            return
        if event.get("index") != len(self._blocks) - 1:
            self._say(f"a stop for block {event.get('index')}")
        block, self._open = self._open, None
        if block.get("type") == "thinking" and not self._is_signed:
            self._say("a thinking block without signature_delta")
        if block.get("type") in {"tool_use", "server_tool_use"}:
            try:
                block["input"] = json.loads("".join(self._parts) or "{}")
            except ValueError as exc:
                self._say(f"the input is no JSON: {exc}: {''.join(self._parts)!r}")
        at = len(self._blocks) - 1
        self.found += [f"block {at}: {what}" for what in _block_problems(block)]

    def _message_delta(self, event: Event) -> None:
        if self._open is not None:
            self._say("message_delta while a block is open")
        self._ending = event.get("delta") or {}
        if self._ending.get("stop_reason") not in _STOP_REASONS:
            self._say(f"stop_reason is {self._ending.get('stop_reason')!r}")
        self.found += _ending_problems(self._ending, self._blocks)
        usage = event.get("usage") or {}
        self.found += _usage_problems(usage)
        if self._announced and not usage.get("input_tokens"):
            self._say("input_tokens was announced and ends as 0")

    def _message_stop(self, event: Event) -> None:
        self._over = "message_stop"
        if self._ending is None:
            self._say("message_stop without message_delta")
        if self._open is not None:
            self._say("message_stop while a block is open")
        if set(event) != {"type"}:
            self._say(f"message_stop holds {sorted(event)}")
        self.found += _id_problems(self._blocks)

    def _error(self, event: Event) -> None:
        self._over = "error"
        error = event.get("error")
        if not isinstance(error, Mapping) or error.get("type") not in _ERROR_TYPES:
            self._say(f"not an error: {error!r}")
        elif not error.get("message") or not isinstance(error["message"], str):
            self._say("an error without a message")
        # An open block stays open: what was cut off must not look whole.


def _message_problems(message: Mapping[str, Any]) -> Iterable[str]:
    if not re.match(r"msg_.+", str(message.get("id"))):
        yield f"id is {message.get('id')!r}"
    if message.get("type") != "message" or message.get("role") != "assistant":
        yield "neither type message nor role assistant"
    if not isinstance(message.get("model"), str) or not message["model"]:
        yield f"model is {message.get('model')!r}"
    if "stop_sequence" not in message or "stop_reason" not in message:
        yield "stop_reason or stop_sequence is missing"


def _ending_problems(
    ending: Mapping[str, Any], blocks: Iterable[Mapping[str, Any]]
) -> Iterable[str]:
    reason, sequence = ending.get("stop_reason"), ending.get("stop_sequence", "?")
    if (reason == "stop_sequence") != isinstance(sequence, str) or sequence == "?":
        yield f"stop_reason {reason!r} with stop_sequence {sequence!r}"
    has_call = any(block.get("type") == "tool_use" for block in blocks)
    if reason == "tool_use" and not has_call:
        yield "stop_reason tool_use without a tool use"
    if reason == "end_turn" and has_call:
        yield "stop_reason end_turn with a tool use"


def _usage_problems(usage: Any) -> Iterable[str]:
    if not isinstance(usage, Mapping):
        yield "usage is missing"
        return
    for name in _COUNTS:
        count = usage.get(name)
        if type(count) is not int or count < 0:
            yield f"usage.{name} is {count!r}"


def _block_problems(block: Any) -> Iterable[str]:
    if not isinstance(block, Mapping):
        yield f"no object: {block!r}"
        return
    check = _BLOCK_CHECKS.get(str(block.get("type")))
    if check is None:
        yield f"unknown type {block.get('type')!r}"
    else:
        yield from check(block)


def _text_problems(block: Mapping[str, Any]) -> Iterable[str]:
    if set(block) != {"type", "text"} or not isinstance(block["text"], str):
        yield f"fields {sorted(block)}"
    elif not block["text"].strip():
        yield "nothing visible"


def _thinking_problems(block: Mapping[str, Any]) -> Iterable[str]:
    if set(block) != {"type", "thinking", "signature"}:
        yield f"fields {sorted(block)}"
    elif not isinstance(block["signature"], str) or not block["signature"]:
        yield "no signature"
    elif not isinstance(block["thinking"], str) or not block["thinking"]:
        yield "an empty thought"


def _redacted_problems(block: Mapping[str, Any]) -> Iterable[str]:
    if set(block) != {"type", "data"} or not block.get("data"):
        yield f"fields {sorted(block)}"


def _tool_use_problems(block: Mapping[str, Any]) -> Iterable[str]:
    if set(block) != {"type", "id", "name", "input"}:
        yield f"fields {sorted(block)}"
        return
    if not isinstance(block["name"], str) or not block["name"].strip():
        yield f"the name is {block['name']!r}"
    if not isinstance(block["input"], dict):
        yield f"the input is {block['input']!r}"
    legal = _SERVER_ID if block["type"] == "server_tool_use" else _TOOL_ID
    if not isinstance(block["id"], str) or not legal.match(block["id"]):
        yield f"the id is {block['id']!r}"


def _search_problems(block: Mapping[str, Any]) -> Iterable[str]:
    content = block.get("content")
    if set(block) != {"type", "tool_use_id", "content"} or not isinstance(
        content, list
    ):
        yield f"fields {sorted(block)}"
        return
    expected = {"type", "url", "title", "encrypted_content", "page_age"}
    for result in content:
        if set(result) != expected or result["type"] != "web_search_result":
            yield f"a result {result!r}"


_BLOCK_CHECKS = {
    "text": _text_problems,
    "thinking": _thinking_problems,
    "redacted_thinking": _redacted_problems,
    "tool_use": _tool_use_problems,
    "server_tool_use": _tool_use_problems,
    "web_search_tool_result": _search_problems,
}


def _id_problems(blocks: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    seen = set()
    for block in blocks:
        if block.get("type") not in {"tool_use", "server_tool_use"}:
            continue
        if block.get("id") in seen:
            yield f"the id {block.get('id')!r} is used twice"
        seen.add(block.get("id"))
