"""An estimate of input tokens, rather high than low, without asking anyone.

Answers `/count_tokens` and stands in wherever a provider counts nothing: zeros would
switch off the client's own watch over its context.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any, Mapping

from aiproxy.protocol import json_codec, reasoning
from aiproxy.protocol.image_size import size_of
from aiproxy.protocol.tool_list import ToolList

MIN_RATIO, MAX_RATIO = 0.7, 1.5
PER_MESSAGE = 4
PER_TOOL = 8
MAX_IMAGE = 1600
PIXELS_PER_TOKEN = 750
PER_PDF_PAGE = 2000

# A JPEG's size may stand behind a thumbnail and a colour profile.
_IMAGE_HEAD = 1 << 20
_LETTERS_AND_SPACES = (
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \t\r\n\x0b\x0c"
)
_ASCII = bytes(range(128))
_NOT_ASCII = bytes(range(128, 256))
_LATIN = re.compile(
    "[\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"
)
_PDF_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
# Sealed or binary: what stands here never costs tokens as text.
_NOT_TEXT = frozenset(
    (
        "type",
        "id",
        "tool_use_id",
        "cache_control",
        "signature",
        "data",
        "media_type",
        "source",
        "encrypted_content",
        "encrypted_index",
        "encrypted_stdout",
    )
)


def count(
    request: Mapping[str, Any], ratio: float = 1.0, *, reasoning_key: str | None = None
) -> int:
    """Tokens of system, messages and tools; at least 1.

    `ratio` is real over estimated, learnt from earlier answers. Thoughts count as far
    as they will be sent: with a `reasoning_key` those that carry it, without one (a
    Messages upstream) all that are not ours.
    """
    counter = _Counter(reasoning_key)
    counter.add_content(request.get("system"))
    for message in _list(request.get("messages")):
        if isinstance(message, dict):
            counter.tokens += PER_MESSAGE
            counter.add_content(message.get("content"))
    counter.add_tools(_list(request.get("tools")))
    corrected = counter.total() * min(max(ratio, MIN_RATIO), MAX_RATIO)
    return max(1, math.ceil(corrected))


def count_text(text: str) -> int:
    """Tokens of a text alone."""
    counter = _Counter(None)
    counter.add_text(text)
    return math.ceil(counter.total())


class _Counter:
    """Adds up kinds of characters; weighs them once, at the end."""

    def __init__(self, reasoning_key: str | None) -> None:
        self._reasoning_key = reasoning_key
        self.tokens = 0
        self._letters = 0  # Latin ones, and spaces: 4 a token
        self._others = 0  # digits and punctuation: 2.5 a token
        self._signs = 0  # other scripts: one each

    def total(self) -> float:
        return self.tokens + self._letters / 4 + self._others / 2.5 + self._signs

    def add_text(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        if not text.isascii():
            # What is left without ASCII are bytes of longer characters.
            plain = len(data) - len(data.translate(None, _ASCII))
            latin = len(_LATIN.findall(text))
            self._letters += latin
            self._signs += len(text) - plain - latin
            data = data.translate(None, _NOT_ASCII)
        others = len(data.translate(None, _LETTERS_AND_SPACES))
        self._others += others
        self._letters += len(data) - others

    def add_json(self, value: Any) -> None:
        self.add_text(json_codec.encode_text(value))

    def add_tools(self, tools: list[Any]) -> None:
        if not tools:
            return
        if not isinstance(tools, ToolList):
            tools = ToolList(tools)
        known: tuple[int, int, int] | None = tools.memo.get("characters")
        if known is None:
            alone = _Counter(None)
            alone.add_text(tools.json)
            alone._others -= len(tools) + 1  # the list's brackets and commas
            known = alone._letters, alone._others, alone._signs
            tools.memo["characters"] = known
        self.tokens += PER_TOOL * len(tools)
        self._letters += known[0]
        self._others += known[1]
        self._signs += known[2]

    def add_content(self, content: Any) -> None:
        if isinstance(content, str):
            self.add_text(content)
        for block in _list(content):
            if isinstance(block, dict):
                self._add_block(block)

    def _add_block(self, block: Mapping[str, Any]) -> None:
        kind = block.get("type")
        if kind in ("thinking", "redacted_thinking"):
            self._add_thought(block)
        elif kind == "tool_use":
            self.add_text(str(block.get("name") or ""))
            self.add_json(block.get("input"))
        elif kind in ("image", "document"):
            self._add_source(block)
        else:
            self._add_values(block)

    def _add_thought(self, block: Mapping[str, Any]) -> None:
        seal = block.get("signature", block.get("data"))
        if self._reasoning_key is None:
            is_sent = not reasoning.is_ours(seal)
        else:
            is_sent = reasoning.unpack(seal, self._reasoning_key) is not None
        if is_sent and isinstance(block.get("thinking"), str):
            self.add_text(block["thinking"])

    def _add_source(self, block: Mapping[str, Any]) -> None:
        source = block.get("source")
        source = source if isinstance(source, dict) else {}
        data = source.get("data")
        for name in ("title", "context"):
            self.add_content(block.get(name))
        if block.get("type") == "image":
            self.tokens += _image_tokens(data)
        elif source.get("type") == "text":
            self.add_content(data)
        elif source.get("type") == "content":
            self.add_content(source.get("content"))
        else:
            self.tokens += PER_PDF_PAGE * _pdf_pages(data)

    def _add_values(self, value: Any) -> None:
        """The texts anywhere in a block of another kind, results of tools included."""
        if isinstance(value, str):
            self.add_text(value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if key not in _NOT_TEXT:
                    self._add_value(inner)
        elif isinstance(value, list):
            for inner in value:
                self._add_value(inner)

    def _add_value(self, value: Any) -> None:
        is_block = isinstance(value, dict) and isinstance(value.get("type"), str)
        if is_block:
            self._add_block(value)
        else:
            self._add_values(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _image_tokens(data: Any) -> int:
    size = size_of(_decoded(data, _IMAGE_HEAD)) if isinstance(data, str) else None
    if size is None:
        return MAX_IMAGE
    width, height = size
    return min(MAX_IMAGE, math.ceil(width * height / PIXELS_PER_TOKEN))


def _pdf_pages(data: Any) -> int:
    pages = len(_PDF_PAGE.findall(_decoded(data))) if isinstance(data, str) else 0
    return max(1, pages)


def _decoded(data: str, limit: int | None = None) -> bytes:
    """Base64 as bytes; what cannot be read is empty."""
    if limit is not None:
        data = data[: limit // 3 * 4]
    data = "".join(data.split())
    try:
        return base64.b64decode(data[: len(data) // 4 * 4 or None] + "==")
    except (binascii.Error, ValueError):
        return b""
