"""What must never reach a provider, in whatever format it is asked."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping

# What a client says of itself; none of it is a provider's business.
CLIENT_HEADERS = (
    "cookie",
    "forwarded",
    "x-app",
    "x-claude-code-",
    "x-forwarded-",
    "x-stainless-",
)


def problems(body: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[str]:
    """The client's own headers, its key, its billing line, our envelopes."""
    for name, value in headers.items():
        if name.startswith(CLIENT_HEADERS):
            yield f"the client's header {name} was sent on"
        if "aip_" in value:
            yield f"the header {name} holds the client's key"
    if "claude-cli" in headers.get("user-agent", ""):
        yield "the client's user-agent was sent on"
    if "aip1." in json.dumps(body):
        yield "an envelope of thoughts was sent on"
    if any(text.startswith("x-anthropic-billing-header:") for text in _system(body)):
        yield "the client's billing line was sent on"


def _system(body: Mapping[str, Any]) -> Iterator[str]:
    messages = body.get("messages") or []
    contents = [m.get("content") for m in messages if m.get("role") == "system"]
    for content in [body.get("system"), *contents]:
        blocks = content if isinstance(content, list) else [{"text": content or ""}]
        for block in blocks:
            yield str(block.get("text", ""))
