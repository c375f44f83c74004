"""The schema, as the steps that led to it; the version is the number of steps done.

A step that has been released is never changed: a new one is added. SQL that SQLite
3.26 and PostgreSQL both understand, as far as that goes; JSON is read in Python.
"""

from __future__ import annotations

import sqlite3

# Marks the file as ours: "aipx".
APPLICATION_ID = 0x61697078

_FIRST: tuple[str, ...] = (
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # AUTOINCREMENT: an id is never given out again, so the log rows of a deleted
    # user or key cannot become another's.
    """
    CREATE TABLE providers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        slug TEXT NOT NULL UNIQUE,
        endpoint TEXT NOT NULL,
        api_key TEXT NOT NULL,
        api_format TEXT NOT NULL CHECK (api_format IN ('openai', 'anthropic')),
        default_model TEXT NOT NULL,
        auth_method TEXT NOT NULL,
        auth_header TEXT NOT NULL,
        custom_headers TEXT NOT NULL,
        model_haiku TEXT NOT NULL,
        model_sonnet TEXT NOT NULL,
        model_opus TEXT NOT NULL,
        model_map TEXT NOT NULL,
        extra_body TEXT NOT NULL,
        max_output_tokens INTEGER,
        context_window INTEGER,
        enabled INTEGER NOT NULL,
        dialect TEXT NOT NULL,
        compat TEXT NOT NULL,
        send_reasoning TEXT NOT NULL,
        fallback TEXT NOT NULL,
        http_proxy TEXT NOT NULL,
        ca_file TEXT NOT NULL,
        active INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        tested_at INTEGER,
        test_kind TEXT NOT NULL,
        test_message TEXT NOT NULL,
        test_latency_ms INTEGER
    )
    """,
    "CREATE UNIQUE INDEX one_active_provider ON providers (active) WHERE active = 1",
    """
    CREATE TABLE aliases (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        alias TEXT NOT NULL UNIQUE,
        provider_id INTEGER REFERENCES providers (id) ON DELETE CASCADE,
        prompt TEXT NOT NULL CHECK (prompt IN ('standard', 'custom')),
        model TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX aliases_by_provider ON aliases (provider_id)",
    """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        username TEXT NOT NULL,
        username_key TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
        enabled INTEGER NOT NULL,
        theme TEXT NOT NULL,
        must_change_password INTEGER NOT NULL,
        hide_checklist INTEGER NOT NULL,
        last_login INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE api_keys (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        revoked_at INTEGER,
        last_used_at INTEGER
    )
    """,
    "CREATE INDEX api_keys_by_user ON api_keys (user_id)",
    """
    CREATE TABLE sessions (
        digest TEXT PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        created_at INTEGER NOT NULL,
        last_seen INTEGER NOT NULL
    )
    """,
    "CREATE INDEX sessions_by_user ON sessions (user_id)",
    """
    CREATE TABLE prompts (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        use_custom_prompt INTEGER NOT NULL,
        prompt_template TEXT,
        system_name TEXT NOT NULL,
        model_name_override TEXT NOT NULL,
        remove_ai_references INTEGER NOT NULL,
        remove_defensive_restrictions INTEGER NOT NULL
    )
    """,
    # Written by `unlock` in another process, read by the server.
    """
    CREATE TABLE unlocks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        username_key TEXT NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    # One row: counts the commits that changed what a snapshot holds.
    "CREATE TABLE revision (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER)",
    "INSERT INTO revision (id, number) VALUES (1, 1)",
    """
    CREATE TABLE request_log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        -- Early in the row: a search for a word reads it of every row.
        search TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE,
        time INTEGER NOT NULL,
        user_id INTEGER,
        user TEXT NOT NULL,
        key_id INTEGER,
        key_prefix TEXT NOT NULL,
        alias TEXT NOT NULL,
        provider TEXT NOT NULL,
        model_requested TEXT NOT NULL,
        model TEXT NOT NULL,
        session_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        stream INTEGER NOT NULL,
        status INTEGER NOT NULL,
        error_type TEXT NOT NULL,
        error_message TEXT NOT NULL,
        stop_reason TEXT NOT NULL,
        duration_ms INTEGER NOT NULL,
        first_token_ms INTEGER,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        usage_estimated INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        notes TEXT NOT NULL
    )
    """,
    "CREATE INDEX request_log_by_time ON request_log (time)",
    "CREATE INDEX request_log_by_provider ON request_log (provider)",
    """
    CREATE TABLE request_bodies (
        seq INTEGER NOT NULL,
        part INTEGER NOT NULL,
        size INTEGER NOT NULL,
        kept INTEGER NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (seq, part)
    )
    """,
    # The log added up by hour, so that usage over a month reads no row twice.
    """
    CREATE TABLE usage_hours (
        hour INTEGER NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        user TEXT NOT NULL,
        key_prefix TEXT NOT NULL,
        session_id TEXT NOT NULL,
        requests INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        PRIMARY KEY (hour, provider, model, user_id, user, key_prefix, session_id)
    )
    """,
    # A member's pages read own rows, newest first.
    "CREATE INDEX request_log_by_user ON request_log (user_id)",
    # The same by half an hour, for the dashboard's bars.
    """
    CREATE TABLE request_totals (
        start INTEGER NOT NULL,
        provider TEXT NOT NULL,
        user_id INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        PRIMARY KEY (start, provider, user_id)
    )
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)


def version_of(db: sqlite3.Connection) -> int:
    """How many of the steps this database has behind it."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(db: sqlite3.Connection) -> None:
    """Bring the schema up to date, in one transaction or not at all."""
    version = version_of(db)
    if version == len(MIGRATIONS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version:]:
            for statement in step:
                db.execute(statement)
        # A pragma takes no parameters; both values are constants of this module.
        db.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS):d}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
