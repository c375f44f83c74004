"""One form for a provider, new or present: parsed, checked, and shown again.

A secret goes in and never comes out. What is stored is shown as a mask; a mask that
comes back means that the stored value stays, unless the provider moves to another
host: a stored secret goes to no other place than the one it was typed for.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from aiproxy.protocol import dialects, endpoint, headers
from aiproxy.records import dataclass, field
from aiproxy.security import credentials
from aiproxy.store import names, providers
from aiproxy.store.providers import Provider
from aiproxy.web import forms
from aiproxy.web.admin import provider_secrets
from aiproxy.web.admin.provider_secrets import NOTHING_KEPT, Kept
from aiproxy.web.forms import Fields

API_FORMATS = ("openai", "anthropic")
COMPATS = ("auto", "full", "strict")
SEND_REASONING = ("auto", "always", "never")
DIALECTS = ("auto", *(name for name in dialects.NAMES if name != "auto"))
MAX_TOKENS = 100_000_000
MAX_MAP_ENTRIES = 1000


@dataclass(frozen=True)
class ProviderForm:
    """What to store, what is wrong with it, and what the admin should know."""

    values: Mapping[str, Any] = field(repr=False)  # Provider's fields
    errors: Mapping[str, str]
    typed: Mapping[str, Any] = field(repr=False)  # to show the form again; no secret
    is_new_key: bool = False  # typed or kept now, not the stored one

    @property
    def kept(self) -> Kept:
        """The secrets of this form, for the memory while it is shown again."""
        return Kept(
            api_key=self.values["api_key"] if self.is_new_key else "",
            custom_headers=self.values["custom_headers"],
            http_proxy=self.values["http_proxy"],
        )

    @property
    def warnings(self) -> list[str]:
        return warnings_of(self.values["endpoint"])


def parse(
    fields: Fields,
    present: Provider,
    others: Iterable[Provider],
    *,
    kept: Kept = NOTHING_KEPT,
    for_test: bool = False,
) -> ProviderForm:
    """Read the form; `kept` is what this session typed into it before.

    A test needs an address and perhaps a key, but no name.
    """
    values: dict[str, Any] = {
        **_names(fields, present, others, for_test=for_test),
        **_address(fields, present, kept),
        **_models(fields, present),
        **_behaviour(fields, present),
    }
    moved = _has_moved(present, values["endpoint"], values["http_proxy"])
    key = _typed_key(fields, present) or kept.api_key
    values["api_key"] = key or present.api_key
    if not key and present.api_key and moved:
        fields.reject(
            "api_key", "Type the key again: the stored one goes to no other host."
        )
    values["custom_headers"] = provider_secrets.parse_headers(
        fields, present.custom_headers, kept.custom_headers, moved=moved
    )
    values["fallback"] = _fallback(fields, present, values["slug"], others)
    return ProviderForm(
        values=values,
        errors=fields.errors,
        typed=_typed(fields, values),
        is_new_key=bool(key),
    )


def warnings_of(address: str) -> list[str]:
    """What an admin should know about an address that is allowed."""
    warning = endpoint.warning(address) if address else ""
    return [warning] if warning else []


def shown(provider: Provider) -> dict[str, Any]:
    """The form's values for a stored provider: text, and masks for secrets."""
    return {
        **{name: getattr(provider, name) for name in _PLAIN_FIELDS},
        "api_key": "",
        "custom_headers": provider_secrets.headers_text(provider.custom_headers),
        "http_proxy": provider_secrets.mask_proxy(provider.http_proxy),
        "extra_body": _json_text(provider.extra_body),
        "model_map": _json_text(provider.model_map),
        "max_output_tokens": _number_text(provider.max_output_tokens),
        "context_window": _number_text(provider.context_window),
    }


_PLAIN_FIELDS = (
    "name",
    "slug",
    "endpoint",
    "api_format",
    "default_model",
    "auth_method",
    "auth_header",
    "model_haiku",
    "model_sonnet",
    "model_opus",
    "enabled",
    "dialect",
    "compat",
    "send_reasoning",
    "fallback",
    "ca_file",
)


def _names(
    fields: Fields, present: Provider, others: Iterable[Provider], *, for_test: bool
) -> dict[str, Any]:
    name = fields.text("name", present.name, label="The name")
    slug = names.normalise(fields.text("slug", present.slug, label="The path"))
    if not name and not for_test:
        fields.reject("name", "Give the provider a name.")
    if slug and names.problem(slug):
        fields.reject("slug", names.problem(slug))
    if not slug and present.id:
        # Emptied on purpose: made from the name again, as for a new provider.
        slug = names.slugify(name, taken={provider.slug for provider in others})
    return {"name": name, "slug": slug}


def _address(fields: Fields, present: Provider, kept: Kept) -> dict[str, Any]:
    address = fields.text(
        "endpoint", present.endpoint, limit=forms.MAX_URL, label="The endpoint"
    )
    for problem in endpoint.check(address):
        fields.reject("endpoint", problem)
    auth_method = fields.choice(
        "auth_method",
        headers.AUTH_METHODS,
        present.auth_method,
        label="The way to authenticate",
    )
    auth_header = fields.text(
        "auth_header", present.auth_header, label="The header's name"
    )
    if auth_header:
        problem = headers.custom_header_problem(auth_header, "")
        if problem:
            fields.reject("auth_header", problem)
    return {
        "endpoint": address,
        "api_format": fields.choice(
            "api_format", API_FORMATS, present.api_format, label="The format"
        ),
        "auth_method": auth_method,
        "auth_header": auth_header,
        "http_proxy": provider_secrets.parse_proxy(
            fields, present.http_proxy, kept.http_proxy
        ),
        "ca_file": fields.text(
            "ca_file", present.ca_file, limit=1024, label="The certificate file"
        ),
    }


def _models(fields: Fields, present: Provider) -> dict[str, Any]:
    model_map = fields.json_object(
        "model_map", present.model_map, label="The model map"
    )
    if len(model_map) > MAX_MAP_ENTRIES or not all(
        isinstance(value, str) and max(len(key), len(value)) <= forms.MAX_NAME
        for key, value in model_map.items()
    ):
        fields.reject(
            "model_map",
            'The model map goes from name to name, like {"claude-*": "gpt-5"}.',
        )
        model_map = dict(present.model_map)
    texts = {
        name: fields.text(name, getattr(present, name), label="The model")
        for name in ("default_model", "model_haiku", "model_sonnet", "model_opus")
    }
    return {
        **texts,
        "model_map": model_map,
        "extra_body": fields.json_object(
            "extra_body", present.extra_body, label="The extra body"
        ),
        "max_output_tokens": fields.number(
            "max_output_tokens",
            present.max_output_tokens,
            low=1,
            high=MAX_TOKENS,
            label="The cap on output",
        ),
        "context_window": fields.number(
            "context_window",
            present.context_window,
            low=1,
            high=MAX_TOKENS,
            label="The context window",
        ),
    }


def _behaviour(fields: Fields, present: Provider) -> dict[str, Any]:
    return {
        "enabled": fields.switch("enabled", present=present.enabled),
        "dialect": fields.choice(
            "dialect",
            DIALECTS,
            present.dialect,
            label="The dialect",
            spelling=dialects.name_of,
        ),
        "compat": fields.choice(
            "compat", COMPATS, present.compat, label="Compatibility"
        ),
        "send_reasoning": fields.choice(
            "send_reasoning",
            SEND_REASONING,
            present.send_reasoning,
            label="Reasoning",
        ),
    }


def _typed_key(fields: Fields, present: Provider) -> str:
    # A script may send back the object that it was given, mask included.
    mask = credentials.mask(present.api_key)
    if fields.typed("api_key").strip() == mask and not credentials.is_reference(mask):
        return ""
    key = fields.key("api_key")
    problem = credentials.refusal(key)
    if problem:
        fields.reject("api_key", problem)
    return key


def _has_moved(present: Provider, address: str, proxy: str) -> bool:
    """What is stored would be shown to another host than before."""
    if not present.id or not address or endpoint.check(address):
        return False
    origin = endpoint.origin(address)
    # Of plain http a proxy reads all, the key too.
    is_read = origin.scheme == "http" and proxy not in ("", "none", present.http_proxy)
    return is_read or origin != endpoint.origin(present.endpoint)


def _fallback(
    fields: Fields, present: Provider, slug: str, others: Iterable[Provider]
) -> str:
    fallback = names.normalise(
        fields.text("fallback", present.fallback, label="The fallback")
    )
    # A slug that is yet to be made cannot be part of a circle.
    problem = providers.fallback_problem(others, slug or "-", fallback)
    if problem:
        fields.reject("fallback", problem)
    return fallback


def _typed(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """What to show again: as typed where it is text, never a secret."""
    again = {name: values[name] for name in _PLAIN_FIELDS}
    for name in ("model_map", "extra_body", "max_output_tokens", "context_window"):
        again[name] = fields.typed(name) if name in fields else _text_of(values[name])
    again["api_key"] = ""
    again["custom_headers"] = provider_secrets.headers_text(values["custom_headers"])
    again["http_proxy"] = provider_secrets.mask_proxy(values["http_proxy"])
    return again


def _text_of(value: Any) -> str:
    return _json_text(value) if isinstance(value, dict) else _number_text(value)


def _json_text(value: Mapping[str, Any]) -> str:
    return forms.pretty_json(value) if value else ""


def _number_text(value: int | None) -> str:
    return "" if value is None else str(value)
