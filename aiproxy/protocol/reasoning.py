"""Thinking blocks and reasoning fields, and what must come back.

No store on the server: what a provider wants back rides in the `signature` of a
thinking block (or the `data` of a redacted one), which clients return verbatim. It
survives restarts, and its key keeps one provider's thoughts from every other.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any, Hashable, Mapping, Sequence

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec
from aiproxy.protocol.target import Target
from aiproxy.records import dataclass, field

PREFIX = "aip1."
MAX_ENVELOPE_BYTES = 4 * 1024 * 1024
_MAX_MISSES = 16

# Names for where the text of a thought stood: the two fields of a message, its list
# `reasoning_details`, a `thinking` part of its content, or a tag in its text, which
# is named as it is written: "<think>".
REASONING_CONTENT = "reasoning_content"
REASONING = "reasoning"
DETAILS = "reasoning_details"
PARTS = "thinking"

_TAG = re.compile(r"<(think|thinking|thought)>\Z")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+\Z")
# What grows from piece to piece; of everything else the last non-empty value holds.
_GROWING = ("text", "summary", "data")


@dataclass(frozen=True)
class Thought:
    """What one of our envelopes held, with the text of its block."""

    text: str = ""
    fields: tuple[str, ...] = ()
    details: tuple[dict[str, Any], ...] = ()
    calls: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def is_ours(signature: object) -> bool:
    """Whether a `signature` or `data` is an envelope of ours, whoever it is for."""
    return isinstance(signature, str) and signature.startswith(PREFIX)


def pack(
    key: str,
    fields: Sequence[str] = (),
    details: Sequence[Mapping[str, Any]] = (),
    calls: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    text: str = "",
) -> str:
    """The envelope for one block.

    `fields` says where its `text` stood; `calls` maps ids of tool calls, as the client
    has them, to their `extra_content`. Texts in `details` that the block shows anyway
    are left out; `unpack` refills them.
    """
    kept, shown = _without_shown_texts(details, text)
    content: dict[str, Any] = {"key": key}
    if fields:
        content["fields"] = list(fields)
    if kept:
        content["details"] = kept
    if shown:
        content["shown"] = shown
        content["length"] = len(text)
    if calls:
        content["calls"] = dict(calls)
    packed = zlib.compress(json_codec.encode(content))
    return PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def _without_shown_texts(
    details: Sequence[Mapping[str, Any]], text: str
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    kept: list[dict[str, Any]] = []
    shown: list[list[Any]] = []
    at = misses = 0
    for number, detail in enumerate(details):
        copy = dict(detail)
        for name in ("text", "summary"):
            value = copy.get(name)
            if not isinstance(value, str) or not value:
                continue
            # Each search may run to the end: after some in vain only the next place.
            end = at + len(value) if misses > _MAX_MISSES else len(text)
            start = text.find(value, at, end)
            if start < 0:
                misses += 1
                continue
            at = start + len(value)
            shown.append([number, name, start, at])
            copy[name] = None  # keeps its place among the keys
        kept.append(copy)
    return kept, shown


def unpack(signature: object, key: str, *, text: str = "") -> Thought | None:
    """The thought in an envelope; None if it is not ours, broken or for another key."""
    content = _open(signature)
    if content is None or content.get("key") != key:
        return None
    fields = content.get("fields", [])
    details = content.get("details", [])
    calls = content.get("calls", {})
    if not _is_list_of(fields, str) or not _is_list_of(details, dict):
        return None
    if not isinstance(calls, dict) or not _is_list_of(list(calls.values()), dict):
        return None
    if not _refill(details, content, text):
        return None
    return Thought(text, tuple(fields), tuple(details), calls)


def _open(signature: object) -> dict[str, Any] | None:
    if not isinstance(signature, str) or not signature.startswith(PREFIX):
        return None
    coded = signature[len(PREFIX) :]
    if len(coded) > 2 * MAX_ENVELOPE_BYTES or not _BASE64URL.match(coded):
        return None
    try:
        packed = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        inflate = zlib.decompressobj()
        data = inflate.decompress(packed, MAX_ENVELOPE_BYTES)
        if not inflate.eof:  # cut short, or more than we ever wrote
            return None
        content = json_codec.decode(data)
    except (binascii.Error, ValueError, zlib.error, InvalidRequest):
        return None
    return content if isinstance(content, dict) else None


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _refill(
    details: list[dict[str, Any]], content: Mapping[str, Any], text: str
) -> bool:
    shown = content.get("shown", [])
    if not shown:
        return True
    # Another text than the one we packed it with: the offsets mean nothing.
    if not _is_list_of(shown, list) or content.get("length") != len(text):
        return False
    for entry in shown:
        if [type(item) for item in entry] != [int, str, int, int]:
            return False
        number, name, start, end = entry
        if not 0 <= number < len(details) or not 0 <= start <= end <= len(text):
            return False
        details[number][name] = text[start:end]
    return True


class DetailMerger:
    """Puts streamed pieces of `reasoning_details` together again, in linear time.

    Pieces of equal type and index (or id) are one item. Two ids that differ are two
    items even at one index: OpenRouter numbers the signatures of parallel calls alike.
    """

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._grown: list[dict[str, list[str]]] = []
        self._by_identity: dict[Hashable, int] = {}

    def __bool__(self) -> bool:
        return bool(self._items)

    def add(self, piece: Mapping[str, Any]) -> None:
        """One entry of a delta's `reasoning_details`."""
        identity = self._identity(piece)
        number = self._by_identity.get(identity)
        if number is None or _differ(self._items[number].get("id"), piece.get("id")):
            number = len(self._items)
            self._by_identity[identity] = number
            self._items.append({})
            self._grown.append({})
        item, grown = self._items[number], self._grown[number]
        for name, value in piece.items():
            if name in _GROWING and isinstance(value, str):
                item.setdefault(name, "")  # its place among the keys
                grown.setdefault(name, []).append(value)
            elif value not in (None, "") or name not in item:
                item[name] = value

    def add_whole(self, item: Mapping[str, Any]) -> None:
        """One entry of an answer that was not streamed: nothing is added to it."""
        self._items.append(dict(item))
        self._grown.append({})

    def take(self) -> list[dict[str, Any]]:
        """The items so far, whole and in order; the merger is empty again."""
        items, grown = self._items, self._grown
        for item, parts in zip(items, grown):
            item.update({name: "".join(texts) for name, texts in parts.items()})
        self._items, self._grown, self._by_identity = [], [], {}
        return items

    def _identity(self, piece: Mapping[str, Any]) -> Hashable:
        kind, index, own = piece.get("type"), piece.get("index"), piece.get("id")
        if isinstance(index, (int, str)):
            return (str(kind), "index", index)
        if isinstance(own, str) and own:
            return (str(kind), "id", own)
        # Nothing tells these apart: running text continues, sealed data does not.
        return (str(kind), "none", len(self._items) if "data" in piece else 0)


def _differ(one: object, other: object) -> bool:
    return bool(one) and bool(other) and one != other


def tag_of(field_name: str) -> str:
    """`think` for the field name `<think>`; empty for a name that is no tag."""
    found = _TAG.match(field_name)
    return found.group(1) if found else ""


def give_back(
    message: dict[str, Any], thoughts: Sequence[Thought], target: Target
) -> None:
    """Put a turn's own thoughts into its message, where its provider had them."""
    fields = {name for thought in thoughts for name in thought.fields}
    text = "".join(_text_of(thought) for thought in thoughts)
    if text and _may_return(target):
        _put_text(message, text, fields)
    if text and target.send_reasoning != "never":
        _put_tagged(message, text, fields)
    details = _joined_details(thoughts)
    if details and _may_return(target):
        message["reasoning_details"] = details


def _joined_details(thoughts: Sequence[Thought]) -> list[dict[str, Any]]:
    """The details of all blocks; a late piece, as a signature, joins its item."""
    merger = DetailMerger()
    for thought in thoughts:
        for detail in thought.details:
            if detail.get("index") is None and not detail.get("id"):
                merger.add_whole(detail)  # nothing says that it belongs to another
            else:
                merger.add(detail)
    return merger.take()


def _may_return(target: Target) -> bool:
    if target.send_reasoning == "auto":
        # groq, cerebras and mistral refuse what they gave out [freellmapi#1070].
        return target.dialect.takes_reasoning_history
    return target.send_reasoning == "always"


def _text_of(thought: Thought) -> str:
    # What came in `reasoning_details` alone goes back there alone.
    return thought.text if set(thought.fields) - {DETAILS} else ""


def _put_text(message: dict[str, Any], text: str, fields: set[str]) -> None:
    if REASONING_CONTENT in fields:
        message[REASONING_CONTENT] = text
    elif REASONING in fields:
        # vLLM reads only the new name [vllm#27755, #38488].
        message[REASONING] = text
    elif PARTS in fields:
        content = message.get("content")
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
        after = [{"type": "text", "text": content}] if content else []
        message["content"] = [thinking, *after]


def _put_tagged(message: dict[str, Any], text: str, fields: set[str]) -> None:
    tags = [tag for tag in map(tag_of, sorted(fields)) if tag]
    # Templates cut tagged thoughts from earlier answers, but not from within a turn.
    if not tags or len(tags) < len(fields) or not message.get("tool_calls"):
        return
    shown, content = f"<{tags[0]}>{text}</{tags[0]}>", message.get("content")
    message["content"] = f"{shown}\n\n{content}" if content else shown


# What stands for a thought that is not there, where one is demanded: DeepSeek takes
# an empty one, for Kimi `""` counts as missing [llmgateway#2093].
_FILLERS = {"deepseek": "", "kimi": " "}


def fill(message: dict[str, Any], target: Target) -> None:
    """Give a message with calls the reasoning that its family demands of it."""
    filler = _FILLERS.get(target.family)
    if filler is None or not message.get("tool_calls") or not _may_return(target):
        return
    present = (REASONING_CONTENT, REASONING, "reasoning_details")
    if not any(name in message for name in present):
        message[REASONING_CONTENT] = filler
