"""The first line of an answer, without its version: `503 Service Unavailable`."""

from __future__ import annotations

_PHRASES = {
    200: "OK",
    529: "Overloaded",  # Anthropic's own
}


def status_line(status: int) -> str:
    """Code and phrase; any code that a provider thinks of has one."""
    return f"{status} {_PHRASES.get(status) or _standard_phrase(status)}"


def _standard_phrase(status: int) -> str:
    from http import HTTPStatus  # noqa: PLC0415 - not for a 200 alone

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
