"""The model list that clients see: our aliases and each provider's mapped names."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from aiproxy.errors import NotFound
from aiproxy.protocol.model_map import ALIAS_MODEL_PREFIX
from aiproxy.resolve import Route, resolve
from aiproxy.store.providers import Provider
from aiproxy.store.snapshot import Snapshot


def mapped_names(provider: Provider) -> list[str]:
    """The upstream models that a provider's settings name, each once."""
    names = [
        provider.model_opus,
        provider.model_sonnet,
        provider.model_haiku,
        provider.default_model,
        *provider.model_map.values(),
    ]
    return list(dict.fromkeys(name for name in names if name))


def main_model(provider: Provider) -> str:
    """The model that stands for a provider where only one can be shown."""
    return next(iter(mapped_names(provider)), "")


def list_models(snapshot: Snapshot, name: str | None) -> dict[str, Any]:
    """`GET /v1/models` in Anthropic's shape, one page; nobody is asked for it."""
    entries: dict[str, dict[str, Any]] = {}
    for alias in snapshot.aliases:
        provider = (
            snapshot.active_provider
            if alias.provider_id is None
            else snapshot.providers.get(alias.provider_id)
        )
        if provider is not None and provider.enabled:
            model = alias.model or main_model(provider)
            _add(entries, ALIAS_MODEL_PREFIX + alias.alias, provider, model)
    for provider in snapshot.providers.values():
        if provider.enabled:
            model = main_model(provider)
            _add(entries, ALIAS_MODEL_PREFIX + provider.slug, provider, model)
    shown = _shown_provider(snapshot, name)
    if shown is not None:
        for model in mapped_names(shown):
            _add(entries, model, shown, model)
    data = list(entries.values())
    return {
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def get_model(snapshot: Snapshot, name: str | None, model: str) -> dict[str, Any]:
    """One entry of the list; raises NotFound."""
    for entry in list_models(snapshot, name)["data"]:
        if entry["id"].lower() == model.lower():
            found: dict[str, Any] = entry
            return found
    raise NotFound(f"there is no model {model[:100]!r} here. See /v1/models.")


def _shown_provider(snapshot: Snapshot, name: str | None) -> Provider | None:
    if name is None:
        return snapshot.active_provider
    route: Route = resolve(snapshot, name, "")
    return route.provider


def _add(
    entries: dict[str, dict[str, Any]], model_id: str, provider: Provider, model: str
) -> None:
    if model_id in entries:
        return
    created = datetime.fromtimestamp(provider.created_at, timezone.utc)
    entries[model_id] = {
        "type": "model",
        "id": model_id,
        "display_name": f"{provider.name} · {model}" if model else provider.name,
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
