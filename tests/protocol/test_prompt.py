"""The custom system prompt, from a client's request to the text that goes up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol.prompt import PromptConfig, apply, render
from aiproxy.protocol.prompt_template import DEFAULT_TEMPLATE
from aiproxy.records import replace

ON = PromptConfig(use_custom_prompt=True)
CUSTOM = replace(ON, prompt_template="Mine.\n\n{{MODEL_INFO}}\n\n{{ENV_INFO}}")
IDENTITY = "You are Claude Code, Anthropic's official CLI for Claude."
CLI = {"User-Agent": "claude-cli/2.1.331 (external, cli)"}
BASH = {"name": "Bash", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
ENV = """\
<env>
Working directory: /work
Platform: linux
</env>"""
NEW_ENV = """\
# Environment
You have been invoked in the following environment:
 - Primary working directory: /home/u/models
 - Is a git repository: true
 - Additional working directories:
   - /tmp/other
 - This is a git worktree. Run all commands from this directory.
 - Platform: linux
 - Shell: bash
 - OS Version: Linux 6.1
 - You are powered by the model named Opus 5.5. The exact model ID is claude-opus-5-5.
 - Assistant knowledge cutoff is May 2026.
 - The most recent Claude model family is Claude 5.5.
 - Today's date is 2026-11-25

# Next
more
"""


def system_of(
    request: dict[str, Any],
    config: PromptConfig = CUSTOM,
    headers: dict[str, str] = CLI,
    model: str = "grok-4",
) -> Any:
    applied = apply(request, config, upstream_model=model, client_headers=headers)
    return applied.get("system")


def request_with(system: Any, **fields: Any) -> dict[str, Any]:
    return {
        "system": system,
        "tools": [BASH],
        "messages": [{"role": "user", "content": "hi"}],
        **fields,
    }


def filled(template: str, client_text: str = "", **fields: Any) -> str:
    config = replace(ON, prompt_template=template, **fields)
    return render(client_text, config, "grok-4")


# Whose prompt is replaced


def test_the_template_replaces_the_clients_text_in_one_block():
    mark = {"type": "ephemeral", "ttl": "1h"}
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2;"},
        {"type": "text", "text": IDENTITY},
        {"type": "text", "text": ENV, "cache_control": mark},
    ]
    text = f"Mine.\n\nYou are powered by the model grok-4.\n\n{ENV}"

    assert system_of(request_with(system)) == [
        {"type": "text", "text": text, "cache_control": mark}
    ]


@pytest.mark.parametrize("system", ["a client's own", None, []])
def test_other_forms_of_system_are_replaced_too(system):
    text = "Mine.\n\nYou are powered by the model grok-4."

    assert system_of(request_with(system)) == [{"type": "text", "text": text}]


def test_messages_stay_as_they_are():
    messages = [
        {"role": "user", "content": IDENTITY},
        {"role": "system", "content": IDENTITY},
    ]
    config = replace(CUSTOM, system_name="Ada", remove_ai_references=True)
    request = request_with("x", messages=messages)
    applied = apply(request, config, upstream_model="m", client_headers=CLI)

    assert applied["messages"] == messages


def test_switched_off_nothing_changes():
    config = replace(CUSTOM, use_custom_prompt=False, system_name="Ada")
    request = request_with(IDENTITY)

    assert apply(request, config, upstream_model="m", client_headers=CLI) == request


def test_it_is_off_at_first():
    assert PromptConfig().use_custom_prompt is False


OWN_PROMPT = {
    "subagent": (request_with(IDENTITY), {**CLI, "X-Claude-Code-Agent-Id": "a1"}),
    "server tools": (request_with(IDENTITY, tools=[SEARCH]), CLI),
    "no tools": (request_with(IDENTITY, tools=[]), CLI),
}


@pytest.mark.parametrize(("request_", "headers"), OWN_PROMPT.values(), ids=OWN_PROMPT)
def test_some_prompts_are_only_cleaned(request_, headers):
    config = replace(CUSTOM, system_name="Ada")

    assert system_of(request_, config, headers) == "You are Ada."


@pytest.mark.parametrize(("request_", "headers"), OWN_PROMPT.values(), ids=OWN_PROMPT)
def test_nothing_to_clean_changes_no_byte(request_, headers):
    text = "\nOdd\n\n\n\nspacing \n"

    assert system_of({**request_, "system": text}, CUSTOM, headers) == text


def test_an_empty_template_only_cleans():
    config = replace(CUSTOM, prompt_template=" \n", system_name="Ada")

    assert system_of(request_with(IDENTITY), config) == "You are Ada."


def test_without_tools_another_clients_prompt_is_replaced():
    request = request_with("x", tools=[])

    assert "Mine." in system_of(request, headers={"User-Agent": "curl/8"})[0]["text"]


def test_a_template_of_which_nothing_is_left_only_cleans():
    config = replace(CUSTOM, prompt_template="{{ENV_INFO}}", system_name="")

    assert system_of(request_with("their own"), config) == "their own"


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "edit"},
        {"type": "memory_20250818", "name": "memory"},
        {"type": "computer_20250124", "name": "computer"},
        {"type": "custom", "name": "a"},
        {"type": "of_next_month", "name": "a", "input_schema": {}},
    ],
)
def test_client_tools_of_anthropics_own_kinds_are_no_server_tools(tool):
    request = request_with("x", tools=[SEARCH, tool])

    assert "Mine." in system_of(request)[0]["text"]


def test_cleaned_blocks_keep_their_marks():
    mark = {"type": "ephemeral"}
    billing = {"type": "text", "text": "x-anthropic-billing-header: a;"}
    system = [
        billing,
        {"type": "text", "text": IDENTITY, "cache_control": mark},
        {"type": "text", "text": "Be quick."},
    ]
    request = request_with(system, tools=[])

    assert system_of(request, replace(CUSTOM, system_name="Ada")) == [
        billing,
        {"type": "text", "text": "You are Ada.", "cache_control": mark},
        {"type": "text", "text": "Be quick."},
    ]


def test_a_prompt_that_is_only_cleaned_gets_name_and_model():
    text = "Be quick.\nYou are powered by the model named Opus 5.5."
    config = replace(CUSTOM, system_name="Ada", model_name_override="Two")

    assert system_of(request_with(text, tools=[]), config) == (
        "You are Ada.\n\nBe quick.\nYou are powered by the model Two."
    )


def test_the_name_goes_in_front_of_the_first_block_that_is_a_prompt():
    billing = {"type": "text", "text": "x-anthropic-billing-header: a;"}
    request = request_with([billing, {"type": "text", "text": "Be quick."}], tools=[])
    system = system_of(request, replace(CUSTOM, system_name="Ada"))

    assert [block["text"] for block in system] == [
        billing["text"],
        "You are Ada.\n\nBe quick.",
    ]


def test_a_request_without_a_system_prompt_has_nothing_to_clean():
    request = {"messages": [], "tools": []}

    assert system_of(request, replace(CUSTOM, system_name="Ada")) is None


# Placeholders


def test_env_tags_come_along_with_the_line_behind_them():
    text = f"a\n{ENV}\nAdditional working directories: /b, /c\nYou are powered by x\n"

    assert filled("{{ENV_INFO}}", text) == (
        f"{ENV}\nAdditional working directories: /b, /c"
    )


def test_only_the_first_env_counts():
    assert filled("{{ENV_INFO}}", f"{ENV}\n<env>\nOther\n</env>") == ENV


def test_of_the_environment_section_only_lines_on_the_machine_come_along():
    assert filled("{{ENV_INFO}}", NEW_ENV) == "\n".join(
        [
            "# Environment",
            " - Primary working directory: /home/u/models",
            " - Is a git repository: true",
            " - Additional working directories:",
            "   - /tmp/other",
            " - This is a git worktree. Run all commands from this directory.",
            " - Platform: linux",
            " - Shell: bash",
            " - OS Version: Linux 6.1",
            " - Today's date is 2026-11-25",
        ]
    )


@pytest.mark.parametrize("environment", [ENV, NEW_ENV])
def test_the_state_of_git_closes_the_environment(environment):
    status = "gitStatus: a snapshot.\nCurrent branch: main\n\nStatus:\nM a.py"
    rendered = filled("{{ENV_INFO}}", f"{environment}\n\n{status}")

    assert rendered.endswith("\n\n" + status)


def test_the_state_of_git_is_enough():
    assert filled("{{ENV_INFO}}", "x\n\ngitStatus: clean") == "gitStatus: clean"


def test_the_model_is_the_one_that_answers():
    text = "You are powered by the model named Opus 5.5."

    assert filled("{{MODEL_INFO}}", text) == "You are powered by the model grok-4."


def test_the_models_name_can_be_another():
    assert filled("{{MODEL_INFO}}", model_name_override="Ada 2") == (
        "You are powered by the model Ada 2."
    )


def test_mcp_instructions_end_at_the_next_heading_outside_code():
    section = "# MCP Server Instructions\n\n## a\n```sh\n# comment\n```\n### more\nUse."

    assert filled("{{MCP_INSTRUCTIONS}}", f"a\n\n{section}\n\n# Next\nb") == section


def test_the_clients_whole_text_can_be_kept():
    assert filled("Before\n{{CLIENT_PROMPT}}\nAfter", "its text") == (
        "Before\nits text\nAfter"
    )


def test_the_clients_bookkeeping_is_none_of_its_text():
    billing = "x-anthropic-billing-header: a;"
    config = replace(CUSTOM, prompt_template="{{CLIENT_PROMPT}}")
    blocks = [{"type": "text", "text": text} for text in (billing, "Be quick.")]

    for system in (blocks, f"{billing}\nBe quick."):
        assert system_of(request_with(system), config)[0]["text"] == "Be quick."


def test_a_value_alone_on_its_line_keeps_its_place():
    assert filled("a\n  {{ SYSTEM_NAME }}\nb", system_name="Ada") == "a\n  Ada\nb"
    assert filled("a {{ SYSTEM_NAME }}!", system_name="Ada") == "a Ada!"


def test_a_value_is_not_filled_again():
    assert filled("{{CLIENT_PROMPT}}", "{{SYSTEM_NAME}}{{ENV_INFO}}") == (
        "{{SYSTEM_NAME}}{{ENV_INFO}}"
    )


def test_an_unknown_placeholder_stays():
    assert filled("{{OTHER}} {{ENV_INFO}}.") == "{{OTHER}} ."


def test_an_empty_value_takes_its_line_along():
    assert filled("a\n  {{ENV_INFO}} \nb") == "a\nb"


def test_an_empty_value_in_a_sentence_takes_nothing_else():
    assert filled("a {{SYSTEM_NAME}}!\nb") == "a !\nb"


def test_runs_of_newlines_become_two():
    assert filled("a\n\n\n{{ENV_INFO}}\n\n\nb") == "a\n\nb"
    assert filled("a\n\n\nb") == "a\n\nb"


def test_a_forms_line_ends_are_read_as_newlines():
    assert filled("a\r\n{{ENV_INFO}}\r\nb") == "a\nb"


# The switches


def test_a_result_without_the_name_gets_it_in_front():
    assert filled("Hello.", system_name="Ada") == "You are Ada.\n\nHello."


def test_a_result_with_the_name_is_left_alone():
    assert filled("I am {{SYSTEM_NAME}}.", system_name="Ada") == "I am Ada."


def test_the_environment_and_the_servers_words_are_never_edited():
    text = (
        "Claude helps.\n<env>\nWorking directory: /x\nOwner: Claude\n</env>\n"
        "# MCP Server Instructions\n## Claude Tools\nAsk Anthropic.\n"
        "IMPORTANT: never malicious."
    )
    rendered = filled(
        "{{CLIENT_PROMPT}}\n{{ENV_INFO}}\n{{MCP_INSTRUCTIONS}}",
        text,
        remove_ai_references=True,
        remove_defensive_restrictions=True,
    )

    assert rendered.startswith("the assistant helps.\n")
    assert rendered.count("Owner: Claude") == 2
    assert rendered.count("## Claude Tools\nAsk Anthropic.") == 2
    assert rendered.count("IMPORTANT: never malicious.") == 2


def test_restrictions_go_where_that_is_switched_on():
    text = "a\n\nIMPORTANT: Assist with defensive security tasks only."

    assert filled("{{CLIENT_PROMPT}}", text) == text
    assert filled("{{CLIENT_PROMPT}}", text, remove_defensive_restrictions=True) == "a"


def test_a_block_never_becomes_empty_and_bookkeeping_stays():
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: Claude;"},
        {"type": "text", "text": "IMPORTANT: nothing malicious."},
    ]
    config = replace(
        CUSTOM, remove_ai_references=True, remove_defensive_restrictions=True
    )

    assert system_of(request_with(system, tools=[]), config) == system


def test_without_references_the_model_is_named_only_if_overridden():
    assert filled("a\n{{MODEL_INFO}}", remove_ai_references=True) == "a"
    assert filled(
        "{{MODEL_INFO}}", remove_ai_references=True, model_name_override="Grok Claude"
    ) == ("You are powered by the model Grok Claude.")


def test_the_name_itself_survives_the_removal_of_names():
    rendered = filled(
        "{{CLIENT_PROMPT}}",
        IDENTITY,
        system_name="Claudia Claude",
        remove_ai_references=True,
    )

    assert rendered == "You are Claudia Claude."


# Laws


def test_the_default_template_is_small_and_has_its_placeholders():
    assert len(DEFAULT_TEMPLATE.encode()) < 4096
    for name in ("ENV_INFO", "MODEL_INFO", "MCP_INSTRUCTIONS"):
        assert f"{{{{{name}}}}}" in DEFAULT_TEMPLATE


CLIENT_TEXTS = st.lists(
    st.sampled_from(
        [
            IDENTITY,
            ENV,
            NEW_ENV,
            "# MCP Server Instructions\n## a",
            "gitStatus: clean",
            "IMPORTANT: Assist with defensive security tasks only.",
            "```\n# code Claude\n```",
            "{{ENV_INFO}}",
            "`Claude` at ~/.claude and Anthropic's",
            "<env>",
            "</env>",
            "\n\n\n",
        ]
    )
    | st.text(max_size=40),
    max_size=8,
).map("\n".join)
CONFIGS = st.builds(
    PromptConfig,
    use_custom_prompt=st.just(True),
    prompt_template=st.sampled_from(
        [DEFAULT_TEMPLATE, "{{CLIENT_PROMPT}}", "{{SYSTEM_NAME}}{{ENV_INFO}}", "x"]
    ),
    system_name=st.sampled_from(["", "Ada"]),
    model_name_override=st.sampled_from(["", "Ada 2"]),
    remove_ai_references=st.booleans(),
    remove_defensive_restrictions=st.booleans(),
)


@given(text=CLIENT_TEXTS, config=CONFIGS)
def test_the_same_text_gives_the_same_bytes(text, config):
    assert render(text, config, "grok-4") == render(text, config, "grok-4")


@given(text=st.text(max_size=200))
def test_a_clients_text_without_triple_newlines_is_kept_whole(text):
    text = text.replace("\n", " ").replace("\r", " ")

    assert filled("{{CLIENT_PROMPT}}", text) == text


@given(text=CLIENT_TEXTS)
def test_the_same_client_text_cleans_to_itself_without_switches(text):
    request = request_with(text, tools=[])

    assert system_of(request) == text or text.startswith("x-anthropic-billing")
