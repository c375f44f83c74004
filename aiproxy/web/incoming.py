"""The headers of the present request, whatever bytes they hold.

The framework's own reading fails on bytes that are no UTF-8; a client may send them.
"""

from __future__ import annotations

from bottle import request


def find_header(name: str) -> str | None:
    """The header's value, byte for character; None where there is none."""
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = "HTTP_" + key
    value: str | None = request.environ.get(key)
    return value


def header(name: str, default: str = "") -> str:
    """The same with a default."""
    value = find_header(name)
    return default if value is None else value
