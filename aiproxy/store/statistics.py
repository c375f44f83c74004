"""What the dashboard counts, fast enough for every poll, whatever the log holds.

Triggers keep sums by half hour beside the request log, so that a week of 200,000
requests is a few thousand rows. Percentiles need single durations: a few thousand of
them, evenly spaced, say the same as all.
"""

from __future__ import annotations

import math
import sqlite3
from typing import Iterable, NamedTuple, Sequence

from aiproxy.records import dataclass
from aiproxy.store.log_sums import STEP_SECONDS
from aiproxy.store.request_log import LogEntry, from_row

SAMPLES = 4000  # durations read for percentiles; fewer requests are all read
LONGEST_STREAK = 500
# What the client did wrong or broke off says nothing of the provider.
CLIENT_FAULTS = (400, 413, 422, 499)


@dataclass(frozen=True)
class Counts:
    """Sums over some requests; `input_tokens` are all that went in, cached or not."""

    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.requests + other.requests,
            self.failed + other.failed,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )


class Latency(NamedTuple):
    """How long one answered request took."""

    time: int
    provider: str
    duration_ms: int
    first_token_ms: int | None


@dataclass(frozen=True)
class Streak:
    """A provider's latest requests: since when, and how, they have failed."""

    provider: str
    last_used: int
    last_status: int
    last_error: str  # the message; empty after a success
    failures: int = 0  # in a row, up to now; at most LONGEST_STREAK
    since: int = 0  # the first of them


def counts(
    db: sqlite3.Connection, *, since: int, step: int, user_id: int | None = None
) -> dict[tuple[int, str], Counts]:
    """Sums by start of the bucket and provider; `since` is the start of a bucket."""
    if step % STEP_SECONDS == 0:
        sql = """
            SELECT start - start % :step, provider, SUM(requests), SUM(failed),
                SUM(input_tokens), SUM(cached_tokens), SUM(output_tokens)
            FROM request_totals
            WHERE start >= :since AND (:user_id IS NULL OR user_id = :user_id)
            GROUP BY 1, 2
        """
    else:
        sql = """
            SELECT time - time % :step, provider, COUNT(*),
                SUM(status >= 400 AND status <> 499),
                SUM(input_tokens + cache_read_tokens + cache_write_tokens),
                SUM(cache_read_tokens), SUM(output_tokens)
            FROM request_log
            WHERE time >= :since AND (:user_id IS NULL OR user_id = :user_id)
            GROUP BY 1, 2
        """
    rows = db.execute(sql, {"step": step, "since": since, "user_id": user_id})
    return {(row[0], row[1]): Counts(*tuple(row)[2:]) for row in rows.fetchall()}


def latencies(
    db: sqlite3.Connection, *, since: int, user_id: int | None = None
) -> list[Latency]:
    """Answered requests since then, all or an evenly spaced sample, oldest first."""
    # Rows are written when a request ends, so `seq` and `time` have the same order.
    first = db.execute(
        "SELECT seq FROM request_log WHERE time >= ? ORDER BY time LIMIT 1", (since,)
    ).fetchone()
    if first is None:
        return []
    last = db.execute("SELECT MAX(seq) FROM request_log").fetchone()
    stride = max(1, (last[0] - first[0] + 1) // SAMPLES)
    rows = db.execute(
        """
        WITH RECURSIVE chosen (seq) AS (
            SELECT :first UNION ALL SELECT seq + :stride FROM chosen
            WHERE seq + :stride <= :last
        )
        SELECT time, provider, duration_ms, first_token_ms
        FROM chosen CROSS JOIN request_log USING (seq)
        WHERE time >= :since AND status < 400
            AND (:user_id IS NULL OR user_id = :user_id)
        """,
        {
            "first": first[0],
            "last": last[0],
            "stride": stride,
            "since": since,
            "user_id": user_id,
        },
    )
    return [Latency(*row) for row in rows.fetchall()]


def percentile(ordered: Sequence[int], share: float) -> int | None:
    """The value that `share` of the sorted values do not exceed (nearest rank)."""
    if not ordered:
        return None
    rank = max(1, math.ceil(share * len(ordered)))
    return ordered[rank - 1]


def streaks(db: sqlite3.Connection, providers: Iterable[str]) -> dict[str, Streak]:
    """How the latest requests of each provider went; unused ones are left out."""
    found = {}
    for provider in providers:
        streak = _streak(db, provider)
        if streak is not None:
            found[provider] = streak
    return found


def _streak(db: sqlite3.Connection, provider: str) -> Streak | None:
    rows = db.execute(
        """
        SELECT time, status, error_message FROM request_log
        WHERE provider = ? ORDER BY seq DESC LIMIT ?
        """,
        (provider, LONGEST_STREAK),
    ).fetchall()
    if not rows:
        return None
    judged = [row for row in rows if row["status"] not in CLIENT_FAULTS]
    failed = []
    for row in judged:
        if row["status"] < 400:
            break
        failed.append(row)
    newest_row = (judged or rows)[0]
    return Streak(
        provider,
        last_used=rows[0]["time"],
        last_status=newest_row["status"],
        last_error=newest_row["error_message"],
        failures=len(failed),
        since=failed[-1]["time"] if failed else 0,
    )


def newest(db: sqlite3.Connection, user_id: int | None = None) -> int:
    """The number of the latest row: it moves with every request that ends."""
    if user_id is None:
        row = db.execute("SELECT MAX(seq) FROM request_log").fetchone()
    else:
        row = db.execute(
            "SELECT MAX(seq) FROM request_log WHERE user_id = ?", (user_id,)
        ).fetchone()
    return row[0] or 0


def latest(
    db: sqlite3.Connection,
    *,
    limit: int,
    user_id: int | None = None,
    answered: bool = False,
) -> list[LogEntry]:
    """The newest rows, of all or of one user, all or only the answered ones."""
    parameters = {"user_id": user_id, "worst": 399 if answered else 999, "limit": limit}
    if user_id is None:
        sql = """
            SELECT * FROM request_log NOT INDEXED WHERE status <= :worst
            ORDER BY seq DESC LIMIT :limit
        """
    else:
        sql = """
            SELECT * FROM request_log WHERE user_id = :user_id AND status <= :worst
            ORDER BY seq DESC LIMIT :limit
        """
    return [from_row(row) for row in db.execute(sql, parameters).fetchall()]


def first_time(db: sqlite3.Connection, user_id: int | None = None) -> int | None:
    """When the oldest row that is kept was written."""
    if user_id is None:
        sql = "SELECT time FROM request_log ORDER BY seq LIMIT 1"
        row = db.execute(sql).fetchone()
    else:
        sql = "SELECT time FROM request_log WHERE user_id = ? ORDER BY seq LIMIT 1"
        row = db.execute(sql, (user_id,)).fetchone()
    return row[0] if row else None
