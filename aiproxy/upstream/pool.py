"""Connections kept for the next request: clean ones, and not for long."""

from __future__ import annotations

import threading
import time

from aiproxy.upstream.connection import Connection, Origin

IDLE_SECONDS = 60.0
MAX_KEPT = 512


class Pool:
    """The connection used last is used first, so that the others can grow old."""

    def __init__(
        self, *, idle_seconds: float = IDLE_SECONDS, max_kept: int = MAX_KEPT
    ) -> None:
        self._idle_seconds = idle_seconds
        self._max_kept = max_kept
        self._lock = threading.Lock()
        self._kept: dict[Origin, list[tuple[Connection, float]]] = {}
        self._count = 0
        self._is_closed = False

    def take(self, origin: Origin) -> Connection | None:
        """A connection on which nothing has happened since; None if there is none."""
        while True:
            with self._lock:
                kept = self._kept.get(origin)
                if not kept:
                    return None
                connection, since = kept.pop()
                self._count -= 1
            is_young = time.monotonic() - since < self._idle_seconds
            if is_young and connection.is_quiet():
                return connection
            connection.close()

    def give(self, origin: Origin, connection: Connection) -> None:
        """Keep it, unless bytes wait on it or there are enough."""
        if connection.is_dirty or not connection.is_quiet():
            connection.close()
            return
        with self._lock:
            is_kept = self._count < self._max_kept and not self._is_closed
            if is_kept:
                now = time.monotonic()
                self._kept.setdefault(origin, []).append((connection, now))
                self._count += 1
        if not is_kept:
            connection.close()

    def close_idle(self) -> None:
        """Close what has grown too old; called now and then by whoever has a clock."""
        oldest = time.monotonic() - self._idle_seconds
        for connection in self._remove_older_than(oldest):
            connection.close()

    def close(self) -> None:
        """Close all; what is given back from now on is closed too."""
        self._is_closed = True
        for connection in self._remove_older_than(float("inf")):
            connection.close()

    def _remove_older_than(self, oldest: float) -> list[Connection]:
        removed: list[Connection] = []
        with self._lock:
            for origin, kept in list(self._kept.items()):
                young = [entry for entry in kept if entry[1] > oldest]
                removed += [entry[0] for entry in kept if entry[1] <= oldest]
                if young:
                    self._kept[origin] = young
                else:
                    del self._kept[origin]
            self._count -= len(removed)
        return removed
