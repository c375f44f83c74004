"""A Messages stream on its way through: the same bytes, with an eye on what they say.

Events pass as they came, unknown ones too. Rewritten are only the model in
`message_start` (set back to what the client asked) and a missing `event:` line,
without which clients see nothing. A stop sequence that the upstream overlooked ends
the answer here. Only `message_stop` makes a stream a success.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from aiproxy.errors import AIProxyError, UpstreamBroken, UpstreamError
from aiproxy.protocol import error_text, messages, messages_usage, sse, upstream_errors
from aiproxy.protocol.from_chat import as_events
from aiproxy.protocol.masking import mask_bytes
from aiproxy.protocol.passthrough_answer import as_error, translate_answer
from aiproxy.protocol.passthrough_stops import StopWatch
from aiproxy.protocol.raw_events import RawEvent, RawEventSplitter
from aiproxy.protocol.reply import Outcome, ReplyContext

MAX_ANSWER_BYTES = 32 << 20

_EVENT_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_EVENTS = frozenset(
    (
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "ping",
    )
)
_BLANKS = b"\xef\xbb\xbf \t\r\n"  # with the bytes of a BOM
_HEAD_BYTES = 64 * 1024  # kept of what is no stream, to tell what it is


class PassthroughStream:
    """Upstream bytes in, client bytes out; implements stream.StreamTranslator."""

    def __init__(self, reply: ReplyContext) -> None:
        self.started = False
        self.done = False
        self.finish_seen = False  # stays so: see above
        self.outcome = Outcome()
        self._reply = reply
        self._splitter = RawEventSplitter()
        self._head = bytearray()  # until it is known what the body is
        self._is_events = False
        self._whole: bytearray | None = None  # one JSON answer instead of events
        self._is_opened_here = False
        self._stops: StopWatch | None = None
        if reply.stop_sequences:
            self._stops = StopWatch(reply.stop_sequences, self.outcome)

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamError for an error that comes before the first event."""
        if self.done:
            return b""
        try:
            if self._whole is None and not self._is_events:
                self._recognise(data)
            if self._whole is not None:
                return self._keep(data)
            return self._pass(self._splitter.feed(data))
        except UpstreamError as exc:
            if not self.started:
                raise
            return self.fail(exc)

    def begin(self) -> bytes:
        """Open the answer in the upstream's place; its own opening is left out then."""
        if self.started:
            return b""
        self.started = self._is_opened_here = True
        usage = {"input_tokens": max(1, self._reply.input_estimate), "output_tokens": 0}
        message = {
            "id": self._reply.message_id,
            "type": "message",
            "role": "assistant",
            "model": self._reply.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return sse.encode(
            "message_start", {"type": "message_start", "message": message}
        )

    def end(self) -> bytes:
        """The upstream's end: an error, unless `message_stop` had come."""
        if self.done:
            return b""
        try:
            if self._whole is not None:
                return self._whole_answer(bytes(self._whole))
            passed = self._pass(self._splitter.finish())
        except UpstreamError as exc:
            if not self.started:
                raise
            return self.fail(exc)
        if self.done:
            return passed
        if not self.started:
            raise as_error(bytes(self._head), self._reply)
        broken = UpstreamBroken("the provider's answer broke off before its end")
        return passed + self.fail(broken)

    def fail(self, error: AIProxyError) -> bytes:
        """An error event; an open block stays open, so that nobody runs half a call."""
        if self.done:
            return b""
        held = self._stops.release() if self._stops else b""
        self.done = True
        self._settle(error)
        return held + messages.error_event(error)

    # Recognising what came

    def _recognise(self, data: bytes) -> None:
        is_blank = not self._head.strip(_BLANKS)
        self._head += data[: max(0, _HEAD_BYTES - len(self._head))]
        if is_blank and data.lstrip(_BLANKS).startswith(b"{"):
            self._whole = bytearray()

    def _keep(self, data: bytes) -> bytes:
        if self._whole is not None:
            self._whole += data
            if len(self._whole) > MAX_ANSWER_BYTES:
                raise UpstreamBroken("the provider's answer is larger than 32 MiB")
        return b""

    def _whole_answer(self, body: bytes) -> bytes:
        """A JSON message where a stream was asked for, as the events of one."""
        answer = translate_answer(body, self._reply)
        events: bytes = as_events(answer.message)
        if self._is_opened_here:
            events = events.partition(b"\n\n")[2]
        self.outcome = answer.outcome
        self.started = self.done = True
        return events

    # Events

    def _pass(self, events: Sequence[RawEvent]) -> bytes:
        passed = []
        for event in events:
            if self.done:
                break
            passed.append(self._take(event))
        return b"".join(passed)

    def _take(self, event: RawEvent) -> bytes:
        if not event.data:
            return event.raw
        parsed = error_text.parse(event.data.encode("utf-8", "replace"))
        kind = parsed.get("type", event.type) if isinstance(parsed, dict) else None
        if isinstance(parsed, dict) and _is_error(kind, parsed):
            return self._take_error(event, parsed)
        if not isinstance(kind, str) or not _EVENT_TYPE.fullmatch(kind):
            return b""  # unreadable, or the end mark of another format
        self.started = self._is_events = True
        raw = event.raw if event.type == kind else event.renamed(kind)
        raw = self._observe(kind, parsed, raw)
        if self._stops is not None and raw:
            raw = self._stops.take(raw, parsed)
            if self._stops.matched:
                kind = "message_stop"
        if kind == "message_stop":
            self.done = True
            self._settle(None)
        return raw

    def _observe(self, kind: str, event: dict[str, Any], raw: bytes) -> bytes:
        """Note what an event tells; its bytes, rewritten only where they must be."""
        if kind == "message_start" and isinstance(event.get("message"), dict):
            return self._take_start(event, raw)
        if kind == "message_delta":
            messages_usage.tap(self.outcome.usage, event.get("usage"))
            delta = event.get("delta")
            reason = delta.get("stop_reason") if isinstance(delta, dict) else None
            self.outcome.stop_reason = reason if isinstance(reason, str) else None
            if self._is_opened_here:
                return self._with_inputs(event)
        return raw

    def _take_start(self, event: dict[str, Any], raw: bytes) -> bytes:
        message = event["message"]
        messages_usage.tap(self.outcome.usage, message.get("usage"))
        if self._is_opened_here:
            return b""
        model = self._reply.model
        if not model or message.get("model") == model:
            return raw
        changed = {**event, "message": {**message, "model": model}}
        return sse.encode("message_start", changed)

    def _with_inputs(self, event: dict[str, Any]) -> bytes:
        """The client got an estimate at the start: here are the upstream's numbers."""
        usage = self.outcome.usage.as_dict()
        if isinstance(event.get("usage"), dict):
            usage.update(event["usage"])
        return sse.encode("message_delta", {**event, "usage": usage})

    def _take_error(self, event: RawEvent, parsed: dict[str, Any]) -> bytes:
        reply = self._reply
        error = as_error(event.data.encode("utf-8", "replace"), reply)
        if not self.started:
            raise error
        if not messages.is_error(parsed):
            error = upstream_errors.from_chunk(
                parsed,
                mid_stream=True,
                provider=reply.provider,
                secrets=reply.secrets,
                input_estimate=reply.input_estimate,
                max_tokens=reply.max_tokens,
                context_window=reply.context_window,
            )
            return self.fail(error)
        held = self._stops.release() if self._stops else b""
        self.done = True
        self._settle(error)
        raw = event.raw if event.type == "error" else event.renamed("error")
        return held + mask_bytes(raw, reply.secrets)

    def _settle(self, error: AIProxyError | None) -> None:
        self.outcome.error = error
        usage, estimate = self.outcome.usage, self._reply.input_estimate
        messages_usage.complete(usage, input_estimate=estimate)


def _is_error(kind: Any, parsed: Mapping[str, Any]) -> bool:
    if kind == "error" or parsed.get("object") == "error":
        return True
    return bool(parsed.get("error")) and str(kind) not in _EVENTS
