"""The provider's own words in a failed answer, wherever it put them.

translation.md's list: OpenAI `error.message`, xAI `error` as a string, vLLM
`message`, FastAPI `detail`, Google a list of errors, others `errors` or `msg`, HTML,
plain text, nothing at all.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import json_codec
from aiproxy.protocol.patterns import lazy_pattern

MAX_MESSAGE = 2000
MAX_READ = 20_000  # of a body's text; a message stands at its beginning
_MAX_NESTING = 6
_MAX_DETAILS = 5

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    418: "I'm a teapot",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    451: "Unavailable For Legal Reasons",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    # Cloudflare's own.
    520: "Unknown Error",
    521: "Web Server Is Down",
    522: "Connection Timed Out",
    523: "Origin Is Unreachable",
    524: "A Timeout Occurred",
    529: "Site Is Overloaded",
}
_HTML = lazy_pattern(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype|\?xml|html|head|body)", re.I | re.S
)
_TITLE = lazy_pattern(r"<title[^>]{0,200}>([^<]{1,500})", re.I)
_SPACES = lazy_pattern(r"\s+")


def parse(body: bytes) -> Any:
    """The body as JSON, or None where it is none."""
    try:
        return json_codec.decode(body)
    except InvalidRequest:
        return None


def words(body: bytes, parsed: Any) -> str:
    """What the provider said, or "" where it said nothing that can be shown."""
    text = body[: 4 * MAX_READ].decode("utf-8", "replace").strip()
    if parsed is not None:
        text = message_in(parsed) or (text if parsed else "")
    elif is_html(text):
        title = _TITLE.search(text)
        text = _SPACES.sub(" ", title.group(1)) if title else ""
        from html import unescape  # noqa: PLC0415 - its table is large, HTML is rare

        return unescape(text).strip()
    return text[:MAX_READ]


def is_html(text: str) -> bool:
    """A web page (or XML) where an API's answer should be."""
    return bool(_HTML.match(text[:4096]))


def status_line(status: int) -> str:
    """ "502 Bad Gateway": all that is left to say."""
    return f"{status} {_REASONS.get(status, '')}".rstrip()


def shortened(text: str) -> str:
    """At most 2000 characters of it."""
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def error_object(parsed: Any) -> Mapping[str, Any]:
    """The object that holds code, type and param, or an empty one."""
    if isinstance(parsed, list):
        return error_object(parsed[0]) if parsed else {}
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error")
    return error if isinstance(error, dict) else parsed


def message_in(value: Any, depth: int = 0) -> str:
    """The first message in the order of the list above, or ""."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        value = value[:1]
    elif isinstance(value, dict):
        value = _candidates(value)
    if depth > _MAX_NESTING or not isinstance(value, list):
        return ""
    found = (message_in(candidate, depth + 1) for candidate in value)
    return next(filter(None, found), "")


def _candidates(value: Mapping[str, Any]) -> list[Any]:
    """The places of an object where a message may be, the best first."""
    detail = value.get("detail")
    return [
        _inner_message(value.get("metadata")),
        value.get("error"),
        value.get("message"),
        _validation_message(detail) if isinstance(detail, list) else detail,
        value.get("errors"),
        value.get("msg"),
        value.get("error_description"),
    ]


def _inner_message(metadata: Any) -> str:
    """OpenRouter: what the provider behind it said, under that provider's name."""
    if not isinstance(metadata, dict):
        return ""
    raw = metadata.get("raw")
    parsed = parse(raw.encode("utf-8", "replace")) if isinstance(raw, str) else raw
    found = message_in(raw if parsed is None else parsed)
    name = metadata.get("provider_name")
    return f"{name}: {found}" if found and isinstance(name, str) and name else found


def _validation_message(details: Sequence[Any]) -> str:
    """FastAPI: a list of places and what is wrong there."""
    found = []
    for detail in details[:_MAX_DETAILS]:
        text = message_in(detail)
        place = detail.get("loc") if isinstance(detail, dict) else None
        if text and isinstance(place, list):
            text = ".".join(str(step) for step in place) + ": " + text
        if text:
            found.append(text)
    return "; ".join(found)


def code_of(parsed: Any) -> int | None:
    """An HTTP status that an error inside a 200 carries as its numeric code."""
    error = error_object(parsed)
    for key in ("code", "status_code", "status"):
        code = error.get(key)
        if isinstance(code, str) and re.fullmatch(r"[0-9]{3}", code):
            code = int(code)
        if isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599:
            return code
    return None
