"""The `openai` package's own types judge every request, for every kind of provider.

Nothing that they do not know may be sent, at any depth, but what the table of dialects
says of that provider: such fields are put aside by name, each in its one place.
"""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from aiproxy.protocol import dialects, json_codec, reasoning
from aiproxy.protocol.dialects import Dialect
from aiproxy.protocol.target import Target
from aiproxy.protocol.to_chat import build_chat_request
from tests.protocol import golden_requests

params = pytest.importorskip("openai.types.chat.completion_create_params")
pydantic = pytest.importorskip("pydantic")

MODELS = (
    "some-model",
    "anthropic/claude-opus-4.5",
    "gemini-3-pro",
    "gpt-5.2",
    "grok-4.3",
    "deepseek-ai/DeepSeek-V3.2",
    "moonshotai/kimi-k2.6",
    "kimi-k3",
    "hf:zai-org/GLM-4.7",
    "magistral-medium-latest",
)
# Thoughts that come back as they came, and empty ones where they are demanded.
THOUGHTS = {"reasoning_content", "reasoning", "reasoning_details"}


class Streamed(params.CompletionCreateParamsStreaming):
    """With `extra` forbidden here it is forbidden in all that is inside, too."""

    __pydantic_config__ = pydantic.ConfigDict(extra="forbid")


class Whole(params.CompletionCreateParamsNonStreaming):
    __pydantic_config__ = pydantic.ConfigDict(extra="forbid")


ADAPTERS = {True: pydantic.TypeAdapter(Streamed), False: pydantic.TypeAdapter(Whole)}


def judge(body: dict[str, Any]) -> None:
    """Raises ValidationError for any field or value that the SDK has no type for."""
    _exhaust(ADAPTERS[body.get("stream") is True].validate_python(body))


def _exhaust(value: Any) -> None:
    """An `Iterable` is checked only while it is read."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (Iterator, list)):
        for item in value:
            _exhaust(item)


def without_extras(body: dict[str, Any], row: Dialect, family: str) -> dict[str, Any]:
    """The body less what this dialect is known to take beyond OpenAI's own."""
    left = {
        key: value for key, value in body.items() if key not in _fields(row, family)
    }
    left["messages"] = [_message(message, row, family) for message in body["messages"]]
    tools = [
        tool for tool in body.get("tools", ()) if tool["type"] != row.web_search_tool
    ]
    left.pop("tools", None)
    return {**left, "tools": tools} if tools else left


def _fields(row: Dialect, family: str) -> set[str]:
    fields = {row.conversation_field} - {""}
    if row.takes_top_k:
        fields.add("top_k")
    if row.thinking == "openrouter":
        fields.add("reasoning")
    if row.takes_thinking_off or family == "kimi":
        fields.add("thinking")
    return fields


def _message(message: dict[str, Any], row: Dialect, family: str) -> dict[str, Any]:
    left = dict(message)
    if message["role"] == "assistant":
        extras = THOUGHTS if row.takes_reasoning_history else set()
        for name in extras | ({"prefix"} if row.strict_turns else set()):
            left.pop(name, None)
        if row.needs_call_signature and "tool_calls" in left:
            left["tool_calls"] = [
                {key: value for key, value in call.items() if key != "extra_content"}
                for call in left["tool_calls"]
            ]
    marks = row.name == "openrouter" and family == "claude"
    if marks and isinstance(left.get("content"), list):
        left["content"] = [
            {key: value for key, value in part.items() if key != "cache_control"}
            for part in left["content"]
        ]
    return left


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", dialects.NAMES)
@pytest.mark.parametrize("case", golden_requests.CASES)
def test_the_openai_sdk_has_a_type_for_each_request(case, dialect, model):
    sent = golden_requests.sent_of(case, dialect, model)
    row = sent.target.dialect

    judge(without_extras(sent.body, row, sent.target.family))


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "<think>"])
@pytest.mark.parametrize("dialect", dialects.NAMES)
def test_thoughts_that_come_back_are_the_only_extra_of_a_message(dialect, field):
    to = Target.of(endpoint="https://llm.example/v1", model="m", dialect=dialect)
    seal = reasoning.pack(to.reasoning_key, (field,))
    history = [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": seal},
                {"type": "text", "text": "Hello."},
            ],
        },
        {"role": "user", "content": "go on"},
    ]
    request = {"max_tokens": 10, "messages": history}
    body = build_chat_request(request, to).body

    if field == "reasoning":
        returned = body["messages"][1].get("reasoning")
        assert returned == ("Hm." if to.dialect.takes_reasoning_history else None)
    judge(without_extras(body, to.dialect, to.family))


@pytest.mark.parametrize(
    ("place", "extra"),
    [
        ((), {"top_k": 5}),
        ((), {"thinking": {"type": "disabled"}}),
        (("messages", 0), {"cache_control": {"type": "ephemeral"}}),
        (("messages", 1), {"reasoning_content": ""}),
        (("messages", 1), {"prefix": True}),
        (("messages", 1, "tool_calls", 0), {"extra_content": {}}),
        (("tools", 0), {"defer_loading": True}),
        (("tools", 0, "function"), {"input_schema": {}}),
        (("stream_options",), {"odd": 1}),
    ],
)
def test_the_judge_sees_a_field_that_openai_does_not_know(place, extra):
    body = json_codec.decode(json_codec.encode(GOOD))
    inner: Any = body
    for step in place:
        inner = inner[step]
    judge(body)
    inner.update(extra)

    with pytest.raises(pydantic.ValidationError):
        judge(body)


GOOD = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "Bash", "arguments": "{}"},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    ],
    "tools": [{"type": "function", "function": {"name": "Bash", "parameters": {}}}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
