"""Which of the upstream's models answers for the name that the client asked for.

The first rule that fits decides; `upstream_model` lists them in order. Claude Code
names tiers (haiku, sonnet, opus, fable) in ever new spellings, so a tier is found by
its word, never by a list of ids.
"""

from __future__ import annotations

import re
from typing import Collection, Mapping

from aiproxy.errors import InvalidRequest

# Ids under which our own model list offers aliases and providers.
ALIAS_MODEL_PREFIX = "claude-via-"

_TIER_WORDS = {"haiku": "haiku", "sonnet": "sonnet", "opus": "opus", "fable": "opus"}
_CLAUDE_NAMES = ("claude", "anthropic/claude")
# `[1m]` and the like are the client's own marks, never part of an upstream's id.
_MARK = re.compile(r"\s*\[[^\[\]]*\]\s*\Z")


def upstream_model(
    requested: str | None,
    *,
    alias_model: str = "",
    model_map: Mapping[str, str] | None = None,
    tiers: Mapping[str, str] | None = None,
    default_model: str = "",
    offered: Collection[str] = (),
) -> str:
    """The model to ask the upstream for.

    `tiers` holds the provider's haiku, sonnet and opus, where set; `offered` the ids
    of this provider's models in our own model list.
    """
    if alias_model:
        return alias_model
    name = (requested or "").strip()
    bare = without_mark(name)
    found = _mapped(name, bare, model_map or {}) or _offered(name, bare, offered)
    if found:
        return found
    if bare and not _is_claude(bare):
        return bare
    fallback = _of_tier(bare, tiers or {}) or default_model
    if fallback:
        return fallback
    if is_alias_model(bare):
        return _any_tier(tiers or {})
    if not bare:
        raise InvalidRequest(
            "model: the request names none, the provider has no default"
        )
    return bare


def without_mark(name: str) -> str:
    """The name without a final `[…]`, such as `[1m]`."""
    return _MARK.sub("", name)


def tier_of(name: str) -> str:
    """haiku, sonnet or opus, or "" for a name of no tier."""
    lowered = without_mark(name.strip()).lower()
    if lowered in _TIER_WORDS:
        return _TIER_WORDS[lowered]
    # An alias may be called anything: its words say nothing about a tier.
    if not lowered.startswith(_CLAUDE_NAMES) or is_alias_model(lowered):
        return ""
    for word, tier in _TIER_WORDS.items():
        if word in lowered:
            return tier
    return ""


def is_alias_model(name: str) -> bool:
    """One of the ids that our model list gives to aliases and providers."""
    return name.lower().startswith(ALIAS_MODEL_PREFIX)


def alias_in(name: str) -> str:
    """The alias that a `claude-via-<alias>` model name routes to, or ""."""
    bare = without_mark(name.strip())
    return bare[len(ALIAS_MODEL_PREFIX) :].lower() if is_alias_model(bare) else ""


def _mapped(name: str, bare: str, model_map: Mapping[str, str]) -> str:
    for key in (name, bare):
        if model_map.get(key):
            return model_map[key]
    spellings = {name.lower(), bare.lower()}
    for key, model in model_map.items():
        if model and key.lower() in spellings:
            return model
    return _by_wildcard(spellings, model_map)


def _by_wildcard(spellings: Collection[str], model_map: Mapping[str, str]) -> str:
    patterns = [key for key, model in model_map.items() if "*" in key and model]
    # The most literal characters win; sorting keeps the map's order among equals.
    patterns.sort(key=lambda key: len(key.replace("*", "")), reverse=True)
    for pattern in patterns:
        if any(_matches(spelling, pattern.lower()) for spelling in spellings):
            return model_map[pattern]
    return ""


def _matches(name: str, pattern: str) -> bool:
    # By hand: a regular expression of many `.*` takes polynomial time on a long name.
    first, *middle, last = pattern.split("*")
    if len(name) < len(first) + len(last):
        return False
    if not (name.startswith(first) and name.endswith(last)):
        return False
    position, end = len(first), len(name) - len(last)
    for piece in middle:
        position = name.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def _offered(name: str, bare: str, offered: Collection[str]) -> str:
    for candidate in (name, bare):
        if candidate and candidate in offered and not is_alias_model(candidate):
            return candidate
    return ""


def _of_tier(bare: str, tiers: Mapping[str, str]) -> str:
    return tiers.get(tier_of(bare)) or ""


def _any_tier(tiers: Mapping[str, str]) -> str:
    for tier in ("sonnet", "opus", "haiku"):
        if tiers.get(tier):
            return tiers[tier]
    raise InvalidRequest("model: the provider has neither a default model nor a tier's")


def _is_claude(bare: str) -> bool:
    lowered = bare.lower()
    return lowered in _TIER_WORDS or lowered.startswith(_CLAUDE_NAMES)
