"""What a provider is asked for what a client asked."""

from __future__ import annotations

from typing import Any

from tests.wire.says import (
    ADAPTIVE,
    CALLED,
    FORMAT,
    ID,
    PICTURE,
    STREAM,
    TOOLS,
    result,
    talk,
    text,
    turn,
    used,
)

# What the client asks of a provider, and what stands where in what the provider gets.
# None: nothing stands there.
REQUESTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a Claude name is the default model": ("generic", {}, {"model": "up-model"}),
    "other names go as typed, without a variant": (
        "generic",
        {"model": "grok-4[1m]"},
        {"model": "grok-4"},
    ),
    "an exact name of the map comes first": ("mapped", {}, {"model": "exact"}),
    "a wildcard of the map": ("mapped", {"model": "gpt-4o"}, {"model": "wild"}),
    "a tier is told by its word": (
        "mapped",
        {"model": "claude-haiku-4-5-20251001"},
        {"model": "small"},
    ),
    "fable is a kind of opus": (
        "mapped",
        {"model": "claude-fable-5-2[1m]"},
        {"model": "large"},
    ),
    "max_tokens is capped": (
        "capped",
        {"max_tokens": 128000},
        {"max_tokens": 8192},
    ),
    "gpt-5 at OpenAI takes the long name, and no sampling": (
        "openai",
        {"model": "gpt-5.1", "temperature": 1, "stop_sequences": ["X"]},
        {
            "max_completion_tokens": 32000,
            "max_tokens": None,
            "temperature": None,
            "stop": None,
        },
    ),
    "a temperature of zero is sent": (
        "generic",
        {"temperature": 0},
        {"temperature": 0},
    ),
    "top_k is OpenRouter's": ("router", {"model": "a/b", "top_k": 5}, {"top_k": 5}),
    "top_k is not everybody's": ("generic", {"top_k": 5}, {"top_k": None}),
    "blank stop sequences go": (
        "generic",
        {"stop_sequences": ["", " ", "A", "B", "C", "D", "E"]},
        {"stop": ["A", "B", "C", "D"]},
    ),
    "extra_body comes last, and its null takes away": (
        "extra",
        {"temperature": 1},
        {"temperature": 0.2, "seed": 7, "max_tokens": None},
    ),
    "fields of Anthropic alone stay here": (
        "generic",
        {
            "metadata": {"user_id": "u"},
            "context_management": {"edits": []},
            "safeguards": [],
            "service_tier": "auto",
            "a_field_of_tomorrow": 1,
        },
        {
            "metadata": None,
            "context_management": None,
            "safeguards": None,
            "service_tier": None,
            "a_field_of_tomorrow": None,
        },
    ),
    "a format is not made strict": (
        "generic",
        {"output_config": {"format": FORMAT}},
        {
            "response_format.type": "json_schema",
            "response_format.json_schema.schema": {"type": "object"},
            "response_format.json_schema.strict": None,
        },
    ),
    "a stream asks for its usage": (
        "generic",
        STREAM,
        {"stream": True, "stream_options": {"include_usage": True}},
    ),
    "max is the highest level there is": (
        "generic",
        ADAPTIVE,
        {"reasoning_effort": "high"},
    ),
    "OpenRouter's effort is in an object": (
        "router",
        {"model": "a/b", **ADAPTIVE},
        {"reasoning": {"effort": "xhigh"}, "reasoning_effort": None},
    ),
    "DeepSeek thinks at two levels": (
        "deepseek",
        ADAPTIVE,
        {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
    ),
    "a budget decides over any effort": (
        "generic",
        {**ADAPTIVE, "thinking": {"type": "enabled", "budget_tokens": 4095}},
        {"reasoning_effort": "low"},
    ),
    "disabled is disabled, whatever the effort": (
        "moonshot",
        {**ADAPTIVE, "model": "kimi-k2.6", "thinking": {"type": "disabled"}},
        {"thinking": {"type": "disabled"}, "reasoning_effort": None},
    ),
    "system blocks join, the billing line goes": (
        "generic",
        {"system": [text("x-anthropic-billing-header: a=b;"), text("A"), text("B")]},
        {"messages.0": {"role": "system", "content": "A\n\nB"}},
    ),
    "a system turn is a reminder in its place": (
        "generic",
        talk({"role": "system", "content": "Mind."}),
        {
            "messages.0.content": (
                "hi\n\n<system-reminder>\nMind.\n</system-reminder>"
            ),
            "messages.1": None,
        },
    ),
    "calls and results pair by id": (
        "generic",
        {**TOOLS, **talk(CALLED, turn(text("and"), result(ID, "a\nb")))},
        {
            "messages.1.content": "Let me look.",
            "messages.1.tool_calls.0.id": ID,
            "messages.1.tool_calls.0.function.arguments": '{"command":"ls"}',
            "messages.2": {"role": "tool", "tool_call_id": ID, "content": "a\nb"},
            "messages.3.content": "and",
        },
    ),
    "an error and nothing to show are said": (
        "generic",
        {**TOOLS, **talk(CALLED, turn(result(ID, [], is_error=True)))},
        {"messages.2.content": "Error: (no output)"},
    ),
    "a picture of a tool follows the results": (
        "generic",
        {**TOOLS, **talk(CALLED, turn(result(ID, [PICTURE])))},
        {
            "messages.2.role": "tool",
            "messages.3.role": "user",
            "messages.3.content.1.image_url.url": "data:image/png;base64,QUJD",
        },
    ),
    "a loaded tool is named, offered, and no longer deferred": (
        "generic",
        {
            "tools": [
                {"name": "ToolSearch", "input_schema": {}},
                {"name": "Fetch", "input_schema": {}, "defer_loading": True},
                {"name": "Other", "input_schema": {}, "defer_loading": True},
            ],
            **talk(
                turn(used(ID, "ToolSearch"), role="assistant"),
                turn(result(ID, [{"type": "tool_reference", "tool_name": "Fetch"}])),
            ),
        },
        {
            "messages.2.content": "Loaded: Fetch",
            "tools.1.function.name": "Fetch",
            "tools.1.defer_loading": None,
            "tools.2": None,
        },
    ),
    "thoughts of another maker stay here": (
        "generic",
        talk(
            turn(
                {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
                text("yes"),
                role="assistant",
            ),
            turn(text("go on")),
        ),
        {"messages.1": {"role": "assistant", "content": "yes"}},
    ),
    "Mistral wants nine characters, and a word between": (
        "mistral",
        {**TOOLS, **talk(CALLED, turn(result(ID, "x"), text("more")))},
        {"messages.3.role": "assistant", "messages.4.content": "more"},
    ),
    "Gemini's calls of others skip its check": (
        "gemini",
        {**TOOLS, **talk(CALLED, turn(result(ID, "x")))},
        {
            "messages.1.tool_calls.0.extra_content.google.thought_signature": (
                "skip_thought_signature_validator"
            )
        },
    ),
    "Gemini's family gets plain schemas": (
        "generic",
        {"model": "google/gemini-3-pro", **TOOLS},
        {
            "tools.0.function.parameters": {
                "type": "object",
                "properties": {"command": {"type": "string"}},
                "required": ["command"],
            }
        },
    ),
    "any is required, and one at a time": (
        "generic",
        {**TOOLS, "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        {"tool_choice": "required", "parallel_tool_calls": False},
    ),
    "a server's tool is dropped, with its choice": (
        "generic",
        {
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "tool", "name": "web_search"},
        },
        {"tools": None, "tool_choice": None},
    ),
    "half a character is replaced": (
        "generic",
        {"messages": [{"role": "user", "content": "a\ud83d \U0001f600\u2028"}]},
        {"messages.0.content": "a\ufffd \U0001f600\u2028"},
    ),
}


REFUSED = {
    "no max_tokens": {"max_tokens": None},
    "max_tokens of zero": {"max_tokens": 0},
    "max_tokens as text": {"max_tokens": "5"},
    "no messages": {"messages": []},
    "messages as text": {"messages": "hi"},
    "an unknown role": {"messages": [{"role": "wizard", "content": "hi"}]},
    "a model that is a number": {"model": 5},
    "a stream that is a word": {"stream": "yes"},
    "a broken body": b'{"model": "x", ',
    "a body that is a list": b"[]",
}
