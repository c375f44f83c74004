"""Chat Completions as providers write it: the fields we read, and what they mean.

Nothing here trusts a type. What is missing, null or of another kind than expected is
not there; what nobody declared is not looked at.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, Mapping, NamedTuple

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol import arguments, json_codec, reasoning, surrogates

Chunk = Mapping[str, Any]

# Deeper than the arguments may be, so that they can be refused as themselves.
_MAX_DEPTH = 500
_SHORT = 1000
MAX_ENTRIES = 10_000
_DONE = "[DONE]"

CONTENT = "content"
# The kinds of a piece of content.
TEXT = "text"
REFUSAL = "refusal"
THINKING = "thinking"

_STOP_REASONS: Mapping[str, str] = {
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "safety": "refusal",
    "sensitive": "refusal",  # z.ai
    "model_context_window_exceeded": "model_context_window_exceeded",
}
# The answer failed, whatever there is of it: z.ai, DeepSeek, vLLM.
_FAILURES = frozenset(
    {"error", "network_error", "insufficient_system_resource", "abort"}
)


class CallPiece(NamedTuple):
    """What one entry of `tool_calls` brings; empty where it brings nothing."""

    number: int | None  # its `index`
    id: str
    name: str
    arguments: str
    extra: Mapping[str, Any]
    is_legacy: bool = False  # `function_call`: there is only one of them


# -- JSON


def is_done(data: str) -> bool:
    """The mark after which nothing counts."""
    return data.strip() == _DONE


def decode(text: str) -> Any:
    """JSON as upstreams send it; raises ValueError.

    What is no JSON but common (NaN, Infinity) is null: nothing else may come to
    numbers that cannot be written out again.
    """
    if text[:1].isspace():
        text = text.lstrip()
    # A short text has no long number, and int() alone is three times as fast.
    decoder = _DECODER if len(text) <= _SHORT else _CAREFUL_DECODER
    try:
        value, end = decoder.raw_decode(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if end != len(text) and not text[end:].isspace():
        raise ValueError("something follows the JSON")
    if text.count("{") + text.count("[") > _MAX_DEPTH:  # most cannot be that deep
        json_codec.check_depth(value, _MAX_DEPTH)
    return value


def _float(digits: str) -> float | None:
    value = float(digits)
    return None if value in {float("inf"), float("-inf")} else value


def _integer(digits: str) -> int:
    if len(digits) > json_codec.MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(digits)


def _no_number(_name: str) -> None:
    return None


_DECODER = json.JSONDecoder(
    parse_float=_float,
    parse_constant=_no_number,
    strict=False,
)
_CAREFUL_DECODER = json.JSONDecoder(
    parse_float=_float,
    parse_int=_integer,
    parse_constant=_no_number,
    strict=False,
)


# -- chunks and choices


def error_in(chunk: Any) -> Any:
    """What in a chunk or an answer says that it failed; None if nothing does."""
    if isinstance(chunk, list):  # Google's errors are lists
        return error_in(chunk[0]) if chunk and isinstance(chunk[0], dict) else None
    if not isinstance(chunk, dict):
        return None
    choice = choice_of(chunk)
    for holder in (chunk, choice, chunk.get("x_groq")):
        if isinstance(holder, dict) and holder.get("error"):
            return holder
    if choice is None:
        return {"error": chunk} if _is_bare_error(chunk) else None
    reason = finish_reason_of(choice)
    if reason not in _FAILURES:
        return None
    return {"error": {"message": f"the provider broke off the answer: {reason}"}}


def _is_bare_error(chunk: Chunk) -> bool:
    """An error without an `error`: vLLM, FastAPI."""
    words = any(chunk.get(name) for name in ("message", "detail", "msg", "errors"))
    return chunk.get("object") == "error" or ("choices" not in chunk and words)


def choice_of(chunk: Chunk) -> dict[str, Any] | None:
    """The first choice, the only one that counts."""
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        return None
    for choice in choices:
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return None


def delta_of(choice: Chunk) -> Chunk:
    """What a choice adds: its delta, or a message in the place of one."""
    for name in ("delta", "message"):
        value = choice.get(name)
        if isinstance(value, dict):
            return value
    return {}


def finish_reason_of(choice: Chunk) -> str:
    """Empty while there is none; xAI sends an empty one in every chunk."""
    reason = choice.get("finish_reason")
    return reason if isinstance(reason, str) else ""


def to_stop_reason(finish_reason: str) -> str:
    """The Messages word for it; the content may still decide otherwise."""
    return _STOP_REASONS.get(finish_reason, "end_turn")


def plain_text_of(chunk: Any, field: str = CONTENT) -> str:
    """The text in this field of a delta, if the chunk brings nothing else, or empty."""
    try:
        choices = chunk["choices"]
        choice = choices[0]
        delta = choice["delta"]
        text = delta[field]
    except (KeyError, IndexError, TypeError):
        return ""
    if type(text) is not str or len(choices) != 1:
        return ""
    # Unrolled: this runs for every chunk of a text.
    get = choice.get
    if get("finish_reason") or get("index") or get("stop_reason") or get("error"):
        return ""
    if get("usage") or chunk.get("usage") or chunk.get("error"):
        return ""
    if "x_groq" in chunk or (len(delta) > 1 and _has_more(delta, field)):
        return ""
    return text if text.isascii() or not surrogates.has_any(text) else ""


def _has_more(delta: Chunk, field: str) -> bool:
    return any(value and name not in {field, "role"} for name, value in delta.items())


# -- what a delta holds


def _entries(value: Any) -> list[Any]:
    """The entries of a list; nobody has that many, and each takes its time."""
    if not isinstance(value, list):
        return []
    if len(value) > MAX_ENTRIES:
        raise UpstreamBroken(f"the provider sent over {MAX_ENTRIES} entries at once")
    return value


def thoughts_of(delta: Chunk) -> list[tuple[str, str]]:
    """Reasoning with the field it stood in; the same text may stand in several."""
    found: list[tuple[str, str]] = []
    for name in (reasoning.REASONING_CONTENT, reasoning.REASONING):
        text = _plain_text(delta.get(name))
        if text:
            found.append((name, text))
    text = "".join(detail_text(detail) for detail in details_of(delta))
    if text:
        found.append((reasoning.DETAILS, text))
    return found


def details_of(delta: Chunk) -> list[dict[str, Any]]:
    """OpenRouter's `reasoning_details`, which must come back whole."""
    details = _entries(delta.get("reasoning_details"))
    return [detail for detail in details if isinstance(detail, dict)]


def detail_text(detail: Chunk) -> str:
    """What of a detail can be shown."""
    for name in ("text", "summary"):
        value = detail.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def contents_of(delta: Chunk) -> Iterator[tuple[str, str]]:
    """The content in pieces, each with its kind, and a refusal after it."""
    content = delta.get("content")
    for part in _entries(content) if isinstance(content, list) else [content]:
        kind, text = _part(part)
        if text:
            yield kind, text
    refusal = delta.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield REFUSAL, refusal


def _part(part: Any) -> tuple[str, str]:
    if not isinstance(part, dict):
        return TEXT, part if isinstance(part, str) else ""
    if "thinking" in part:  # Magistral: a list of text parts
        return THINKING, _plain_text(part["thinking"])
    if isinstance(part.get("refusal"), str):
        return REFUSAL, part["refusal"]
    return TEXT, _plain_text(part.get("text"))


def _plain_text(value: Any) -> str:
    """A string, or the texts of a list of parts."""
    if isinstance(value, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in value]
        return "".join(text for text in texts if isinstance(text, str))
    return value if isinstance(value, str) else ""


def calls_of(delta: Chunk) -> list[CallPiece]:
    """The pieces of tool calls, the one of the legacy field last."""
    pieces = [
        _call_piece(call, call.get("function"))
        for call in _entries(delta.get("tool_calls"))
        if isinstance(call, dict)
    ]
    if len(pieces) > 1 and not any(piece.id or piece.number for piece in pieces):
        # Nothing tells them apart but their places.
        pieces = [piece._replace(number=at) for at, piece in enumerate(pieces)]
    legacy = delta.get("function_call")
    if isinstance(legacy, dict):
        pieces.append(_call_piece({}, legacy)._replace(is_legacy=True))
    return pieces


def _call_piece(call: Chunk, function: Any) -> CallPiece:
    function = function if isinstance(function, dict) else {}
    extra = call.get("extra_content")
    return CallPiece(
        number=_number(call.get("index")),
        id=_word(call.get("id")),
        name=_word(function.get("name")),
        arguments=arguments.to_text(function.get("arguments")),
        extra=extra if isinstance(extra, dict) else {},
    )


def _word(value: Any) -> str:
    return value if isinstance(value, str) and not value.isspace() else ""


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) else None


def citations_of(delta: Chunk) -> list[tuple[str, str]]:
    """The pages that a search found, as URL and title."""
    found: list[tuple[str, str]] = []
    for annotation in _entries(delta.get("annotations")):
        if not isinstance(annotation, dict):
            continue
        citation = annotation.get("url_citation")
        if not isinstance(citation, dict):
            citation = annotation if annotation.get("type") == "url_citation" else {}
        url, title = citation.get("url"), citation.get("title")
        if isinstance(url, str) and url:
            found.append((url, title if isinstance(title, str) and title else url))
    return found
