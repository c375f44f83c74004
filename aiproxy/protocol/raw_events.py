"""Server-sent events with the bytes that they came in, to be passed on as they are.

`sse.py` reads events; this cuts them and keeps them. What is no event (comments,
blank lines) is kept too, in its place.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol.sse import MAX_EVENT_BYTES

_BOM = b"\xef\xbb\xbf"
# Two line ends in a row; LF, CRLF and CR all end a line. A CR that is the last byte
# so far counts at once: an LF after it would only be a blank line before the next.
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")


class RawEvent(NamedTuple):
    """`raw` is all of it; `data` is "" for comments and the like."""

    raw: bytes
    type: str
    data: str

    def renamed(self, event_type: str) -> bytes:
        """The bytes with this `event:` line first, and no other."""
        lines = self.raw.lstrip(b"\r\n").splitlines(keepends=True)
        rest = b"".join(line for line in lines if _field(line)[0] != b"event")
        return b"event: " + event_type.encode("utf-8", "replace") + b"\n" + rest


class RawEventSplitter:
    """Cut a byte stream after each event, however the network sliced it."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._pending = bytearray()
        self._searched = 0  # no blank line begins before this
        self._at_start = True

    def feed(self, data: bytes) -> list[RawEvent]:
        """The events that are complete with these bytes; raises UpstreamBroken."""
        self._pending += data
        events = []
        start = 0
        found = _BLANK_LINE.search(self._pending, self._searched)
        while found:
            events.append(self._event(bytes(self._pending[start : found.end()])))
            start = found.end()
            found = _BLANK_LINE.search(self._pending, start)
        del self._pending[:start]
        # The first of two line ends may have come, in up to three bytes.
        self._searched = max(0, len(self._pending) - 3)
        if len(self._pending) > self._max_event_bytes:
            self._pending.clear()
            raise UpstreamBroken(
                f"the provider sent an event larger than {self._max_event_bytes} bytes"
            )
        return events

    def finish(self) -> list[RawEvent]:
        """What the end of the stream completes: at most one event."""
        return self.feed(b"\n\n") if self._pending.strip() else []

    def _event(self, raw: bytes) -> RawEvent:
        if self._at_start and raw.strip():
            self._at_start = False
            if raw.startswith(_BOM):
                raw = raw[len(_BOM) :]
        event_type, data = "", []
        for line in raw.splitlines():
            name, value = _field(line)
            if name == b"data":
                data.append(value)
            elif name == b"event":
                event_type = value.decode("utf-8", "replace")
        return RawEvent(raw, event_type, b"\n".join(data).decode("utf-8", "replace"))


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.rstrip(b"\r\n"), value[1:] if value[:1] == b" " else value
