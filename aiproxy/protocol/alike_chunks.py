"""Chunks that differ from one before in nothing but their text.

Nearly all of a stream are such: id, model and date stand in each again. Where the bytes
around the text are those of a chunk that was read, the text is all that is new, and the
rest need not be read again.
"""

from __future__ import annotations

import re

from aiproxy.protocol import sse

# Without quotes, backslashes and controls the bytes of a JSON string are its text.
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]+')
_MAX_MISSES = 8  # in a row: here every chunk has something of its own


class AlikeChunks:
    """Knows one chunk, which adds to one field; only whole events are looked at."""

    def __init__(self) -> None:
        self._field = ""
        self._before = b""  # the bytes around the text; empty while none is known
        self._behind = b""
        self._misses = 0

    def text_of(self, data: bytes, field: str) -> bytes:
        """The text of the one chunk that `data` is, as it stands between its quotes.

        Empty where `data` is anything else.
        """
        before = self._before
        if not before or field != self._field or not data.startswith(before):
            return b""
        found = _PLAIN.match(data, len(before))
        if found is None or data[found.end() :] != self._behind:
            return b""
        self._misses = 0
        return found[0]

    def learn(self, data: bytes, field: str, text: str) -> None:
        """`data` was one chunk, which brought this text in this field and no more."""
        if self._misses >= _MAX_MISSES or (self._before and self._fits(data, field)):
            return
        self._misses += 1
        self._field, self._before = field, b""
        key, quoted = b'"%b":' % field.encode(), sse.quote(text)
        before, _, rest = data.partition(key)
        value = rest.lstrip(b" ")
        is_one_line = data.startswith(b"data:") and data.find(b"\n") == len(data) - 2
        if is_one_line and value.startswith(quoted) and key not in value:
            self._before = before + key + rest[: len(rest) - len(value) + 1]
            self._behind = value[len(quoted) - 1 :]

    def _fits(self, data: bytes, field: str) -> bool:
        """What is known holds on; this text alone was not plain."""
        return (
            field == self._field
            and data.startswith(self._before)
            and data.endswith(self._behind)
        )
