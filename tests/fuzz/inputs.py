"""Turns a fuzzer's bytes into what clients and providers might send.

Half of the effort goes into shapes that nearly fit: a fuzzer that only flips bytes of
JSON finds parsers' errors and little else.
"""

from __future__ import annotations

import json
from typing import Any, Sequence


class Source:
    """A fuzzer's bytes, spent as choices; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_spent(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        value = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return value

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.byte() % len(options)]

    def few(self, most: int) -> range:
        return range(self.byte() % (most + 1))

    def rest(self) -> bytes:
        rest, self._at = self._data[self._at :], len(self._data)
        return rest

    def text(self) -> str:
        length = self.byte() % 24
        raw = bytes(self.byte() for _ in range(length))
        return raw.decode("utf-8", "surrogateescape" if length % 7 == 0 else "replace")


ODD = (None, True, 0, -1, 1.5, "", " ", [], {}, [None], "x" * 70, "\ud800", 1 << 70)
WORDS = ("hello", "<think>", "</think>", "STOP", "ST", "a\u2028b", "\U0001f600", "\n\n")
NAMES = ("Bash", "mcp__a.b__c", "x" * 90, "web_search", "Bash ", "日本", "a/b")
IDS = ("call_0", "toolu_1", "functions.Bash:0", "a" * 60, "", "é", "call_0")
ARGUMENTS = (
    '{"a": 1}',
    '{"a": "b',
    '", "c": [1, 2',
    "]}",
    "{",
    "}",
    "{}",
    "'a': None,",
    "```json\n",
    '{"a": 1}{"a": 1}',
    "\\u00",
    "e9",
    "NaN",
    "tru",
    "e",
    "[",
    "null",
    "  ",
    "1e",
    ",",
)
BLOCK_TYPES = (
    "text",
    "image",
    "document",
    "tool_use",
    "tool_result",
    "thinking",
    "redacted_thinking",
    "server_tool_use",
    "web_search_tool_result",
    "search_result",
    "tool_reference",
    "tool_addition",
    "container_upload",
    "of_next_month",
)


def _odd_or(source: Source, value: Any) -> Any:
    return source.pick(ODD) if source.byte() % 12 == 11 else value


def block(source: Source, depth: int = 0) -> Any:
    kind = source.pick(BLOCK_TYPES)
    made: dict[str, Any] = {
        "type": kind,
        "text": _odd_or(source, source.pick(WORDS)),
        "cache_control": {"type": "ephemeral"},
        "id": _odd_or(source, source.pick(IDS)),
        "tool_use_id": _odd_or(source, source.pick(IDS)),
        "name": _odd_or(source, source.pick(NAMES)),
        "tool_name": source.pick(NAMES),
        "input": _odd_or(source, {"a": source.pick(WORDS)}),
        "thinking": _odd_or(source, source.pick(WORDS)),
        "signature": _odd_or(source, source.pick(("", "c2ln", "aip1.eJw", "aip1."))),
        "data": _odd_or(source, source.pick(("aip1.x", "b3BhcXVl"))),
        "is_error": source.pick((None, True, False, "yes")),
        "title": source.pick((None, "T", 3)),
        "source": _odd_or(
            source,
            {
                "type": source.pick(("base64", "url", "text", "content", "file", 1)),
                "media_type": source.pick(("image/png", "application/pdf", None)),
                "data": source.pick(("iVBORw0KGgo=", "JVBERi0=", "", 5)),
                "url": "https://a.example/b",
                "content": source.pick(("x", [{"type": "text", "text": "y"}], None)),
                "file_id": "file_1",
            },
        ),
        "tool": {"type": "tool_reference", "tool_name": source.pick(NAMES)},
    }
    if depth < 2 and source.byte() % 2:
        made["content"] = content(source, depth + 1)
    for name in list(made):
        if name != "type" and source.byte() % 3 == 0:
            del made[name]
    return _odd_or(source, made)


def content(source: Source, depth: int = 0) -> Any:
    if source.byte() % 3 == 0:
        return _odd_or(source, source.pick(WORDS))
    return [block(source, depth) for _ in source.few(3)]


def tool(source: Source) -> Any:
    made: dict[str, Any] = {
        "name": source.pick(NAMES),
        "description": _odd_or(source, "words"),
        "input_schema": _odd_or(
            source,
            {
                "type": source.pick(("object", None, "string", ["object", "null"])),
                "properties": _odd_or(source, {"a": {"const": 1}, "b": {"$ref": "#"}}),
                "anyOf": [{"type": ["string", "null"]}, source.pick(ODD)],
                "$schema": "x",
            },
        ),
        "defer_loading": source.pick((None, True)),
    }
    if source.byte() % 4 == 0:
        made["type"] = source.pick(
            (
                "bash_20250124",
                "web_search_20250305",
                "text_editor_20250728",
                "custom",
                1,
            )
        )
    return _odd_or(source, made)


def request(source: Source) -> dict[str, Any]:
    """A Messages request that may be right, and often nearly is."""
    roles = ("user", "assistant", "user", "assistant", "system", "tool")
    made: dict[str, Any] = {
        "model": _odd_or(source, "claude-opus-5-5"),
        "max_tokens": _odd_or(source, 100),
        "messages": [
            _odd_or(source, {"role": source.pick(roles), "content": content(source)})
            for _ in source.few(6)
        ]
        or [{"role": "user", "content": "x"}],
        "system": source.pick(
            (None, "be brief", [], [{"type": "text", "text": "s"}], 3)
        ),
        "tools": _odd_or(source, [tool(source) for _ in source.few(3)]),
        "tool_choice": source.pick(
            (
                None,
                {"type": "auto"},
                {"type": "tool", "name": "Bash"},
                {"type": 1},
                "any",
            )
        ),
        "thinking": source.pick(
            (None, {"type": "enabled", "budget_tokens": 5000}, {"type": "adaptive"}, 1)
        ),
        "output_config": source.pick((None, {"effort": "max"}, {"effort": 3}, [])),
        "stop_sequences": source.pick(
            (None, ["STOP"], ["", 1, "a", "b", "c", "d"], "x")
        ),
        "metadata": source.pick((None, {"user_id": '{"session_id": "s"}'}, 3)),
        "stream": source.pick((True, False, None, 1)),
    }
    return made


def _call(source: Source) -> Any:
    made: dict[str, Any] = {
        "index": _odd_or(source, source.byte() % 3),
        "id": _odd_or(source, source.pick((None, *IDS))),
        "type": "function",
        "function": _odd_or(
            source,
            {
                "name": _odd_or(source, source.pick((None, "", *NAMES))),
                "arguments": _odd_or(source, source.pick(ARGUMENTS)),
            },
        ),
        "extra_content": source.pick((None, {"google": {"thought_signature": "s"}})),
    }
    for name in ("index", "id", "extra_content"):
        if source.byte() % 3 == 0:
            del made[name]
    return _odd_or(source, made)


def chunk(source: Source) -> Any:
    delta: dict[str, Any] = {}
    if source.byte() % 2:
        delta["content"] = _odd_or(source, source.pick(WORDS))
    if source.byte() % 4 == 0:
        name = source.pick(("reasoning_content", "reasoning", "thinking"))
        delta[name] = _odd_or(source, source.pick(WORDS))
    if source.byte() % 6 == 0:
        delta["reasoning_details"] = [
            {
                "type": source.pick(("reasoning.text", "reasoning.encrypted", 1)),
                "text": source.pick(WORDS),
                "data": source.pick((None, "opaque")),
                "index": source.byte() % 2,
            }
        ]
    if source.byte() % 2:
        delta["tool_calls"] = _odd_or(source, [_call(source) for _ in source.few(2)])
    if source.byte() % 16 == 0:
        delta["function_call"] = {"name": "Bash", "arguments": source.pick(ARGUMENTS)}
    finish = (None, None, None, "stop", "tool_calls", "length", "", "error", 5)
    made: dict[str, Any] = {
        "choices": _odd_or(
            source,
            [
                {
                    "index": source.pick((0, 0, 0, 1)),
                    source.pick(("delta", "delta", "message")): _odd_or(source, delta),
                    "finish_reason": source.pick(finish),
                }
            ],
        )
    }
    if source.byte() % 6 == 0:
        made["usage"] = _odd_or(
            source,
            {"prompt_tokens": source.pick((5, -1, None)), "completion_tokens": 3},
        )
    if source.byte() % 24 == 0:
        made["error"] = _odd_or(source, {"message": "overloaded", "code": 529})
    return _odd_or(source, made)


def stream(source: Source) -> bytes:
    """A Chat Completions stream as a provider in a bad mood might write it."""
    out = bytearray()
    while not source.is_spent and len(out) < 20_000:
        form = source.byte() % 16
        if form == 0:
            out += b": a comment\n\n"
        elif form == 1:
            out += source.text().encode("utf-8", "surrogateescape")
        elif form == 2:
            out += b"data: [DONE]" + source.pick((b"\n\n", b"\r\n\r\n", b""))
        else:
            end = source.pick((b"\n\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\n"))
            out += b"data: " + json.dumps(chunk(source)).encode() + end
    return bytes(out)
