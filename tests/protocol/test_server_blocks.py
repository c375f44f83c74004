"""What a server's tools left behind, as a reader would see it."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.protocol import server_blocks

BLOCKS: dict[str, tuple[dict[str, Any], str]] = {
    "a search": (
        {
            "type": "server_tool_use",
            "id": "srvtoolu_1",
            "name": "web_search",
            "input": {"query": "bees"},
        },
        "[used web_search: bees]",
    ),
    "a fetch": (
        {"type": "server_tool_use", "name": "web_fetch", "input": {"url": "https://a"}},
        "[used web_fetch: https://a]",
    ),
    "code": (
        {"type": "server_tool_use", "name": "code_execution", "input": {"code": "1"}},
        '[used code_execution: {"code":"1"}]',
    ),
    "an mcp call": (
        {"type": "mcp_tool_use", "server_name": "files", "name": "read", "input": {}},
        "[used files read]",
    ),
    "nothing at all": ({"type": "server_tool_use"}, "[used a tool]"),
    "search results": (
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [
                {
                    "type": "web_search_result",
                    "title": "Bees",
                    "url": "https://bees.example",
                    "encrypted_content": "SEALED",
                    "page_age": None,
                },
                {"type": "web_search_result", "url": "https://more.example"},
            ],
        },
        "[web_search]\nBees: https://bees.example\nhttps://more.example",
    ),
    "a search for tools that failed": (
        {
            "type": "tool_search_tool_result",
            "content": {
                "type": "tool_search_tool_result_error",
                "error_code": "invalid_pattern",
                "error_message": "unbalanced (",
            },
        },
        "[tool_search]\ninvalid_pattern\nunbalanced (",
    ),
    "a search that failed": (
        {
            "type": "web_search_tool_result",
            "content": {
                "type": "web_search_tool_result_error",
                "error_code": "max_uses_exceeded",
            },
        },
        "[web_search]\nmax_uses_exceeded",
    ),
    "a page": (
        {
            "type": "web_fetch_tool_result",
            "content": {
                "type": "web_fetch_result",
                "url": "https://a.example",
                "content": {
                    "type": "document",
                    "title": "A",
                    "source": {"type": "text", "data": "the page"},
                },
            },
        },
        "[web_fetch]\nhttps://a.example\nA\nthe page",
    ),
    "a page as pdf": (
        {
            "type": "web_fetch_tool_result",
            "content": {
                "url": "https://a.example",
                "content": {"source": {"type": "base64", "data": "SEALED"}},
            },
        },
        "[web_fetch]\nhttps://a.example",
    ),
    "a shell": (
        {
            "type": "bash_code_execution_tool_result",
            "content": {
                "type": "bash_code_execution_result",
                "stdout": "out",
                "stderr": "err",
                "return_code": 2,
                "encrypted_stdout": "SEALED",
            },
        },
        "[bash_code_execution]\nout\nerr\nexit code 2",
    ),
    "found tools": (
        {
            "type": "tool_search_tool_result",
            "content": {
                "type": "tool_search_tool_search_result",
                "tool_references": [{"type": "tool_reference", "tool_name": "Weather"}],
            },
        },
        "[tool_search]\nLoaded: Weather",
    ),
    "an mcp answer": (
        {
            "type": "mcp_tool_result",
            "is_error": True,
            "content": [{"type": "text", "text": "no such file"}],
        },
        "[mcp failed]\nno such file",
    ),
    "an empty answer": (
        {"type": "web_search_tool_result", "content": []},
        "[web_search]\n(no output)",
    ),
    "an odd answer": (
        {"type": "x_tool_result", "content": [None, 5, {"text": 5, "title": ["t"]}]},
        "[x]\n(no output)",
    ),
}


@pytest.mark.parametrize(("block", "text"), BLOCKS.values(), ids=BLOCKS)
def test_blocks_become_short_text(block: dict[str, Any], text: str) -> None:
    assert server_blocks.is_server_block(block["type"])
    assert server_blocks.text_of(block) == text


def test_a_loaded_tool_has_the_name_by_which_the_model_may_call_it() -> None:
    block, _ = BLOCKS["found tools"]
    short = {"Weather": "weather_0a1b2c3d"}

    assert server_blocks.text_of(block, short.__getitem__) == (
        "[tool_search]\nLoaded: weather_0a1b2c3d"
    )
    assert block == BLOCKS["found tools"][0]


@pytest.mark.parametrize("kind", ["text", "tool", "", "tool_reference"])
def test_other_blocks_are_no_server_s(kind: str) -> None:
    assert not server_blocks.is_server_block(kind)
