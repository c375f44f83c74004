"""Whether an imported provider or alias is one that the form would have let through.

An import file is written by hand as often as by `export`; what it says is checked
before anything is saved, and the first problem is named with its place.
"""

from __future__ import annotations

import json
from typing import Any, Mapping
from urllib.parse import urlsplit

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import dialects, endpoint, headers
from aiproxy.store import names

MAX_NAME = 200
MAX_URL = 2048
MAX_KEY = 8 * 1024
MAX_JSON = 64 * 1024
MAX_TOKENS = 100_000_000

_TEXTS: Mapping[str, int] = {
    "name": MAX_NAME,
    "slug": names.MAX_NAME_LENGTH,
    "endpoint": MAX_URL,
    "api_key": MAX_KEY,
    "default_model": MAX_NAME,
    "auth_header": MAX_NAME,
    "model_haiku": MAX_NAME,
    "model_sonnet": MAX_NAME,
    "model_opus": MAX_NAME,
    "fallback": names.MAX_NAME_LENGTH,
    "http_proxy": MAX_URL,
    "ca_file": 1024,
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "api_format": ("openai", "anthropic"),
    "auth_method": headers.AUTH_METHODS,
    "dialect": ("auto", *dialects.NAMES),
    "compat": ("auto", "full", "strict"),
    "send_reasoning": ("auto", "always", "never"),
}
_NUMBERS = ("max_output_tokens", "context_window")
_TEXT_OBJECTS = ("custom_headers", "model_map")
_FLAGS = ("enabled", "active")
PROVIDER_FIELDS = frozenset(
    {*_TEXTS, *_CHOICES, *_NUMBERS, *_TEXT_OBJECTS, *_FLAGS, "extra_body"}
)
ALIAS_FIELDS = frozenset({"alias", "provider", "prompt", "model"})


def provider(entry: Any, place: str) -> dict[str, Any]:
    """The entry's fields, or InvalidRequest naming what is wrong and where."""
    fields = _known(entry, PROVIDER_FIELDS, place)
    for name, value in fields.items():
        problem = _field_problem(name, value)
        if problem:
            raise _wrong(place, name, problem)
    slug = names.normalise(fields.get("slug", ""))
    if names.problem(slug):
        raise _wrong(place, "slug", names.problem(slug))
    for problem in endpoint.check(fields.get("endpoint", "")):
        raise _wrong(place, "endpoint", problem)
    if not fields.get("name"):
        raise _wrong(place, "name", "A name is needed.")
    _check_head(fields, place)
    return {**fields, "slug": slug}


def alias(entry: Any, place: str) -> dict[str, Any]:
    """The same for an alias; `provider` is a slug, or None for the active one."""
    fields = _known(entry, ALIAS_FIELDS, place)
    given = fields.get("alias", "")
    name = names.normalise(given) if isinstance(given, str) else ""
    if names.problem(name):
        raise _wrong(place, "alias", names.problem(name))
    if fields.get("prompt", "standard") not in ("standard", "custom"):
        raise _wrong(place, "prompt", "Either standard or custom.")
    if not _is_text(fields.get("model", ""), MAX_NAME):
        raise _wrong(place, "model", f"Text of at most {MAX_NAME} characters.")
    target = fields.get("provider")
    if target is not None and not isinstance(target, str):
        raise _wrong(place, "provider", "A slug, or null for the active provider.")
    return {**fields, "alias": name}


def _known(entry: Any, known: frozenset[str], place: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InvalidRequest(f"{place} is not a JSON object")
    for name in entry:
        if name not in known:
            raise InvalidRequest(f"{place} has the unknown field {str(name)[:100]!r}")
    return dict(entry)


def _field_problem(name: str, value: Any) -> str:
    if name in _TEXTS:
        limit = _TEXTS[name]
        return "" if _is_text(value, limit) else f"Text of at most {limit} characters."
    if name in _CHOICES:
        return "" if value in _CHOICES[name] else f"One of {', '.join(_CHOICES[name])}."
    if name in _NUMBERS:
        return _number_problem(value)
    if name in _FLAGS:
        return "" if isinstance(value, bool) else "Either true or false."
    return _object_problem(value, text_only=name in _TEXT_OBJECTS)


def _number_problem(value: Any) -> str:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value is None or (is_number and 1 <= value <= MAX_TOKENS):
        return ""
    return f"A whole number from 1 to {MAX_TOKENS}, or null."


def _object_problem(value: Any, *, text_only: bool) -> str:
    if not isinstance(value, dict) or len(json.dumps(value)) > MAX_JSON:
        return f"A JSON object of at most {MAX_JSON} bytes."
    if text_only and not all(isinstance(item, str) for item in value.values()):
        return "A JSON object with text values."
    return ""


def _check_head(fields: Mapping[str, Any], place: str) -> None:
    problem = headers.value_problem(fields.get("api_key", ""), of="The key")
    if problem:
        raise _wrong(place, "api_key", problem)
    custom = fields.get("custom_headers", {})
    if len(custom) > headers.MAX_CUSTOM_HEADERS:
        raise _wrong(place, "custom_headers", "Too many headers.")
    for name, value in custom.items():
        problem = headers.custom_header_problem(name, value)
        if problem:
            raise _wrong(place, "custom_headers", problem)
    auth_header = fields.get("auth_header", "")
    if auth_header and headers.custom_header_problem(auth_header, ""):
        raise _wrong(place, "auth_header", "This is not a header's name.")
    proxy = fields.get("http_proxy", "")
    if proxy and proxy != "none" and not _is_proxy(proxy):
        raise _wrong(place, "http_proxy", "An http:// or https:// address, or none.")


def _is_proxy(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _is_text(value: Any, limit: int) -> bool:
    return isinstance(value, str) and len(value) <= limit and value.isprintable()


def _wrong(place: str, name: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{place}, {name}: {problem}")
