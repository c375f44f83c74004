"""The plain options of a request: limits, sampling, stops, format, cache key.

Each is sent as the client gave it or not at all; what the target is known to refuse
stays here, and stop sequences are enforced here whatever is sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Mapping

from aiproxy.protocol import json_codec, shapes
from aiproxy.protocol.target import Target

MAX_STOPS = 4  # OpenAI's own limit, copied by the others


def output_limit(request: Mapping[str, Any], target: Target) -> int:
    """`max_tokens`, at most what the provider is configured for."""
    asked = shapes.optional_integer(request.get("max_tokens"), "max_tokens")
    if asked is None:
        shapes.refuse("max_tokens", "is required")
    if asked < 1:
        shapes.refuse("max_tokens", "must be at least 1")
    cap = target.max_output_tokens
    return min(asked, cap) if cap else asked


def limit_field(target: Target) -> str:
    """The name of the output limit: OpenAI's newer models know only the long one."""
    is_openai = target.dialect.name == "openai" and target.family == "gpt-5"
    return "max_completion_tokens" if is_openai else "max_tokens"


def sampling_fields(request: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """`temperature`, `top_p` and `top_k`, where the model leaves them open."""
    fields: dict[str, Any] = {}
    for name in ("temperature", "top_p"):
        value = request.get(name)
        if value is not None and not _is_fixed(name, target):
            fields[name] = shapes.optional_number(value, name)
    if request.get("top_k") is not None and target.dialect.takes_top_k:
        fields["top_k"] = shapes.optional_integer(request["top_k"], "top_k")
    return fields


def _is_fixed(name: str, target: Target) -> bool:
    if target.family == "gpt-5":
        return True
    # Kimi fixes them by its mode of thinking [hermes#12435].
    if target.family == "kimi":
        return True
    return name == "temperature" and target.dialect.name == "moonshot"


def stop_sequences(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that can match anything; blank ones every provider refuses."""
    value = request.get("stop_sequences")
    if value is None:
        return ()
    if not isinstance(value, list):
        shapes.refuse("stop_sequences", "must be a list of strings")
    for number, entry in enumerate(value):
        shapes.optional_text(entry, f"stop_sequences.{number}")
    return tuple(dict.fromkeys(entry for entry in value if entry and entry.strip()))


def stop_fields(stops: tuple[str, ...], target: Target) -> dict[str, Any]:
    """`stop`, with what of them fits."""
    refuses = not target.dialect.takes_stop or target.family in ("gpt-5", "grok")
    return {"stop": list(stops[:MAX_STOPS])} if stops and not refuses else {}


def format_fields(
    request: Mapping[str, Any], target: Target
) -> tuple[dict[str, Any], str]:
    """`response_format`, and what the system message has to say about it."""
    config = shapes.optional_object(request.get("output_config"), "output_config") or {}
    where, wanted = "output_config.format", config.get("format")
    if wanted is None:
        where, wanted = "output_format", request.get("output_format")
    wanted = shapes.optional_object(wanted, where)
    if not wanted or wanted.get("type") != "json_schema":
        return {}, ""
    schema = shapes.optional_object(wanted.get("schema"), f"{where}.schema") or {}
    if not target.dialect.takes_json_schema:
        text = json_codec.encode_text(schema)
        rule = f"Answer with one JSON object that fits this JSON schema:\n{text}"
        return {"response_format": {"type": "json_object"}}, rule
    name = wanted.get("name")
    if not isinstance(name, str) or not re.match(r"[a-zA-Z0-9_-]{1,64}\Z", name):
        name = "answer"
    # Not `strict`, which would make every optional property required.
    named = {"name": name, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}, ""


def conversation_key(request: Mapping[str, Any]) -> str:
    """A name for the conversation that tells nothing about its user; may be empty."""
    metadata = request.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(user, str) or not user:
        return ""
    session = _session_of(user)
    source = f"session {session}" if session else f"user {user}"
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _session_of(user: str) -> str:
    """The session in the user id of Claude Code: JSON, or `…_session_ID` before it."""
    try:
        held = json.loads(user)
    except (ValueError, RecursionError):
        found = re.search(r"_session_([^_]+)\Z", user)
        return found.group(1) if found else ""
    session = held.get("session_id") if isinstance(held, dict) else None
    return session if isinstance(session, str) else ""
