"""How much a model is to think: the client's wish in the target's own fields.

`thinking` and `output_config.effort` on one side; `reasoning_effort`, the object
`reasoning` or `thinking.type` on the other. Nothing is asked for that was not asked
of us: a model that thinks by default goes on doing so.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Tuple

from aiproxy.protocol import shapes
from aiproxy.protocol.target import Target
from aiproxy.records import dataclass

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
Levels = Tuple[str, ...]

# `reasoning_effort` as most understand it; xhigh and max are rare.
_USUAL: Levels = ("low", "medium", "high")
# OpenRouter takes every level of OpenAI's and fits it to the model by itself.
_OPENROUTER: Levels = ("none", "minimal", "low", "medium", "high", "xhigh")
_DEEPSEEK: Levels = ("high", "max")
_KIMI_K3: Levels = ("low", "high", "max")
_NO_LEVELS: Levels = ()


@dataclass(frozen=True)
class Wish:
    """What the client asks for: off, a level, or a budget (which implies a level)."""

    off: bool = False
    on: bool = False  # asked for in so many words, perhaps without saying how much
    level: str = ""
    budget: int | None = None


def wish_of(request: Mapping[str, Any], newest_effort: Any = None) -> Wish:
    """`newest_effort` is that of the newest system message, where it has one."""
    thinking = shapes.optional_object(request.get("thinking"), "thinking") or {}
    config = shapes.optional_object(request.get("output_config"), "output_config") or {}
    effort = config.get("effort") if newest_effort is None else newest_effort
    level = _known_level(effort)
    kind = shapes.optional_text(thinking.get("type"), "thinking.type")
    if kind == "disabled":
        return Wish(off=True)
    if kind != "enabled":
        return Wish(on=bool(level), level=level)
    budget = shapes.optional_integer(
        thinking.get("budget_tokens"), "thinking.budget_tokens"
    )
    if budget is None:
        return Wish(on=True, level=level)
    return Wish(on=True, level=_level_of_budget(budget), budget=budget)


def _known_level(effort: Any) -> str:
    level = effort.lower() if isinstance(effort, str) else ""
    return level if level in LEVELS else ""


def _level_of_budget(budget: int) -> str:
    if budget < 4096:
        return "low"
    return "medium" if budget < 16384 else "high"


def fields_for(wish: Wish, target: Target, max_tokens: int) -> dict[str, Any]:
    """The fields of the upstream request; `max_tokens` is the one that goes there."""
    if target.dialect.thinking == "openrouter":
        return _openrouter(wish, max_tokens)
    if wish.off:
        return _off(target)
    if target.dialect.thinking == "deepseek":
        return _deepseek(wish)
    if target.family == "kimi" and _kimi_version(target.model) < 3:
        return _kimi_k2(wish, target.model)
    level = fit(wish.level, levels_of(target))
    return {"reasoning_effort": level} if level else {}


def _openrouter(wish: Wish, max_tokens: int) -> dict[str, Any]:
    if wish.off:
        return {"reasoning": {"enabled": False}}
    # Either a budget or an effort, never both [OpenRouter docs].
    budget = min(wish.budget or 0, max_tokens - 1)
    if budget > 0:
        return {"reasoning": {"max_tokens": budget}}
    level = fit(wish.level, _OPENROUTER)
    return {"reasoning": {"effort": level}} if level else {}


def _off(target: Target) -> dict[str, Any]:
    if target.dialect.takes_thinking_off:
        return {"thinking": {"type": "disabled"}}
    if target.family == "grok" and "none" in _grok_levels(target.model):
        return {"reasoning_effort": "none"}
    return {}


def _deepseek(wish: Wish) -> dict[str, Any]:
    if wish.level == "none":
        return {"thinking": {"type": "disabled"}}
    if not wish.on:
        return {}
    fields: dict[str, Any] = {"thinking": {"type": "enabled"}}
    level = fit(wish.level, _DEEPSEEK)
    if level:
        fields["reasoning_effort"] = level
    return fields


def _kimi_k2(wish: Wish, model: str) -> dict[str, Any]:
    # Only the models with a point in their number, and k2-thinking, can think.
    if not wish.on or wish.level == "none" or not re.search(_KIMI_K2_THINKS, model):
        return {}
    thinking = {"type": "enabled"}
    if re.search(r"(?i)k2[.p-]?6", model):
        thinking["keep"] = "all"  # else it forgets the thoughts of earlier turns
    return {"thinking": thinking}


_KIMI_K2_THINKS = r"(?i)k2[.p]\d|k2-thinking"


def _kimi_version(model: str) -> int:
    """2 for kimi-k2.6; 0 where the name does not say."""
    found = re.search(r"(?i)kimi-?k(\d+)", model)
    return int(found.group(1)) if found else 0


def fit(level: str, levels: Levels) -> str:
    """The level itself, or the next lower one that there is; empty for nothing."""
    if not level or level in levels:
        return level
    if level == "none":
        return ""
    wanted = LEVELS.index(level)
    real = [known for known in levels if known != "none"]
    lower = [known for known in real if LEVELS.index(known) < wanted]
    if lower:
        return lower[-1]
    return real[0] if real else ""


def levels_of(target: Target) -> Levels:
    """The values of `reasoning_effort` that the model takes, lowest first."""
    if target.family == "gpt-5":
        return _gpt_levels(target.model)
    if target.family == "grok":
        return _grok_levels(target.model)
    if target.family == "kimi":
        return _KIMI_K3 if _kimi_version(target.model) >= 3 else _NO_LEVELS
    if target.family == "gpt" and target.dialect.name == "openai":
        return _NO_LEVELS  # gpt-4o and older do not reason, and say so with a 400
    return _USUAL


_GPT = re.compile(r"gpt-?(\d+)(?:[.-](\d{1,2}))?(?!\d)")


def _gpt_levels(model: str) -> Levels:
    plain: Levels
    codex: Levels
    pro: Levels
    name = model.lower().rsplit("/", 1)[-1]
    found = _GPT.search(name)
    if not found:  # the o-series
        return _NO_LEVELS if re.match(r"o1-(?:mini|preview)", name) else _USUAL
    if "chat" in name:
        return _NO_LEVELS
    version = (int(found.group(1)), int(found.group(2) or 0))
    if version == (5, 0):
        plain, codex, pro = ("minimal", *_USUAL), _USUAL, ("high",)
    elif version == (5, 1):
        codex = (*_USUAL, "xhigh") if "codex-max" in name else _USUAL
        plain, pro = ("none", *_USUAL), _USUAL
    else:
        codex = (*_USUAL, "xhigh")
        plain, pro = ("none", *codex), ("medium", "high", "xhigh")
    if "-pro" in name:
        return pro
    return codex if "codex" in name else plain


_GROK = re.compile(r"grok-?(\d+)(?:[.-](\d{1,2}))?(?!\d)")


def _grok_levels(model: str) -> Levels:
    """What xAI's notes say; a model that takes no effort refuses the whole request."""
    name = model.lower()
    if "grok-3-mini" in name:
        return ("low", "high")
    found = _GROK.search(name)
    if not found or "code" in name or "non-reasoning" in name:
        return _NO_LEVELS
    # Decimals, not counters: 4.20 came before 4.3.
    version = (int(found.group(1)), (found.group(2) or "0").ljust(2, "0"))
    if version < (4, "30"):
        return _NO_LEVELS
    return ("none", *_USUAL) if version < (4, "50") else _USUAL
