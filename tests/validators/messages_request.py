"""What a provider with the Messages format would refuse in a request.

Sources: the API reference of Anthropic (Messages, errors, tool use, extended
thinking, prompt caching); with `knows_betas=False` the rules of its imitators, which
know the plain form only.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping

from tests.validators import leaks

_TOP = {
    "model",
    "messages",
    "max_tokens",
    "system",
    "tools",
    "tool_choice",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "stream",
    "metadata",
    "thinking",
    "service_tier",
}
# Fields that Anthropic takes with a beta header; an imitator refuses them.
_BETA_FIELDS = {
    "context_management": "context-management",
    "safeguards": "dangerous-tool-use",
    "output_config": "effort",
    "mcp_servers": "mcp-client",
    "container": "code-execution",
    "fallbacks": "fallback",
    "diagnostics": "",
}
_BLOCKS = {
    "user": {"text", "image", "document", "tool_result", "search_result"},
    "assistant": {
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "server_tool_use",
        "web_search_tool_result",
    },
    "system": {"text", "tool_addition"},
}
_IN_RESULT = {"text", "image", "document", "search_result", "tool_reference"}
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
_TOOL_ID = re.compile(r"^[a-zA-Z0-9_-]+$")


def problems(
    body: Mapping[str, Any], headers: Mapping[str, str], *, knows_betas: bool = True
) -> list[str]:
    """Every reason to refuse, in words; an empty list is an accepted request."""
    betas = headers.get("anthropic-beta", "")
    found = list(_header_problems(headers))
    found += _top_problems(body, betas, knows_betas=knows_betas)
    found += _tool_problems(body, knows_betas=knows_betas)
    found += _message_problems(body, knows_betas=knows_betas)
    found += leaks.problems(body, headers)
    return [f"messages: {problem}" for problem in found]


def _header_problems(headers: Mapping[str, str]) -> Iterator[str]:
    if "anthropic-version" not in headers:
        yield "anthropic-version: header is required"
    if not headers.get("content-type", "").startswith("application/json"):
        yield "content-type must be application/json"


def _top_problems(
    body: Mapping[str, Any], betas: str, *, knows_betas: bool
) -> Iterator[str]:
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield "model: field required"
    limit = body.get("max_tokens")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        yield f"max_tokens: must be an integer of at least 1, is {limit!r}"
    for name in body:
        if name in _TOP:
            continue
        beta = _BETA_FIELDS.get(name)
        if not knows_betas or beta is None:
            yield f"{name}: Extra inputs are not permitted"
        elif beta not in betas:
            yield f"{name}: needs a beta header like {beta}"
    if betas and not knows_betas:
        yield f"anthropic-beta: unknown values {betas}"
    yield from _thinking_problems(body, knows_betas=knows_betas)
    sequences = body.get("stop_sequences") or []
    if any(not text.strip() for text in sequences):
        yield "stop_sequences: each must hold more than whitespace"


def _thinking_problems(body: Mapping[str, Any], *, knows_betas: bool) -> Iterator[str]:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind == "adaptive":
        if not knows_betas:
            yield "thinking: adaptive thinking is not supported on this model"
        return
    if kind == "disabled":
        return
    if kind != "enabled":
        yield f"thinking.type: {kind!r} is unknown"
        return
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < 1024:
        yield f"thinking.budget_tokens: must be at least 1024, is {budget!r}"
    elif isinstance(body.get("max_tokens"), int) and budget >= body["max_tokens"]:
        yield "max_tokens must be greater than thinking.budget_tokens"
    if not knows_betas and set(thinking) - {"type", "budget_tokens"}:
        yield f"thinking: Extra inputs {sorted(thinking)} are not permitted"


def _tool_problems(body: Mapping[str, Any], *, knows_betas: bool) -> Iterator[str]:
    names = []
    for index, tool in enumerate(body.get("tools") or []):
        if "input_schema" not in tool:
            if not tool.get("type"):
                yield f"tools.{index}.input_schema: field required"
            continue
        names.append(tool.get("name", ""))
        if not _TOOL_NAME.match(names[-1]):
            yield f"tools.{index}.name: {names[-1]!r} is no legal name"
        if tool["input_schema"].get("type") != "object":
            yield f"tools.{index}.input_schema.type: must be 'object'"
        known = {"name", "description", "input_schema", "cache_control", "type"}
        extra = set(tool) - known
        if extra and not knows_betas:
            yield f"tools.{index}: Extra inputs {sorted(extra)} are not permitted"
    if len(names) != len(set(names)):
        yield "tools: Tool names must be unique"
    choice = body.get("tool_choice")
    if choice is not None and not body.get("tools"):
        yield "tool_choice may only be specified while providing tools"


def _message_problems(body: Mapping[str, Any], *, knows_betas: bool) -> Iterator[str]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
        return
    roles = {"user", "assistant", "system"} if knows_betas else {"user", "assistant"}
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        role = message.get("role")
        if role not in roles:
            yield f'messages.{index}: Unexpected role "{role}"'
            continue
        blocks = _blocks(message)
        yield from _block_problems(f"messages.{index}", role, blocks, knows_betas)
        extra = set(message) - {"role", "content"}
        if extra and not knows_betas:
            yield f"messages.{index}: Extra inputs {sorted(extra)} are not permitted"
        if role == "system":
            continue
        yield from _pairing_problems(index, blocks, open_calls)
        open_calls = [b["id"] for b in blocks if b.get("type") == "tool_use"]
    if open_calls:
        yield f"tool_use ids were found without tool_result blocks: {open_calls}"


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content or [])


def _pairing_problems(
    index: int, blocks: list[Mapping[str, Any]], open_calls: list[str]
) -> Iterator[str]:
    results = [b["tool_use_id"] for b in blocks if b.get("type") == "tool_result"]
    for missing in set(open_calls) - set(results):
        yield f"messages.{index}: no tool_result for the tool_use {missing}"
    for stray in set(results) - set(open_calls):
        yield f"messages.{index}: tool_result {stray} has no tool_use before it"
    if len(results) != len(set(results)):
        yield f"messages.{index}: several tool_result blocks for one tool_use"


def _block_problems(
    where: str, role: str, blocks: list[Mapping[str, Any]], knows_betas: bool
) -> Iterator[str]:
    allowed = _BLOCKS[role]
    for number, block in enumerate(blocks):
        kind = block.get("type")
        place = f"{where}.content.{number}"
        if kind not in allowed and not knows_betas:
            yield f"{place}: a block of type {kind!r} is not allowed here"
        if kind == "text" and not str(block.get("text", "")).strip():
            yield f"{place}: text content blocks must contain non-whitespace text"
        if kind == "tool_use":
            yield from _tool_use_problems(place, block)
        if kind == "tool_result" and isinstance(block.get("content"), list):
            inner = {part.get("type") for part in block["content"]}
            known = _IN_RESULT if knows_betas else _IN_RESULT - {"tool_reference"}
            if inner - known:
                yield f"{place}.content: {sorted(inner - known)} not allowed"


def _tool_use_problems(place: str, block: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(block.get("input"), dict):
        yield f"{place}.input: must be an object"
    if not _TOOL_ID.match(str(block.get("id", ""))):
        yield f"{place}.id: {block.get('id')!r} is no legal id"
