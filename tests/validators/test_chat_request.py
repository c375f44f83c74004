"""The judge of Chat Completions requests finds what it is there to find."""

from __future__ import annotations

import copy
from typing import Any, Callable

import pytest

from tests.validators.chat_request import problems

GOOD: dict[str, Any] = {
    "model": "m",
    "max_tokens": 5,
    "temperature": 0,
    "stop": ["x"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "reasoning_effort": "low",
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {}},
    },
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "d",
                "parameters": {"type": "object", "properties": {}},
            },
        },
        {"type": "openrouter:web_search"},
    ],
    "messages": [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://a.example"}},
                {"type": "file", "file": {"filename": "f", "file_data": "d"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "",
            "tool_calls": [
                {
                    "id": name,
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                }
                for name in "ab"
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [{"type": "text", "text": "2"}],
        },
        {"role": "user", "content": "more"},
        {"role": "assistant", "content": "done", "prefix": True},
    ],
}


def test_a_good_request_has_no_problems() -> None:
    assert problems(GOOD) == []


def _set(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, last, value = path

    def change(body: dict[str, Any]) -> None:
        place: Any = body
        for step in way:
            place = place[step]
        place[last] = value

    return change


def _drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    *way, last = path

    def change(body: dict[str, Any]) -> None:
        place: Any = body
        for step in way:
            place = place[step]
        del place[last]

    return change


WRONG = {
    "no model": _set("model", ""),
    "an unknown field": _set("of_next_month", 1),
    "a null": _set("temperature", None),
    "two limits": _set("max_completion_tokens", 5),
    "no limit": _set("max_tokens", 0),
    "a sampling text": _set("top_p", "1"),
    "five stops": _set("stop", list("abcde")),
    "a blank stop": _set("stop", [" "]),
    "an empty stop": _set("stop", []),
    "stream false": _set("stream", False),
    "no stream options": _drop("stream_options"),
    "stream options alone": _drop("stream"),
    "no effort": _set("reasoning_effort", "boundless"),
    "two ways to think": _set("reasoning", {"effort": "low"}),
    "strict": _set("response_format", "json_schema", "strict", 1),
    "a format without a name": _drop("response_format", "json_schema", "name"),
    "another format": _set("response_format", "text"),
    "no tools": _set("tools", []),
    "choice without tools": _drop("tools"),
    "an unknown choice": _set("tool_choice", "any"),
    "a choice of nobody": _set("tool_choice", "function", "name", "g"),
    "a tool's unknown field": _set("tools", 0, "cache_control", {}),
    "a function's unknown field": _set("tools", 0, "function", "strict", True),
    "an illegal name": _set("tools", 0, "function", "name", "a.b"),
    "a name twice": lambda body: body["tools"].append(body["tools"][0]),
    "parameters without type": _set("tools", 0, "function", "parameters", {}),
    "a description of no text": _set("tools", 0, "function", "description", 5),
    "messages of nothing": _set("messages", []),
    "an unknown role": _set("messages", 1, "role", "function"),
    "a second system message": _set("messages", 5, {"role": "system", "content": "x"}),
    "a message's unknown field": _set("messages", 1, "name", "x"),
    "blank content": _set("messages", 5, "content", " "),
    "no content": _set("messages", 5, "content", None),
    "empty parts": _set("messages", 5, "content", []),
    "blank text": _set("messages", 1, "content", 0, "text", ""),
    "an odd mark": _set("messages", 1, "content", 0, "cache_control", {"scope": 1}),
    "an unknown part": _set("messages", 1, "content", 0, {"type": "image"}),
    "a part of no type": _set("messages", 1, "content", 0, {}),
    "a picture without address": _set("messages", 1, "content", 1, "image_url", {}),
    "a file without a name": _drop("messages", 1, "content", 2, "file", "filename"),
    "a picture of a tool": _set("messages", 4, "content", [{"type": "image_url"}]),
    "no tool_call_id": _drop("messages", 3, "tool_call_id"),
    "a stray tool message": _set("messages", 3, "tool_call_id", "c"),
    "results in another order": lambda body: body["messages"].insert(
        3, body["messages"].pop(4)
    ),
    "an unanswered call": _drop("messages", 4),
    "an answer between": lambda body: body["messages"].insert(
        4, {"role": "user", "content": "x"}
    ),
    "unanswered at the end": lambda body: body["messages"].append(body["messages"][2]),
    "two users in a row": lambda body: body["messages"].insert(
        5, {"role": "user", "content": "x"}
    ),
    "equal ids": _set("messages", 2, "tool_calls", 1, "id", "a"),
    "an empty id": _set("messages", 2, "tool_calls", 0, "id", ""),
    "no calls": _set("messages", 2, "tool_calls", []),
    "a call's unknown field": _set("messages", 2, "tool_calls", 0, "index", 0),
    "an illegal name in a call": _set(
        "messages", 2, "tool_calls", 0, "function", "name", "a b"
    ),
    "arguments of a list": _set(
        "messages", 2, "tool_calls", 0, "function", "arguments", "[]"
    ),
    "arguments of an object": _set(
        "messages", 2, "tool_calls", 0, "function", "arguments", {}
    ),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_each_fault_is_found(change: Callable[[dict[str, Any]], None]) -> None:
    body = copy.deepcopy(GOOD)
    change(body)

    assert problems(body) != []


def test_what_is_no_request_at_all_is_found() -> None:
    assert problems([]) == ["the body is not an object"]
