"""The template that ships."""

from __future__ import annotations

from aiproxy.protocol.prompt_template import DEFAULT_TEMPLATE


def test_it_is_ours_and_names_no_vendor():
    for name in ("Claude", "Anthropic", "OpenAI"):
        assert name not in DEFAULT_TEMPLATE


def test_it_says_what_the_agent_is_and_cares_about():
    for words in (
        *("a coding agent", "The truth.", "First principles.", "Elegance."),
        *("Tools that build tools.", "The user decides.", "How you work", "Be brief."),
        "Conventions",
    ):
        assert words in DEFAULT_TEMPLATE


def test_each_placeholder_stands_alone_on_its_line():
    lines = DEFAULT_TEMPLATE.splitlines()

    assert {"{{MODEL_INFO}}", "{{ENV_INFO}}", "{{MCP_INSTRUCTIONS}}"} <= set(lines)
