"""Tools that Anthropic defines by a type alone, written out for everybody else.

The client runs them; Claude knows their schemas by heart, other models have to be
told. Field names as in Anthropic's documentation of each tool.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Tuple

_KIND = re.compile(r"(bash|text_editor|memory|computer)_(\d{8})\Z")

Definition = Tuple[str, Dict[str, Any]]


def definition_of(tool: Mapping[str, Any]) -> Definition | None:
    """Description and schema of such a tool; None for any other."""
    kind = tool.get("type")
    found = _KIND.match(kind) if isinstance(kind, str) else None
    if not found:
        return None
    name, date = found.groups()
    if name == "bash":
        return _bash()
    if name == "text_editor":
        return _text_editor(undo=date < "20250728")
    return _memory() if name == "memory" else _computer(tool, date)


def default_name(tool: Mapping[str, Any]) -> str:
    """The name that such a tool has where it declares none."""
    return str(tool.get("type")).rsplit("_", 1)[0]


def _string(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema


def _bash() -> Definition:
    return (
        "Run a command in a bash session that lives on between calls.",
        _object(
            [],
            command=_string("The command to run. Needed unless restarting."),
            restart={"type": "boolean", "description": "Start the session anew."},
        ),
    )


def _editing(commands: list[str], **more: Any) -> dict[str, Any]:
    return {
        "command": _string("What to do.", enum=commands),
        "path": _string("Absolute path of the file or directory."),
        "file_text": _string("create: the content of the new file."),
        "old_str": _string("str_replace: the text to replace, exactly as it is."),
        "new_str": _string("str_replace: the new text. insert: the text to insert."),
        "insert_line": {
            "type": "integer",
            "description": "insert: the line after which the text goes; 0 is the top.",
        },
        "insert_text": _string("insert: the text to insert."),
        "view_range": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "view: first and last line, from 1; -1 is the end.",
        },
        **more,
    }


def _text_editor(*, undo: bool) -> Definition:
    commands = ["view", "create", "str_replace", "insert"]
    if undo:
        commands.append("undo_edit")
    return (
        "View, create and edit text files.",
        _object(["command", "path"], **_editing(commands)),
    )


def _memory() -> Definition:
    commands = ["view", "create", "str_replace", "insert", "delete", "rename"]
    moving = {
        "old_path": _string("rename: the present path."),
        "new_path": _string("rename: the new path."),
    }
    # rename has two paths of its own, so `path` cannot be required.
    return (
        "Keep notes in files below /memories that outlast this conversation.",
        _object(["command"], **_editing(commands, **moving)),
    )


_ACTIONS = [
    "key",
    "type",
    "mouse_move",
    "left_click",
    "left_click_drag",
    "right_click",
    "middle_click",
    "double_click",
    "screenshot",
    "cursor_position",
]
_ACTIONS_2025 = [
    "left_mouse_down",
    "left_mouse_up",
    "scroll",
    "hold_key",
    "wait",
    "triple_click",
]


def _computer(tool: Mapping[str, Any], date: str) -> Definition:
    point = {"type": "array", "items": {"type": "integer"}}
    actions = list(_ACTIONS)
    if date >= "20250124":
        actions += _ACTIONS_2025
    properties: dict[str, Any] = {
        "action": _string("What to do.", enum=actions),
        "coordinate": {**point, "description": "Where: x and y in pixels."},
        "start_coordinate": {**point, "description": "Where a drag begins."},
        "text": _string("What to type, or the key or keys to press."),
        "scroll_direction": _string(
            "Where to scroll.", enum=["up", "down", "left", "right"]
        ),
        "scroll_amount": {"type": "integer", "description": "How many clicks."},
        "duration": {"type": "number", "description": "Seconds to wait or to hold."},
    }
    if date >= "20251124" and tool.get("enable_zoom"):
        actions.append("zoom")
        properties["region"] = {
            **point,
            "description": "zoom: left, top, right and bottom in pixels.",
        }
    return _screen(tool), _object(["action"], **properties)


def _screen(tool: Mapping[str, Any]) -> str:
    text = "Use the screen, mouse and keyboard of a computer."
    width, height = tool.get("display_width_px"), tool.get("display_height_px")
    if isinstance(width, int) and isinstance(height, int):
        text += f" The screen is {width} pixels wide and {height} pixels high."
    if isinstance(tool.get("display_number"), int):
        text += f" It is display number {tool['display_number']}."
    return text
