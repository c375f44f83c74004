"""The thread that writes log rows and last-used times, so that no request waits.

Rows may be lost, at a crash or on a full disk, and are counted then; a reply never is.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from typing import Callable

from aiproxy.errors import AIProxyError
from aiproxy.store import api_keys, request_log, sessions
from aiproxy.store.database import Database
from aiproxy.store.request_log import LogEntry

MAX_QUEUED = 1000
MAX_QUEUED_BYTES = 64 * 1024 * 1024  # of bodies; beyond it rows go without them
BATCH_SECONDS = 0.4  # collected before a commit, which costs as much as a request
BATCH_SIZE = 200  # or until there are so many

log = logging.getLogger("aiproxy.store")


class LogWriter:
    """Takes entries from any thread; `close` writes what is left."""

    def __init__(
        self,
        database: Database,
        *,
        max_queued: int = MAX_QUEUED,
        max_queued_bytes: int = MAX_QUEUED_BYTES,
        batch_seconds: float = BATCH_SECONDS,
    ) -> None:
        self.dropped = 0  # rows that were lost
        self.dropped_bodies = 0  # rows that were written without their bodies
        self._database = database
        self._max_queued = max_queued
        self._max_queued_bytes = max_queued_bytes
        self._batch_seconds = batch_seconds
        self._wake = threading.Condition()
        self._hurry = threading.Event()  # somebody waits for what is queued
        self._entries: deque[LogEntry] = deque()
        self._queued_bytes = 0
        self._keys: dict[int, int] = {}
        self._sessions: dict[str, int] = {}
        self._is_writing = False
        self._is_closing = False
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def add(self, entry: LogEntry) -> None:
        """Queue an entry; where the queue is full it is lost and counted."""
        size = request_log.body_bytes(entry)
        with self._wake:
            if self._is_closing or len(self._entries) >= self._max_queued:
                self.dropped += 1
                return
            if size and self._queued_bytes + size > self._max_queued_bytes:
                self.dropped_bodies += 1
                entry, size = request_log.without_bodies(entry), 0
            self._entries.append(entry)
            self._queued_bytes += size
            self._wake.notify_all()
            if len(self._entries) >= BATCH_SIZE:
                self._hurry.set()

    def touch_key(self, key_id: int, at: int) -> None:
        """A key was used; of several times the last is written."""
        with self._wake:
            self._keys[key_id] = at
            self._wake.notify_all()

    def touch_session(self, digest: str, at: int) -> None:
        """A session was used; of several times the last is written."""
        with self._wake:
            self._sessions[digest] = at
            self._wake.notify_all()

    def flush(self, timeout_seconds: float = 10.0) -> bool:
        """Wait until all that was queued before is written; False after a timeout."""
        self._hurry.set()
        with self._wake:
            return self._wake.wait_for(self._is_idle, timeout_seconds)

    def close(self) -> None:
        """Write what is queued and end the thread; what comes later is lost."""
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
        self._hurry.set()
        self._thread.join()

    def _is_idle(self) -> bool:
        return not (self._is_writing or self._has_work())

    def _has_work(self) -> bool:
        return bool(self._entries or self._keys or self._sessions)

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._has_work() or self._is_closing)
                if not self._has_work():
                    return
                is_closing = self._is_closing
            if not is_closing:
                # A commit for each row would cost ten times as much.
                self._hurry.wait(self._batch_seconds)
                self._hurry.clear()
            entries, write = self._take()
            try:
                self._write(entries, write)
            finally:
                with self._wake:
                    self._is_writing = False
                    self._wake.notify_all()

    def _take(self) -> tuple[list[LogEntry], Callable[[sqlite3.Connection], None]]:
        with self._wake:
            self._is_writing = True
            entries: list[LogEntry] = []
            while self._entries and len(entries) < BATCH_SIZE:
                entries.append(self._entries.popleft())
            self._queued_bytes -= sum(map(request_log.body_bytes, entries))
            keys, self._keys = self._keys, {}
            seen, self._sessions = self._sessions, {}

        def touch(db: sqlite3.Connection) -> None:
            for key_id, at in keys.items():
                api_keys.touch(db, key_id, at)
            for digest, at in seen.items():
                sessions.touch(db, digest, at)

        return entries, touch

    def _write(
        self, entries: list[LogEntry], touch: Callable[[sqlite3.Connection], None]
    ) -> None:
        # A lost row must not lose a reply, nor end the thread that writes the next.
        try:
            packed = [request_log.pack(entry) for entry in entries]
            db = self._database.connect_for_log()
            with self._database.writing(db):
                request_log.add_many(db, packed)
                touch(db)
        except Exception as exc:  # noqa: BLE001 - counted, and told once
            with self._wake:
                self.dropped += len(entries)
            self._report(exc)
        else:
            self._is_failing = False

    def _report(self, error: Exception) -> None:
        if self._is_failing:
            return
        self._is_failing = True
        reason = error.message if isinstance(error, AIProxyError) else repr(error)
        log.error("request log rows are lost: %s", reason)
