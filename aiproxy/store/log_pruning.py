"""Deleting what the request log no longer keeps: by age, then by size.

In short transactions, so that nobody waits for one, and never by a clock that has
jumped: a wrong date must not empty the log.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from typing import Callable

from aiproxy.store import log_sums, sessions
from aiproxy.store.database import Database
from aiproxy.store.settings import Settings

DAY = 24 * 3600
BODY_DAYS = 7
MAX_JUMP_SECONDS = DAY
ROWS_A_STEP = 500
BODY_BYTES_A_STEP = 8 * 1024 * 1024
PAUSE_SECONDS = 0.02  # in which other writers get their turn
FREED_PAGES_A_STEP = 500
MIN_FREED_PAGES = 4096  # 16 MiB
MEGABYTE = 1024 * 1024
_FOREVER = 1 << 40

log = logging.getLogger("aiproxy.store")


def steady_clock() -> float:
    """Seconds that go on through a suspend, where the system has such a clock."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Pruner:
    """Deletes what is due; call `prune` now and then, from one thread.

    `pause` waits between steps and ends the work early when it gives something true,
    as an Event's `wait` does.
    """

    def __init__(
        self,
        database: Database,
        *,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = steady_clock,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._database = database
        self._wall_clock = wall_clock
        self._clock = clock
        self._pause = pause
        self._offset = wall_clock() - clock()
        self._has_jumped = False

    def prune(self, settings: Settings) -> int:
        """Delete what is too old or too much; returns the number of rows."""
        if self.clock_has_jumped():
            return 0
        now = int(self._wall_clock())
        self._delete_sessions(now)
        deleted = self._delete_rows(now - settings.log_retention_days * DAY)
        self._delete_usage(now - settings.log_retention_days * DAY)
        self._delete_bodies(now - BODY_DAYS * DAY)
        deleted += self._shrink(settings.log_max_mb * MEGABYTE)
        self._give_back()
        return deleted

    def clock_has_jumped(self) -> bool:
        """True from a jump over a day until the next start: nothing is deleted then."""
        offset = self._wall_clock() - self._clock()
        if not self._has_jumped and abs(offset - self._offset) > MAX_JUMP_SECONDS:
            self._has_jumped = True
            log.warning(
                "the clock has jumped by more than a day: nothing is deleted from the"
                " request log until the next start"
            )
        return self._has_jumped

    def _delete_sessions(self, now: int) -> None:
        db = self._database.connect_for_log()
        with self._database.writing(db):
            sessions.delete_expired(db, now)

    def _delete_rows(self, before: int) -> int:
        # Bodies first, as they are large: a step's rows may hold hundreds of MB.
        self._delete_bodies(before)
        return self._repeat(lambda db: _delete_some_rows(db, before))

    def _delete_bodies(self, before: int) -> None:
        self._repeat(lambda db: _delete_some_bodies(db, before))

    def _delete_usage(self, before: int) -> None:
        self._repeat(lambda db: log_sums.delete_before(db, before))

    def _shrink(self, max_bytes: int) -> int:
        """The oldest bodies, then the oldest rows, until the rest fits."""

        def excess() -> int:
            return max(0, self._database.used_bytes() - max_bytes)

        self._repeat(lambda db: _delete_some_bodies(db, _FOREVER, excess()), excess)
        return self._repeat(lambda db: _delete_some_rows(db, _FOREVER), excess)

    def _repeat(
        self,
        step: Callable[[sqlite3.Connection], int],
        is_wanted: Callable[[], object] = lambda: True,
    ) -> int:
        """Steps until one finds nothing; each is a transaction of its own."""
        db = self._database.connect_for_log()
        total = 0
        while is_wanted():
            with self._database.writing(db):
                deleted = step(db)
            if not deleted:
                break
            total += deleted
            if self._pause(PAUSE_SECONDS):
                break
        return total

    def _give_back(self) -> None:
        """Shorten the file once much of it is empty; a little is soon used again."""
        db = self._database.connect_for_log()
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        free = db.execute("PRAGMA freelist_count").fetchone()[0]
        if free * 4 < pages or free < MIN_FREED_PAGES:
            return
        for _ in range(0, free, FREED_PAGES_A_STEP):
            # execute() would stop after one page, as each is a row without columns.
            db.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES_A_STEP:d})")
            if self._pause(PAUSE_SECONDS):
                break


def _delete_some_rows(db: sqlite3.Connection, before: int) -> int:
    rows = db.execute(
        "SELECT seq FROM request_log WHERE time < ? ORDER BY time, seq LIMIT ?",
        (before, ROWS_A_STEP),
    ).fetchall()
    found = [(row["seq"],) for row in rows]
    db.executemany("DELETE FROM request_bodies WHERE seq = ?", found)
    db.executemany("DELETE FROM request_log WHERE seq = ?", found)
    return len(found)


def _delete_some_bodies(
    db: sqlite3.Connection, before: int, enough: int = _FOREVER
) -> int:
    rows = db.execute(
        """
        SELECT body.seq, body.part, body.kept
        FROM request_bodies AS body JOIN request_log AS log ON log.seq = body.seq
        WHERE log.time < ? ORDER BY body.seq, body.part LIMIT ?
        """,
        (before, ROWS_A_STEP),
    ).fetchall()
    found, size = [], 0
    for row in rows:
        found.append((row["seq"], row["part"]))
        size += row["kept"]
        if size >= min(enough, BODY_BYTES_A_STEP):
            break
    db.executemany("DELETE FROM request_bodies WHERE seq = ? AND part = ?", found)
    return len(found)
