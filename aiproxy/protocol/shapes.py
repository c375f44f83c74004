"""What must be what, in the parts of a Messages request that we use.

An explicit `null` counts as absent. Only what is used is looked at: a field that is
not sent on may hold anything, next month's fields included.
"""

from __future__ import annotations

from typing import Any, Mapping, NoReturn

from aiproxy.errors import InvalidRequest

Block = Mapping[str, Any]


def refuse(where: str, what: str) -> NoReturn:
    """`messages.0.content: must be …`, as Anthropic words it."""
    raise InvalidRequest(f"{where}: {what}")


def optional_text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        refuse(where, "must be a string")
    return value


def required_text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        refuse(where, "must be a non-empty string")
    return value


def optional_object(value: Any, where: str) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        refuse(where, "must be an object")
    return value


def optional_number(value: Any, where: str) -> Any:
    # bool is an int to Python, not to JSON.
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, (int, float))
    ):
        refuse(where, "must be a number")
    return value


def optional_integer(value: Any, where: str) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        refuse(where, "must be an integer")
    return value


def objects(value: Any, where: str) -> list[dict[str, Any]]:
    """A list of objects, its nulls left out; absent is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        refuse(where, "must be a list")
    for number, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            refuse(f"{where}.{number}", "must be an object")
    return [item for item in value if item is not None]


def blocks(content: Any, where: str) -> list[dict[str, Any]]:
    """Content blocks, whichever way they were written: string, list or nothing."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if content is not None and not isinstance(content, list):
        refuse(where, "must be a string or a list of content blocks")
    return objects(content, where)


def text_of(block: Block, where: str) -> str:
    """The text of a text block; absent is empty."""
    return optional_text(block.get("text"), f"{where}.text") or ""


def id_of(block: Block, field: str) -> str:
    """A tool id as a string: a missing or odd one still pairs call and result."""
    value = block.get(field)
    if isinstance(value, str):
        return value
    return "" if value is None else str(value)


def type_of(block: Block) -> str:
    kind = block.get("type")
    return kind if isinstance(kind, str) else ""
