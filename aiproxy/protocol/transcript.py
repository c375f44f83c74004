"""A kept body as a person reads it: JSON indented, a stream as the message it became.

For the log's pages only: nothing here goes to a client or a provider, so what is
malformed is shown as it is instead of refused.
"""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping

from aiproxy.errors import AIProxyError
from aiproxy.protocol import json_codec
from aiproxy.protocol.sse import Event, SSEDecoder

_STREAM_STARTS = (b"event:", b"data:", b":", b"id:", b"retry:")
# What a delta adds to: the content block's field, by the delta's own field.
_BLOCK_TEXTS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}


def is_stream(body: bytes) -> bool:
    """Whether a body is a run of server-sent events."""
    return body.lstrip(b"\xef\xbb\xbf\r\n").startswith(_STREAM_STARTS)


def readable(body: bytes) -> str:
    """The body for reading: indented JSON, an assembled stream, else its text."""
    value = assembled(body) if is_stream(body) else _parsed(body)
    if value is None:
        return text(body)
    return json.dumps(value, indent=2, ensure_ascii=False)


def text(body: bytes) -> str:
    """The bytes as text, exactly, but for what is not UTF-8."""
    return body.decode("utf-8", "replace")


def assembled(body: bytes) -> dict[str, Any] | None:
    """The message that a stream adds up to, in its own format; None for neither."""
    objects = list(_objects(body))
    if any("choices" in item for item in objects):
        return _chat(objects)
    if any(item.get("type") == "message_start" for item in objects):
        return _messages(objects)
    errors = [item for item in objects if "error" in item]
    return errors[-1] if errors else None


def _parsed(body: bytes) -> Any | None:
    try:
        value = json_codec.decode(body)
    except AIProxyError:
        return None
    return value if isinstance(value, (dict, list)) else None


def _objects(body: bytes) -> Iterator[dict[str, Any]]:
    for event in _events(body):
        try:
            value = json_codec.decode_text(event.data)
        except AIProxyError:
            continue  # "[DONE]", or an event cut short with the kept body
        if isinstance(value, dict):
            yield value


def _events(body: bytes) -> list[Event]:
    decoder = SSEDecoder()
    try:
        return [*decoder.feed(body), *decoder.finish()]
    except AIProxyError:
        return []


def _messages(objects: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    inputs: dict[int, str] = {}  # pieces of JSON by block
    for item in objects:
        kind, index = item.get("type"), _number(item)
        if kind == "message_start":
            message = dict(_mapping(item.get("message")))
        elif kind == "content_block_start":
            blocks[index] = dict(_mapping(item.get("content_block")))
        elif kind == "content_block_delta":
            delta = _mapping(item.get("delta"))
            if delta.get("type") == "input_json_delta":
                piece = str(delta.get("partial_json", ""))
                inputs[index] = inputs.get(index, "") + piece
            else:
                _add_delta(blocks.setdefault(index, {}), delta)
        elif kind == "message_delta":
            message.update(_mapping(item.get("delta")))
            usage = {**_mapping(message.get("usage")), **_mapping(item.get("usage"))}
            message["usage"] = usage
        elif "error" in item:
            message["error"] = item["error"]
    for index, pieces in inputs.items():
        parsed = _parsed(pieces.encode("utf-8", "replace"))
        blocks.setdefault(index, {})["input"] = pieces if parsed is None else parsed
    return {**message, "content": list(blocks.values())}


def _add_delta(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    kind = str(delta.get("type"))
    if kind in _BLOCK_TEXTS:
        target, source = _BLOCK_TEXTS[kind]
        block[target] = str(block.get(target) or "") + str(delta.get(source) or "")
    elif kind == "citations_delta":
        block["citations"] = [*_list(block.get("citations")), delta.get("citation")]
    else:
        block.update(delta)


def _chat(objects: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for item in objects:
        for name, value in item.items():
            if name != "choices" and value is not None:
                answer[name] = value
        for choice in _list(item.get("choices")):
            known = choices.setdefault(_number(_mapping(choice)), {})
            for name, value in _mapping(choice).items():
                if name == "delta":
                    message = known.setdefault("message", {})
                    _merge(message, _mapping(value))
                elif value is not None:
                    known[name] = value
    return {**answer, "choices": list(choices.values())}


def _merge(known: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Text is appended, lists are merged by `index`, all else is replaced."""
    for name, value in delta.items():
        present = known.get(name)
        if isinstance(value, str) and isinstance(present, str) and name not in _WHOLE:
            known[name] = present + value
        elif isinstance(value, list):
            known[name] = _merge_list(
                present if isinstance(present, list) else [], value
            )
        elif isinstance(value, dict):
            inner = dict(_mapping(present))
            _merge(inner, value)
            known[name] = inner
        elif value is not None or name not in known:
            known[name] = value


# Sent whole with every chunk by some providers.
_WHOLE = frozenset({"role", "id", "type", "format"})


def _merge_list(present: list[Any], pieces: list[Any]) -> list[Any]:
    merged = list(present)
    for piece in pieces:
        same = [
            i
            for i, item in enumerate(merged)
            if isinstance(piece, dict)
            and isinstance(item, dict)
            and "index" in piece
            and item.get("index") == piece["index"]
        ]
        if same:
            inner = dict(merged[same[0]])
            _merge(inner, piece)
            merged[same[0]] = inner
        else:
            merged.append(piece)
    return merged


def _number(item: Mapping[str, Any]) -> int:
    index = item.get("index")
    return index if isinstance(index, int) else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
