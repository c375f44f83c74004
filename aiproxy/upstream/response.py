"""A provider's answer while its body is still coming.

A worker reads it with `read_some` and `read_all`. The pump, which has a selector of
its own, takes the socket instead: `sock`, `buffered`, `payload`, `more`, `at_eof`.
"""

from __future__ import annotations

import socket
import time
from math import inf
from typing import Callable, Mapping

from aiproxy.errors import UpstreamBroken, UpstreamTimeout
from aiproxy.upstream.body import framing_of, gunzip_of
from aiproxy.upstream.cancellation import Cancellation
from aiproxy.upstream.connection import Connection
from aiproxy.upstream.head import ResponseHead


class UpstreamResponse:
    """Status, headers (lower-case names) and a body without framing and gzip."""

    def __init__(
        self,
        connection: Connection,
        head: ResponseHead,
        *,
        method: str,
        read_timeout: float,
        deadline: float = inf,
        cancel: Cancellation,
        give_back: Callable[[Connection], None],
    ) -> None:
        self.status: int = head.status
        self.headers: Mapping[str, str] = head.headers
        self._connection: Connection | None = connection
        self._framing = framing_of(head, method)
        self._gunzip = gunzip_of(head)
        self.more = False  # `payload(b"")` has something to give: gzip comes in pieces
        self._keeps_alive = head.keeps_alive
        self._read_timeout = read_timeout
        self._deadline = deadline  # for a worker to have read it all
        self._cancel = cancel
        self._give_back = give_back
        self.done = self._framing.done  # the body has been given out to its end

    # For a worker

    def read_some(self, timeout: float | None = None) -> bytes:
        """The payload that is there, waiting for some; b"" at the body's end.

        `timeout` (else the call's read timeout) bounds the wait; after UpstreamTimeout
        the answer may be read further. Raises UpstreamBroken, or the cancellation.
        """
        wait = self._read_timeout if timeout is None else timeout
        deadline = min(time.monotonic() + wait, self._deadline)
        while not self.done:
            raw = b"" if self.more else (self.buffered() or self._receive(deadline))
            data = self.payload(raw) if raw or self.more else b""
            if data:
                return data
        return b""

    def read_all(self, limit: int, seconds: float = inf) -> bytes:
        """The whole body; UpstreamBroken beyond `limit` bytes.

        UpstreamTimeout after `seconds`, however steadily it drips.
        """
        self._deadline = min(self._deadline, time.monotonic() + seconds)
        pieces: list[bytes] = []
        size = 0
        while True:
            piece = self.read_some()
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > limit:
                raise UpstreamBroken("the provider's answer is too large")
            pieces.append(piece)

    def _receive(self, deadline: float) -> bytes:
        connection = self._open_connection()
        left = deadline - time.monotonic()
        try:
            if left <= 0:
                raise socket.timeout  # noqa: TRY301 - the same as the socket's own
            raw = connection.receive(left)
        except socket.timeout as exc:
            self._cancel.raise_if_cancelled()
            raise self._timeout() from exc
        except OSError as exc:
            self._cancel.raise_if_cancelled()
            raise UpstreamBroken("the connection with the provider broke") from exc
        if not raw:
            self._cancel.raise_if_cancelled()
            if not self.at_eof():
                raise UpstreamBroken("the provider's answer was cut off")
        return raw

    def _timeout(self) -> UpstreamTimeout:
        if time.monotonic() >= self._deadline:
            return UpstreamTimeout("the answer took too long")
        return UpstreamTimeout("the provider was silent for too long")

    # For the pump

    @property
    def sock(self) -> socket.socket:
        return self._open_connection().sock

    def buffered(self) -> bytes:
        """Raw bytes that came with the head; given out once."""
        connection = self._connection
        if connection is None:
            return b""
        raw, connection.buffered = connection.buffered, b""
        return raw

    def payload(self, raw: bytes) -> bytes:
        """What `raw`, as received, holds of the body. Raises UpstreamBroken."""
        data = self._framing.feed(raw)
        gunzip = self._gunzip
        if gunzip is None:
            self.done = self._framing.done
            return data
        data = gunzip.feed(data)
        self.more = gunzip.more
        if self._framing.done and not gunzip.more:
            gunzip.end()
            self.done = True
        return data

    def at_eof(self) -> bool:
        """To be called when the connection has ended: whether the body had, too."""
        try:
            self._framing.end_of_connection()
            if self._gunzip is not None:
                self._gunzip.end()
        except UpstreamBroken:
            return False
        self.done = True
        return True

    # The end

    @property
    def is_closed(self) -> bool:
        """Closed or given back: the connection is no longer this answer's."""
        return self._connection is None

    def release(self) -> None:
        """Give the connection back for another request if it is clean, else close."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._cancel.detach()
        is_clean = self._framing.done and not self._framing.excess
        if is_clean and self._keeps_alive and not self._cancel.cancelled:
            self._give_back(connection)
        else:
            connection.close()

    def close(self) -> None:
        """End it at once; the provider learns that nobody listens any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._cancel.detach()
            connection.close()

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise UpstreamBroken("the answer has been closed")
        return self._connection
