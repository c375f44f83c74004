"""Providers whose address we know: what the form offers and the first start creates.

Addresses are those that their vendors document. Model names are examples: the form
shows them as placeholders and never saves them. `alternatives` are further addresses
of the same vendor; a test that fails on the path tries them.
"""

from __future__ import annotations

from aiproxy.records import dataclass


@dataclass(frozen=True)
class Preset:
    """One vendor as the form knows it."""

    slug: str
    name: str
    endpoint: str
    api_format: str = "openai"
    haiku: str = ""
    sonnet: str = ""
    opus: str = ""
    key_example: str = ""  # how a key begins, to be recognised by
    note: str = ""  # one line for the card
    alternatives: tuple[str, ...] = ()


# Created at first start, without keys; their slugs are part of the contract.
SEEDED: tuple[Preset, ...] = (
    Preset(
        slug="grok-direct",
        name="Grok",
        endpoint="https://api.x.ai/v1",
        haiku="grok-4-fast-non-reasoning",
        sonnet="grok-code-fast-1",
        opus="grok-4",
        key_example="xai-…",
        note="xAI",
    ),
    Preset(
        slug="grok-openai",
        name="Grok (second key)",
        endpoint="https://api.x.ai/v1",
        haiku="grok-4-fast-non-reasoning",
        sonnet="grok-code-fast-1",
        opus="grok-4",
        key_example="xai-…",
        note="xAI",
    ),
    Preset(
        slug="openrouter",
        name="OpenRouter",
        endpoint="https://openrouter.ai/api/v1",
        haiku="openai/gpt-5-mini",
        sonnet="x-ai/grok-4",
        opus="openai/gpt-5.1",
        key_example="sk-or-v1-…",
        note="Many vendors, one key",
    ),
    Preset(
        slug="chutes",
        name="Chutes",
        endpoint="https://llm.chutes.ai/v1",
        haiku="zai-org/GLM-4.5-Air",
        sonnet="deepseek-ai/DeepSeek-V3.1",
        opus="moonshotai/Kimi-K2-Instruct",
        key_example="cpk_…",
        note="Open models",
        alternatives=("https://llm.chutes.ai/api/v1",),
    ),
    Preset(
        slug="synthetic",
        name="Synthetic",
        endpoint="https://api.synthetic.new/openai/v1",
        haiku="hf:zai-org/GLM-4.5",
        sonnet="hf:zai-org/GLM-4.6",
        opus="hf:moonshotai/Kimi-K2-Instruct",
        key_example="syn_…",
        note="Open models",
        alternatives=("https://api.synthetic.new/v1",),
    ),
    Preset(
        slug="aiml",
        name="AI/ML API",
        endpoint="https://api.aimlapi.com/v1",
        haiku="gpt-4o-mini",
        sonnet="gpt-4o",
        opus="openai/gpt-5",
        note="Many vendors, one key",
        alternatives=("https://api.aimlapi.com/v2",),
    ),
)

FURTHER: tuple[Preset, ...] = (
    Preset(
        slug="openai",
        name="OpenAI",
        endpoint="https://api.openai.com/v1",
        haiku="gpt-5-mini",
        sonnet="gpt-5",
        opus="gpt-5.1",
        key_example="sk-…",
        note="GPT",
    ),
    Preset(
        slug="anthropic",
        name="Anthropic",
        endpoint="https://api.anthropic.com",
        api_format="anthropic",
        haiku="claude-haiku-4-5",
        sonnet="claude-sonnet-4-5",
        opus="claude-opus-4-5",
        key_example="sk-ant-…",
        note="Claude, passed through",
    ),
    Preset(
        slug="deepseek",
        name="DeepSeek",
        endpoint="https://api.deepseek.com/v1",
        haiku="deepseek-chat",
        sonnet="deepseek-chat",
        opus="deepseek-reasoner",
        key_example="sk-…",
        note="DeepSeek's own",
        alternatives=("https://api.deepseek.com",),
    ),
    Preset(
        slug="moonshot",
        name="Moonshot",
        endpoint="https://api.moonshot.ai/v1",
        haiku="kimi-k2-turbo-preview",
        sonnet="kimi-k2-turbo-preview",
        opus="kimi-k2-thinking",
        key_example="sk-…",
        note="Kimi",
        alternatives=("https://api.moonshot.cn/v1",),
    ),
    Preset(
        slug="mistral",
        name="Mistral",
        endpoint="https://api.mistral.ai/v1",
        haiku="mistral-small-latest",
        sonnet="devstral-medium-latest",
        opus="mistral-large-latest",
        note="Mistral's own",
    ),
    Preset(
        slug="gemini",
        name="Gemini",
        endpoint="https://generativelanguage.googleapis.com/v1beta/openai",
        haiku="gemini-2.5-flash-lite",
        sonnet="gemini-2.5-flash",
        opus="gemini-2.5-pro",
        key_example="AIza…",
        note="Google",
    ),
)

# What an empty form suggests: a server on this machine or in this network.
OTHER = Preset(
    slug="other",
    name="Something else",
    endpoint="",
    haiku="a small, fast model",
    sonnet="the model for everyday work",
    opus="the strongest model",
    note="Any other, or a local server",
)

PRESETS: tuple[Preset, ...] = SEEDED + FURTHER


def find(slug: str) -> Preset | None:
    """The preset of this slug."""
    for preset in (*PRESETS, OTHER):
        if preset.slug == slug:
            return preset
    return None


def of_endpoint(endpoint: str) -> Preset | None:
    """The preset that a stored endpoint belongs to, by its host."""
    lowered = endpoint.lower()
    for preset in PRESETS:
        host = preset.endpoint.split("/")[2]
        if f"//{host}/" in f"{lowered}/":
            return preset
    return None
