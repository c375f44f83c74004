"""A strict judge of Chat Completions requests, written from the public schema.

`problems(body)` says in words what a strict provider would refuse: unknown fields,
illegal names, tool messages out of order, empty content. It knows nothing of how
the requests are made, so the scripted upstream and the tests of the translation
may both believe it.
"""

from __future__ import annotations

import json
import re
from typing import Any

ROLES = ("system", "developer", "user", "assistant", "tool")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")

FIELDS = frozenset(
    [
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        # Not OpenAI's, but documented by at least one provider.
        "prompt_cache_key",
        "reasoning",
        "session_id",
        "thinking",
        "top_k",
    ]
)
MESSAGE_FIELDS = {
    "system": {"role", "content"},
    "developer": {"role", "content"},
    "user": {"role", "content"},
    "tool": {"role", "content", "tool_call_id"},
    "assistant": {
        "role",
        "content",
        "tool_calls",
        # Documented by providers, for what they gave out themselves.
        "prefix",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
    },
}


def problems(body: Any) -> list[str]:
    """What is wrong with a request, one sentence each; empty for a good one."""
    if not isinstance(body, dict):
        return ["the body is not an object"]
    found = [f"unknown field {name}" for name in body if name not in FIELDS]
    found += [f"{name} is null" for name, value in body.items() if value is None]
    if not isinstance(body.get("model"), str) or not body["model"]:
        found.append("model is not a name")
    found += _options(body)
    found += _tools(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return [*found, "messages is not a non-empty list"]
    for number, message in enumerate(messages):
        found += [f"messages.{number}: {text}" for text in _message(message)]
    return found + _order(messages)


def _options(body: dict[str, Any]) -> list[str]:
    found = []
    limits = [name for name in ("max_tokens", "max_completion_tokens") if name in body]
    if len(limits) > 1:
        found.append("two output limits")
    found += [
        f"{name} is not a positive integer"
        for name in limits
        if type(body[name]) is not int or body[name] < 1
    ]
    for name in ("temperature", "top_p", "top_k"):
        if name in body and type(body[name]) not in (int, float):
            found.append(f"{name} is not a number")
    if "stop" in body:
        found += _stop(body["stop"])
    if body.get("stream") not in (None, True):
        found.append("stream is neither true nor absent")
    if ("stream_options" in body) != (body.get("stream") is True):
        found.append("stream_options without stream, or the other way round")
    if "reasoning_effort" in body and body["reasoning_effort"] not in EFFORTS:
        found.append("reasoning_effort is no level")
    if "reasoning" in body and len(body["reasoning"]) != 1:
        found.append("reasoning has not exactly one of effort, max_tokens, enabled")
    if "reasoning" in body and "reasoning_effort" in body:
        found.append("reasoning_effort beside reasoning")
    return found + _format(body.get("response_format"))


def _stop(stop: Any) -> list[str]:
    if not isinstance(stop, list) or not 1 <= len(stop) <= 4:
        return ["stop is not a list of 1 to 4"]
    if not all(isinstance(entry, str) and entry.strip() for entry in stop):
        return ["stop has an entry that is blank or no string"]
    return []


def _format(response_format: Any) -> list[str]:
    if response_format in (None, {"type": "json_object"}):
        return []
    if not isinstance(response_format, dict) or set(response_format) != {
        "type",
        "json_schema",
    }:
        return ["response_format has another form"]
    named = response_format["json_schema"]
    if set(named) != {"name", "schema"} or not _is_legal(named["name"]):
        return ["response_format.json_schema has not exactly a legal name and a schema"]
    return []


def _is_legal(name: Any) -> bool:
    return isinstance(name, str) and NAME.match(name) is not None


def _tools(body: dict[str, Any]) -> list[str]:
    if "tools" not in body:
        return [
            f"{name} without tools"
            for name in ("tool_choice", "parallel_tool_calls")
            if name in body
        ]
    tools = body["tools"]
    if not isinstance(tools, list) or not tools:
        return ["tools is not a non-empty list"]
    found: list[str] = []
    names: list[str] = []
    for number, tool in enumerate(tools):
        if isinstance(tool, dict) and str(tool.get("type")).startswith("openrouter:"):
            if set(tool) - {"type", "parameters"}:
                found.append(f"tools.{number} has unknown fields")
            continue
        found += [f"tools.{number}: {text}" for text in _function(tool, names)]
    return found + _choice(body.get("tool_choice", "auto"), names)


def _function(tool: Any, names: list[str]) -> list[str]:
    if not isinstance(tool, dict) or set(tool) != {"type", "function"}:
        return ["not exactly type and function"]
    function = tool["function"]
    found = []
    if tool["type"] != "function":
        found.append("type is not function")
    unknown = set(function) - {"name", "description", "parameters"}
    found += [f"unknown field {name}" for name in sorted(unknown)]
    name = function.get("name")
    if not _is_legal(name):
        found.append(f"illegal name {name!r}")
    elif name in names:
        found.append(f"the name {name} comes twice")
    else:
        names.append(name)
    if not isinstance(function.get("description", ""), str):
        found.append("description is no string")
    parameters = function.get("parameters")
    if (
        not isinstance(parameters, dict)
        or parameters.get("type") != "object"
        or not isinstance(parameters.get("properties"), dict)
    ):
        found.append("parameters is not an object schema with properties")
    return found


def _choice(choice: Any, names: list[str]) -> list[str]:
    if choice in ("auto", "required", "none"):
        return []
    if isinstance(choice, dict) and choice.get("type") == "function":
        if choice.get("function", {}).get("name") in names:
            return []
        return ["tool_choice names no function of tools"]
    return ["tool_choice has another form"]


def _message(message: Any) -> list[str]:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        return ["no object with a known role"]
    role = message["role"]
    found = [
        f"unknown field {name}" for name in message if name not in MESSAGE_FIELDS[role]
    ]
    content = message.get("content")
    if content is None:
        if role != "assistant" or not message.get("tool_calls"):
            found.append("no content")
    elif isinstance(content, str):
        only_call = role == "assistant" and message.get("tool_calls")
        if not content.strip() and not only_call:
            found.append("blank content")
    else:
        found += _parts(content, role)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        found.append("no tool_call_id")
    if "tool_calls" in message:
        found += _calls(message["tool_calls"])
    return found


def _parts(content: Any, role: str) -> list[str]:
    if not isinstance(content, list) or not content:
        return ["content is neither a string nor a non-empty list"]
    found = []
    for number, part in enumerate(content):
        found += [f"part {number}: {text}" for text in _part(part, role)]
    return found


def _part(part: Any, role: str) -> list[str]:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        return ["no object with a type"]
    kind = part["type"]
    if kind == "text":
        if not isinstance(part.get("text"), str) or not part["text"].strip():
            return ["blank text"]
        return _mark(part)
    if role == "assistant" and kind == "thinking":
        return []
    if role != "user":
        return [f"type {kind} in a {role} message"]
    return _media(part)


def _media(part: dict[str, Any]) -> list[str]:
    if part["type"] == "image_url":
        url = part["image_url"].get("url")
        return [] if isinstance(url, str) and url else ["no URL"]
    if part["type"] == "file":
        complete = set(part["file"]) == {"filename", "file_data"}
        return [] if complete else ["not filename and file_data"]
    return [f"unknown type {part['type']}"]


def _mark(part: dict[str, Any]) -> list[str]:
    if set(part) - {"type", "text", "cache_control"}:
        return ["a text part has unknown fields"]
    mark = part.get("cache_control", {"type": "ephemeral"})
    if set(mark) - {"type", "ttl"} or "type" not in mark:
        return ["cache_control has another form"]
    return []


def _calls(calls: Any) -> list[str]:
    if not isinstance(calls, list) or not calls:
        return ["tool_calls is not a non-empty list"]
    found = []
    ids = [call.get("id") for call in calls]
    if len(set(ids)) < len(ids):
        found.append("two calls have one id")
    for call in calls:
        if set(call) - {"extra_content"} != {"id", "type", "function"}:
            found.append("a call has other fields than id, type, function")
            continue
        if not isinstance(call["id"], str) or not call["id"]:
            found.append("a call has no id")
        if set(call["function"]) != {"name", "arguments"}:
            found.append("a call has other fields than name and arguments")
        if not _is_legal(call["function"].get("name")):
            found.append(f"illegal name {call['function'].get('name')!r} in a call")
        try:
            arguments = json.loads(call["function"].get("arguments"))
        except (TypeError, ValueError):
            arguments = None
        if not isinstance(arguments, dict):
            found.append("arguments are not a JSON object")
    return found


def _order(messages: list[Any]) -> list[str]:
    """One system message, first; calls answered at once, once, and in their order."""
    found = []
    open_ids: list[str] = []
    previous = ""
    for number, message in enumerate(messages):
        role = message.get("role")
        if role == "system" and number:
            found.append(f"messages.{number}: a system message that is not the first")
        if role == "tool":
            if not open_ids or message.get("tool_call_id") != open_ids[0]:
                found.append(f"messages.{number}: a stray tool message")
            open_ids = open_ids[1:]
        elif open_ids:
            found.append(f"messages.{number}: calls before it are not answered")
            open_ids = []
        if role == previous and role in ("user", "assistant"):
            found.append(f"messages.{number}: a second {role} message in a row")
        if role == "assistant":
            open_ids = [call.get("id") for call in message.get("tool_calls") or ()]
        previous = role
    if open_ids:
        found.append("the last calls are not answered")
    return found
