"""Content blocks of a Messages request as content parts of Chat Completions.

A block becomes text, a picture or a file, or a note about what cannot be sent: the
model is to know that something was there. Nothing empty is ever sent.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Dict, List, Mapping, Union

from aiproxy.protocol import history, json_codec, server_blocks, shapes
from aiproxy.protocol.target import Target
from aiproxy.protocol.tools import ToolNames

Part = Dict[str, Any]
Content = Union[str, List[Part]]

_NOTHING = ("thinking", "redacted_thinking")  # thoughts have their own way


def text_part(text: str) -> list[Part]:
    """A text part, or none where there is nothing to see."""
    return [{"type": "text", "text": text}] if text.strip() else []


def is_text(part: Part) -> bool:
    return bool(part["type"] == "text")


def clean_mark(cache_control: Any) -> dict[str, str] | None:
    """A cache mark with the two fields that travel; None if it is none."""
    if not isinstance(cache_control, dict) or not isinstance(
        cache_control.get("type"), str
    ):
        return None
    mark = {"type": cache_control["type"]}
    if isinstance(cache_control.get("ttl"), str):
        mark["ttl"] = cache_control["ttl"]
    return mark


class ContentBlocks:
    """Translates blocks for one target."""

    def __init__(self, target: Target, names: ToolNames) -> None:
        self._target = target
        self._names = names
        # Only there do cache marks survive the translation, and only in lists of
        # parts [OpenRouter docs]; everywhere else a mark must not change the shape.
        self.keeps_marks = (
            target.dialect.name == "openrouter" and target.family == "claude"
        )
        self._renderers = {
            "text": self._text,
            "image": self._image,
            "document": self._document,
            "search_result": self._search_result,
            "container_upload": self._container_upload,
            "tool_reference": self._tool_reference,
            "tool_addition": self._tool_addition,
            "tool_use": self._tool_use,
            "tool_result": self._nested,
        }

    def content_of(self, parts: list[Part]) -> Content | None:
        """The `content` of a message: a string while there is nothing but text.

        The shape depends neither on cache marks nor on where the message stands.
        """
        if not parts:
            return None
        if self.keeps_marks or not all(is_text(part) for part in parts):
            return parts
        return "\n\n".join(part["text"] for part in parts)

    def parts_of_all(self, blocks: list[dict[str, Any]], where: str) -> list[Part]:
        """The parts of several blocks, in order."""
        parts: list[Part] = []
        for number, block in enumerate(blocks):
            parts += self.parts_of(block, f"{where}.{number}")
        return parts

    def parts_of(self, block: Mapping[str, Any], where: str) -> list[Part]:
        """The parts of one block; a cache mark goes on its last text."""
        kind = shapes.type_of(block)
        renderer = self._renderers.get(kind)
        if renderer:
            parts = renderer(block, where)
        elif kind in _NOTHING:
            parts = []
        elif server_blocks.is_server_block(kind):
            parts = text_part(server_blocks.text_of(block, self._names.upstream))
        else:
            text = block.get("text")
            parts = text_part(text) if isinstance(text, str) else []
        self.mark(parts, block.get("cache_control"))
        return parts

    def mark(self, parts: list[Part], cache_control: Any) -> None:
        """Put a cache mark on the last text, where marks are kept at all."""
        mark = clean_mark(cache_control) if self.keeps_marks else None
        if mark:
            for part in reversed(parts):
                if is_text(part):
                    part["cache_control"] = mark
                    break

    def _text(self, block: Mapping[str, Any], where: str) -> list[Part]:
        return text_part(shapes.text_of(block, where))

    def _image(self, block: Mapping[str, Any], where: str) -> list[Part]:
        source = self._source(block, where)
        kind = source.get("type")
        url = ""
        if kind == "url":
            url = shapes.optional_text(source.get("url"), f"{where}.source.url") or ""
        elif kind == "base64":
            url = _data_url(source, f"{where}.source", "image/png")
        if not url:
            return text_part(_missing("image", source))
        return [{"type": "image_url", "image_url": {"url": url}}]

    def _source(self, block: Mapping[str, Any], where: str) -> dict[str, Any]:
        return shapes.optional_object(block.get("source"), f"{where}.source") or {}

    def _document(self, block: Mapping[str, Any], where: str) -> list[Part]:
        source = self._source(block, where)
        kind = source.get("type")
        title, context = _plain(block, "title"), _plain(block, "context")
        inside: list[Part] | None = None
        if kind == "text":
            data = shapes.optional_text(source.get("data"), f"{where}.source.data")
            inside = text_part(data or "")
        elif kind == "content":
            content = shapes.blocks(source.get("content"), f"{where}.source.content")
            inside = self.parts_of_all(content, f"{where}.source.content")
        elif kind == "base64":
            inside = _decoded_text(source)
        if inside is not None:
            return _wrapped(title, text_part(context) + inside)
        return text_part(context) + self._file(source, title, where)

    def _file(self, source: Mapping[str, Any], title: str, where: str) -> list[Part]:
        data = ""
        if source.get("type") == "base64":
            data = _data_url(source, f"{where}.source", "application/pdf")
        elif source.get("type") == "url":
            url = shapes.optional_text(source.get("url"), f"{where}.source.url") or ""
            if url and not self._target.dialect.takes_file_url:
                return text_part(f"[{f'document {title}'.strip()}: {url}]")
            data = url
        if not data:
            return text_part(_missing("document", source, title))
        file = {"filename": title or "document.pdf", "file_data": data}
        return [{"type": "file", "file": file}]

    def _search_result(self, block: Mapping[str, Any], where: str) -> list[Part]:
        content = shapes.blocks(block.get("content"), f"{where}.content")
        texts = [_plain(block, "title"), _plain(block, "source")]
        parts = self.parts_of_all(content, f"{where}.content")
        texts += [part["text"] for part in parts if is_text(part)]
        media = [part for part in parts if not is_text(part)]
        return text_part("\n".join(text for text in texts if text)) + media

    def _container_upload(self, block: Mapping[str, Any], where: str) -> list[Part]:
        del where
        return text_part(_missing("file", {**block, "type": "file"}))

    def _tool_reference(self, block: Mapping[str, Any], where: str) -> list[Part]:
        name = shapes.optional_text(block.get("tool_name"), f"{where}.tool_name")
        return self._loaded(name or "")

    def _tool_addition(self, block: Mapping[str, Any], where: str) -> list[Part]:
        del where
        return self._loaded(history.added_name(block.get("tool")))

    def _loaded(self, name: str) -> list[Part]:
        return text_part(f"Loaded: {self._names.upstream(name)}") if name else []

    def _tool_use(self, block: Mapping[str, Any], where: str) -> list[Part]:
        # Only where no call can stand: in a user message, in a result.
        del where
        name = self._names.upstream(_plain(block, "name"))
        given = json_codec.encode_text(block.get("input") or {})
        return text_part(f"[called {name}: {given}]")

    def _nested(self, block: Mapping[str, Any], where: str) -> list[Part]:
        content = shapes.blocks(block.get("content"), f"{where}.content")
        return self.parts_of_all(content, f"{where}.content")


def _plain(block: Mapping[str, Any], field: str) -> str:
    value = block.get(field)
    return value if isinstance(value, str) else ""


def _data_url(source: Mapping[str, Any], where: str, media_type: str) -> str:
    data = shapes.optional_text(source.get("data"), f"{where}.data")
    kind = shapes.optional_text(source.get("media_type"), f"{where}.media_type")
    return f"data:{kind or media_type};base64,{data}" if data else ""


def _missing(what: str, source: Mapping[str, Any], title: str = "") -> str:
    name = f"{what} {title}".strip()
    file_id = source.get("file_id")
    if source.get("type") == "file" and isinstance(file_id, str):
        return f"[{name}: {file_id}, stored at Anthropic and not available here]"
    return f"[{name}: not available here]"


def _decoded_text(source: Mapping[str, Any]) -> list[Part] | None:
    """The text of a text file sent as base64; None for anything else."""
    data = source.get("data")
    if not _plain(source, "media_type").startswith("text/") or not isinstance(
        data, str
    ):
        return None
    try:
        return text_part(base64.b64decode(data, validate=True).decode("utf-8"))
    except (binascii.Error, ValueError):
        return None


def _wrapped(title: str, inside: list[Part]) -> list[Part]:
    """`<document>` around the parts; texts between pictures are put together."""
    escaped = title.replace('"', "&quot;")
    opening = f'<document title="{escaped}">' if title else "<document>"
    parts: list[Part] = []
    lines = [opening]
    for part in inside:
        if is_text(part):
            lines.append(part["text"])
        else:
            parts += [*text_part("\n".join(lines)), part]
            lines = []
    return parts + text_part("\n".join([*lines, "</document>"]))
