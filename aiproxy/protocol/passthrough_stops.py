"""Stop sequences for a passed-through stream whose upstream overlooked them.

Events are held back only while their text may still become a match; then they go on
as they came. At a match the answer ends, as if the upstream had stopped there.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Mapping, Sequence

from aiproxy.protocol import sse, token_count
from aiproxy.protocol.reply import Outcome, Usage
from aiproxy.protocol.stop_sequences import StopSequenceFilter


class StopWatch:
    """Sees each event of a stream and says which bytes may go on."""

    def __init__(self, sequences: Sequence[str], outcome: Outcome) -> None:
        self._filter = StopSequenceFilter(sequences)
        self._outcome = outcome
        self._held: deque[tuple[bytes, str]] = deque()  # an event, its text
        self._certain = 0  # characters of the held texts that stand before any match
        self._texts: list[str] = []
        self.matched = False

    def take(self, raw: bytes, event: Mapping[str, Any]) -> bytes:
        """The events that may go on; after a match, the end of the answer."""
        text = _visible_text(event)
        if text is None:
            # A ping in between changes nothing; all else ends the text.
            held = b"" if event.get("type") == "ping" else self.release()
            return held + raw
        self._held.append((raw, text))
        self._texts.append(text)
        self._certain += len(self._filter.feed(text))
        passed = self._pass_certain()
        if self._filter.matched is None:
            return passed
        return passed + self._close(event, self._filter.matched)

    def release(self) -> bytes:
        """What was held: the text is over, without a match."""
        self._filter.flush()
        raw = b"".join(raw for raw, _ in self._held)
        self._held.clear()
        self._certain = 0
        return raw

    def _pass_certain(self) -> bytes:
        passed = []
        while self._held and len(self._held[0][1]) <= self._certain:
            raw, text = self._held.popleft()
            self._certain -= len(text)
            passed.append(raw)
        return b"".join(passed)

    def _close(self, event: Mapping[str, Any], sequence: str) -> bytes:
        """The rest of the text before the match, and the events that end an answer."""
        self.matched = True
        index = event.get("index", 0)
        rest = "".join(text for _, text in self._held)[: self._certain]
        out = []
        if rest:
            delta = {"type": "text_delta", "text": rest}
            out.append(_event("content_block_delta", index=index, delta=delta))
        out.append(_event("content_block_stop", index=index))
        usage = self._usage()
        self._outcome.stop_reason = "stop_sequence"
        delta = {"stop_reason": "stop_sequence", "stop_sequence": sequence}
        out.append(_event("message_delta", delta=delta, usage=usage.as_dict()))
        out.append(_event("message_stop"))
        return b"".join(out)

    def _usage(self) -> Usage:
        # The upstream tells its count at an end that is not waited for.
        usage = self._outcome.usage
        estimate = token_count.count_text("".join(self._texts))
        usage.output_tokens = max(usage.output_tokens, estimate)
        return usage


def _visible_text(event: Mapping[str, Any]) -> str | None:
    delta = event.get("delta")
    if event.get("type") != "content_block_delta" or not isinstance(delta, dict):
        return None
    text = delta.get("text") if delta.get("type") == "text_delta" else None
    return text if isinstance(text, str) else None


def _event(event_type: str, **fields: Any) -> bytes:
    return sse.encode(event_type, {"type": event_type, **fields})


def cut(message: dict[str, Any], sequences: Sequence[str]) -> dict[str, Any]:
    """A whole answer, ended before the first of the sequences in its visible text."""
    stops = StopSequenceFilter(sequences)
    content: list[Any] = []
    for block in message["content"]:
        is_text = isinstance(block, dict) and block.get("type") == "text"
        text = block.get("text") if is_text else None
        if not isinstance(text, str):
            content.append(block)
            continue
        before = stops.feed(text)
        if stops.matched is not None:
            content += [{**block, "text": before}] if before else []
            return {
                **message,
                "content": content,
                "stop_reason": "stop_sequence",
                "stop_sequence": stops.matched,
            }
        stops.flush()
        content.append(block)
    return message
