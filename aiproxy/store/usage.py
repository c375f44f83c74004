"""What was used: requests and tokens by day, provider, model, user, key and session.

Sums by the hour are kept beside the request log (request_log.py adds each row to them),
so a month is read from them and only the ends of a range from single rows. They stay
when rows give way to the size limit, until the days of the log are over.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from typing import Any, Mapping, Sequence

from aiproxy.records import dataclass

GROUPS = ("day", "provider", "model", "user", "key", "session")
HOUR = 3600
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


def rows(
    db: sqlite3.Connection,
    *,
    group_by: Sequence[str] = (),
    since: int | None = None,
    until: int | None = None,
    user_id: int | None = None,
) -> list[UsageRow]:
    """Sums by the named groups, in their order; days are UTC."""
    found = db.execute(
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
    lines = [_usage_row(row, group_by) for row in found if row["requests"]]
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
