"""The bytes of a Chat Completions answer, streamed or not, read into blocks.

One reader for both, so that they cannot differ: an answer in one piece is a stream
with one message. What the content type says does not count: providers get it wrong.
"""

from __future__ import annotations

import re
from typing import Any

from aiproxy.errors import UpstreamBroken, UpstreamError
from aiproxy.protocol import chat, sse, upstream_errors
from aiproxy.protocol import usage as usages
from aiproxy.protocol.alike_chunks import AlikeChunks
from aiproxy.protocol.answer import Answer
from aiproxy.protocol.block_writer import BlockWriter
from aiproxy.protocol.reply import Outcome, ReplyContext, Usage

MAX_BODY_BYTES = 32 << 20

_MAX_HEAD_BYTES = 64 << 10  # kept of an answer that may turn out to be none
_BYTES_PER_TOKEN = 3.5  # rather high than low
_BOM = b"\xef\xbb\xbf"
# An answer that ended so did not end by itself.
_CUTTING = frozenset({"max_tokens", "model_context_window_exceeded", "refusal"})
_NO_WORDS = re.compile(rb":|data: *\[DONE\] *\Z")
_SPACE = b" \t\r\n" + _BOM


class ChatReader:
    """Reads what comes; every failure is an UpstreamError, and the end of it."""

    def __init__(self, reply: ReplyContext, writer: BlockWriter) -> None:
        self.started = False  # the answer's opening is written
        self.done = False
        self.finish_seen = False
        self.outcome = Outcome()
        self._reply = reply
        self._writer = writer
        self._answer = Answer(reply, writer)
        self._decoder = sse.SSEDecoder()
        self._is_known = False  # whether it is a stream
        self._head = bytearray()  # the first bytes, until there was an event
        self._body: bytearray | None = None  # of an answer in one piece
        self._plain_field = ""  # deltas of it alone take a short way
        self._alike = AlikeChunks()  # and a shorter one
        self._counts: usages.Counts | None = None
        self._finish_reason = ""
        self._named_stop: str | None = None  # the provider says what it stopped at
        self._has_choice = False

    def read(self, data: bytes) -> None:
        """The next bytes; raises UpstreamError."""
        if self.done:
            return
        if not self._is_known:
            data = self._recognise(data)
        if self._body is not None:
            self._body += data
            if len(self._body) > MAX_BODY_BYTES:
                raise UpstreamBroken("the provider's answer exceeds 32 MiB")
        elif self._is_known:
            begins_event = self._decoder.is_between_events
            if begins_event and self._read_alike(data):
                return
            if not self.started:
                self._head += data[: _MAX_HEAD_BYTES - len(self._head)]
            self._read_events(self._decoder.feed(data), data if begins_event else b"")

    def start(self) -> None:
        """Write the opening, whether or not anything has come."""
        if self.started:
            return
        self.started = True
        usage = Usage(input_tokens=self._reply.input_estimate)
        self._writer.start(
            {
                "id": self._reply.message_id,
                "type": "message",
                "role": "assistant",
                "model": self._reply.model,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": usage.as_dict(),
            }
        )

    def end(self) -> None:
        """No more bytes will come; raises UpstreamError unless the answer is whole."""
        if self.done:
            return
        if self._body is not None:
            self._read_whole(bytes(self._body))
            return
        self._read_events(self._decoder.finish())
        if self.done:
            return
        if self.finish_seen:
            self.finish()
        elif self.started:
            raise UpstreamBroken("the provider's answer was cut off")
        else:
            raise self._no_answer()

    def finish(self, *, is_whole: bool = False) -> None:
        """All has come: close the blocks, say how it ended; raises UpstreamError."""
        self.done = True
        stop_reason = chat.to_stop_reason(self._finish_reason)
        self._answer.finish(
            cut=stop_reason in _CUTTING,
            is_certain=is_whole or bool(self._finish_reason),
        )
        stop_sequence = self._answer.stop_sequence or self._named_stop
        if stop_sequence is not None:
            stop_reason = "stop_sequence"
        elif self._answer.refused:
            stop_reason = "refusal"
        elif self._answer.has_tool_use and stop_reason == "end_turn":
            stop_reason = "tool_use"
        elif not self._answer.has_tool_use and stop_reason == "tool_use":
            stop_reason = "end_turn"
        self.outcome.stop_reason = stop_reason
        self.settle_usage()
        usage = self.outcome.usage.as_dict()
        self._writer.finish(stop_reason, stop_sequence, usage)

    def settle_usage(self) -> None:
        """What the answer cost, as far as is known; one that never began, nothing."""
        if not self.started:
            return
        usage = usages.from_chat(
            self._counts,
            dialect=self._reply.dialect,
            input_estimate=self._reply.input_estimate,
            output_estimate=int(self._writer.payload_bytes / _BYTES_PER_TOKEN) + 1,
        )
        if self._answer.searches:
            usage.web_search_requests = max(1, usages.web_searches(self._counts))
        self.outcome.usage = usage

    # -- a stream

    def _recognise(self, data: bytes) -> bytes:
        """Tell an answer in one piece from a stream by its first character."""
        data = bytes(self._head) + data
        self._head.clear()
        visible = data.lstrip(_SPACE)
        if visible[:1] in {b"{", b"["}:
            self._body = bytearray()
            self._is_known = True
            return visible
        if visible or len(data) > _MAX_HEAD_BYTES:
            self._is_known = True
        else:
            self._head += data
        return data

    def _read_alike(self, data: bytes) -> bool:
        """Whether it was one more chunk of text like those before it."""
        field = self._plain_field
        plain = self._alike.text_of(data, field) if field else b""
        if not plain:
            return False
        if field == chat.CONTENT and plain.isascii():
            self._writer.add_plain(plain)
        else:
            self._add_plain(field, plain.decode("utf-8", "replace"))
        return True

    def _add_plain(self, field: str, text: str) -> None:
        if field != chat.CONTENT:
            self._answer.think_on(field, text)
        self._writer.add(text)

    def _read_events(self, events: list[sse.Event], raw: bytes = b"") -> None:
        """`raw`: the bytes that they came in, if those begin with the first of them."""
        for event in events:
            data = event.data
            try:
                chunk = chat.decode(data)
            except (ValueError, RecursionError):
                if chat.is_done(data):
                    self._read_done()
                    return
                continue
            field = self._plain_field
            if field:
                # Nearly all chunks are of this kind, and nothing can change by them.
                text = chat.plain_text_of(chunk, field)
                if text:
                    self._add_plain(field, text)
                    if raw and len(events) == 1:
                        self._alike.learn(raw, field, text)
                    continue
            self._read_chunk(chunk, len(data))
            if self.done:
                return

    def _read_done(self) -> None:
        if not self._has_choice:
            raise self._no_answer()
        self.finish()

    def _read_chunk(self, chunk: Any, size: int) -> None:
        error = chat.error_in(chunk)
        if error is not None:
            raise self._error(error)
        if not isinstance(chunk, dict):
            return
        self.start()
        self._counts = usages.find(chunk) or self._counts
        choice = chat.choice_of(chunk)
        if choice is None:
            return
        self._answer.take(chat.delta_of(choice), size=size)
        self._read_finish(choice)
        self._plain_field = self._answer.plain_field
        if self._answer.stop_sequence is not None:
            self.finish()

    def _read_finish(self, choice: chat.Chunk) -> None:
        self._has_choice = True
        reason = chat.finish_reason_of(choice)
        if reason:
            self._finish_reason = reason
            self.finish_seen = True
        named = choice.get("stop_reason")  # vLLM
        if isinstance(named, str) and named in self._reply.stop_sequences:
            self._named_stop = named

    # -- an answer in one piece

    def _read_whole(self, body: bytes) -> None:
        try:
            answer = chat.decode(body.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise UpstreamBroken(
                "the provider's answer is not valid JSON, or was cut off"
            ) from None
        error = chat.error_in(answer)
        if error is not None:
            raise self._error(error)
        choice = chat.choice_of(answer) if isinstance(answer, dict) else None
        if choice is None or not _is_usable(choice):
            raise self._no_answer(body)
        self.start()
        self._counts = usages.find(answer)
        self._answer.take(chat.delta_of(choice), is_whole=True)
        self._read_finish(choice)
        self.finish(is_whole=True)

    # -- failures

    def _error(self, error: Any) -> UpstreamError:
        return upstream_errors.from_chunk(
            error,
            mid_stream=self.started,
            provider=self._reply.provider,
            secrets=self._reply.secrets,
            input_estimate=self._reply.input_estimate,
            max_tokens=self._reply.max_tokens,
            context_window=self._reply.context_window,
        )

    def _no_answer(self, body: bytes | None = None) -> UpstreamError:
        if self.started:
            return UpstreamBroken("the provider's answer holds no message")
        if body is None:
            lines = bytes(self._head).splitlines()
            # Comments and the end mark are no words of the provider's.
            body = b"\n".join(line for line in lines if not _NO_WORDS.match(line))
        return upstream_errors.to_error(
            200,
            {},
            body,
            provider=self._reply.provider,
            secrets=self._reply.secrets,
            input_estimate=self._reply.input_estimate,
            max_tokens=self._reply.max_tokens,
            context_window=self._reply.context_window,
            inside_200=True,
        )


def _is_usable(choice: chat.Chunk) -> bool:
    # Azure leaves the message out where its filter refuses the answer.
    reason = chat.to_stop_reason(chat.finish_reason_of(choice))
    return bool(chat.delta_of(choice)) or reason == "refusal"
