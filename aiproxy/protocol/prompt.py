"""The custom system prompt."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_TEMPLATE = "You are a coding agent."


@dataclass(frozen=True)
class PromptConfig:
    """The prompt page's fields, as saved."""

    use_custom_prompt: bool = False
    prompt_template: str = DEFAULT_TEMPLATE
    system_name: str = ""
    model_name_override: str = ""
    remove_ai_references: bool = False
    remove_defensive_restrictions: bool = False
