"""Personal API keys: a digest and twelve characters; the key itself is never kept."""

from __future__ import annotations

import sqlite3
import time

from aiproxy.errors import Conflict, NotFound
from aiproxy.records import dataclass, field

MAX_KEYS = 1000  # of a user, and as many revoked ones


@dataclass(frozen=True)
class ApiKey:
    """One row; `prefix` is what a person recognises the key by."""

    id: int
    user_id: int
    name: str
    prefix: str
    digest: str = field(repr=False)
    created_at: int = 0
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None

    def is_valid(self, now: int) -> bool:
        """True while it is neither revoked nor expired."""
        return self.revoked_at is None and (
            self.expires_at is None or now < self.expires_at
        )


def list_all(db: sqlite3.Connection) -> list[ApiKey]:
    """Every key, revoked and expired ones too, in the order they were made."""
    rows = db.execute("SELECT * FROM api_keys ORDER BY id").fetchall()
    return [ApiKey(**dict(row)) for row in rows]


def list_of_user(db: sqlite3.Connection, user_id: int) -> list[ApiKey]:
    """One user's keys, newest first."""
    rows = db.execute(
        "SELECT * FROM api_keys WHERE user_id = ? ORDER BY id DESC", (user_id,)
    ).fetchall()
    return [ApiKey(**dict(row)) for row in rows]


def get(db: sqlite3.Connection, key_id: int, *, user_id: int | None = None) -> ApiKey:
    """The key with this id, of that user if one is given; raises NotFound."""
    row = db.execute("SELECT * FROM api_keys WHERE id = ?", (key_id,)).fetchone()
    if row is None or user_id not in (None, row["user_id"]):
        raise NotFound("there is no such key")
    return ApiKey(**dict(row))


def insert(
    db: sqlite3.Connection,
    *,
    user_id: int,
    name: str,
    prefix: str,
    digest: str,
    expires_at: int | None = None,
    now: int | None = None,
) -> int:
    """Save a new key's digest; see security.tokens for the key.

    Raises Conflict where its user has too many: each costs every change, as all keys
    are read anew then. Of revoked ones the newest stay.
    """
    usable = "SELECT COUNT(*) FROM api_keys WHERE user_id = ? AND revoked_at IS NULL"
    if db.execute(usable, (user_id,)).fetchone()[0] >= MAX_KEYS:
        raise Conflict(f"a user has at most {MAX_KEYS} keys: revoke some first")
    db.execute(
        """
        DELETE FROM api_keys WHERE id IN (
            SELECT id FROM api_keys WHERE user_id = ? AND revoked_at IS NOT NULL
            ORDER BY id DESC LIMIT -1 OFFSET ?
        )
        """,
        (user_id, MAX_KEYS),
    )
    cursor = db.execute(
        """
        INSERT INTO api_keys (user_id, name, prefix, digest, created_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        (
            user_id,
            name,
            prefix,
            digest,
            int(time.time()) if now is None else now,
            expires_at,
        ),
    )
    return cursor.lastrowid or 0


def revoke(
    db: sqlite3.Connection,
    key_id: int,
    *,
    user_id: int | None = None,
    now: int | None = None,
) -> None:
    """End a key for good, from the next request on; raises NotFound."""
    get(db, key_id, user_id=user_id)
    db.execute(
        "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
        (int(time.time()) if now is None else now, key_id),
    )


def touch(db: sqlite3.Connection, key_id: int, at: int) -> None:
    """Note that the key was used; never moves backwards."""
    db.execute(
        """
        UPDATE api_keys SET last_used_at = ?
        WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)
        """,
        (at, key_id, at),
    )
