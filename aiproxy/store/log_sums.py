"""The log added up while it is written, so that pages over weeks read no row twice.

Sums go by age alone: they stay right when rows go because of the log's size.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Mapping

HOUR = 3600
STEP_SECONDS = 1800  # of the dashboard's finest bars that are read from sums
STEPS_A_DELETION = 6


def add(db: sqlite3.Connection, row: Mapping[str, Any]) -> None:
    """Count one row, as request_log.py stores it."""
    sums = {
        **row,
        "hour": row["time"] - row["time"] % HOUR,
        "start": row["time"] - row["time"] % STEP_SECONDS,
        "user_id": row["user_id"] or 0,
        "error": int(row["status"] >= 400),
        # A request that its client gave up is no failure of anybody's.
        "failed": int(row["status"] >= 400 and row["status"] != 499),
        "cached_tokens": row["cache_read_tokens"],
        "whole_input": row["input_tokens"]
        + row["cache_read_tokens"]
        + row["cache_write_tokens"],
    }
    _add_hour(db, sums)
    _add_step(db, sums)


def delete_before(db: sqlite3.Connection, before: int) -> int:
    """Delete a few of the oldest whole hours; 0 when none is left to delete."""
    rows = db.execute(
        "SELECT DISTINCT hour FROM usage_hours WHERE hour <= ? ORDER BY hour LIMIT ?",
        (before - HOUR, STEPS_A_DELETION),
    ).fetchall()
    found = [(row["hour"],) for row in rows]
    db.executemany("DELETE FROM usage_hours WHERE hour = ?", found)
    if found:
        db.execute("DELETE FROM request_totals WHERE start < ?", (found[-1][0] + HOUR,))
    return len(found)


def _add_hour(db: sqlite3.Connection, sums: Mapping[str, Any]) -> None:
    db.execute(
        """
        INSERT INTO usage_hours (
            hour, provider, model, user_id, user, key_prefix, session_id, requests,
            errors, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
        ) VALUES (
            :hour, :provider, :model, :user_id, :user, :key_prefix, :session_id, 1,
            :error, :input_tokens, :output_tokens, :cache_read_tokens,
            :cache_write_tokens
        ) ON CONFLICT (
            hour, provider, model, user_id, user, key_prefix, session_id
        ) DO UPDATE SET
            requests = usage_hours.requests + 1,
            errors = usage_hours.errors + excluded.errors,
            input_tokens = usage_hours.input_tokens + excluded.input_tokens,
            output_tokens = usage_hours.output_tokens + excluded.output_tokens,
            cache_read_tokens =
                usage_hours.cache_read_tokens + excluded.cache_read_tokens,
            cache_write_tokens =
                usage_hours.cache_write_tokens + excluded.cache_write_tokens
        """,
        sums,
    )


def _add_step(db: sqlite3.Connection, sums: Mapping[str, Any]) -> None:
    db.execute(
        """
        INSERT INTO request_totals (
            start, provider, user_id, requests, failed, input_tokens, cached_tokens,
            output_tokens
        ) VALUES (
            :start, :provider, :user_id, 1, :failed, :whole_input, :cached_tokens,
            :output_tokens
        ) ON CONFLICT (start, provider, user_id) DO UPDATE SET
            requests = request_totals.requests + 1,
            failed = request_totals.failed + excluded.failed,
            input_tokens = request_totals.input_tokens + excluded.input_tokens,
            cached_tokens = request_totals.cached_tokens + excluded.cached_tokens,
            output_tokens = request_totals.output_tokens + excluded.output_tokens
        """,
        sums,
    )
