"""What goes up, what comes back, and how each provider authenticates.

Nothing of the client's goes up but `anthropic-*`, and that only to providers in
Anthropic's format; nothing of the upstream's comes back but its limits.
"""

from __future__ import annotations

import base64
import re
from typing import Collection, Mapping, Sequence
from urllib.parse import unquote

from aiproxy.protocol import masking
from aiproxy.protocol.messages import API_VERSION

MAX_CUSTOM_HEADERS = 50
MAX_VALUE_LENGTH = 8192
AUTH_METHODS = ("bearer", "basic", "header")
DEFAULT_AUTH_HEADER = "x-api-key"

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,200}")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_RESERVED = frozenset(
    {
        "host",
        "content-length",
        "cookie",
        "accept-encoding",
        # Hop by hop: RFC 9110, 7.6.1.
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
    }
)
_SECRET_WORDS = ("auth", "key", "token", "secret", "cookie", "password")
_REQUEST_ID_HEADERS = ("request-id", "x-request-id", "x-amzn-requestid")


def upstream_headers(
    *,
    api_format: str,
    auth_method: str = "bearer",
    auth_header: str = "",
    api_key: str = "",
    custom_headers: Mapping[str, str],
    client_headers: Mapping[str, str],
    full_compat: bool = False,
    dropped_betas: Collection[str] = (),
    user_agent: str = "aiproxy",
) -> dict[str, str]:
    """The head of the upstream request; later lines win, whatever their case."""
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": user_agent,
    }
    if api_format == "anthropic":
        headers["anthropic-version"] = API_VERSION
        headers.update(_anthropic_headers(client_headers))
        betas = _betas(headers.pop("anthropic-beta", ""), dropped_betas)
        # A beta goes together with its fields, or not at all: see compat.py.
        if betas and full_compat:
            headers["anthropic-beta"] = betas
    headers.update(
        auth_headers(auth_method=auth_method, auth_header=auth_header, api_key=api_key)
    )
    for name, value in custom_headers.items():
        if not custom_header_problem(name, value):
            headers[name.lower()] = value.strip()
    return headers


def auth_headers(*, auth_method: str, auth_header: str, api_key: str) -> dict[str, str]:
    """How the provider's key is shown to it; without a key, nothing is."""
    if not api_key:
        return {}
    if auth_method == "basic":
        return {"authorization": "Basic " + _basic(api_key)}
    if auth_method == "header":
        return {(auth_header.strip() or DEFAULT_AUTH_HEADER).lower(): api_key}
    return {"authorization": "Bearer " + api_key}


def downstream_headers(
    upstream: Mapping[str, str], secrets: Sequence[str] = ()
) -> dict[str, str]:
    """What of an upstream's head the client may see: limits, and the request's id.

    A value that quotes a secret is left out.
    """
    headers = {}
    for name, value in upstream.items():
        lowered = name.lower()
        passes = lowered == "retry-after" or lowered.startswith("anthropic-ratelimit-")
        is_sound = _TOKEN.fullmatch(name) and not _CONTROLS.search(value)
        if passes and is_sound and not _quotes(name + value, secrets):
            headers[lowered] = value
    request_id = upstream_request_id(upstream, secrets)
    if request_id:
        headers["x-aiproxy-upstream-request-id"] = request_id
    return headers


def upstream_request_id(
    upstream: Mapping[str, str], secrets: Sequence[str] = ()
) -> str:
    """The provider's own id of the request, for its support; "" if it gave none."""
    lowered = {name.lower(): value for name, value in upstream.items()}
    for name in _REQUEST_ID_HEADERS:
        value = lowered.get(name, "")
        if value and _REQUEST_ID.fullmatch(value) and not _quotes(value, secrets):
            return value
    return ""


def custom_header_problem(name: str, value: str) -> str:
    """Why a custom header cannot be sent, in words for the form; "" if it can."""
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is not a header name."
    if name.lower() in _RESERVED:
        return f"{name} is set by the server itself."
    return value_problem(value, of=name)


def value_problem(value: str, *, of: str) -> str:
    """Why a header value or key cannot be sent; "" if it can."""
    if _CONTROLS.search(value):
        return f"{of} holds a line break or another control character."
    if len(value) > MAX_VALUE_LENGTH:
        return f"{of} is longer than {MAX_VALUE_LENGTH} characters."
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return f"{of} holds a character that no header can carry."
    return ""


def secrets_of(
    api_key: str,
    *,
    auth_method: str,
    custom_headers: Mapping[str, str],
    http_proxy: str = "",
) -> list[str]:
    """Every text that must not leave the server, as an upstream might quote it."""
    secrets = [api_key]
    if auth_method == "basic" and api_key:
        secrets.append(_basic(api_key))
    secrets += [value for name, value in custom_headers.items() if is_secret(name)]
    secrets += proxy_secrets(http_proxy)
    return [secret.strip() for secret in secrets if secret.strip()]


def is_secret(header_name: str) -> bool:
    """A header named like something that must be masked."""
    return any(word in header_name.lower() for word in _SECRET_WORDS)


def proxy_secrets(url: str) -> list[str]:
    """A proxy's password, as it stands in the address and as it is sent."""
    userinfo, at, _ = url.partition("//")[2].rpartition("@")
    if not at or ":" not in userinfo:
        return []
    password = userinfo.partition(":")[2]
    pair = unquote(userinfo).encode("utf-8", "replace")
    sent = base64.b64encode(pair).decode("ascii")
    return [password, unquote(password), sent]


def _quotes(text: str, secrets: Sequence[str]) -> bool:
    return masking.mask_values(text, secrets) != text


def _anthropic_headers(client_headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in client_headers.items()
        if name.lower().startswith("anthropic-") and not _CONTROLS.search(value)
    }


def _betas(value: str, dropped: Collection[str]) -> str:
    """`dropped` holds names, or their beginnings up to the hyphen before the date."""
    if not dropped:
        return value
    prefixes = tuple(name for name in dropped if name.endswith("-"))
    names = [name.strip() for name in value.split(",")]
    kept = [name for name in names if not name.startswith(prefixes)]
    return ",".join(name for name in kept if name and name not in dropped)


def _basic(api_key: str) -> str:
    """`user:password`, or a key alone as the user; what is encoded already stays."""
    if ":" not in api_key and _is_encoded_pair(api_key):
        return api_key
    pair = api_key if ":" in api_key else api_key + ":"
    return base64.b64encode(pair.encode("utf-8")).decode("ascii")


def _is_encoded_pair(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except ValueError:
        return False
