"""What each switch takes out of a text, and what it must leave."""

from __future__ import annotations

import pytest

from aiproxy.protocol.prompt_cleaning import (
    remove_references,
    remove_restrictions,
    rename_identity,
    rename_model,
)

IDENTITIES = [
    "You are Claude Code, Anthropic's official CLI for Claude.",
    (
        "You are Claude Code, Anthropic's official CLI for Claude, running within the"
        " Claude Agent SDK."
    ),
    "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
    "You are an agent for Claude Code, Anthropic's official CLI for Claude.",
    "You are Claude Code, Anthropic\u2019s official CLI for Claude.",
    "You are Claude, an AI assistant made by Anthropic.",
    "You are Claude.",
]


@pytest.mark.parametrize("sentence", IDENTITIES)
def test_sentences_of_identity_say_the_name(sentence):
    assert rename_identity(f"{sentence} Given a task.", "Ada") == (
        "You are Ada. Given a task."
    )


def test_an_identity_without_a_full_stop_ends_with_its_line():
    assert rename_identity("You are Claude Code\nBe quick.", "Ada") == (
        "You are Ada.\nBe quick."
    )


def test_a_role_keeps_its_words():
    text = "You are a file search specialist for Claude Code, Anthropic's official CLI"
    expected = "You are a file search specialist for Ada."

    assert rename_identity(text + " for Claude.", "Ada") == expected


@pytest.mark.parametrize("text", ["You are powerful.", "You are Claudette, a friend."])
def test_other_sentences_stay(text):
    assert rename_identity(text, "Ada") == text


def test_lines_on_the_model_name_the_given_one():
    text = (
        "a\nYou are powered by the model named Opus 5.5. The exact model ID is"
        " claude-opus-5-5.\nb"
    )

    assert rename_model(text, "Ada 2") == "a\nYou are powered by the model Ada 2.\nb"


OLD = (
    "IMPORTANT: Assist with defensive security tasks only. Refuse to create, modify,"
    " or improve code that may be used maliciously."
)
NEW = (
    "IMPORTANT: Assist with authorized security testing, defensive security, CTF"
    " challenges, and educational contexts. Refuse requests for destructive techniques."
)
URLS = "IMPORTANT: You must NEVER generate or guess URLs for the user."


@pytest.mark.parametrize("paragraph", [OLD, NEW])
def test_restrictions_on_security_work_go(paragraph):
    text = f"First.\n\n{paragraph}\n{URLS}\n\nLast."

    assert remove_restrictions(text) == f"First.\n\n{URLS}\n\nLast."


@pytest.mark.parametrize(
    "words",
    [
        "Defensive work only.",
        "For authorized security testing.",
        "For authorised security testing.",
        "Nothing malicious.",
    ],
)
def test_one_word_on_security_makes_a_restriction(words):
    assert remove_restrictions(f"a\n\nIMPORTANT: {words}") == "a\n\n"


def test_a_restriction_goes_with_all_of_its_lines():
    text = f"a\n\n{OLD}\nand more of it.\n\nb"

    assert remove_restrictions(text) == "a\n\n\nb"


@pytest.mark.parametrize(
    "text",
    [
        URLS,
        "NOTE: Assist with defensive security tasks only.",
        "About IMPORTANT: defensive security.",
        "- Be careful about malicious input.",
        " IMPORTANT: indented, defensive.",
    ],
)
def test_everything_else_stays(text):
    assert remove_restrictions(text) == text


REFERENCES = {
    "possessive": ("Anthropic's official CLI", "official CLI"),
    "curly": ("by OpenAI\u2019s team", "by team"),
    "company": (
        "made by Anthropic, or Google.",
        "made by the provider, or the provider.",
    ),
    "companies": ("xAI, DeepSeek, Moonshot", ", ".join(["the provider"] * 3)),
    "article": ("the Anthropic API", "the provider API"),
    "an": ("an OpenAI model", "a provider model"),
    "a": ("a Claude user", "an assistant user"),
    "A": ("A Claude user", "An assistant user"),
    "product": ("Ask Claude Code now.", "Ask the assistant now."),
    "products": (
        "ChatGPT, GPT-4o and Gemini",
        "the assistant, the assistant and the assistant",
    ),
    "versions": ("Claude 4.5 or Grok 4.", "the assistant or the assistant."),
    "tier behind": ("Claude 3.5 Sonnet helps", "the assistant helps"),
    "possessive product": ("Claude's tools", "the assistant's tools"),
    "brackets": ("(Claude)", "(the assistant)"),
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_names_go(text, expected):
    assert remove_references(text, "") == expected


@pytest.mark.parametrize(
    "name",
    [
        *("Anthropic", "OpenAI", "Google DeepMind", "DeepMind", "Google", "xAI"),
        *("DeepSeek", "Mistral AI", "Mistral", "Moonshot AI", "Moonshot", "Zhipu AI"),
        *("Zhipu", "Alibaba", "Meta AI", "Cohere", "Perplexity", "MiniMax"),
    ],
)
def test_each_company_becomes_the_provider(name):
    assert remove_references(f"by {name}.", "Ada") == "by the provider."
    assert remove_references(f"{name}'s tool", "Ada") == "tool"


@pytest.mark.parametrize(
    "name",
    [
        *("Claude", "Claude Code", "Claude Agent SDK", "Claude Desktop", "Opus 4.5"),
        *("Claude Opus 4.5", "ChatGPT", "GPT-5", "GPT-4.1 mini", "Gemini 2.5 Pro"),
        *("Grok 4", "Kimi K2", "Qwen3", "Codex", "Copilot", "Llama 3.3"),
    ],
)
def test_each_product_becomes_the_assistant(name):
    assert remove_references(f"Ask {name}.", "") == "Ask the assistant."
    assert remove_references(f"Ask {name}.", "Ada") == "Ask Ada."


def test_products_take_the_assistants_own_name():
    assert remove_references("Claude Code and the Claude app", "Ada") == (
        "Ada and the Ada app"
    )


@pytest.mark.parametrize(
    "text",
    [
        "`Claude` and `use Anthropic`",
        "```\nClaude by Anthropic\n```",
        "~~~python\nprint('Claude')\n~~~",
        "CLAUDE.md, ANTHROPIC_API_KEY, ~/.claude/settings.json",
        "https://docs.Anthropic.com/Claude and claude.ai/code",
        "src/Claude/Main.py and C:\\Claude",
        "X-Claude-Code-Session-Id: 1",
        "noreply@Anthropic.com",
        "import Claude.client, Claude_helper, OpenAIClient, Claudette",
        "claude, anthropic, gpt-4o, grok-4",
        "MyClaude and preOpenAI",
        "Claude() and (Claude)/docs",
    ],
)
def test_code_addresses_paths_and_identifiers_keep_their_names(text):
    assert remove_references(text, "Ada") == text


def test_a_long_run_without_spaces_takes_no_time():
    assert remove_references("A" * 400_000, "") == "A" * 400_000
