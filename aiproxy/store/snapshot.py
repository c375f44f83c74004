"""What every request needs, read in one go and never changed afterwards.

A commit replaces the snapshot as a whole; a request keeps the one it began with.
"""

from __future__ import annotations

import sqlite3
from typing import Mapping

from aiproxy.protocol.prompt import PromptConfig
from aiproxy.records import dataclass, field
from aiproxy.store import aliases, api_keys, prompts, providers, settings, users
from aiproxy.store.aliases import Alias
from aiproxy.store.api_keys import ApiKey
from aiproxy.store.providers import Provider
from aiproxy.store.settings import Fixed, Settings
from aiproxy.store.users import User


@dataclass(frozen=True)
class Snapshot:
    """Providers, aliases, users, keys, settings and prompt at one moment."""

    revision: int
    settings: Settings
    fixed: Mapping[str, str]  # setting to the variable or flag that fixes it
    prompt: PromptConfig
    providers: Mapping[int, Provider]
    aliases: tuple[Alias, ...]
    users: Mapping[int, User]
    keys: Mapping[str, ApiKey] = field(repr=False)  # by digest
    active_provider: Provider | None
    _by_slug: Mapping[str, Provider] = field(repr=False)
    _by_alias: Mapping[str, Alias] = field(repr=False)

    def find_provider(self, slug: str) -> Provider | None:
        """The provider with this slug, in lower case."""
        return self._by_slug.get(slug)

    def find_alias(self, name: str) -> Alias | None:
        """The alias of this name, in lower case."""
        return self._by_alias.get(name)

    def first_admin(self) -> User | None:
        """The oldest enabled admin: whom a visitor is where no login is required."""
        return next((user for user in self.users.values() if user.is_admin), None)


def load(db: sqlite3.Connection, fixed: Mapping[str, Fixed] | None = None) -> Snapshot:
    """Read a snapshot in one read transaction, so that its parts agree."""
    fixed = fixed or {}
    is_outer = not db.in_transaction
    if is_outer:
        db.execute("BEGIN")
    try:
        return _load(db, fixed)
    finally:
        if is_outer:
            db.execute("COMMIT")


def _load(db: sqlite3.Connection, fixed: Mapping[str, Fixed]) -> Snapshot:
    all_providers = providers.list_all(db)
    all_aliases = tuple(aliases.list_all(db))
    all_users = sorted(users.list_all(db), key=lambda user: user.id)
    return Snapshot(
        revision=revision(db),
        settings=settings.load(db, fixed),
        fixed={name: entry.source for name, entry in fixed.items()},
        prompt=prompts.load(db),
        providers={provider.id: provider for provider in all_providers},
        aliases=all_aliases,
        users={user.id: user for user in all_users},
        keys={key.digest: key for key in api_keys.list_all(db)},
        active_provider=next((p for p in all_providers if p.active), None),
        _by_slug={provider.slug: provider for provider in all_providers},
        _by_alias={alias.alias: alias for alias in all_aliases},
    )


def revision(db: sqlite3.Connection) -> int:
    """The number of commits that have changed what a snapshot holds."""
    number: int = db.execute("SELECT number FROM revision").fetchone()[0]
    return number
