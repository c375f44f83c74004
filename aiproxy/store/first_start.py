"""What a new database holds: the preset providers, the admin, the secret key."""

from __future__ import annotations

import sqlite3

from aiproxy.protocol.presets import SEEDED
from aiproxy.records import dataclass, field
from aiproxy.store import providers, settings, users

ADMIN = "admin"


@dataclass(frozen=True)
class FirstAdmin:
    """The first user's password, hashed, and whether it must be changed at once."""

    password_hash: str = field(repr=False)
    must_change_password: bool


def is_due(db: sqlite3.Connection) -> bool:
    """True while there is no user: the last admin can never be deleted."""
    return db.execute("SELECT 1 FROM users").fetchone() is None


def fill(
    db: sqlite3.Connection, admin: FirstAdmin, *, secret_key: str, now: int
) -> None:
    """Make everything, inside the caller's transaction."""
    for preset in SEEDED:
        if providers.find_by_slug(db, preset.slug) is not None:
            continue
        # Example models stay placeholders of the form.
        providers.insert(
            db,
            slug=preset.slug,
            name=preset.name,
            endpoint=preset.endpoint,
            api_format=preset.api_format,
            now=now,
        )
    users.insert(
        db,
        username=ADMIN,
        role="admin",
        password_hash=admin.password_hash,
        must_change_password=admin.must_change_password,
        now=now,
    )
    settings.save(db, {"secret_key": secret_key})
