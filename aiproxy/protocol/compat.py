"""A Messages request without what only Anthropic's own servers know.

A beta asks for a field in the head and fills it in the body. Here both halves go: a
strict upstream refuses either. What carries meaning is said in plain form instead:
system turns as reminders, adaptive thinking as a budget, loaded tools as text.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from aiproxy.protocol import server_blocks
from aiproxy.protocol.messages import blocks_of, text_of

Body = Dict[str, Any]
Block = Mapping[str, Any]

MIN_BUDGET = 1024  # Anthropic's own least
# The levels of `effort` as tokens; translation.md reads budgets as levels likewise.
_BUDGETS: Mapping[str, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}
_DEFAULT_EFFORT = "high"  # what adaptive thinking without an effort means

# What a beta asks for: claude-code-wire.md §3 lists the betas.
_BETA_FIELDS = (
    "context_management",
    "container",
    "mcp_servers",
    "safeguards",
    "speed",
    "diagnostics",
    "fallbacks",
    "betas",
    "anthropic_beta",
)
_BETA_TOOL_FIELDS = (
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
    "allowed_callers",
    "strict",
)
_BETA_TOOL_TYPES = ("mcp_toolset", "tool_search_tool_", "code_execution_")
_BETA_BLOCKS = (
    "container_upload",
    "mcp_tool_use",
    "mcp_tool_result",
    "tool_search_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
)
_PLAIN_SERVER_TOOLS = ("web_search", "web_fetch")
_PLACEHOLDER_TOOL = "DeferredToolPlaceholder"
_TOOL_SEARCH = ("ToolSearch", _PLACEHOLDER_TOOL)  # Claude Code's own
_BETA_CACHE_FIELDS = ("ttl", "scope")


def strict(body: Body) -> tuple[Body, tuple[str, ...]]:
    """The body without betas' fields, and what was changed, for the log."""
    notes = []
    for note, step in _STEPS:
        changed = step(body)
        if changed is not body:
            notes.append(note)
        body = changed
    return body, tuple(notes)


def without_beta_fields(body: Body) -> Body:
    """Without the fields that a beta asks for; of output_config the format stays."""
    dropped = [key for key in body if key in _BETA_FIELDS or key == "output_format"]
    config = body.get("output_config")
    has_effort = isinstance(config, dict) and "effort" in config
    if not dropped and not has_effort:
        return body
    plain = {key: value for key, value in body.items() if key not in dropped}
    kept = dict(config) if isinstance(config, dict) else {}
    kept.pop("effort", None)
    if body.get("output_format") is not None:
        kept.setdefault("format", body["output_format"])
    plain.pop("output_config", None)
    return {**plain, "output_config": kept} if kept else plain


def thinking_as_budget(body: Body) -> Body:
    """Adaptive thinking as `enabled` with a budget that leaves room for an answer."""
    thinking = body.get("thinking")
    if not isinstance(thinking, dict):
        return body
    if thinking.get("type") != "adaptive":
        plain = {key: value for key, value in thinking.items() if key != "display"}
        return {**body, "thinking": plain} if plain != thinking else body
    budget = _BUDGETS.get(newest_effort(body), _BUDGETS[_DEFAULT_EFFORT])
    limit = body.get("max_tokens")
    if isinstance(limit, int) and not isinstance(limit, bool):
        budget = min(budget, limit // 2)
    # Anthropic refuses thinking beside a tool choice that forces a call.
    if budget < MIN_BUDGET or is_forced(body.get("tool_choice")):
        return {**body, "thinking": {"type": "disabled"}}
    return {**body, "thinking": {"type": "enabled", "budget_tokens": budget}}


def with_fitting_budget(body: Body) -> Body:
    """A thinking budget below `max_tokens`, as Anthropic demands."""
    thinking, limit = body.get("thinking"), body.get("max_tokens")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(budget, int) or not isinstance(limit, int) or budget < limit:
        return body
    if limit <= MIN_BUDGET:
        return {**body, "thinking": {"type": "disabled"}}
    lowered = max(MIN_BUDGET, limit // 2)
    return {**body, "thinking": {**body["thinking"], "budget_tokens": lowered}}


def newest_effort(body: Mapping[str, Any]) -> str:
    """The effort of the newest message that has one, else the request's."""
    holders = [body, *(messages_of(body))]
    for holder in reversed(holders):
        config = holder.get("output_config")
        effort = config.get("effort") if isinstance(config, dict) else None
        if isinstance(effort, str):
            return effort
    return ""


def is_forced(tool_choice: Any) -> bool:
    """A tool choice that leaves the model no way around a call, in either format."""
    if tool_choice == "required":
        return True
    kind = tool_choice.get("type") if isinstance(tool_choice, dict) else None
    return kind in ("any", "tool", "function")


def messages_of(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages that are objects; others are for the upstream to refuse."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return []
    return [message for message in messages if isinstance(message, dict)]


def without_system_role(body: Body) -> Body:
    """System turns as reminders in user turns: after the one before, or in the next."""
    if not any(message.get("role") == "system" for message in messages_of(body)):
        return body
    merged: list[Any] = []
    waiting: list[Block] = []  # reminders after an assistant's turn
    for message in body["messages"]:
        role = message.get("role") if isinstance(message, dict) else None
        if role == "system":
            reminders = _reminders(message)
            if merged and _role_of(merged[-1]) == "user":
                merged[-1] = _with_blocks(merged[-1], reminders, at_head=False)
            else:
                waiting += reminders
        elif role == "user" and waiting:
            merged.append(_with_blocks(message, waiting, at_head=True))
            waiting = []
        else:
            merged += _as_turn(waiting)
            merged.append(message)
            waiting = []
    return {**body, "messages": merged + _as_turn(waiting)}


def in_plain_form(body: Body) -> Body:
    """Tools and blocks without what belongs to a beta; loaded tools as text."""
    changed = dict(body)
    loaded, definitions = _loaded_tools(messages_of(body))
    for key, plain in (
        ("tools", lambda tools: _plain_tools(tools, loaded, definitions)),
        ("system", _plain_blocks),
        ("messages", lambda messages: [_plain_message(m) for m in messages]),
    ):
        if isinstance(body.get(key), list):
            changed[key] = plain(body[key])
    if definitions and "tools" not in body:
        changed["tools"] = _plain_tools([], loaded, definitions)
    if "tools" in changed and not changed["tools"]:
        del changed["tools"]
        changed.pop("tool_choice", None)
    return body if changed == body else changed


_STEPS = (
    ("adaptive thinking as a budget", thinking_as_budget),
    ("beta fields dropped", without_beta_fields),
    # Before their turns: what system turns say of tools is read here.
    ("tools and blocks in plain form", in_plain_form),
    ("system turns as reminders", without_system_role),
)


# System turns


def _reminders(message: Mapping[str, Any]) -> list[Block]:
    blocks = blocks_of(message.get("content"))
    texts = [_text_in(block) for block in blocks]
    text = "\n\n".join(text for text in texts if text.strip())
    if not text:
        return []
    reminder = {
        "type": "text",
        "text": f"<system-reminder>\n{text}\n</system-reminder>",
    }
    marks = [block["cache_control"] for block in blocks if block.get("cache_control")]
    return [{**reminder, "cache_control": marks[-1]} if marks else reminder]


def _text_in(block: Block) -> str:
    if block.get("type") == "tool_addition":
        return _loaded_text(_added_tool(block))
    return text_of([block])


def _role_of(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _with_blocks(
    message: Mapping[str, Any], added: Sequence[Block], *, at_head: bool
) -> Mapping[str, Any]:
    blocks = blocks_of(message.get("content"))
    # Results of tools come first in their turn: nothing goes before them.
    head = 0
    while head < len(blocks) and blocks[head].get("type") == "tool_result":
        head += 1
    position = head if at_head else len(blocks)
    return {**message, "content": [*blocks[:position], *added, *blocks[position:]]}


def _as_turn(blocks: Sequence[Block]) -> list[Block]:
    return [{"role": "user", "content": list(blocks)}] if blocks else []


# Tools


def _loaded_tools(
    messages: Sequence[Mapping[str, Any]],
) -> tuple[set[str], list[Block]]:
    """Names of tools that the conversation has loaded, and definitions inside it."""
    names: set[str] = set()
    definitions: list[Block] = []
    for block in _all_blocks(messages):
        if block.get("type") == "tool_reference":
            names.add(str(block.get("tool_name")))
        elif block.get("type") == "tool_use":
            names.add(str(block.get("name")))
        elif block.get("type") == "tool_addition":
            tool = _added_tool(block)
            names.add(_name_of(tool))
            if isinstance(tool.get("definition"), dict):
                definitions.append(tool["definition"])
    return names, definitions


def _all_blocks(messages: Sequence[Mapping[str, Any]]) -> list[Block]:
    found: list[Block] = []
    for message in messages:
        for block in blocks_of(message.get("content")):
            found.append(block)
            if block.get("type") == "tool_result":
                found += blocks_of(block.get("content"))
    return found


def _added_tool(block: Block) -> Block:
    tool = block.get("tool")
    return tool if isinstance(tool, dict) else {}


def _name_of(tool: Block) -> str:
    definition = tool.get("definition")
    inner = definition.get("name") if isinstance(definition, dict) else None
    return str(tool.get("tool_name") or tool.get("name") or inner or "")


def _loaded_text(tool: Block) -> str:
    return f"Loaded: {_name_of(tool)}"


def _plain_tools(
    tools: Sequence[Any], loaded: set[str], definitions: Sequence[Block]
) -> list[Any]:
    # A placeholder says that the client runs a tool search, whatever its name.
    can_load = any(
        isinstance(tool, dict) and tool.get("name") in _TOOL_SEARCH for tool in tools
    )
    plain = []
    names: set[str] = set()
    for tool in [*tools, *definitions]:
        if isinstance(tool, dict):
            name = str(tool.get("name"))
            is_unloaded = bool(tool.get("defer_loading")) and name not in loaded
            if _is_beta_tool(tool) or (is_unloaded and can_load):
                continue
            if tool in definitions and name in names:
                continue
            names.add(name)
        plain.append(_plain_tool(tool))
    return plain


def _is_beta_tool(tool: Block) -> bool:
    kind = tool.get("type")
    if isinstance(kind, str) and kind.startswith(_BETA_TOOL_TYPES):
        return True
    return tool.get("name") == _PLACEHOLDER_TOOL


def _plain_tool(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    kept = {key: value for key, value in tool.items() if key not in _BETA_TOOL_FIELDS}
    return _with_plain_cache(kept)


# Blocks


def _plain_message(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    plain = {key: value for key, value in message.items() if key != "output_config"}
    if isinstance(message.get("content"), list):
        plain["content"] = _plain_blocks(message["content"])
    return plain


def _plain_blocks(blocks: Sequence[Any]) -> list[Any]:
    return [_plain_block(block) for block in blocks]


def _plain_block(block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    kind = block.get("type")
    if kind in _BETA_BLOCKS or _is_beta_call(block):
        return {"type": "text", "text": _told(block)}
    if kind in ("tool_reference", "tool_addition"):
        tool = block if kind == "tool_reference" else _added_tool(block)
        plain: Mapping[str, Any] = {"type": "text", "text": _loaded_text(tool)}
        mark = block.get("cache_control")
        return _with_plain_cache({**plain, "cache_control": mark} if mark else plain)
    if kind == "tool_result" and isinstance(block.get("content"), list):
        block = {**block, "content": _plain_blocks(block["content"])}
    return _with_plain_cache(block)


def _is_beta_call(block: Block) -> bool:
    kind, name = block.get("type"), block.get("name")
    return kind == "server_tool_use" and name not in _PLAIN_SERVER_TOOLS


def _told(block: Block) -> str:
    if block.get("type") == "container_upload":
        return f"[uploaded file {block.get('file_id')}, not available here]"
    return server_blocks.text_of(block)


def _with_plain_cache(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    mark = holder.get("cache_control")
    if not isinstance(mark, dict) or not any(key in mark for key in _BETA_CACHE_FIELDS):
        return holder
    kept = {key: value for key, value in mark.items() if key not in _BETA_CACHE_FIELDS}
    return {**holder, "cache_control": kept}
