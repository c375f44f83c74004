"""The shapes of the Messages API that several modules share: errors and contents."""

from __future__ import annotations

from typing import Any, Mapping

from aiproxy.errors import AIProxyError, UpstreamError
from aiproxy.protocol import json_codec

# https://docs.anthropic.com/en/api/versioning: the only version in use.
API_VERSION = "2023-06-01"
# Claude Code's bookkeeping, of no use to any model, and other in every subagent.
BILLING_HEADER = "x-anthropic-billing-header:"


def error_object(error: AIProxyError, request_id: str = "") -> dict[str, Any]:
    """The envelope that every client of the API knows, as an object."""
    envelope: dict[str, Any] = {
        "type": "error",
        "error": {"type": error.error_type, "message": error.message},
    }
    if request_id:
        envelope["request_id"] = request_id
    return envelope


def envelope(error: AIProxyError, request_id: str) -> bytes:
    """The body of an error answer; an Anthropic provider's own passes unchanged."""
    if isinstance(error, UpstreamError) and error.body is not None:
        return error.body
    return json_codec.encode(error_object(error, request_id))


def error_event(error: AIProxyError, request_id: str = "") -> bytes:
    """The server-sent event that ends a stream which has gone wrong."""
    return b"event: error\ndata: %s\n\n" % json_codec.encode(
        error_object(error, request_id)
    )


def is_error(value: object) -> bool:
    """An error in Anthropic's shape: what their SDKs turn into an exception."""
    return (
        isinstance(value, dict)
        and value.get("type") == "error"
        and isinstance(value.get("error"), dict)
        and isinstance(value["error"].get("type"), str)
        and isinstance(value["error"].get("message"), str)
    )


def blocks_of(content: object) -> list[Mapping[str, Any]]:
    """A content as a list of blocks, whether a string, a list or nothing was sent."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if isinstance(content, list):
        return [block for block in content if isinstance(block, dict)]
    return []


def text_of(content: object, separator: str = "\n\n") -> str:
    """The text blocks of a content, joined; other blocks are left out."""
    texts = [
        block["text"]
        for block in blocks_of(content)
        if block.get("type") == "text" and isinstance(block.get("text"), str)
    ]
    return separator.join(text for text in texts if text)


def without_billing(system: Any) -> Any:
    """A system prompt without the client's bookkeeping for Anthropic.

    The first line of a string, or a whole block; the same words elsewhere are the
    user's.
    """
    if isinstance(system, str) and system.startswith(BILLING_HEADER):
        return system.partition("\n")[2]
    if isinstance(system, list):
        return [block for block in system if not is_billing(block)]
    return system


def is_billing(block: Any) -> bool:
    """A block of the client's bookkeeping."""
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.startswith(BILLING_HEADER)
