"""The secrets of a provider's form: masked where they are shown, kept where they stay.

Besides the key these are header values named like secrets and a proxy's password. A
mask that comes back stands for the value it masks.
"""

from __future__ import annotations

import re
from typing import Mapping

from aiproxy.protocol import endpoint, headers, masking
from aiproxy.records import dataclass, field
from aiproxy.security import credentials
from aiproxy.web import forms
from aiproxy.web.forms import Fields

_TYPE_AGAIN = "Type the secret headers again: the stored ones go to no other host."


@dataclass(frozen=True)
class Kept:
    """What was typed into a form that is shown again; it waits in memory only."""

    api_key: str = field(default="", repr=False)
    custom_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    http_proxy: str = field(default="", repr=False)


NOTHING_KEPT = Kept()


def reference_state(api_key: str) -> str:
    """Whether a reference leads to a key right now: for the line beside the field."""
    if not credentials.is_reference(api_key):
        return ""
    return " (not found)" if credentials.reference_problem(api_key) else " (found)"


def headers_text(custom_headers: Mapping[str, str]) -> str:
    """Lines `Name: value`; values named like secrets are masked."""
    return "\n".join(
        f"{name}: {masking.masked(value) if headers.is_secret(name) else value}"
        for name, value in custom_headers.items()
    )


def mask_proxy(url: str) -> str:
    """A proxy's address without its password."""
    start, _, rest = url.partition("//")
    userinfo, at, host = rest.rpartition("@")
    name, colon, _ = userinfo.partition(":")
    return f"{start}//{name}:…@{host}" if at and colon else url


def parse_proxy(fields: Fields, present: str, kept: str) -> str:
    """Empty (as the environment says), `none`, or an http(s) address."""
    url = fields.text("http_proxy", present, limit=forms.MAX_URL, label="The proxy")
    for known in (kept, present):
        if known and url in (known, mask_proxy(known)):
            return known
    if url.lower() == "none":
        return "none"
    bare = re.sub(r"(?<=//)[^/@]*@", "", url)
    if url and ("…" in url or endpoint.check(bare)):
        fields.reject(
            "http_proxy",
            "The proxy must be none or an address such as http://proxy:3128.",
        )
    return url


def parse_headers(
    fields: Fields,
    present: Mapping[str, str],
    kept: Mapping[str, str],
    *,
    moved: bool,
) -> dict[str, str]:
    """Lines `Name: value`, or for a script an object; `moved` means another host."""
    if "custom_headers" not in fields:
        if moved and any(headers.is_secret(name) for name in present):
            fields.reject("custom_headers", _TYPE_AGAIN)
        return dict(present)
    parsed: dict[str, str] = {}
    for name, value in _pairs(fields):
        if any(name.lower() == other.lower() for other in parsed):
            fields.reject("custom_headers", f"{name} stands there twice.")
        parsed[name] = _unmasked(fields, name, value, present, kept, moved=moved)
    return parsed


def _pairs(fields: Fields) -> list[tuple[str, str]]:
    sent = fields.raw("custom_headers")
    if isinstance(sent, dict):
        pairs = [
            (str(name).strip(), str(value).strip()) for name, value in sent.items()
        ]
    else:
        limit = headers.MAX_CUSTOM_HEADERS * (headers.MAX_VALUE_LENGTH + forms.MAX_NAME)
        text = fields.lines("custom_headers", limit=limit, label="The headers")
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        for line in lines:
            if ":" not in line:
                fields.reject("custom_headers", f"{line[:40]!r} is not Name: value.")
        split = [line.partition(":") for line in lines]
        pairs = [(name.strip(), value.strip()) for name, _, value in split]
    if len(pairs) > headers.MAX_CUSTOM_HEADERS:
        fields.reject(
            "custom_headers", f"At most {headers.MAX_CUSTOM_HEADERS} headers."
        )
    return pairs[: headers.MAX_CUSTOM_HEADERS]


def _unmasked(
    fields: Fields,
    name: str,
    value: str,
    present: Mapping[str, str],
    kept: Mapping[str, str],
    *,
    moved: bool,
) -> str:
    """The value, or the one that its mask stands for."""
    if headers.is_secret(name) and value.startswith("…"):
        for known in (kept, present):
            stored = _find(known, name)
            if stored is None or value != masking.masked(stored):
                continue
            if known is present and moved:
                fields.reject("custom_headers", _TYPE_AGAIN)
            return stored
        fields.reject("custom_headers", f"Type the value of {name} again.")
        return ""
    problem = headers.custom_header_problem(name, value)
    if problem:
        fields.reject("custom_headers", problem)
    return value


def _find(known: Mapping[str, str], name: str) -> str | None:
    for other, value in known.items():
        if other.lower() == name.lower():
            return value
    return None
