"""Marks by which another process tells the server to forget wrong passwords."""

from __future__ import annotations

import sqlite3

from aiproxy.store.users import key_of

KEPT = 100


def mark(db: sqlite3.Connection, username: str, *, now: int) -> None:
    """Ask for `username` to be unlocked; an empty name means everybody."""
    db.execute(
        "INSERT INTO unlocks (username_key, created_at) VALUES (?, ?)",
        (key_of(username), now),
    )
    db.execute(
        "DELETE FROM unlocks WHERE id <= (SELECT MAX(id) FROM unlocks) - ?", (KEPT,)
    )


def last_id(db: sqlite3.Connection) -> int:
    """The newest mark's id; a server acts on those made after its start."""
    found: int = db.execute("SELECT COALESCE(MAX(id), 0) FROM unlocks").fetchone()[0]
    return found


def list_after(db: sqlite3.Connection, mark_id: int) -> list[tuple[int, str]]:
    """(id, name key) of the marks made since, oldest first."""
    rows = db.execute(
        "SELECT id, username_key FROM unlocks WHERE id > ? ORDER BY id", (mark_id,)
    ).fetchall()
    return [(row["id"], row["username_key"]) for row in rows]
