"""Which provider answers: the path's alias, the model's alias, or the active one."""

from __future__ import annotations

from aiproxy.errors import InvalidRequest, NotFound
from aiproxy.protocol.model_map import alias_in
from aiproxy.records import dataclass
from aiproxy.store.providers import MAX_CHAIN, Provider
from aiproxy.store.snapshot import Snapshot

CUSTOM_SUFFIX = "-custom"


@dataclass(frozen=True)
class Route:
    """What a name in the path or model stands for."""

    name: str  # as configured; "" for the active provider
    provider: Provider
    is_custom: bool = False  # the custom system prompt applies
    model: str = ""  # an alias's override, for its own provider alone


def resolve(
    snapshot: Snapshot, name: str | None, model: str, *, may_list: bool = True
) -> Route:
    """The route of a request to `name` (None: the active provider) for `model`.

    Raises NotFound for an unknown name, InvalidRequest where nothing can answer.
    """
    name = alias_in(model) or name
    route = _find(snapshot, name) if name else _active(snapshot)
    if route is None:
        hint = ""
        if may_list:
            hint = f" Known: {', '.join(known_names(snapshot)) or 'none'}."
        raise NotFound(f"there is no alias or provider named {name!r}.{hint}")
    if not route.provider.enabled:
        raise InvalidRequest(
            f"the provider {route.provider.name!r} is switched off."
            " Enable it under Providers, or use another alias."
        )
    return route


def known_names(snapshot: Snapshot) -> list[str]:
    """Every alias and enabled provider's slug, as they can stand in a path."""
    names = [alias.alias for alias in snapshot.aliases]
    names += [p.slug for p in snapshot.providers.values() if p.enabled]
    return list(dict.fromkeys(names))


def chain_of(snapshot: Snapshot, first: Provider) -> list[Provider]:
    """The providers that are asked in turn: the first, then its enabled fallbacks."""
    chain = [first]
    provider = first
    while provider.fallback and len(chain) < MAX_CHAIN:
        following = snapshot.find_provider(provider.fallback)
        if following is None or following in chain:
            break
        provider = following
        if provider.enabled:
            chain.append(provider)
    return chain


def _find(snapshot: Snapshot, name: str) -> Route | None:
    name = name.lower()
    alias = snapshot.find_alias(name)
    if alias is not None:
        provider = (
            _active(snapshot).provider
            if alias.provider_id is None
            else snapshot.providers.get(alias.provider_id)
        )
        if provider is None:
            return None
        return Route(alias.alias, provider, alias.prompt == "custom", alias.model)
    provider = snapshot.find_provider(name)
    if provider is not None:
        return Route(provider.slug, provider)
    if name.endswith(CUSTOM_SUFFIX):
        provider = snapshot.find_provider(name[: -len(CUSTOM_SUFFIX)])
        if provider is not None:
            return Route(name, provider, is_custom=True)
    return None


def _active(snapshot: Snapshot) -> Route:
    provider = snapshot.active_provider
    if provider is None:
        raise InvalidRequest(
            "no provider is active. Add a key to a provider on this server's pages and"
            " activate it, or name one in the address: /v1/messages/<provider>."
        )
    return Route("", provider)
