"""A provider's response body: where it ends, and what one layer of gzip holds.

Sans-IO: raw bytes of the connection in, payload out. A body that ends too early, too
late or not as announced is UpstreamBroken.
"""

from __future__ import annotations

import re
import zlib
from typing import Union

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol.chunked import ChunkedDecoder
from aiproxy.upstream.head import ResponseHead

# What `payload` gives at once. The rest of a gzip stream waits inside, compressed.
PIECE_BYTES = 256 * 1024
# Empty members cost time and count towards no limit on what is decoded.
MAX_MEMBERS = 1000

_DIGITS = re.compile(r"[0-9]{1,15}")


class ChunkedBody(ChunkedDecoder):
    """Ends with its last chunk."""

    def __init__(self) -> None:
        super().__init__(UpstreamBroken)

    @property
    def excess(self) -> bool:
        """Bytes came that belong to no answer: the connection is not clean."""
        return bool(self.rest)

    def end_of_connection(self) -> None:
        if not self.done:
            raise UpstreamBroken("the provider's answer was cut off")


class LengthBody:
    """Ends after the announced number of bytes; 0 for answers without a body."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = not length
        self.excess = False

    def feed(self, data: bytes) -> bytes:
        if len(data) > self._left:
            self.excess = True
            data = data[: self._left]
        self._left -= len(data)
        self.done = not self._left
        return data

    def end_of_connection(self) -> None:
        if not self.done:
            raise UpstreamBroken("the provider's answer was cut off")


class CloseBody:
    """Ends when the connection does; nothing tells whether that was on purpose."""

    done = False
    excess = True  # such a connection is never good for another request

    def feed(self, data: bytes) -> bytes:
        return data

    def end_of_connection(self) -> None:
        self.done = True


Framing = Union[ChunkedBody, LengthBody, CloseBody]


def framing_of(head: ResponseHead, method: str) -> Framing:
    """How the end of this answer's body is known (RFC 9112 section 6.3)."""
    if method == "HEAD" or head.status in (204, 304):
        return LengthBody(0)
    coding = head.headers.get("transfer-encoding")
    if coding is not None:
        if coding.strip().lower() != "chunked":
            raise UpstreamBroken("the provider's answer has an unknown transfer coding")
        return ChunkedBody()
    length = head.headers.get("content-length")
    if length is None:
        return CloseBody()
    # The same length several times, joined by commas, is one length.
    lengths = {part.strip(" \t") for part in length.split(",")}
    number = lengths.pop()
    if lengths or not _DIGITS.fullmatch(number):
        raise UpstreamBroken("the provider's answer has a malformed length")
    return LengthBody(int(number))


class Gunzip:
    """One gzip layer, taken off in pieces so that a small bomb stays small."""

    def __init__(self, piece_bytes: int = PIECE_BYTES) -> None:
        self._piece_bytes = piece_bytes
        self._stream = zlib.decompressobj(31)
        self._waiting = b""
        self._members = 1

    @property
    def more(self) -> bool:
        """True while `feed(b"")` would give something."""
        return bool(self._waiting)

    def feed(self, data: bytes) -> bytes:
        data = self._waiting + data if self._waiting else data
        self._waiting = b""
        if not data:
            return b""
        if self._stream.eof:  # a gzip file may have several members
            self._members += 1
            if self._members > MAX_MEMBERS:
                raise UpstreamBroken("the provider's answer is no sensible gzip")
            self._stream = zlib.decompressobj(31)
        try:
            out = self._stream.decompress(data, self._piece_bytes)
        except zlib.error:
            raise UpstreamBroken("the provider's answer is no valid gzip") from None
        self._waiting = self._stream.unconsumed_tail or self._stream.unused_data
        return out

    def end(self) -> None:
        if not self._stream.eof:
            raise UpstreamBroken("the provider's answer was cut off")


def gunzip_of(head: ResponseHead) -> Gunzip | None:
    """None for a plain body; we ask for those, yet some servers compress anyway."""
    codings = [
        coding.strip().lower()
        for coding in head.headers.get("content-encoding", "").split(",")
    ]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if not codings:
        return None
    if codings in (["gzip"], ["x-gzip"]):
        return Gunzip()
    raise UpstreamBroken("the provider's answer is compressed in an unusable way")
