"""Server-sent events: bytes in, events out, and back.

Sans-IO: nothing here opens, reads or closes anything. Feed it whatever the socket
gave; it returns the events that are complete so far. Time and memory stay linear in
what comes in, however it is cut.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import Any, Mapping, NamedTuple

from aiproxy.errors import UpstreamBroken

MAX_EVENT_BYTES = 16 << 20

_BOM = b"\xef\xbb\xbf"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# JSON may contain these unescaped, but a reader that cuts text with str.splitlines()
# would end the line at them.
_LINE_SEPARATOR = re.compile("[\x85\u2028\u2029]")
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False
)


class Event(NamedTuple):
    """One event as it was sent; `type` is empty where no `event:` line names it."""

    type: str
    data: str


class SSEDecoder:
    """Cut a byte stream into events, however the network sliced it.

    https://html.spec.whatwg.org/multipage/server-sent-events.html, but for one
    thing: an event whose blank line never came counts at the end of the stream.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._pending = bytearray()  # a line whose end has not arrived
        self._after_cr = False  # the last byte was a CR: an LF belongs to it
        self._at_start = True
        self._type = ""
        self._data: list[str] = []  # the data lines of the event so far
        self._data_bytes = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that are complete with these bytes; raises UpstreamBroken."""
        events: list[Event] = []
        for line in self._take_lines(data):
            if not line:
                if self._data:
                    events.append(self._take_event())
                self._type = ""
            elif line[:5] == b"data:":
                # Bytes of a character never span lines, so each line decodes alone.
                start = 6 if line[5:6] == b" " else 5
                self._data.append(line[start:].decode("utf-8", "replace"))
                self._data_bytes += len(line)
                if self._data_bytes > self._max_event_bytes:
                    self._refuse()
            else:
                self._take_other_field(line)
        return events

    @property
    def is_between_events(self) -> bool:
        """What comes next begins an event: nothing is held of an earlier one."""
        return not (self._pending or self._data or self._type or self._after_cr)

    def finish(self) -> list[Event]:
        """What the end of the stream completes: at most one event."""
        # Two line ends: one for a line cut short, one for the missing blank line.
        return self.feed(b"\n\n")

    def _take_lines(self, data: bytes) -> list[bytes]:
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
            self._after_cr = False
        if not data:
            return []
        self._after_cr = data[-1] == 0x0D
        if b"\n" not in data and b"\r" not in data:
            # Only appended: searching all of it again would be quadratic.
            self._hold(data)
            return []
        if self._pending:
            data = bytes(self._pending) + data
            self._pending = bytearray()
        # bytes.splitlines() cuts at CR, LF and CRLF only. str.splitlines() also
        # cuts at U+2028 and U+0085, which JSON strings may contain unescaped.
        lines = data.splitlines()
        if data[-1] not in b"\r\n":
            self._hold(lines.pop())
        if self._at_start and lines:
            self._at_start = False
            if lines[0].startswith(_BOM):
                lines[0] = lines[0][len(_BOM) :]
        return lines

    def _hold(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) > self._max_event_bytes:
            self._refuse()

    def _take_other_field(self, line: bytes) -> None:
        if len(line) > self._max_event_bytes:
            self._refuse()  # as if it had come in pieces
        name, _, value = line.partition(b":")
        if name == b"data":  # without a colon: an empty line of data
            self._data.append("")
            self._data_bytes += len(line)
        elif name == b"event":
            value = value[1:] if value[:1] == b" " else value
            self._type = value.decode("utf-8", "replace")
        # Comments have an empty name; id, retry and what is no SSE mean nothing here.

    def _take_event(self) -> Event:
        data = self._data[0] if len(self._data) == 1 else "\n".join(self._data)
        self._data = []
        self._data_bytes = 0
        return Event(self._type, data)

    def _refuse(self) -> None:
        self._pending = bytearray()
        self._data = []
        raise UpstreamBroken(
            f"the provider sent an event larger than {self._max_event_bytes} bytes"
        )


def quote(text: str) -> bytes:
    """A JSON string for the wire: one line, valid UTF-8, all characters kept."""
    return _wire(encode_basestring(text))


def encode(event_type: str, body: Mapping[str, Any]) -> bytes:
    """One event, its `event:` line first: Claude Code sees nothing without it."""
    text = _wire(_ENCODER.encode(body))
    return b"event: " + event_type.encode() + b"\ndata: " + text + b"\n\n"


def _wire(text: str) -> bytes:
    if not text.isascii():
        text = _LONE_SURROGATE.sub("\ufffd", text)
        text = _LINE_SEPARATOR.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode()
