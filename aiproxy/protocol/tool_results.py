"""A `tool_result` as a tool message, and what cannot stand in one.

A tool message holds text alone. Pictures and files follow, labelled, in the user
message behind all tool messages; a placeholder marks where they were.
"""

from __future__ import annotations

from typing import Any, Mapping

from aiproxy.protocol import shapes
from aiproxy.protocol.content_blocks import (
    Content,
    ContentBlocks,
    Part,
    is_text,
    text_part,
)
from aiproxy.records import dataclass

NO_OUTPUT = "(no output)"
INTERRUPTED = "(the call was interrupted: there is no result)"


@dataclass(frozen=True)
class Result:
    """`content` for the tool message, `media` for the user message after it."""

    content: Content
    media: list[Part]


def render(
    block: Mapping[str, Any], blocks: ContentBlocks, *, call: str, where: str
) -> Result:
    """`call` names the tool and the call in the labels of pictures and files."""
    texts: list[Part] = []
    media: list[Part] = []
    content = shapes.blocks(block.get("content"), f"{where}.content")
    for part in blocks.parts_of_all(content, f"{where}.content"):
        if is_text(part):
            texts.append(part)
            continue
        what = "image" if part["type"] == "image_url" else "document"
        number = len(media) // 2 + 1
        texts += text_part(f"[{what} {number}: shown in the next user message]")
        media += [*text_part(f"[{what} {number} of the result of {call}]"), part]
    texts = texts or text_part(NO_OUTPUT)
    if block.get("is_error") is True:
        texts[0]["text"] = f"Error: {texts[0]['text']}"
    blocks.mark(texts, block.get("cache_control"))
    return Result(_joined(texts, blocks), media)


def interrupted(blocks: ContentBlocks) -> Content:
    """For a call whose result is not there."""
    return _joined(text_part(INTERRUPTED), blocks)


def stray(block: Mapping[str, Any], blocks: ContentBlocks, where: str) -> list[Part]:
    """A result whose call is gone, or answered already: parts of a user message."""
    content = shapes.blocks(block.get("content"), f"{where}.content")
    parts = blocks.parts_of_all(content, f"{where}.content") or text_part(NO_OUTPUT)
    failed = "Error: " if block.get("is_error") is True else ""
    label = f"[result of an earlier tool call]\n{failed}"
    if is_text(parts[0]):
        parts[0]["text"] = label + parts[0]["text"]
    else:
        parts[:0] = text_part(label.rstrip())
    blocks.mark(parts, block.get("cache_control"))
    return parts


def _joined(texts: list[Part], blocks: ContentBlocks) -> Content:
    if blocks.keeps_marks:
        return texts
    return "\n".join(part["text"] for part in texts)
