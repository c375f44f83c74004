"""The requests that are sent: an agent's with its tools, and a small one."""

from __future__ import annotations

import json
from typing import Any, Mapping

MODEL = "claude-sonnet-4-5"  # what clients ask for
UPSTREAM_MODEL = "measured"  # what the provider offers
TOOLS = 24

_RULES = "Rules for an agent's work. " * 500
_SOURCE = "def f(x):\n    return x + 1  # the result\n" * 32
_PROPERTIES = ("path", "pattern", "content", "options", "limit", "offset")


def message(*, stream: bool, is_agents: bool) -> dict[str, Any]:
    """A Messages request; an agent's is of 76 KB, most of it its tools."""
    body: dict[str, Any] = {"model": MODEL, "max_tokens": 4096, "stream": stream}
    if not is_agents:
        words = [{"role": "user", "content": "Say something."}]
        return {**body, "system": "You are a coding agent.", "messages": words}
    tools = [
        {
            "name": f"tool_{number}",
            "description": "Reads and writes files of the project. " * 31,
            "input_schema": _schema(),
        }
        for number in range(TOOLS)
    ]
    system = [{"type": "text", "text": _RULES}]
    return {**body, "system": system, "tools": tools, "messages": _conversation()}


def _schema() -> dict[str, Any]:
    described = {"type": "string", "description": "A path, or a pattern. " * 4}
    return {
        "type": "object",
        "properties": dict.fromkeys(_PROPERTIES, described),
        "required": ["path"],
        "additionalProperties": False,
    }


def _conversation(turns: int = 6) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Go on."}]
    for number in range(turns):
        call = f"toolu_{number:024d}"
        use = {"type": "tool_use", "id": call, "name": "tool_1", "input": {"path": "a"}}
        result = {"type": "tool_result", "tool_use_id": call, "content": _SOURCE}
        messages.append({"role": "assistant", "content": [use]})
        messages.append({"role": "user", "content": [result]})
    return messages


def chat(*, stream: bool, is_agents: bool) -> dict[str, Any]:
    """The same as a Chat Completions request, for gateways that take only those."""
    source = message(stream=stream, is_agents=is_agents)
    system = _RULES if is_agents else source["system"]
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}]
    for each in source["messages"]:
        block = each["content"][0]
        if isinstance(block, str):
            messages.append(each)
        elif block["type"] == "tool_use":
            arguments = json.dumps(block["input"])
            function = {"name": block["name"], "arguments": arguments}
            call = {"id": block["id"], "type": "function", "function": function}
            messages.append({"role": "assistant", "tool_calls": [call]})
        else:
            call_id, text = block["tool_use_id"], block["content"]
            messages.append({"role": "tool", "tool_call_id": call_id, "content": text})
    body = {"model": UPSTREAM_MODEL, "stream": stream, "messages": messages}
    if is_agents:
        body["tools"] = [_function(tool) for tool in source["tools"]]
    return body


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = {name: tool[name] for name in ("name", "description")}
    return {
        "type": "function",
        "function": {**function, "parameters": tool["input_schema"]},
    }


def request(
    body: Mapping[str, Any], path: str, headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes that a client sends."""
    data = json.dumps(body).encode()
    fields = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "anthropic-version": "2023-06-01",
        "Content-Length": str(len(data)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data
