"""Request bodies while they are in memory, and the limit that all of them share."""

from __future__ import annotations

import io
import threading

from aiproxy.errors import RequestTooLarge, Unavailable


class BodyBudget:
    """Bytes of request bodies that may be held at once, by all requests together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.used = 0

    def take(self, size: int) -> None:
        with self._lock:
            if self.used + size > self._limit:
                raise Unavailable(
                    "the server holds as many request bodies as it can; try again",
                    headers={"retry-after": "5"},
                )
            self.used += size

    def give(self, size: int) -> None:
        with self._lock:
            self.used -= size


class RequestBody:
    """One body as it comes in; kept in memory, never in a file: it may be a secret.

    Its first `uncounted` bytes have room of their own.
    """

    def __init__(self, budget: BodyBudget, limit: int, uncounted: int = 0) -> None:
        self._budget = budget
        self._limit = limit
        self._uncounted = uncounted
        self._taken = 0
        self.stream = io.BytesIO()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Raises RequestTooLarge or Unavailable."""
        size = self.size + len(data)
        if size > self._limit:
            raise too_large(self._limit)
        more = max(0, size - self._uncounted) - self._taken
        if more:
            self._budget.take(more)
            self._taken += more
        self.stream.write(data)
        self.size = size

    def rewind(self) -> None:
        """The body is complete: `stream` is what the application reads."""
        self.stream.seek(0)

    def close(self) -> None:
        """Free the memory; may be called again."""
        taken, self._taken = self._taken, 0
        self._budget.give(taken)
        self.stream.close()  # an idle worker's last environ still knows it
        self.stream = io.BytesIO()


def too_large(limit: int) -> RequestTooLarge:
    size = f"{limit} bytes"
    for unit, shift in (("MiB", 20), ("KiB", 10)):
        if limit >= 1 << shift:
            size = f"{limit >> shift} {unit}"
            break
    return RequestTooLarge(f"the request body is larger than {size}")
