"""Browser sessions: the digest of an id that only the cookie holds."""

from __future__ import annotations

import sqlite3

from aiproxy.records import dataclass, field

IDLE_SECONDS = 24 * 3600
TOTAL_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Session:
    """One row, judged by the clock whenever it is used."""

    digest: str = field(repr=False)
    user_id: int
    created_at: int
    last_seen: int

    def is_valid(self, now: int) -> bool:
        """True while it is neither idle for a day nor a week old."""
        return (
            now < self.last_seen + IDLE_SECONDS
            and now < self.created_at + TOTAL_SECONDS
        )


def create(db: sqlite3.Connection, digest: str, *, user_id: int, now: int) -> None:
    """Open a session; the id was made for it and is nobody's yet."""
    db.execute(
        """
        INSERT INTO sessions (digest, user_id, created_at, last_seen)
        VALUES (?, ?, ?, ?)
        """,
        (digest, user_id, now, now),
    )


def find(db: sqlite3.Connection, digest: str, *, now: int) -> Session | None:
    """The session, unless it has expired."""
    row = db.execute("SELECT * FROM sessions WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    session = Session(**dict(row))
    return session if session.is_valid(now) else None


def newest(db: sqlite3.Connection, number: int) -> list[tuple[str, int]]:
    """Digest and user of those that were used last, the very last at the end."""
    rows = db.execute(
        "SELECT digest, user_id FROM sessions ORDER BY last_seen DESC LIMIT ?",
        (number,),
    ).fetchall()
    return [(row["digest"], row["user_id"]) for row in reversed(rows)]


def touch(db: sqlite3.Connection, digest: str, at: int) -> None:
    """Note that the session was used; never moves backwards."""
    db.execute(
        "UPDATE sessions SET last_seen = ? WHERE digest = ? AND last_seen < ?",
        (at, digest, at),
    )


def renew(db: sqlite3.Connection, digest: str, new_digest: str) -> None:
    """Give a session a new id; its age stays."""
    db.execute("UPDATE sessions SET digest = ? WHERE digest = ?", (new_digest, digest))


def delete(db: sqlite3.Connection, digest: str) -> None:
    """End one session."""
    db.execute("DELETE FROM sessions WHERE digest = ?", (digest,))


def delete_of_user(db: sqlite3.Connection, user_id: int, *, keep: str = "") -> None:
    """End a user's sessions, but for the one whose digest is `keep`."""
    db.execute(
        "DELETE FROM sessions WHERE user_id = ? AND digest <> ?", (user_id, keep)
    )


def delete_expired(db: sqlite3.Connection, now: int) -> int:
    """Delete what `find` would no longer give; returns how many."""
    return db.execute(
        "DELETE FROM sessions WHERE last_seen <= ? OR created_at <= ?",
        (now - IDLE_SECONDS, now - TOTAL_SECONDS),
    ).rowcount
