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
    """One body as it comes in; kept in memory, never in a file: it may be a secret."""

    def __init__(self, budget: BodyBudget, limit: int) -> None:
        self._budget = budget
        self._limit = limit
        self._taken = 0
        self.stream = io.BytesIO()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Raises RequestTooLarge or Unavailable."""
        if self.size + len(data) > self._limit:
            raise too_large(self._limit)
        self._budget.take(len(data))
        self._taken += len(data)
        self.stream.write(data)
        self.size += len(data)

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
    size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit} bytes"
    return RequestTooLarge(f"the request body is larger than {size}")
