"""Tools that Anthropic defines by a type alone."""

from __future__ import annotations

from typing import Any

import pytest

from aiproxy.protocol import builtin_tools


def schema_of(kind: str, **more: Any) -> Any:
    found = builtin_tools.definition_of({"type": kind, **more})
    assert found is not None
    return found[1]


def test_bash() -> None:
    schema = schema_of("bash_20250124")

    assert list(schema["properties"]) == ["command", "restart"]


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

    assert set(schema["properties"]) == {
        *("command", "path", "file_text", "old_str", "new_str"),
        *("insert_line", "insert_text", "view_range"),
    }
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
    assert {"old_path", "new_path", "path"} <= set(schema["properties"])


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
    assert set(schema["properties"]) == {
        *("action", "coordinate", "start_coordinate", "text"),
        *("scroll_direction", "scroll_amount", "duration"),
    }
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
