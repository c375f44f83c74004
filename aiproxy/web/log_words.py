"""A row of the request log in words: its status, what went wrong, what to do."""

from __future__ import annotations

from typing import Any, Mapping

from aiproxy.records import dataclass
from aiproxy.store.request_log import LogEntry

_STATUS_WORDS: Mapping[int, str] = {
    400: "bad request",
    401: "key refused",
    402: "no credit",
    403: "not allowed",
    404: "not found",
    408: "timed out",
    413: "too large",
    429: "rate limit",
    499: "client left",
    500: "error",
    502: "no answer",
    503: "not available",
    504: "timed out",
    529: "overloaded",
}


@dataclass(frozen=True)
class Advice:
    """What to do about a failure, and where; no sentence where nothing helps."""

    sentence: str
    link: str = ""
    link_text: str = ""


def status_words(status: int) -> str:
    """`429 rate limit`; the number alone for a success."""
    if status < 400:
        return str(status)
    return f"{status} {_STATUS_WORDS.get(status, 'failed')}"


_NO_KEY = "The provider refuses its key: paste it again or make a new one there."
# By status: what to do, and the words of the link to the provider's page.
_OF_PROVIDER: Mapping[int, tuple[str, str]] = {
    401: (_NO_KEY, "Change the key"),
    402: ("Add credit to your account at the provider.", ""),
    403: (_NO_KEY, "Change the key"),
    404: ("Choose another model for it.", "Choose a model"),
    429: ("Wait, or let another provider take over.", "Set a fallback"),
}
_LEFT = Advice("Nothing: Claude Code was stopped or asked anew.")
_TOO_LONG = "Set the context window, and Claude Code compacts in time."
# Refused by this server before any provider was asked.
_OURS: Mapping[int, Advice] = {
    401: Advice("Set a valid key in the client.", "/connect", "See the lines"),
    404: Advice("Use one of the base URLs there are.", "/help", "See them"),
    429: Advice(
        "This server's own limit was reached. Raise it if one user needs more.",
        "/settings",
        "Change the limit",
    ),
}


def advice(entry: LogEntry, provider_id: int | None) -> Advice:
    """The next step after a failure; `provider_id` only for who may edit it."""
    edit = f"/provider/edit/{provider_id}" if provider_id else ""
    if entry.status == 499:
        return _LEFT
    if not entry.provider:
        return _OURS.get(entry.status, Advice(""))
    if entry.error_message.startswith("prompt is too long"):
        return Advice(_TOO_LONG, edit, "Set the context window")
    if entry.status in _OF_PROVIDER:
        sentence, link_text = _OF_PROVIDER[entry.status]
        return Advice(sentence, edit if link_text else "", link_text)
    if entry.status >= 500:
        return Advice("Try again, test it, or set a fallback.", edit, "Open it")
    return Advice("The provider's answer, where it was kept, is station 3 below.")


def input_tokens(entry: LogEntry) -> int:
    """All that went in, cached or not."""
    return entry.input_tokens + entry.cache_read_tokens + entry.cache_write_tokens


def entry_object(entry: LogEntry) -> dict[str, Any]:
    """The JSON of a row; ids of rows stay inside."""
    hidden = ("user_id", "key_id", "bodies", "has_bodies")
    shown = {name: value for name, value in vars(entry).items() if name not in hidden}
    shown["notes"] = list(entry.notes)
    return shown
