"""Providers: the upstreams that an admin has configured.

The first one saved with a key is active until another is activated. A fallback is
kept as a slug and follows it when the slug changes.
"""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any, Iterable, Mapping

from aiproxy.errors import NotFound, SlugTaken
from aiproxy.records import asdict, dataclass, field, replace
from aiproxy.store import names

MAX_CHAIN = 4  # providers asked for one request, the first included

_JSON_FIELDS = ("custom_headers", "model_map", "extra_body")
_FLAGS = ("enabled", "active")


@dataclass(frozen=True)
class Provider:
    """One row; the fields are those of the form and of the JSON object."""

    id: int
    name: str
    slug: str
    endpoint: str
    api_key: str = field(default="", repr=False)  # or an env: or file: reference
    api_format: str = "openai"  # "anthropic" or "openai"
    default_model: str = ""
    auth_method: str = "bearer"  # bearer, basic, header
    auth_header: str = ""
    custom_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    model_haiku: str = ""
    model_sonnet: str = ""
    model_opus: str = ""
    model_map: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    max_output_tokens: int | None = None
    context_window: int | None = None
    enabled: bool = True
    dialect: str = "auto"
    compat: str = "auto"  # auto, full, strict
    send_reasoning: str = "auto"  # auto, always, never
    fallback: str = ""  # a slug
    http_proxy: str = field(default="", repr=False)  # may hold a password
    ca_file: str = ""
    active: bool = False
    created_at: int = 0
    updated_at: int = 0
    # The last verdict of the Test button; forgotten when what it tested changes.
    tested_at: int | None = None
    test_kind: str = ""
    test_message: str = ""
    test_latency_ms: int | None = None


# What a test's verdict depends on.
_TESTED_FIELDS = (
    "endpoint",
    "api_key",
    "api_format",
    "auth_method",
    "auth_header",
    "custom_headers",
    "default_model",
    "model_haiku",
    "model_sonnet",
    "model_opus",
    "model_map",
    "extra_body",
    "dialect",
    "http_proxy",
    "ca_file",
)


def list_all(db: sqlite3.Connection) -> list[Provider]:
    """Every provider, in the order they were made."""
    rows = db.execute("SELECT * FROM providers ORDER BY id").fetchall()
    return [_from_row(row) for row in rows]


def get(db: sqlite3.Connection, provider_id: int) -> Provider:
    """The provider with this id; raises NotFound."""
    row = db.execute("SELECT * FROM providers WHERE id = ?", (provider_id,)).fetchone()
    if row is None:
        raise NotFound("there is no such provider")
    return _from_row(row)


def find_by_slug(db: sqlite3.Connection, slug: str) -> Provider | None:
    """The provider with this slug, whatever its case."""
    row = db.execute(
        "SELECT * FROM providers WHERE slug = ?", (names.normalise(slug),)
    ).fetchone()
    return _from_row(row) if row else None


def find_active(db: sqlite3.Connection) -> Provider | None:
    """The provider that answers where no alias names one."""
    row = db.execute("SELECT * FROM providers WHERE active = 1").fetchone()
    return _from_row(row) if row else None


def insert(
    db: sqlite3.Connection, *, slug: str = "", now: int | None = None, **fields: Any
) -> int:
    """Save a new provider; without a slug one is made from its name."""
    now = int(time.time()) if now is None else now
    slug = names.normalise(slug)
    if slug:
        _check_slug(db, slug)
    else:
        slug = names.slugify(fields["name"], taken=_taken_names(db))
    provider = Provider(id=0, slug=slug, created_at=now, updated_at=now, **fields)
    row = _to_row(replace(provider, active=_becomes_active(db, provider)))
    cursor = db.execute(
        """
        INSERT INTO providers (
            name, slug, endpoint, api_key, api_format, default_model, auth_method,
            auth_header, custom_headers, model_haiku, model_sonnet, model_opus,
            model_map, extra_body, max_output_tokens, context_window, enabled,
            dialect, compat, send_reasoning, fallback, http_proxy, ca_file, active,
            created_at, updated_at, tested_at, test_kind, test_message,
            test_latency_ms
        ) VALUES (
            :name, :slug, :endpoint, :api_key, :api_format, :default_model,
            :auth_method, :auth_header, :custom_headers, :model_haiku, :model_sonnet,
            :model_opus, :model_map, :extra_body, :max_output_tokens, :context_window,
            :enabled, :dialect, :compat, :send_reasoning, :fallback, :http_proxy,
            :ca_file, :active, :created_at, :updated_at, :tested_at, :test_kind,
            :test_message, :test_latency_ms
        )
        """,
        row,
    )
    return cursor.lastrowid or 0


def update(
    db: sqlite3.Connection, provider_id: int, *, now: int | None = None, **changes: Any
) -> None:
    """Change the named fields and no other."""
    before = get(db, provider_id)
    now = int(time.time()) if now is None else now
    if "slug" in changes:
        changes["slug"] = names.normalise(changes["slug"])
    after = replace(before, updated_at=now, **changes)
    if after.slug != before.slug:
        _check_slug(db, after.slug, own_id=provider_id)
        db.execute(
            "UPDATE providers SET fallback = ? WHERE fallback = ?",
            (after.slug, before.slug),
        )
    if any(getattr(after, name) != getattr(before, name) for name in _TESTED_FIELDS):
        after = replace(
            after, tested_at=None, test_kind="", test_message="", test_latency_ms=None
        )
    _save(db, replace(after, active=after.active or _becomes_active(db, after)))


def delete(db: sqlite3.Connection, provider_id: int) -> None:
    """Delete a provider with its aliases: they must not follow the active one."""
    provider = get(db, provider_id)
    db.execute("DELETE FROM aliases WHERE provider_id = ?", (provider_id,))
    db.execute(
        "UPDATE providers SET fallback = '' WHERE fallback = ?", (provider.slug,)
    )
    db.execute("DELETE FROM providers WHERE id = ?", (provider_id,))


def activate(db: sqlite3.Connection, provider_id: int) -> None:
    """Make this provider the one that answers where no alias names one."""
    get(db, provider_id)
    db.execute("UPDATE providers SET active = 0 WHERE active = 1")
    db.execute("UPDATE providers SET active = 1 WHERE id = ?", (provider_id,))


def record_test(
    db: sqlite3.Connection,
    provider_id: int,
    *,
    kind: str,
    message: str,
    latency_ms: int | None,
    now: int | None = None,
) -> None:
    """Keep the verdict of a test; no change of the provider itself."""
    db.execute(
        """
        UPDATE providers
        SET tested_at = ?, test_kind = ?, test_message = ?, test_latency_ms = ?
        WHERE id = ?
        """,
        (
            int(time.time()) if now is None else now,
            kind,
            message[:2000],
            latency_ms,
            provider_id,
        ),
    )


def fallback_problem(providers: Iterable[Provider], slug: str, fallback: str) -> str:
    """What forbids `slug` to fall back on `fallback`, in words; empty: nothing."""
    following = {provider.slug: provider.fallback for provider in providers}
    if not fallback:
        return ""
    if fallback not in following and fallback != slug:
        return f"There is no provider {fallback}."
    following[slug] = fallback
    if _returns(following, slug):
        return "These providers would fall back on one another in a circle."
    # The chains that lead to this provider grow too.
    if any(_chain_length(following, start) > MAX_CHAIN for start in following):
        return f"A chain of fallbacks has at most {MAX_CHAIN} providers."
    return ""


def _returns(following: Mapping[str, str], start: str) -> bool:
    seen, slug = {start}, following[start]
    while slug:
        if slug in seen:
            return True
        seen.add(slug)
        slug = following.get(slug, "")
    return False


def _chain_length(following: Mapping[str, str], start: str) -> int:
    length, slug = 1, following[start]
    while slug in following and length <= len(following):
        length += 1
        slug = following[slug]
    return length


def _taken_names(db: sqlite3.Connection) -> set[str]:
    rows = db.execute(
        "SELECT slug AS name FROM providers UNION SELECT alias FROM aliases"
    ).fetchall()
    return {row["name"] for row in rows}


def _check_slug(db: sqlite3.Connection, slug: str, own_id: int = 0) -> None:
    """Raise SlugTaken where another provider or alias would hide, or be hidden."""
    if slug.endswith(names.CUSTOM_SUFFIX):
        rival = slug[: -len(names.CUSTOM_SUFFIX)]
    else:
        rival = slug + names.CUSTOM_SUFFIX
    taken = db.execute(
        """
        SELECT slug FROM providers WHERE slug IN (?, ?) AND id <> ?
        UNION SELECT alias FROM aliases WHERE alias = ?
        """,
        (slug, rival, own_id, slug),
    ).fetchall()
    if taken:
        raise SlugTaken(slug)


def _becomes_active(db: sqlite3.Connection, provider: Provider) -> bool:
    return bool(provider.api_key) and provider.enabled and find_active(db) is None


def _save(db: sqlite3.Connection, provider: Provider) -> None:
    db.execute(
        """
        UPDATE providers SET
            name = :name, slug = :slug, endpoint = :endpoint, api_key = :api_key,
            api_format = :api_format, default_model = :default_model,
            auth_method = :auth_method, auth_header = :auth_header,
            custom_headers = :custom_headers, model_haiku = :model_haiku,
            model_sonnet = :model_sonnet, model_opus = :model_opus,
            model_map = :model_map, extra_body = :extra_body,
            max_output_tokens = :max_output_tokens, context_window = :context_window,
            enabled = :enabled, dialect = :dialect, compat = :compat,
            send_reasoning = :send_reasoning, fallback = :fallback,
            http_proxy = :http_proxy, ca_file = :ca_file, active = :active,
            updated_at = :updated_at, tested_at = :tested_at, test_kind = :test_kind,
            test_message = :test_message, test_latency_ms = :test_latency_ms
        WHERE id = :id
        """,
        _to_row(provider),
    )


def _from_row(row: sqlite3.Row) -> Provider:
    values = dict(row)
    for name in _JSON_FIELDS:
        values[name] = json.loads(values[name])
    for name in _FLAGS:
        values[name] = bool(values[name])
    return Provider(**values)


def _to_row(provider: Provider) -> dict[str, Any]:
    values = asdict(provider)
    for name in _JSON_FIELDS:
        values[name] = json.dumps(values[name])
    return values
