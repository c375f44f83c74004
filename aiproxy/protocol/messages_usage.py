"""Reads what a Messages upstream counted, for the log; changes nothing on its way."""

from __future__ import annotations

from typing import Any

from aiproxy.protocol.reply import Usage

_INPUTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def tap(usage: Usage, told: Any) -> None:
    """Take over the numbers of one `usage` object; a later zero erases no input."""
    if not isinstance(told, dict):
        return
    for name in _INPUTS:
        number = _count(told.get(name))
        if number:
            setattr(usage, name, number)
    output = _count(told.get("output_tokens"))
    if output is not None:
        usage.output_tokens = output
    tools = told.get("server_tool_use")
    if isinstance(tools, dict):
        usage.web_search_requests = _count(tools.get("web_search_requests")) or 0


def complete(usage: Usage, *, input_estimate: int) -> None:
    """An upstream that counted no input: our own estimate, marked as such."""
    if not any(getattr(usage, name) for name in _INPUTS):
        usage.input_tokens = max(1, input_estimate)
        usage.estimated = True


def _count(value: Any) -> int | None:
    """A number of tokens, or None for what is none."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None
