"""Personal API keys, made and revoked by their owner or by an admin."""

from __future__ import annotations

from typing import Any

from bottle import HTTPResponse

from aiproxy import connect
from aiproxy.security import tokens
from aiproxy.services import Services
from aiproxy.store import api_keys
from aiproxy.store.api_keys import ApiKey
from aiproxy.web import forms, render
from aiproxy.web.routing import Visitor

MAX_DAYS = 3650
DAY_SECONDS = 86400

_NEW_KEY = "new-key"


def parse(fields: forms.Fields) -> dict[str, Any]:
    """Name and life of a key; nothing else that is sent along counts."""
    return {
        "name": fields.text("name", label="The name") or "Claude Code",
        "expires_in_days": fields.number(
            "expires_in_days", low=1, high=MAX_DAYS, label="The number of days"
        ),
    }


def make(
    services: Services,
    visitor: Visitor,
    user_id: int,
    *,
    name: str,
    expires_in_days: int | None,
    path: str,
) -> HTTPResponse:
    """Make a key; the answer, or for a browser the next page, shows it once."""
    key = tokens.make_api_key()
    now = services.now()
    expires_at = now + expires_in_days * DAY_SECONDS if expires_in_days else None
    with services.transaction() as db:
        key_id = api_keys.insert(
            db,
            user_id=user_id,
            name=name,
            prefix=tokens.shown_prefix(key),
            digest=tokens.digest(key),
            expires_at=expires_at,
            now=now,
        )
    shown = {
        "id": key_id,
        "name": name,
        "key": key,
        "prefix": tokens.shown_prefix(key),
        "expires_at": expires_at,
    }
    services.session_memory.put(visitor.session_id, _NEW_KEY, shown)
    return render.done(services, visitor, path, json=shown, status=201)


def take_new(services: Services, visitor: Visitor) -> dict[str, Any] | None:
    """The key that was just made, for the one page that shows it."""
    made = services.session_memory.take(visitor.session_id, _NEW_KEY)
    if made is None:
        return None
    active = services.snapshot.active_provider
    base_url = connect.client_base_url(visitor.base_url, active.slug if active else "")
    lines = connect.build(base_url, token=made["key"]).snippets
    return {**made, "snippets": lines}


def key_object(key: ApiKey) -> dict[str, Any]:
    """The JSON of a key: everything but the key and its digest."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def of_user(services: Services, user_id: int) -> list[ApiKey]:
    """A user's keys that are not revoked, newest first."""
    keys = api_keys.list_of_user(services.database.connection(), user_id)
    return [key for key in keys if key.revoked_at is None]
