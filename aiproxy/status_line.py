"""The first line of an answer, without its version: `503 Service Unavailable`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Mapping

_PHRASES: Mapping[int, str] = {
    **{int(status): status.phrase for status in HTTPStatus},
    529: "Overloaded",  # Anthropic's own
}


def status_line(status: int) -> str:
    """Code and phrase; any code that a provider thinks of has one."""
    return f"{status} {_PHRASES.get(status, 'Error')}"
