"""Configuration as JSON, to move it to another machine: export and import.

Secrets stay behind unless they are asked for: provider keys, headers named like
secrets, and proxies' passwords. An import without them keeps what is stored, as long
as the provider stays at its host: a stored key never goes to another one.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Mapping
from urllib.parse import urlsplit

from aiproxy.errors import InvalidRequest, SlugTaken
from aiproxy.protocol import endpoint, headers
from aiproxy.store import aliases, prompts, providers, settings, transfer_check
from aiproxy.store.providers import Provider

FORMAT = "aiproxy-export"
VERSION = 1
REFERENCES = ("env:", "file:")  # lead to a key and are none
_PARTS = ("providers", "aliases", "prompt", "settings")


def export_object(db: sqlite3.Connection, *, with_keys: bool = False) -> dict[str, Any]:
    """Providers, aliases, prompt and stored settings; no users, no log."""
    listed = providers.list_all(db)
    slugs = {provider.id: provider.slug for provider in listed}
    return {
        "format": FORMAT,
        "version": VERSION,
        "providers": [_provider_object(p, with_keys=with_keys) for p in listed],
        "aliases": [
            {
                "alias": alias.alias,
                "provider": slugs.get(alias.provider_id or 0),
                "prompt": alias.prompt,
                "model": alias.model,
            }
            for alias in aliases.list_all(db)
        ],
        "prompt": dict(vars(prompts.load(db))),
        "settings": _stored_settings(db),
    }


def import_object(db: sqlite3.Connection, exported: Any, *, now: int) -> list[str]:
    """Add or change what the object names, inside the caller's transaction.

    Returns what the reader should know. Raises InvalidRequest for what cannot be used.
    """
    parts = _parts(exported)
    notes: list[str] = []
    entries = [
        transfer_check.provider(entry, f"provider {number}")
        for number, entry in enumerate(parts["providers"], 1)
    ]
    for entry in entries:
        notes += _save_provider(db, entry, now)
    # A fallback may name a provider that comes later in the file.
    for entry in entries:
        _save_fallback(db, entry, now)
    for number, entry in enumerate(parts["aliases"], 1):
        _save_alias(db, transfer_check.alias(entry, f"alias {number}"), now)
    _save_prompt(db, parts["prompt"])
    _save_settings(db, parts["settings"])
    return notes


def _provider_object(provider: Provider, *, with_keys: bool) -> dict[str, Any]:
    fields = {
        name: value
        for name, value in vars(provider).items()
        if name in transfer_check.PROVIDER_FIELDS
    }
    if with_keys:
        return fields
    if not provider.api_key.startswith(REFERENCES):
        del fields["api_key"]
    fields["custom_headers"] = {
        name: value
        for name, value in provider.custom_headers.items()
        if not headers.is_secret(name)
    }
    if "@" in urlsplit(provider.http_proxy).netloc:
        del fields["http_proxy"]
    return fields


def _stored_settings(db: sqlite3.Connection) -> dict[str, Any]:
    rows = db.execute("SELECT name FROM settings").fetchall()
    visible = settings.visible(settings.load(db))
    return {row["name"]: visible[row["name"]] for row in rows if row["name"] in visible}


def _parts(exported: Any) -> dict[str, Any]:
    if not isinstance(exported, dict) or exported.get("format") != FORMAT:
        raise InvalidRequest("this is not a file made by `aiproxy export`")
    if exported.get("version") != VERSION:
        raise InvalidRequest("this file was exported by a newer AI Proxy")
    for name in exported:
        if name not in ("format", "version", *_PARTS):
            raise InvalidRequest(f"the file has the unknown part {name[:100]!r}")
    parts: dict[str, Any] = {}
    for name in _PARTS:
        kind = dict if name in ("prompt", "settings") else list
        parts[name] = exported.get(name, kind())
        if not isinstance(parts[name], kind):
            raise InvalidRequest(f"the part {name!r} has the wrong type")
    return parts


def _save_provider(
    db: sqlite3.Connection, entry: Mapping[str, Any], now: int
) -> list[str]:
    fields = {**entry, "fallback": ""}
    is_active = fields.pop("active", False)
    present = providers.find_by_slug(db, entry["slug"])
    notes: list[str] = []
    try:
        if present is None:
            provider_id = providers.insert(db, now=now, **fields)
        else:
            provider_id = present.id
            notes = _keep_secrets(present, fields)
            providers.update(db, provider_id, now=now, **fields)
    except SlugTaken as exc:
        raise InvalidRequest(f"the provider {entry['slug']}: {exc.message}") from exc
    if is_active:
        providers.activate(db, provider_id)
    return notes


def _keep_secrets(present: Provider, fields: dict[str, Any]) -> list[str]:
    """Complete what the file leaves out from the stored row, at the same host only."""
    moved = endpoint.origin(fields["endpoint"]) != endpoint.origin(present.endpoint)
    secret = {
        name: value
        for name, value in present.custom_headers.items()
        if headers.is_secret(name)
    }
    named = {name.lower() for name in fields.get("custom_headers", {})}
    kept = {name: value for name, value in secret.items() if name.lower() not in named}
    if "custom_headers" in fields and not moved:
        fields["custom_headers"] = {**kept, **fields["custom_headers"]}
    if not moved:
        return []
    fields.setdefault("custom_headers", {})
    lost = bool(present.api_key) and "api_key" not in fields
    fields.setdefault("api_key", "")
    if not (lost or kept):
        return []
    return [f"{present.slug} has a new address: its key was not kept. Type it again."]


def _save_fallback(db: sqlite3.Connection, entry: Mapping[str, Any], now: int) -> None:
    fallback = entry.get("fallback", "")
    listed = providers.list_all(db)
    problem = providers.fallback_problem(listed, entry["slug"], fallback)
    if problem:
        raise InvalidRequest(f"the provider {entry['slug']}, fallback: {problem}")
    provider = providers.find_by_slug(db, entry["slug"])
    if provider is not None and provider.fallback != fallback:
        providers.update(db, provider.id, fallback=fallback, now=now)


def _save_alias(db: sqlite3.Connection, entry: Mapping[str, Any], now: int) -> None:
    provider_id = None
    if entry.get("provider") is not None:
        provider = providers.find_by_slug(db, entry["provider"])
        if provider is None:
            raise InvalidRequest(
                f"the alias {entry['alias']} names the unknown provider"
                f" {entry['provider'][:64]!r}"
            )
        provider_id = provider.id
    fields = {
        "alias": entry["alias"],
        "provider_id": provider_id,
        "prompt": entry.get("prompt", "standard"),
        "model": entry.get("model", ""),
    }
    present = aliases.find_by_name(db, entry["alias"])
    if present is None:
        aliases.insert(db, now=now, **fields)
    else:
        aliases.update(db, present.id, now=now, **fields)


def _save_prompt(db: sqlite3.Connection, fields: Mapping[str, Any]) -> None:
    present = vars(prompts.load(db))
    for name, value in fields.items():
        if name not in present or type(value) is not type(present[name]):
            raise InvalidRequest(f"the prompt's field {name[:100]!r} cannot be used")
        if isinstance(value, str) and len(value) > prompts.MAX_TEMPLATE_LENGTH:
            raise InvalidRequest(f"the prompt's field {name!r} is too long")
    if fields:
        prompts.save(db, **fields)


def _save_settings(db: sqlite3.Connection, fields: Mapping[str, Any]) -> None:
    # Visible ones alone are exported; a secret key in a hand-made file is refused.
    for name in fields:
        if name in settings.SETTINGS and settings.SETTINGS[name].is_secret:
            raise InvalidRequest(f"the setting {name} cannot be imported")
    values, errors = settings.parse_changes(fields, settings.load(db))
    for name, sentence in errors.items():
        raise InvalidRequest(f"the setting {name[:100]}: {sentence}")
    settings.save(db, values)
