"""The Cookie header, whatever it holds.

The usual readers fail on names that they do not like, and lose what stands beside them.
"""

from __future__ import annotations

MAX_COOKIE_BYTES = 4096


def cookie_values(cookies: str, name: str) -> list[str]:
    """What a Cookie header says of one name; nothing where it is giant."""
    if len(cookies) > MAX_COOKIE_BYTES:
        return []
    pairs = [pair.strip().partition("=") for pair in cookies.split(";")]
    return [value for key, _, value in pairs if key == name]
