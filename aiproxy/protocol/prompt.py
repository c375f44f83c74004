"""The custom system prompt: a template in place of the client's own text.

What the client knows about its machine comes along through placeholders. The same
client text gives the same bytes: neither clock nor counter goes in, so that the
provider's prefix cache holds.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Tuple

from aiproxy.protocol import prompt_cleaning, prompt_regions
from aiproxy.protocol.messages import is_billing, text_of, without_billing
from aiproxy.protocol.prompt_template import DEFAULT_TEMPLATE
from aiproxy.records import dataclass

__all__ = ["DEFAULT_TEMPLATE", "PLACEHOLDERS", "PromptConfig", "apply", "render"]

PLACEHOLDERS = (
    "ENV_INFO",
    "MODEL_INFO",
    "MCP_INSTRUCTIONS",
    "SYSTEM_NAME",
    "CLIENT_PROMPT",
)

# A piece of the result, and whether the switches leave it alone.
Piece = Tuple[str, bool]

_PLACEHOLDER = re.compile(
    r"^(?P<before>[ \t]*)\{\{ *(?P<alone>[A-Z_]+) *\}\}(?P<after>[ \t]*(?:\n|\Z))"
    r"|\{\{ *(?P<inline>[A-Z_]+) *\}\}",
    re.MULTILINE,
)
_CLIENT_TOOLS = ("bash_", "text_editor_", "memory_", "computer_")


@dataclass(frozen=True)
class PromptConfig:
    """The prompt page's fields, as saved."""

    use_custom_prompt: bool = False
    prompt_template: str = DEFAULT_TEMPLATE
    system_name: str = ""
    model_name_override: str = ""
    remove_ai_references: bool = False
    remove_defensive_restrictions: bool = False


def apply(
    request: Mapping[str, Any],
    config: PromptConfig,
    *,
    upstream_model: str,
    client_headers: Mapping[str, str],
) -> dict[str, Any]:
    """The request with the custom prompt in `system`; `client_headers` in any case.

    Subagents and small helper requests bring a prompt that they cannot do without:
    theirs is cleaned, not replaced.
    """
    if not config.use_custom_prompt:
        return dict(request)
    system = request.get("system")
    if not _keeps_own_prompt(request, client_headers):
        rendered = render(client_text(system), config, upstream_model)
        if config.prompt_template.strip() and rendered.strip():
            return {**request, "system": [_block(rendered, system)]}
    cleaned = _cleaned_system(system, config)
    return dict(request) if cleaned == system else {**request, "system": cleaned}


def render(system_text: str, config: PromptConfig, model: str) -> str:
    """The template filled from a client's system prompt, and cleaned as configured."""
    template = config.prompt_template.replace("\r\n", "\n")
    pieces = _filled(template, _values(system_text, config, model))
    return _named(_cleaned(pieces, config), config.system_name)


def client_text(system: object) -> str:
    """A client's system prompt as one text, without its bookkeeping."""
    return text_of(without_billing(system))


# Whose prompt is replaced


def _keeps_own_prompt(
    request: Mapping[str, Any], client_headers: Mapping[str, str]
) -> bool:
    headers = {name.lower(): value for name, value in client_headers.items()}
    if headers.get("x-claude-code-agent-id"):
        return True
    tools = request.get("tools")
    if isinstance(tools, list) and tools:
        return all(map(_is_server_tool, tools))
    return headers.get("user-agent", "").startswith("claude-cli/")


def _is_server_tool(tool: Any) -> bool:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if not isinstance(kind, str) or kind == "custom" or "input_schema" in tool:
        return False
    return not kind.startswith(_CLIENT_TOOLS)


def _block(text: str, system: Any) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": text}
    last = system[-1] if isinstance(system, list) and system else None
    if isinstance(last, dict) and last.get("cache_control") is not None:
        block["cache_control"] = last["cache_control"]
    return block


# The template


def _values(
    system_text: str, config: PromptConfig, model: str
) -> dict[str, list[Piece]]:
    environment = prompt_regions.environment(system_text)
    instructions = prompt_regions.server_instructions(system_text)
    return {
        "ENV_INFO": _kept(_environment_text(system_text, environment)),
        "MODEL_INFO": _kept(_model_info(config, model)),
        "MCP_INSTRUCTIONS": _kept(_text_at(system_text, instructions)),
        "SYSTEM_NAME": _kept(config.system_name),
        "CLIENT_PROMPT": _client_pieces(system_text),
    }


def _kept(text: str) -> list[Piece]:
    return [(text, True)] if text else []


def _client_pieces(text: str) -> list[Piece]:
    spans = prompt_regions.environment(text) + prompt_regions.server_instructions(text)
    return list(prompt_regions.pieces(text, spans))


def _environment_text(text: str, spans: list[prompt_regions.Span]) -> str:
    """The lines on the machine together, and the state of git as its own paragraph."""
    parts = [text[start:end].strip("\n") for start, end in spans]
    if parts and parts[-1].startswith("gitStatus:"):
        parts = ["\n".join(parts[:-1]), parts[-1].rstrip()]
        return "\n\n".join(part for part in parts if part)
    return "\n".join(parts)


def _text_at(text: str, spans: list[prompt_regions.Span]) -> str:
    return "\n".join(text[start:end].strip() for start, end in spans)


def _model_info(config: PromptConfig, model: str) -> str:
    name = config.model_name_override
    if not name and not config.remove_ai_references:
        name = model
    return prompt_cleaning.model_line(name) if name else ""


def _filled(template: str, values: Mapping[str, list[Piece]]) -> list[Piece]:
    """One pass: what a value holds is text, whatever it looks like."""
    pieces: list[Piece] = []
    position = 0
    for found in _PLACEHOLDER.finditer(template):
        value = values.get(found.group("alone") or found.group("inline"))
        if value is None:
            continue  # not ours: it stays
        pieces.append((template[position : found.start()], False))
        position = found.end()
        if value and found.group("alone"):
            pieces += [(found.group("before"), False), *value]
            pieces.append((found.group("after"), False))
        else:
            # An empty value takes along the line that it stands alone on.
            pieces += value
    return [*pieces, (template[position:], False)]


# The switches


def _cleaned(pieces: list[Piece], config: PromptConfig) -> str:
    texts = [text if kept else _cleaned_text(text, config) for text, kept in pieces]
    return re.sub(r"\n{3,}", "\n\n", "".join(texts)).strip("\n")


def _cleaned_own(text: str, config: PromptConfig) -> str:
    """A client's own text; where nothing is cut, not a byte changes."""
    pieces = _client_pieces(text)
    if all(kept or _cleaned_text(piece, config) == piece for piece, kept in pieces):
        return text
    return _cleaned(pieces, config)


def _cleaned_text(text: str, config: PromptConfig) -> str:
    name, model = config.system_name, config.model_name_override
    if config.remove_defensive_restrictions:
        text = prompt_cleaning.remove_restrictions(text)
    if name:
        text = prompt_cleaning.rename_identity(text, name)
    if model:
        text = prompt_cleaning.rename_model(text, model)
    if config.remove_ai_references:
        text = prompt_cleaning.remove_references(text, name, (name, model))
    return text


def _named(text: str, name: str) -> str:
    if not name or name in text:
        return text
    return f"You are {name}.\n\n{text}" if text else f"You are {name}."


def _cleaned_system(system: Any, config: PromptConfig) -> Any:
    """The client's own prompt, block by block."""
    if isinstance(system, str):
        text = _cleaned_own(without_billing(system), config)
        return _named(text, config.system_name)
    if not isinstance(system, list):
        return system
    blocks = [_cleaned_block(block, config) for block in system]
    name = config.system_name
    if name and not any(name in text_of([block]) for block in blocks):
        for number, block in enumerate(blocks):
            if text_of([block]) and not is_billing(block):
                blocks[number] = {**block, "text": _named(block["text"], name)}
                break
    return blocks


def _cleaned_block(block: Any, config: PromptConfig) -> Any:
    text = text_of([block])
    if not text or is_billing(block):
        return block
    cleaned = _cleaned_own(text, config)
    # A block must not become empty: Anthropic refuses that.
    return {**block, "text": cleaned} if cleaned.strip() else block
