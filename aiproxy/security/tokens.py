"""API keys, session ids and CSRF tokens: 256 random bits, kept as digests.

A digest needs no salt and no slow hash, as nobody can guess 256 random bits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re

API_KEY_PREFIX = "aip_"
SHOWN_CHARACTERS = 12  # of a key: what is stored of it in clear
_RANDOM_BYTES = 32
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")


def make_api_key() -> str:
    """A new personal key: `aip_` and 43 URL-safe characters."""
    return API_KEY_PREFIX + _random()


def shown_prefix(api_key: str) -> str:
    """The characters by which a person recognises a key."""
    return api_key[:SHOWN_CHARACTERS]


def make_session_id() -> str:
    """A new session id, 43 URL-safe characters."""
    return _random()


def is_session_id(text: str) -> bool:
    """Whether it could be one of ours; anything else is not looked up."""
    return bool(_SESSION_ID.fullmatch(text))


def make_secret_key() -> str:
    """A new key for `csrf_token`."""
    return _random()


def _random() -> str:
    # As secrets.token_urlsafe() does; its module would load random and more at start.
    random = base64.urlsafe_b64encode(os.urandom(_RANDOM_BYTES))
    return random.rstrip(b"=").decode("ascii")


def digest(secret: str) -> str:
    """What is stored and looked up in place of a key or session id."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_token(secret_key: str, session_id: str) -> str:
    """The token that goes with a session: nobody without its cookie can make it."""
    message = b"csrf\0" + session_id.encode("utf-8", "surrogatepass")
    key = secret_key.encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def equal(one: str, other: str) -> bool:
    """Compare without telling by the time taken how much agrees."""
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )
