"""One look over a conversation before it is translated: checked, and its facts kept.

What depends on the whole (which tools it names, which ids it used) is collected
here, so that the translation itself goes through the messages once, in order.
"""

from __future__ import annotations

from typing import Any, Mapping

from aiproxy.protocol import shapes
from aiproxy.records import dataclass, field

ROLES = ("user", "assistant", "system")


@dataclass(frozen=True)
class Message:
    """A message with its content as a list of blocks; `where` names it in errors."""

    role: str
    blocks: list[dict[str, Any]]
    where: str


@dataclass
class History:
    """The checked messages of a request and what they mention."""

    messages: list[Message] = field(default_factory=list)
    # Names of tools in the order they come up: called, referenced or added.
    named: dict[str, None] = field(default_factory=dict)
    definitions: list[dict[str, Any]] = field(default_factory=list)  # in tool_additions
    tool_ids: set[str] = field(default_factory=set)
    effort: Any = None  # of the newest system message
    last_user_text: str = ""


def read(messages: Any) -> History:
    """Check the messages and survey them; refuses what cannot be translated."""
    if not isinstance(messages, list) or not messages:
        shapes.refuse("messages", "must be a non-empty list")
    history = History()
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if not isinstance(message, dict):
            shapes.refuse(where, "must be an object")
        role = message.get("role")
        if role not in ROLES:
            shapes.refuse(f"{where}.role", f"must be one of {', '.join(ROLES)}")
        blocks = shapes.blocks(message.get("content"), f"{where}.content")
        history.messages.append(Message(role, blocks, f"{where}.content"))
        if role == "system":
            history.effort = _effort_of(message)
        for block in blocks:
            _note_block(history, block)
        if role == "user":
            history.last_user_text = _last_text(blocks) or history.last_user_text
    return history


def _effort_of(message: Mapping[str, Any]) -> str | None:
    config = message.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    return effort if isinstance(effort, str) else None


def _note_block(history: History, block: Mapping[str, Any]) -> None:
    kind = shapes.type_of(block)
    if kind == "tool_use" and isinstance(block.get("name"), str):
        history.named[block["name"]] = None
    if kind.endswith("tool_use"):  # also the server's and MCP's
        history.tool_ids.add(shapes.id_of(block, "id"))
    elif kind == "tool_result":
        history.tool_ids.add(shapes.id_of(block, "tool_use_id"))
    elif kind == "tool_addition":
        _note_addition(history, block.get("tool"))
    for reference in _references(block, kind):
        if isinstance(reference, dict) and isinstance(reference.get("tool_name"), str):
            history.named[reference["tool_name"]] = None


def _references(block: Mapping[str, Any], kind: str) -> list[Any]:
    """The `tool_reference` blocks in a block, however the search was run."""
    if kind == "tool_reference":
        return [dict(block)]
    content = block.get("content")
    if kind == "tool_search_tool_result" and isinstance(content, dict):
        content = content.get("tool_references")
    elif kind == "tool_result" and isinstance(content, list):
        content = [
            inner
            for inner in content
            if isinstance(inner, dict) and inner.get("type") == "tool_reference"
        ]
    else:
        return []
    return content if isinstance(content, list) else []


def _note_addition(history: History, tool: Any) -> None:
    # {"type": "tool_reference", "name"} or {"type": "tool_definition", "definition"}.
    name = added_name(tool)
    if name:
        history.named[name] = None
        if isinstance(tool.get("definition"), dict):
            history.definitions.append(tool["definition"])


def added_name(tool: Any) -> str:
    """The name of the tool in a `tool_addition`; empty where it has none."""
    if not isinstance(tool, dict):
        return ""
    definition = tool.get("definition")
    holder = definition if isinstance(definition, dict) else tool
    name = holder.get("name") or holder.get("tool_name")
    return name if isinstance(name, str) else ""


def _last_text(blocks: list[dict[str, Any]]) -> str:
    for block in reversed(blocks):
        text = block.get("text")
        if block.get("type") == "text" and isinstance(text, str) and text.strip():
            return text
    return ""
