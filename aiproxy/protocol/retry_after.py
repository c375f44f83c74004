"""How long a provider asks to wait, in whole seconds, as clients understand it.

Claude Code reads `retry-after` only, and only whole seconds; providers say it in a
header, a date, milliseconds, Google's `retryDelay` or in the middle of a sentence.
"""

from __future__ import annotations

import math
import re
from typing import Any, Mapping

from aiproxy.protocol.patterns import lazy_pattern

DEFAULT_SECONDS = 5
_MAX_SECONDS = 30 * 86400  # beyond is a slip: some send a point in time

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SPAN = lazy_pattern(
    rf"({_NUMBER})\s*"
    r"(milliseconds?|ms|seconds?|secs?|minutes?|mins?|hours?|hrs?|h|m|s)(?![a-z])",
    re.IGNORECASE,
)
_IN_WORDS = lazy_pattern(
    r"(?:try\s+again|retry(?:ing)?|wait|resets?)"
    r"(?:\s+(?:your\s+request|again|request|at\s+least|for|about|after|in|until))*\s+"
    rf"((?:{_NUMBER}\s*[a-z]+[\s,]*(?:and\s+)?){{1,4}})",
    re.IGNORECASE,
)


def seconds(
    headers: Mapping[str, str], parsed: Any, text: str, *, now: float = 0.0
) -> int | None:
    """Whole seconds, rounded up; None where the provider names no delay.

    `headers` have lower-case names. `now` (UTC seconds) is for a date without a
    `date` header to compare it with.
    """
    delay = _from_headers(headers, now)
    if delay is None:
        delay = _from_google(parsed)
    if delay is None:
        delay = _from_words(text)
    if delay is None or not math.isfinite(delay) or delay > _MAX_SECONDS:
        return None
    return max(0, math.ceil(delay))


def _from_headers(headers: Mapping[str, str], now: float) -> float | None:
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(_NUMBER, value):
        return float(value)
    until = _timestamp(value)
    if until is not None:
        # The provider's own clock is the one its date was made by.
        since = _timestamp(headers.get("date", "")) or now
        if since:
            return until - since
    milliseconds = headers.get("retry-after-ms", "").strip()
    if re.fullmatch(_NUMBER, milliseconds):
        return float(milliseconds) / 1000
    return None


def _timestamp(text: str) -> float | None:
    if not text:
        return None
    from email.utils import mktime_tz, parsedate_tz  # noqa: PLC0415 - dates are rare

    try:
        parts = parsedate_tz(text)
        return None if parts is None else float(mktime_tz(parts))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _from_google(parsed: Any) -> float | None:
    """`error.details[]` of type RetryInfo: `retryDelay: "32.5s"`."""
    if isinstance(parsed, list):
        parsed = parsed[0] if parsed else None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and re.fullmatch(_NUMBER + "s", delay):
            return float(delay[:-1])
    return None


def _from_words(text: str) -> float | None:
    found = _IN_WORDS.search(text)
    if found is None:
        return None
    spans = _SPAN.findall(found.group(1))
    return sum(float(number) * _unit(name) for number, name in spans) if spans else None


def _unit(name: str) -> float:
    lowered = name.lower()
    if lowered.startswith(("ms", "milli")):
        return _UNIT_SECONDS["ms"]
    return _UNIT_SECONDS[lowered[0]]
