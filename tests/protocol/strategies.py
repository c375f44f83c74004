"""Hypothesis strategies for Messages requests: plain ones, rich ones and broken ones.

`requests()` makes what clients send, with all that goes wrong in their histories;
`broken_requests()` puts any JSON in any place. Both are made of the same pieces, so
what is found by one can be narrowed down with the other.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from aiproxy.protocol import dialects, reasoning
from aiproxy.protocol.target import Target
from tests.protocol.translating import PDF, PNG

MODELS = (
    "some-model",
    "gpt-4o",
    "gpt-5.2",
    "o3-mini",
    "grok-4.3",
    "deepseek-chat",
    "kimi-k2.6",
    "kimi-k3",
    "glm-4.6",
    "mistral-large-latest",
    "gemini-3-pro",
    "anthropic/claude-opus-4.5",
)
# Anything a JSON string may hold, lone surrogates too.
any_text = st.text(
    st.characters() | st.sampled_from('\u2028\u0085\ud83d😀\x00"\\'), max_size=20
)
visible_text = st.text(
    st.characters(codec="utf-8") | st.sampled_from('\u2028😀"\\'),
    min_size=1,
    max_size=20,
).filter(str.strip)
marks = st.sampled_from(
    [None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}]
)


def targets(names: tuple[str, ...] = dialects.NAMES) -> st.SearchStrategy[Target]:
    return st.builds(
        Target.of,
        endpoint=st.sampled_from(["https://llm.example/v1", "http://127.0.0.1:8080"]),
        model=st.sampled_from(MODELS),
        dialect=st.sampled_from(names),
        max_output_tokens=st.sampled_from([None, 8192]),
    )


def json_values(max_leaves: int = 6) -> st.SearchStrategy[Any]:
    """Any JSON value."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | any_text
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3)
        ),
        max_leaves=max_leaves,
    )


inputs = st.dictionaries(any_text, json_values(), max_size=3)
names = st.sampled_from(
    ["Bash", "Read", "WebFetch", "mcp__files__read", "a.b", "a:b", "t" * 80, "工具"]
)
tool_ids = st.sampled_from(
    [
        "toolu_01A",
        "toolu_01B",
        "toolu_01C",
        "call_0",
        "call.with/odd:chars",
        "functions.Bash:0",
        "i" * 50,
        "toolu_aipabcdef_call_5f0",
        "toolu_aipabcdef_functions_2eRead_3a1",
    ]
)


def _marked(block: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Any]:
    def put(block: dict[str, Any], mark: Any) -> dict[str, Any]:
        return {**block, "cache_control": mark} if mark else block

    return st.builds(put, block, marks)


text_blocks = _marked(
    st.builds(lambda words: {"type": "text", "text": words}, visible_text)
)
sources = st.sampled_from(
    [
        {"type": "base64", "media_type": "image/png", "data": PNG},
        {"type": "url", "url": "https://pictures.example/a.png"},
        {"type": "file", "file_id": "file_1"},
    ]
)
images = st.builds(lambda source: {"type": "image", "source": source}, sources)
documents = st.builds(
    lambda source, title: {"type": "document", "source": source, "title": title},
    st.sampled_from(
        [
            {"type": "base64", "media_type": "application/pdf", "data": PDF},
            {"type": "text", "media_type": "text/plain", "data": "plain"},
            {"type": "content", "content": [{"type": "text", "text": "inside"}]},
            {"type": "url", "url": "https://papers.example/a.pdf"},
        ]
    ),
    st.none() | visible_text,
)
references = st.builds(
    lambda name: {"type": "tool_reference", "tool_name": name}, names
)
# An envelope of ours, but for another provider.
foreign_thoughts = st.just(
    {
        "type": "thinking",
        "thinking": "ANOTHER'S THOUGHT",
        "signature": reasoning.pack("of another", ["reasoning"], [{"id": "SEALED"}]),
    }
)
odd_blocks = st.sampled_from(
    [
        {"type": "thinking", "thinking": "hm", "signature": "somebody else's"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "of_next_month", "text": "new"},
        {"type": "of_next_month", "payload": 1},
        {"type": "text", "text": ""},
        {"type": "search_result", "source": "s", "title": "t", "content": []},
        {"type": "container_upload", "file_id": "file_2"},
    ]
)
server_blocks = st.sampled_from(
    [
        {
            "type": "server_tool_use",
            "id": "srvtoolu_1",
            "name": "web_search",
            "input": {"query": "q"},
        },
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [
                {
                    "type": "web_search_result",
                    "title": "t",
                    "url": "https://found.example",
                    "encrypted_content": "SEALED",
                }
            ],
        },
    ]
)
result_contents = st.one_of(
    st.none(),
    any_text,
    st.lists(text_blocks | images | documents | references, max_size=3),
)


@st.composite
def tool_results(draw: st.DrawFn, tool_id: str) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": tool_id}
    content = draw(result_contents)
    if content is not None or draw(st.booleans()):
        block["content"] = content
    if draw(st.booleans()):
        block["is_error"] = draw(st.booleans())
    return block


@st.composite
def tool_uses(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": draw(tool_ids),
        "name": draw(names),
        "input": draw(inputs),
    }


@st.composite
def assistant_messages(draw: st.DrawFn, *, visible: bool = True) -> dict[str, Any]:
    """An answer; a visible one has text or calls, so that it cannot vanish."""
    others = odd_blocks | server_blocks | foreign_thoughts
    blocks = draw(st.lists(others, max_size=1))
    blocks += draw(st.lists(text_blocks, min_size=int(visible), max_size=2))
    blocks += draw(st.lists(tool_uses(), max_size=3))
    return {"role": "assistant", "content": blocks}


@st.composite
def user_messages(
    draw: st.DrawFn, calls: list[dict[str, Any]], *, whole: bool
) -> dict[str, Any]:
    """A user turn after some calls: results in any order, missing or twice."""
    if not calls and draw(st.booleans()):
        return {"role": "user", "content": draw(visible_text)}
    blocks = [draw(tool_results(call["id"])) for call in draw(st.permutations(calls))]
    if blocks and not whole:
        blocks = blocks[draw(st.integers(0, len(blocks))) :]
    if draw(st.booleans()):
        blocks.append(draw(tool_results("toolu_of_nobody")))
    extra = st.lists(text_blocks | images | documents | odd_blocks, max_size=2)
    blocks = draw(extra) + blocks + draw(extra) + [draw(text_blocks)]
    return {"role": "user", "content": blocks}


system_messages = st.builds(
    lambda content: {"role": "system", "content": content},
    visible_text | st.lists(text_blocks, max_size=2),
)


@st.composite
def conversations(
    draw: st.DrawFn, *, min_turns: int = 1, max_turns: int = 4
) -> list[list[dict[str, Any]]]:
    """Turns of messages: user (with system messages), then user after assistant."""
    turns: list[list[dict[str, Any]]] = []
    calls: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(min_turns, max_turns))):
        turn = [draw(assistant_messages())] if turns else []
        if turn:
            content = turn[0]["content"]
            calls = [block for block in content if block["type"] == "tool_use"]
        reminders = draw(st.lists(system_messages, max_size=1))
        turn += reminders
        if turns and reminders and reminders[0]["content"] and draw(st.booleans()):
            turns.append(turn)  # the model answers to a reminder alone
            continue
        turn.append(draw(user_messages(calls, whole=draw(st.booleans()))))
        turn += draw(st.lists(system_messages, max_size=1))
        turns.append(turn)
    return turns


@st.composite
def tools(draw: st.DrawFn) -> dict[str, Any]:
    tool: dict[str, Any] = {"name": draw(names)}
    if draw(st.booleans()):
        tool["description"] = draw(any_text)
    tool["input_schema"] = draw(schemas())
    if draw(st.booleans()):
        tool["defer_loading"] = draw(st.booleans())
    return _with_mark(tool, draw(marks))


def _with_mark(tool: dict[str, Any], mark: Any) -> dict[str, Any]:
    return {**tool, "cache_control": mark} if mark else tool


SERVER_TOOLS = (
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
    {"type": "code_execution_20250825", "name": "code_execution"},
    {"type": "bash_20250124", "name": "bash"},
    {"type": "mcp_toolset", "mcp_server_name": "x"},
)


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Schemas as tools have them, and as MCP servers write them."""
    leaves: st.SearchStrategy[Any] = st.sampled_from(
        [
            {"type": "string"},
            {"type": "integer", "exclusiveMinimum": 0, "maximum": 2**53},
            {"type": ["string", "null"], "format": "uri"},
            {"enum": ["a", 1, None]},
            {"const": True},
            {"$ref": "#/$defs/x"},
            {"$ref": "#"},
            {},
        ]
    )
    inner = st.recursive(
        leaves,
        lambda deeper: st.one_of(
            st.builds(lambda item: {"type": "array", "items": item}, deeper),
            st.builds(
                lambda found: {"type": "object", "properties": found},
                st.dictionaries(st.sampled_from("abc"), deeper, max_size=2),
            ),
            st.builds(
                lambda key, several: {key: several},
                st.sampled_from(["anyOf", "oneOf", "allOf"]),
                st.lists(deeper, max_size=2),
            ),
        ),
        max_leaves=5,
    )
    whole = st.builds(
        lambda properties, defs: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "$defs": {"x": defs},
            "additionalProperties": False,
        },
        st.dictionaries(st.sampled_from(["path", "$id", "n"]), inner, max_size=3),
        inner,
    )
    return whole | st.sampled_from([{}, {"type": "object"}])


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """Fields of a request beside messages, tools and system."""
    return draw(
        st.fixed_dictionaries(
            {
                "max_tokens": st.integers(1, 200_000),
                "model": st.just("claude-opus-5-5"),
            },
            optional={
                "temperature": st.sampled_from([0, 0.5, 1]),
                "top_p": st.sampled_from([0, 0.9]),
                "top_k": st.integers(1, 50),
                "stop_sequences": st.lists(any_text, max_size=6),
                "stream": st.booleans(),
                "thinking": st.sampled_from(
                    [
                        {"type": "disabled"},
                        {"type": "adaptive", "display": "updates"},
                        {"type": "enabled", "budget_tokens": 10_000},
                    ]
                ),
                "output_config": st.sampled_from(
                    [
                        {"effort": "low"},
                        {"effort": "max"},
                        {"format": {"type": "json_schema", "schema": {}}},
                    ]
                ),
                "tool_choice": st.sampled_from(
                    [
                        {"type": "auto", "disable_parallel_tool_use": True},
                        {"type": "any"},
                        {"type": "none"},
                        {"type": "tool", "name": "Bash"},
                    ]
                ),
                "metadata": st.just(
                    {
                        "user_id": json.dumps(
                            {"device_id": "SECRET-DEVICE", "session_id": "S-1"}
                        )
                    }
                ),
                "service_tier": st.just("auto"),
                "of_next_month": json_values(),
            },
        )
    )


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request as a client might send it, at its worst."""
    request = draw(options())
    turns = draw(conversations())
    request["messages"] = [message for turn in turns for message in turn]
    if draw(st.booleans()):
        request["system"] = draw(any_text | st.lists(text_blocks, max_size=3))
    if draw(st.booleans()):
        request["tools"] = draw(
            st.lists(tools() | st.sampled_from(SERVER_TOOLS), max_size=4)
        )
    return request


@st.composite
def broken_requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request in which some places hold something else."""
    request = copy.deepcopy(draw(requests()))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(request))
        holder, key = draw(st.sampled_from(places))
        if draw(st.booleans()):
            holder[key] = draw(json_values())
        elif isinstance(holder, dict):
            del holder[key]
    return request


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)
