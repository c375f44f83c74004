"""Aliases: a user's own names for a provider, a prompt and perhaps a model."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from aiproxy.errors import NotFound, SlugTaken
from aiproxy.records import dataclass, replace
from aiproxy.store import names


@dataclass(frozen=True)
class Alias:
    """One row; without a provider it follows the active one."""

    id: int
    alias: str
    provider_id: int | None = None
    prompt: str = "standard"  # or "custom"
    model: str = ""  # in place of the mapped one, for this provider alone
    created_at: int = 0
    updated_at: int = 0


def list_all(db: sqlite3.Connection) -> list[Alias]:
    """Every alias, by name."""
    rows = db.execute("SELECT * FROM aliases ORDER BY alias").fetchall()
    return [Alias(**dict(row)) for row in rows]


def get(db: sqlite3.Connection, alias_id: int) -> Alias:
    """The alias with this id; raises NotFound."""
    row = db.execute("SELECT * FROM aliases WHERE id = ?", (alias_id,)).fetchone()
    if row is None:
        raise NotFound("there is no such alias")
    return Alias(**dict(row))


def find_by_name(db: sqlite3.Connection, alias: str) -> Alias | None:
    """The alias of this name, whatever its case."""
    row = db.execute(
        "SELECT * FROM aliases WHERE alias = ?", (names.normalise(alias),)
    ).fetchone()
    return Alias(**dict(row)) if row else None


def insert(
    db: sqlite3.Connection, *, alias: str, now: int | None = None, **fields: Any
) -> int:
    """Save a new alias; raises SlugTaken where the name is another alias's."""
    now = int(time.time()) if now is None else now
    row = Alias(0, names.normalise(alias), created_at=now, updated_at=now, **fields)
    _check_alias(db, row)
    cursor = db.execute(
        """
        INSERT INTO aliases (alias, provider_id, prompt, model, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        (row.alias, row.provider_id, row.prompt, row.model, now, now),
    )
    return cursor.lastrowid or 0


def update(
    db: sqlite3.Connection, alias_id: int, *, now: int | None = None, **changes: Any
) -> None:
    """Change the named fields and no other."""
    now = int(time.time()) if now is None else now
    row = replace(get(db, alias_id), updated_at=now, **changes)
    row = replace(row, alias=names.normalise(row.alias))
    _check_alias(db, row)
    db.execute(
        """
        UPDATE aliases
        SET alias = ?, provider_id = ?, prompt = ?, model = ?, updated_at = ?
        WHERE id = ?
        """,
        (row.alias, row.provider_id, row.prompt, row.model, now, alias_id),
    )


def delete(db: sqlite3.Connection, alias_id: int) -> None:
    """Delete one alias; raises NotFound."""
    get(db, alias_id)
    db.execute("DELETE FROM aliases WHERE id = ?", (alias_id,))


def _check_alias(db: sqlite3.Connection, row: Alias) -> None:
    taken = db.execute(
        "SELECT 1 FROM aliases WHERE alias = ? AND id <> ?", (row.alias, row.id)
    ).fetchone()
    if taken:
        raise SlugTaken(row.alias)
    if row.provider_id is not None:
        found = db.execute(
            "SELECT 1 FROM providers WHERE id = ?", (row.provider_id,)
        ).fetchone()
        if found is None:
            raise NotFound("there is no such provider")
