"""The custom system prompt: one row, whose template is empty while it is the default.

An untouched template is not stored, so that it follows the program's own.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from aiproxy.protocol.prompt import DEFAULT_TEMPLATE, PromptConfig
from aiproxy.records import replace

MAX_TEMPLATE_LENGTH = 512 * 1024


def load(db: sqlite3.Connection) -> PromptConfig:
    """The prompt page's fields as saved, or their defaults."""
    row = db.execute("SELECT * FROM prompts WHERE id = 1").fetchone()
    if row is None:
        return PromptConfig()
    template = row["prompt_template"]
    return PromptConfig(
        use_custom_prompt=bool(row["use_custom_prompt"]),
        prompt_template=DEFAULT_TEMPLATE if template is None else template,
        system_name=row["system_name"],
        model_name_override=row["model_name_override"],
        remove_ai_references=bool(row["remove_ai_references"]),
        remove_defensive_restrictions=bool(row["remove_defensive_restrictions"]),
    )


def save(db: sqlite3.Connection, **changes: Any) -> None:
    """Change the named fields and no other."""
    config = replace(load(db), **changes)
    is_default = config.prompt_template == DEFAULT_TEMPLATE
    db.execute("DELETE FROM prompts WHERE id = 1")
    db.execute(
        """
        INSERT INTO prompts (
            id, use_custom_prompt, prompt_template, system_name, model_name_override,
            remove_ai_references, remove_defensive_restrictions
        ) VALUES (1, ?, ?, ?, ?, ?, ?)
        """,
        (
            config.use_custom_prompt,
            None if is_default else config.prompt_template,
            config.system_name,
            config.model_name_override,
            config.remove_ai_references,
            config.remove_defensive_restrictions,
        ),
    )
