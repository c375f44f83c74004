"""Transfer-Encoding: chunked, taken off as RFC 9112 section 7.1 says, and no looser.

Whatever two readers could understand differently is refused: signs, `0x`, `1_0`,
spaces around a size, a bare LF, bytes between a chunk's data and its CRLF.
"""

from __future__ import annotations

import re

from aiproxy.errors import AIProxyError, InvalidRequest

MAX_LINE_BYTES = 4096  # a size line with its extensions
MAX_TRAILER_BYTES = 16 * 1024

# 15 digits hold every size that is not an attack on somebody's integers. An
# extension may hold anything but controls: it is not read.
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")

_SIZE, _DATA, _DATA_END, _TRAILER = range(4)


class ChunkedDecoder:
    """Feed it the bytes of a chunked body, however they are cut; it gives the payload.

    Once `done`, `rest` holds what followed the body.
    """

    def __init__(self, error: type[AIProxyError] = InvalidRequest) -> None:
        self.done = False
        self.rest = b""
        self._error = error
        self._state = _SIZE
        self._left = 0  # payload bytes of the present chunk still to come
        self._pending = b""  # the begin of a line, or of a chunk's CRLF
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`; raises the error given at the start."""
        if self.done:
            self.rest += data
            return b""
        if self._pending:
            data = self._pending + data
            self._pending = b""
        if self._state == _SIZE:
            # Nearly every read of a stream brings exactly one chunk.
            found = _SIZE_LINE.match(data)
            if found is not None:
                start, end = found.end(), len(data) - 2
                size = int(found.group(1), 16)
                if size and size == end - start and data.endswith(b"\r\n"):
                    return data[start:end]
        payload: list[bytes] = []
        position: int | None = 0
        while position is not None and not self.done:
            position = self._step(data, position, payload)
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _step(self, data: bytes, at: int, payload: list[bytes]) -> int | None:
        """Take one piece from `at`; its end, or None when more data is needed."""
        if at == len(data):
            return None
        if self._state == _DATA:
            return self._take_payload(data, at, payload)
        if self._state == _SIZE:
            return self._take_size(data, at)
        if self._state == _DATA_END:
            return self._take_data_end(data, at)
        return self._take_trailer(data, at)

    def _take_payload(self, data: bytes, at: int, payload: list[bytes]) -> int:
        end = min(at + self._left, len(data))
        payload.append(data[at:end] if at or end < len(data) else data)
        self._left -= end - at
        if not self._left:
            self._state = _DATA_END
        return end

    def _take_size(self, data: bytes, at: int) -> int | None:
        found = _SIZE_LINE.match(data, at)
        if found is None:
            self._wait_for_line(data, at, MAX_LINE_BYTES, "chunk size")
            return None
        self._left = int(found.group(1), 16)
        self._state = _DATA if self._left else _TRAILER
        return found.end()

    def _take_data_end(self, data: bytes, at: int) -> int | None:
        end = data[at : at + 2]
        if end == b"\r\n":
            self._state = _SIZE
            return at + 2
        if end != b"\r":
            raise self._error("a chunk of the body does not end where it should")
        self._pending = end
        return None

    def _take_trailer(self, data: bytes, at: int) -> int | None:
        if data.startswith(b"\r\n", at):
            self.done = True
            self.rest = data[at + 2 :]
            return at + 2
        found = _TRAILER_LINE.match(data, at)
        if found is None:
            room = MAX_TRAILER_BYTES - self._trailer_bytes
            self._wait_for_line(data, at, room, "trailer")
            return None
        self._trailer_bytes += found.end() - at
        if self._trailer_bytes > MAX_TRAILER_BYTES:
            raise self._error("the trailer of the chunked body is too long")
        return found.end()

    def _wait_for_line(self, data: bytes, at: int, limit: int, what: str) -> None:
        """Keep an unfinished line; a finished one that did not match is wrong."""
        line = data[at:]
        if b"\n" in line or b"\r" in line[:-1] or len(line) > limit:
            raise self._error(f"the chunked body has a malformed {what}")
        self._pending = line


__all__ = ["MAX_LINE_BYTES", "MAX_TRAILER_BYTES", "ChunkedDecoder"]
