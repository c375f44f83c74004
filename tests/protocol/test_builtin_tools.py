"""Tools that Anthropic defines by a type alone."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.protocol import builtin_tools


def schema_of(kind: str, **more: Any) -> Any:
    found = builtin_tools.definition_of({"type": kind, **more})
    assert found is not None
    return found[1]


def types_of(schema: Any) -> dict[str, str]:
    return {name: value["type"] for name, value in schema["properties"].items()}


EDITING = {
    **dict.fromkeys(("command", "path", "file_text", "old_str", "new_str"), "string"),
    "insert_line": "integer",
    "insert_text": "string",
    "view_range": "array",
}


def test_bash() -> None:
    schema = schema_of("bash_20250124")

    assert types_of(schema) == {"command": "string", "restart": "boolean"}
    assert "required" not in schema  # to restart takes no command


@pytest.mark.parametrize(
    ("kind", "undo"),
    [
        ("text_editor_20241022", True),
        ("text_editor_20250124", True),
        ("text_editor_20250429", True),
        ("text_editor_20250728", False),
    ],
)
def test_the_editor_could_undo_in_its_youth(kind: str, undo: bool) -> None:
    schema = schema_of(kind)

    assert types_of(schema) == EDITING
    assert schema["required"] == ["command", "path"]
    commands = ["view", "create", "str_replace", "insert"]
    assert schema["properties"]["command"]["enum"] == (
        [*commands, "undo_edit"] if undo else commands
    )


def test_memory_deletes_and_renames_too() -> None:
    schema = schema_of("memory_20250818")

    assert schema["properties"]["command"]["enum"] == [
        *("view", "create", "str_replace", "insert", "delete", "rename")
    ]
    assert types_of(schema) == {**EDITING, "old_path": "string", "new_path": "string"}
    assert schema["required"] == ["command"]  # rename has two paths of its own


def test_the_computer_says_how_large_its_screen_is() -> None:
    tool = {
        "type": "computer_20250124",
        "display_width_px": 1280,
        "display_height_px": 800,
        "display_number": 1,
    }
    found = builtin_tools.definition_of(tool)
    assert found is not None
    description, schema = found

    assert "1280" in description
    assert "800" in description
    assert types_of(schema) == {
        "action": "string",
        "coordinate": "array",
        "start_coordinate": "array",
        "text": "string",
        "scroll_direction": "string",
        "scroll_amount": "integer",
        "duration": "number",
    }
    assert schema["required"] == ["action"]
    assert "scroll" in schema["properties"]["action"]["enum"]


def test_a_computer_zooms_only_where_that_is_switched_on() -> None:
    plain = schema_of("computer_20251124")
    zooming = schema_of("computer_20251124", enable_zoom=True)

    assert "zoom" not in plain["properties"]["action"]["enum"]
    assert "zoom" in zooming["properties"]["action"]["enum"]
    assert "region" in zooming["properties"]


@pytest.mark.parametrize(
    "kind",
    [None, 5, "custom", "web_search_20250305", "bash", "bash_code_execution_20250825"],
)
def test_other_types_are_not_defined_here(kind: Any) -> None:
    assert builtin_tools.definition_of({"type": kind}) is None


def test_a_tool_without_a_name_has_that_of_its_type() -> None:
    assert builtin_tools.default_name({"type": "text_editor_20250728"}) == "text_editor"
