"""Where the environment and the servers' instructions lie in a client's prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.protocol import prompt_regions


def texts_at(text, spans):
    return [text[start:end] for start, end in spans]


def test_an_env_tag_that_never_closes_is_none():
    assert prompt_regions.environment("<env>\nPlatform: linux") == []


def test_a_section_without_lines_on_the_machine_is_none():
    text = "# Environment\n - You are powered by the model named x.\n"

    assert prompt_regions.environment(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "Directory: /x",
        "Additional directories: /x",
        "Git: yes",
        "Worktree: yes",
        "Platform: linux",
        "Shell: bash",
        "OS: Linux",
        "Date: today",
    ],
)
def test_a_line_on_the_machine_is_known_by_one_word(line):
    text = f"# Environment\n{line}\n"

    assert texts_at(text, prompt_regions.environment(text)) == [
        "# Environment\n",
        f"{line}\n",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Platform powered by: x",
        "Knowledge cutoff date: May",
        "Date of the model family: May",
        "Model ID and date: x",
        "Model IDs and date: x",
        "Note: the platform",
    ],
)
def test_a_line_on_models_is_none_on_the_machine(line):
    assert prompt_regions.environment(f"# Environment\n{line}\n") == []


def test_the_last_state_of_git_counts_and_only_at_the_head_of_a_line():
    text = "gitStatus: a\n# Next\ngitStatus: b\nsee gitStatus: c"

    assert texts_at(text, prompt_regions.environment(text)) == [
        "gitStatus: b\nsee gitStatus: c"
    ]


@pytest.mark.parametrize(
    "code", ["````\n```\n# no heading\n````", "~~~\n# no heading\n~~~"]
)
def test_code_ends_with_the_mark_that_began_it(code):
    section = f"# MCP Server Instructions\n{code}\nb\n"
    text = f"{section}# Next\n"

    assert texts_at(text, prompt_regions.server_instructions(text)) == [section]


def test_a_lower_heading_begins_no_section():
    assert prompt_regions.server_instructions("## MCP Server Instructions\na") == []


def test_another_section_of_a_like_name_is_none():
    assert prompt_regions.server_instructions("# MCP Servers\na") == []


def test_a_heading_inside_code_is_none():
    text = "```\n# Environment\n - Platform: linux\n```\n"

    assert prompt_regions.environment(text) == []


def test_the_state_of_git_ends_at_a_heading():
    text = "gitStatus: a\nb\n\n# Next\nc"

    assert texts_at(text, prompt_regions.environment(text)) == ["gitStatus: a\nb\n\n"]


def test_the_servers_section_goes_to_the_end_if_it_is_the_last():
    text = "a\n# MCP Server Instructions\n## one\nb"

    assert texts_at(text, prompt_regions.server_instructions(text)) == [
        "# MCP Server Instructions\n## one\nb"
    ]


@given(
    text=st.text(max_size=60),
    spans=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted).map(tuple),
        max_size=4,
    ),
)
def test_pieces_add_up_to_the_text(text, spans):
    spans = [span for span in spans if span[1] <= len(text)]

    assert "".join(piece for piece, _ in prompt_regions.pieces(text, spans)) == text
