"""What the providers' pages show: a provider's JSON, and what surrounds the form."""

from __future__ import annotations

import secrets
from typing import Any, Mapping, Sequence

from aiproxy import connect
from aiproxy.protocol import endpoint, presets
from aiproxy.protocol.presets import Preset
from aiproxy.security import credentials
from aiproxy.services import Services
from aiproxy.store import log_search, names
from aiproxy.store.log_search import LogQuery
from aiproxy.store.providers import Provider
from aiproxy.upstream.probe import ProbeResult
from aiproxy.web import figures, provider_state
from aiproxy.web.admin import provider_form, provider_secrets
from aiproxy.web.admin.provider_secrets import NOTHING_KEPT, Kept
from aiproxy.web.routing import Visitor


def provider_object(provider: Provider, visitor: Visitor) -> dict[str, Any]:
    """The JSON of a provider: every field, secrets as masks; less for a member."""
    shown = {
        "name": provider.name,
        "slug": provider.slug,
        "api_format": provider.api_format,
        "default_model": provider.default_model,
        "model_haiku": provider.model_haiku,
        "model_sonnet": provider.model_sonnet,
        "model_opus": provider.model_opus,
    }
    if not visitor.is_admin:
        return shown
    address = provider.endpoint
    return {
        "id": provider.id,
        **vars(provider),
        "api_key": credentials.mask(provider.api_key),
        "has_api_key": bool(provider.api_key),
        "custom_headers": provider_secrets.headers_text(provider.custom_headers),
        "http_proxy": provider_secrets.mask_proxy(provider.http_proxy),
        "request_url": endpoint.request_url(address, provider.api_format)
        if address
        else "",
        "warnings": provider_form.warnings_of(address),
    }


def new_form_id() -> str:
    """Under which the secrets typed into one form wait in memory."""
    return secrets.token_urlsafe(9)


def form_context(
    services: Services,
    visitor: Visitor,
    provider: Provider,
    values: Mapping[str, Any],
    *,
    preset: Preset | None = None,
    kept: Kept = NOTHING_KEPT,
    form_id: str = "",
    verdict: ProbeResult | None = None,
    activate: bool = False,
) -> dict[str, Any]:
    """Everything that the wizard shows besides errors."""
    snapshot = services.snapshot
    preset = presets.of_endpoint(values["endpoint"]) or preset or presets.OTHER
    slug = values["slug"] or names.slugify(
        values["name"] or "name", taken={p.slug for p in snapshot.providers.values()}
    )
    return {
        "provider": provider,
        "values": values,
        "preset": preset,
        "cards": _cards(services, preset, provider),
        "form_id": form_id or new_form_id(),
        "key_state": _key_state(provider, kept),
        "verdict": verdict,
        "activate": activate,
        "will_activate": snapshot.active_provider is None,
        "base_url": connect.client_base_url(visitor.base_url, slug),
        "consequences": _consequences(services, provider) if provider.id else "",
        "dialects": provider_form.DIALECTS,
        "others": [p for p in snapshot.providers.values() if p != provider],
        "warnings": provider_form.warnings_of(values["endpoint"])
        if not endpoint.check(values["endpoint"])
        else [],
    }


def _cards(
    services: Services, chosen: Preset, provider: Provider
) -> list[dict[str, Any]]:
    """The presets; one that waits for its key since the first start is edited."""
    if provider.id:
        return []
    cards: list[dict[str, Any]] = []
    for preset in (*presets.PRESETS, presets.OTHER):
        stored = services.snapshot.find_provider(preset.slug)
        waits = stored is not None and provider_state.lacks_key(stored)
        path = f"/provider/new?preset={preset.slug}#which"
        if stored is not None and waits:
            path = f"/provider/edit/{stored.id}"
        cards.append({"preset": preset, "path": path, "is_chosen": preset is chosen})
    return cards


def _key_state(provider: Provider, kept: Kept) -> str:
    if kept.api_key:
        return f"Kept: {credentials.mask(kept.api_key)}. Leave empty to use it."
    if not provider.api_key:
        return ""
    mask = credentials.mask(provider.api_key)
    found = provider_secrets.reference_state(provider.api_key)
    return f"Stored: {mask}{found}. Leave empty to keep it."


def _consequences(services: Services, provider: Provider) -> str:
    """What deleting it means, before it happens."""
    snapshot = services.snapshot
    aliases = [a.alias for a in snapshot.aliases if a.provider_id == provider.id]
    sentences = []
    if aliases:
        verb = "aliases {} stop" if aliases[1:] else "alias {} stops"
        sentences.append(f"The {verb.format(_listed(aliases))} working.")
    followers = [
        p.name for p in snapshot.providers.values() if p.fallback == provider.slug
    ]
    if followers:
        verb = "fall" if followers[1:] else "falls"
        sentences.append(f"{_listed(followers)} then {verb} back on nobody.")
    if provider.active:
        sentences.append("No provider is active until you activate another.")
    total = log_search.count(
        services.database.connection(), LogQuery(provider=provider.slug)
    )
    if total:
        verb = "stays" if total == 1 else "stay"
        sentences.append(f"Its {figures.plural(total, 'request')} {verb} in the log.")
    return " ".join(sentences) or "Nothing else uses it."


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
