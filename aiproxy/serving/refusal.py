"""What the HTTP layer itself answers: in the API's shape under /v1, else in short."""

from __future__ import annotations

from typing import Mapping

from aiproxy.errors import AIProxyError
from aiproxy.protocol import json_codec, messages
from aiproxy.status_line import status_line


def answer_to(
    error: AIProxyError, *, request_id: str, is_api: bool, accept: str = ""
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers and body of a refusal."""
    headers: Mapping[str, str] = {"request-id": request_id, **error.headers}
    if is_api:
        kind, body = "application/json", messages.envelope(error, request_id)
    elif "application/json" in accept:
        kind = "application/json"
        body = json_codec.encode({"error": {"message": error.message}})
    else:
        kind = "text/plain; charset=utf-8"
        body = f"{error.message}\n".encode("utf-8", "replace")
    fields = [*headers.items(), ("content-type", kind), ("cache-control", "no-store")]
    return status_line(error.status), fields, body
