"""Users: who may log in. The last enabled admin stays, whatever is asked."""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from typing import Any

from aiproxy.errors import Conflict, NotFound, SlugTaken
from aiproxy.records import dataclass, field, replace

MAX_USERNAME_LENGTH = 200
ROLES = ("admin", "member")
THEMES = ("system", "light", "dark")

_FLAGS = ("enabled", "must_change_password", "hide_checklist")


@dataclass(frozen=True)
class User:
    """One row."""

    id: int
    username: str
    password_hash: str = field(default="", repr=False)
    role: str = "member"
    enabled: bool = True
    theme: str = "system"
    must_change_password: bool = False
    hide_checklist: bool = False
    last_login: int | None = None
    created_at: int = 0
    updated_at: int = 0

    @property
    def is_admin(self) -> bool:
        """True for an admin who may log in."""
        return self.role == "admin" and self.enabled


def key_of(username: str) -> str:
    """What names are compared by: case and the ways to write an accent do not count."""
    # One that is too long is nobody's; to put its accents in order takes the square.
    username = username.strip()[: MAX_USERNAME_LENGTH + 1]
    folded = unicodedata.normalize("NFC", username).casefold()
    return unicodedata.normalize("NFC", folded)


def username_problem(username: str) -> str:
    """What forbids this name, in words for the form; empty: nothing."""
    if not username.strip():
        return "A name is needed."
    if len(username) > MAX_USERNAME_LENGTH:
        return f"At most {MAX_USERNAME_LENGTH} characters."
    if not username.isprintable():
        return "The name holds a character that cannot be shown."
    return ""


def list_all(db: sqlite3.Connection) -> list[User]:
    """Every user, by name."""
    rows = db.execute("SELECT * FROM users ORDER BY username_key").fetchall()
    return [_from_row(row) for row in rows]


def get(db: sqlite3.Connection, user_id: int) -> User:
    """The user with this id; raises NotFound."""
    row = db.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is None:
        raise NotFound("there is no such user")
    return _from_row(row)


def find_by_username(db: sqlite3.Connection, username: str) -> User | None:
    """The user of this name as typed, enabled or not."""
    row = db.execute(
        "SELECT * FROM users WHERE username_key = ?", (key_of(username),)
    ).fetchone()
    return _from_row(row) if row else None


def insert(
    db: sqlite3.Connection, *, username: str, now: int | None = None, **fields: Any
) -> int:
    """Save a new user; `password_hash` comes from security.passwords."""
    now = int(time.time()) if now is None else now
    user = User(0, username.strip(), created_at=now, updated_at=now, **fields)
    _check_username(db, user)
    cursor = db.execute(
        """
        INSERT INTO users (
            username, username_key, password_hash, role, enabled, theme,
            must_change_password, hide_checklist, last_login, created_at, updated_at
        ) VALUES (
            :username, :username_key, :password_hash, :role, :enabled, :theme,
            :must_change_password, :hide_checklist, :last_login, :created_at,
            :updated_at
        )
        """,
        _to_row(user),
    )
    return cursor.lastrowid or 0


def update(
    db: sqlite3.Connection, user_id: int, *, now: int | None = None, **changes: Any
) -> None:
    """Change the named fields; raises Conflict for the last enabled admin."""
    now = int(time.time()) if now is None else now
    before = get(db, user_id)
    after = replace(before, updated_at=now, **changes)
    after = replace(after, username=after.username.strip())
    _check_username(db, after)
    if before.is_admin and not after.is_admin:
        _check_another_admin(db, user_id)
    db.execute(
        """
        UPDATE users SET
            username = :username, username_key = :username_key,
            password_hash = :password_hash, role = :role, enabled = :enabled,
            theme = :theme, must_change_password = :must_change_password,
            hide_checklist = :hide_checklist, last_login = :last_login,
            updated_at = :updated_at
        WHERE id = :id
        """,
        _to_row(after),
    )
    # A session never outlives the rights that it was opened with.
    if (before.role, before.enabled) != (after.role, after.enabled):
        db.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,))


def delete(db: sqlite3.Connection, user_id: int) -> None:
    """Delete a user with keys and sessions; raises Conflict for the last admin."""
    if get(db, user_id).is_admin:
        _check_another_admin(db, user_id)
    db.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,))
    db.execute("DELETE FROM api_keys WHERE user_id = ?", (user_id,))
    db.execute("DELETE FROM users WHERE id = ?", (user_id,))


def _check_another_admin(db: sqlite3.Connection, user_id: int) -> None:
    another = db.execute(
        "SELECT 1 FROM users WHERE role = 'admin' AND enabled = 1 AND id <> ?",
        (user_id,),
    ).fetchone()
    if another is None:
        raise Conflict("this is the last admin who can log in: make another one first")


def _check_username(db: sqlite3.Connection, user: User) -> None:
    taken = db.execute(
        "SELECT 1 FROM users WHERE username_key = ? AND id <> ?",
        (key_of(user.username), user.id),
    ).fetchone()
    if taken:
        raise SlugTaken(user.username)


def _from_row(row: sqlite3.Row) -> User:
    values = dict(row)
    del values["username_key"]
    for name in _FLAGS:
        values[name] = bool(values[name])
    return User(**values)


def _to_row(user: User) -> dict[str, Any]:
    return {**vars(user), "username_key": key_of(user.username)}
