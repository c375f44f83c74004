"""What a server's own tools left in a conversation, as short text.

Only the API that ran such a tool can take its blocks back. Another model gets to see
what a reader would: name, query, titles, addresses, plain output; nothing sealed.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping

from aiproxy.protocol import json_codec, shapes

# Output of code and shells, and the words of a text block.
_PLAIN = ("text", "stdout", "stderr", "error_code", "error_message")
_Rename = Callable[[str], str]
_NESTED = ("content", "tool_references", "source")


def is_server_block(kind: str) -> bool:
    """`server_tool_use`, `mcp_tool_use`, `web_search_tool_result` and the like."""
    return kind.endswith(("_tool_use", "_tool_result"))


def text_of(block: Mapping[str, Any], upstream_name: _Rename = str) -> str:
    """The block as text in square brackets.

    `upstream_name` is a client's tool name as the upstream knows it: a tool that was
    loaded must be called by that.
    """
    kind = shapes.type_of(block)
    if kind.endswith("_tool_use"):
        return _use(block)
    lines: list[str] = []
    _collect(_renamed(block.get("content"), upstream_name), lines)
    name = kind[: -len("_tool_result")]
    failed = " failed" if block.get("is_error") is True else ""
    output = "\n".join(lines) or "(no output)"
    return f"[{name}{failed}]\n{output}"


def _renamed(value: Any, upstream_name: _Rename) -> Any:
    if isinstance(value, list):
        return [_renamed(item, upstream_name) for item in value]
    if not isinstance(value, dict):
        return value
    renamed = dict(value)
    if isinstance(value.get("tool_name"), str):
        renamed["tool_name"] = upstream_name(value["tool_name"])
    for field in _NESTED:
        if field in value:
            renamed[field] = _renamed(value[field], upstream_name)
    return renamed


def _use(block: Mapping[str, Any]) -> str:
    names = [block.get("server_name"), block.get("name")]
    name = " ".join(part for part in names if isinstance(part, str)) or "a tool"
    given = block.get("input")
    if isinstance(given, dict):
        for field in ("query", "url"):
            if isinstance(given.get(field), str):
                return f"[used {name}: {given[field]}]"
    if given:
        return f"[used {name}: {json_codec.encode_text(given)}]"
    return f"[used {name}]"


def _collect(value: Any, lines: list[str]) -> None:
    if isinstance(value, str):
        _add(lines, value)
    elif isinstance(value, list):
        for item in value:
            _collect(item, lines)
    elif isinstance(value, dict):
        _collect_object(value, lines)


def _collect_object(value: dict[str, Any], lines: list[str]) -> None:
    name = value.get("tool_name")
    if isinstance(name, str):
        _add(lines, f"Loaded: {name}")
    address = [value.get("title"), value.get("url")]
    _add(lines, ": ".join(part for part in address if isinstance(part, str) and part))
    for field in _PLAIN:
        if isinstance(value.get(field), str):
            _add(lines, value[field])
    # The data of a source is text only where it says so; else it is base64.
    if value.get("type") == "text" and isinstance(value.get("data"), str):
        _add(lines, value["data"])
    if value.get("return_code"):
        _add(lines, f"exit code {value['return_code']}")
    for field in _NESTED:
        if isinstance(value.get(field), (str, list, dict)):
            _collect(value[field], lines)


def _add(lines: list[str], text: str) -> None:
    if text.strip():
        lines.append(text)
