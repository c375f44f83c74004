"""Cut secrets out of whatever an upstream quotes."""

from __future__ import annotations

import re
from typing import Match, Pattern, Sequence

from aiproxy.protocol import json_codec
from aiproxy.protocol.patterns import lazy_pattern

# Shorter "keys" are the placeholders that local servers are given.
_MIN_SECRET = 4
_MIN_FOR_TAIL = 12

# What keys of the known makers look like, quoted whole or half starred out.
_LIKE_A_KEY = lazy_pattern(
    r"""(?<![A-Za-z0-9_-])(?:
      (?P<prefixed>
        (?:sk|pk|rk|xai|csk|pplx|nvapi|tgp_v1|fw|gsk|hf|cpk|syn|aip|r8|ghp|glpat)
        [-_][A-Za-z0-9*_.-]{16,})
      | AIza[A-Za-z0-9_*-]{20,}
      | AKIA[A-Z0-9]{12,}
      | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    )""",
    re.VERBOSE,
)
# A digit, a star or twenty letters in a row must be in a prefixed one: words joined by
# hyphens are no keys. Looking ahead for them from every place where a key may begin
# would take minutes on a text made for it, and nothing else runs meanwhile.
_NO_WORDS = lazy_pattern(r"[0-9*]|[A-Za-z]{20}")
# Printable ASCII that JSON lets one write in another way than as itself.
_ESCAPED_ASCII = re.compile(rb"\\(?:/|u00[2-7])")
_SHORT_ESCAPES = '"\\/'
_CREDENTIAL = lazy_pattern(
    r"(\b(?:bearer|basic) +)(?=[A-Za-z._~+/=-]*[0-9*])[A-Za-z0-9*._~+/=-]{12,}",
    re.IGNORECASE,
)


def masked(secret: str) -> str:
    """`…` and the last four characters, of a short secret the dots alone."""
    return "…" + (secret[-4:] if len(secret) >= _MIN_FOR_TAIL else "")


def mask(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without these values and without anything that looks like a key."""
    text = mask_values(text, secrets)
    text = _CREDENTIAL.sub(lambda match: match.group(1) + "…", text)
    return _LIKE_A_KEY.sub(_without_key, text)


def _without_key(match: Match[str]) -> str:
    prefixed = match.group("prefixed")
    return match.group() if prefixed and not _NO_WORDS.search(prefixed) else "…"


def mask_values(text: str, secrets: Sequence[str]) -> str:
    """The text without these exact values; all else stays as it is."""
    # The longest first: one secret may contain another.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _MIN_SECRET:
            text = text.replace(secret, masked(secret))
    return text


def mask_bytes(body: bytes, secrets: Sequence[str]) -> bytes:
    """The bytes without these exact values, however JSON has escaped them."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) < _MIN_SECRET:
            continue
        shown = masked(secret).encode("utf-8", "replace")
        quoted = json_codec.encode(secret)[1:-1]
        for spelling in (secret.encode("utf-8", "replace"), quoted):
            body = body.replace(spelling, shown)
        # PHP writes `\/` for a slash, .NET `\u002B` for a plus: a key may hold both.
        if _ESCAPED_ASCII.search(body):
            body = _any_spelling(secret).sub(lambda _: shown, body)  # noqa: B023
    return body


def _any_spelling(secret: str) -> Pattern[bytes]:
    """A pattern of the secret in a JSON string, with any of its characters escaped."""
    return re.compile(b"".join(map(_spellings, secret)))


def _spellings(character: str) -> bytes:
    units = character.encode("utf-16-be", "surrogatepass")
    escaped = b"".join(
        rb"\\u(?i:%04x)" % int.from_bytes(units[at : at + 2], "big")
        for at in range(0, len(units), 2)
    )
    plain = re.escape(character.encode("utf-8", "replace"))
    spellings = [plain, escaped]
    if character in _SHORT_ESCAPES:
        spellings.append(rb"\\" + plain)
    return b"(?:" + b"|".join(spellings) + b")"
