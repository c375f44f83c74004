"""The request log added up: usage tables, charts, tiles, and how each provider does.

Usage comes from the hourly sums, and only the ends of a range from single rows;
charts read single rows, and percentiles of a long log a sample of them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Iterable, Mapping, Sequence

from aiproxy.store.request_log import LogEntry, from_row

GROUPS = ("day", "provider", "model", "user", "key", "session")
HOUR = 3600
# Enough for a 95th percentile that nobody can tell from the exact one.
MAX_SAMPLE = 20_000
_FOREVER = 1 << 40
_DAY = 86400


@dataclass(frozen=True)
class UsageRow:
    """One line of the usage table; `group` holds the asked for names."""

    group: Mapping[str, str]
    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON and CSV have it."""
        values = dict(vars(self))
        return {**values.pop("group"), **values}


@dataclass(frozen=True)
class Figures:
    """Sums and percentiles over some time; None where nothing was measured."""

    requests: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    median_ms: int | None = None
    p95_ms: int | None = None
    first_token_ms: int | None = None  # median


@dataclass(frozen=True)
class Series:
    """One value a bucket, oldest first; `starts` are the buckets' beginnings."""

    starts: tuple[int, ...]
    requests: tuple[int, ...]
    failed: tuple[int, ...]
    input_tokens: tuple[int, ...]
    output_tokens: tuple[int, ...]
    median_ms: tuple[int | None, ...]
    p95_ms: tuple[int | None, ...]
    failed_by_provider: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Streak:
    """A provider's failures since its last success."""

    since: int
    count: int
    last: LogEntry


def usage(
    db: sqlite3.Connection,
    *,
    group_by: Sequence[str] = (),
    since: int | None = None,
    until: int | None = None,
    user_id: int | None = None,
) -> list[UsageRow]:
    """Sums by the named groups, in their order; days are UTC."""
    rows = db.execute(
        """
        SELECT
            CASE WHEN :by_day THEN part.hour / 86400 END AS day,
            CASE WHEN :by_provider THEN part.provider END AS provider,
            CASE WHEN :by_model THEN part.model END AS model,
            CASE WHEN :by_user THEN part.user END AS user,
            CASE WHEN :by_key THEN part.key_prefix END AS key,
            CASE WHEN :by_session THEN part.session_id END AS session,
            SUM(part.requests) AS requests,
            SUM(part.errors) AS errors,
            SUM(part.input_tokens) AS input_tokens,
            SUM(part.output_tokens) AS output_tokens,
            SUM(part.cache_read_tokens) AS cache_read_tokens,
            SUM(part.cache_write_tokens) AS cache_write_tokens
        FROM (
            SELECT hour, provider, model, user_id, user, key_prefix, session_id,
                requests, errors, input_tokens, output_tokens, cache_read_tokens,
                cache_write_tokens
            FROM usage_hours WHERE hour >= :first AND hour < :last
            UNION ALL
            SELECT time, provider, model, COALESCE(user_id, 0), user, key_prefix,
                session_id, 1, CASE WHEN status >= 400 THEN 1 ELSE 0 END,
                input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
            FROM request_log WHERE time >= :since AND time < :first
            UNION ALL
            SELECT time, provider, model, COALESCE(user_id, 0), user, key_prefix,
                session_id, 1, CASE WHEN status >= 400 THEN 1 ELSE 0 END,
                input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
            FROM request_log WHERE time >= :last AND time < :until
        ) AS part
        WHERE :user_id IS NULL OR part.user_id = :user_id
        GROUP BY 1, 2, 3, 4, 5, 6
        """,
        {
            **{f"by_{name}": name in group_by for name in GROUPS},
            **_whole_hours(since, until),
            "user_id": user_id,
        },
    ).fetchall()
    lines = [_usage_row(row, group_by) for row in rows if row["requests"]]
    return sorted(lines, key=lambda line: tuple(line.group.values()))


def _whole_hours(since: int | None, until: int | None) -> dict[str, int]:
    """The range, and the whole hours within it: `first` up to `last`."""
    start = 0 if since is None else since
    end = _FOREVER if until is None else until
    first, last = -(-start // HOUR) * HOUR, end // HOUR * HOUR
    if until is None:
        last = _FOREVER
    if first >= last:
        first = last = end
    return {"since": start, "until": end, "first": first, "last": last}


def _usage_row(row: sqlite3.Row, group_by: Sequence[str]) -> UsageRow:
    values = dict(row)
    named = {name: values.pop(name) for name in GROUPS}
    if "day" in group_by:
        day = datetime.fromtimestamp(named["day"] * _DAY, timezone.utc)
        named["day"] = day.strftime("%Y-%m-%d")
    return UsageRow(group={name: named[name] for name in group_by}, **values)


def totals(
    db: sqlite3.Connection,
    *,
    since: int,
    until: int | None = None,
    user_id: int | None = None,
) -> Figures:
    """The figures of everything in the range."""
    found = _figures(db, since, until, user_id, key_of=lambda _: "")
    return found.get("", Figures())


def by_provider(
    db: sqlite3.Connection,
    *,
    since: int,
    until: int | None = None,
    user_id: int | None = None,
) -> dict[str, Figures]:
    """The same by provider's slug; rejected requests have none."""
    found = _figures(db, since, until, user_id, key_of=lambda row: row["provider"])
    return {slug: figures for slug, figures in found.items() if slug}


def series(
    db: sqlite3.Connection,
    *,
    since: int,
    step: int,
    count: int,
    user_id: int | None = None,
) -> Series:
    """`count` buckets of `step` seconds from `since` on."""
    parameters = {
        "since": since,
        "until": since + step * count,
        "step": step,
        "user_id": user_id,
    }
    rows = db.execute(
        """
        SELECT (time - :since) / :step AS bucket, COUNT(*) AS requests,
            SUM(CASE WHEN status >= 400 THEN 1 ELSE 0 END) AS failed,
            SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens
        FROM request_log
        WHERE time >= :since AND time < :until
            AND (:user_id IS NULL OR user_id = :user_id)
        GROUP BY 1
        """,
        parameters,
    ).fetchall()
    failures = db.execute(
        """
        SELECT (time - :since) / :step AS bucket, provider, COUNT(*) AS failed
        FROM request_log
        WHERE time >= :since AND time < :until AND status >= 400
            AND (:user_id IS NULL OR user_id = :user_id)
        GROUP BY 1, 2
        """,
        parameters,
    ).fetchall()
    buckets = {row["bucket"]: row for row in rows}
    durations: dict[int, list[int]] = {}
    for row in _sample(db, parameters, sum(row["requests"] for row in rows)):
        bucket = (row["time"] - since) // step
        durations.setdefault(bucket, []).append(row["duration_ms"])
    failed: dict[str, list[int]] = {}
    for row in failures:
        failed.setdefault(row["provider"], [0] * count)[row["bucket"]] = row["failed"]

    def column(name: str) -> tuple[int, ...]:
        return tuple(buckets[i][name] if i in buckets else 0 for i in range(count))

    return Series(
        starts=tuple(since + step * i for i in range(count)),
        requests=column("requests"),
        failed=column("failed"),
        input_tokens=column("input_tokens"),
        output_tokens=column("output_tokens"),
        median_ms=tuple(percentile(durations.get(i, ()), 50) for i in range(count)),
        p95_ms=tuple(percentile(durations.get(i, ()), 95) for i in range(count)),
        failed_by_provider={slug: tuple(values) for slug, values in failed.items()},
    )


def last_by_provider(
    db: sqlite3.Connection, slugs: Iterable[str]
) -> dict[str, LogEntry]:
    """The newest row of each of these providers that has one."""
    found = {}
    for slug in slugs:
        row = db.execute(
            "SELECT * FROM request_log WHERE provider = ? ORDER BY seq DESC LIMIT 1",
            (slug,),
        ).fetchone()
        if row is not None:
            found[slug] = from_row(row)
    return found


def failing(db: sqlite3.Connection, slug: str) -> Streak | None:
    """The provider's present run of failures; None while its last answer was good.

    What the client did wrong (400, 413, 422) or broke off (499) says nothing.
    """
    success = db.execute(
        """
        SELECT seq FROM request_log WHERE provider = ? AND status < 400
        ORDER BY seq DESC LIMIT 1
        """,
        (slug,),
    ).fetchone()
    row = db.execute(
        """
        SELECT COUNT(*) AS count, MIN(time) AS since, MAX(seq) AS last
        FROM request_log
        WHERE provider = ? AND seq > ? AND status NOT IN (400, 413, 422, 499)
        """,
        (slug, success["seq"] if success else 0),
    ).fetchone()
    if not row["count"]:
        return None
    last = db.execute(
        "SELECT * FROM request_log WHERE seq = ?", (row["last"],)
    ).fetchone()
    return Streak(row["since"], row["count"], from_row(last))


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    rank = max(1, -(-len(values) * percent // 100))
    return sorted(values)[rank - 1]


def _figures(
    db: sqlite3.Connection,
    since: int,
    until: int | None,
    user_id: int | None,
    *,
    key_of: Callable[[sqlite3.Row], str],
) -> dict[str, Figures]:
    parameters = {
        "since": since,
        "until": _FOREVER if until is None else until,
        "user_id": user_id,
    }
    rows = db.execute(
        """
        SELECT provider, COUNT(*) AS requests,
            SUM(CASE WHEN status >= 400 THEN 1 ELSE 0 END) AS failed,
            SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens,
            SUM(cache_read_tokens) AS cache_read_tokens,
            SUM(cache_write_tokens) AS cache_write_tokens
        FROM request_log
        WHERE time >= :since AND time < :until
            AND (:user_id IS NULL OR user_id = :user_id)
        GROUP BY provider
        """,
        parameters,
    ).fetchall()
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        line = sums.setdefault(key_of(row), {})
        for name in row.keys():  # noqa: SIM118 - a Row iterates over its values
            if name != "provider":
                line[name] = line.get(name, 0) + row[name]
    durations: dict[str, list[int]] = {}
    firsts: dict[str, list[int]] = {}
    for row in _sample(db, parameters, sum(row["requests"] for row in rows)):
        key = key_of(row)
        durations.setdefault(key, []).append(row["duration_ms"])
        if row["first_token_ms"] is not None:
            firsts.setdefault(key, []).append(row["first_token_ms"])
    return {
        key: Figures(
            median_ms=percentile(durations.get(key, ()), 50),
            p95_ms=percentile(durations.get(key, ()), 95),
            first_token_ms=percentile(firsts.get(key, ()), 50),
            **line,
        )
        for key, line in sums.items()
    }


def _sample(
    db: sqlite3.Connection, parameters: Mapping[str, Any], size: int
) -> list[sqlite3.Row]:
    """How long successful requests took: all of them, or every n-th of many."""
    return db.execute(
        """
        SELECT time, provider, duration_ms, first_token_ms FROM request_log
        WHERE time >= :since AND time < :until AND status < 400
            AND (:user_id IS NULL OR user_id = :user_id) AND seq % :every = 0
        """,
        {**parameters, "every": -(-max(size, 1) // MAX_SAMPLE)},
    ).fetchall()
