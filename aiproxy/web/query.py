"""What the address of a page asks for, read and checked; odd values are 422."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Mapping, Sequence
from urllib.parse import urlencode

from bottle import request

from aiproxy.errors import InvalidRequest

MAX_TEXT = 200
MAX_SECONDS = 253_402_300_799  # the year 9999: what a date can hold
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def text(name: str) -> str:
    """One line of text; "" where it is absent."""
    value: str = (request.query.getunicode(name) or "").strip()
    if len(value) > MAX_TEXT or not value.isprintable():
        raise _odd(name, f"a line of at most {MAX_TEXT} characters")
    return value


def texts(name: str) -> list[str]:
    """Every value of a name that may stand several times."""
    return [str(value) for value in request.query.decode().getall(name)]


def choice(name: str, choices: Sequence[str], default: str) -> str:
    """One of `choices`, or `default` where it is absent."""
    value = text(name) or default
    if value not in choices:
        raise _odd(name, f"one of {', '.join(filter(None, choices))}")
    return value


def number(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number within bounds, or `default` where it is absent."""
    value = text(name)
    if not value:
        return default
    # isdecimal() alone takes digits of every script.
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise _odd(name, "a whole number")
    if not low <= int(value) <= high:
        raise _odd(name, f"from {low} to {high}")
    return int(value)


def moment(name: str, *, is_end: bool = False) -> int | None:
    """UTC seconds, or an ISO date or time; `is_end` makes a day count to its end."""
    value = text(name)
    if not value:
        return None
    if value.isascii() and value.isdecimal() and len(value) < 13:
        seconds = int(value)
    else:
        seconds = _from_iso(name, value, is_end=is_end)
    if not 0 <= seconds <= MAX_SECONDS:
        raise _odd(name, "a date")
    return seconds


def _from_iso(name: str, value: str, *, is_end: bool) -> int:
    # A plus sign that was not escaped arrives as a space.
    iso = re.sub(r"(T.*) (\d\d:?\d\d)$", r"\1+\2", value)
    iso = re.sub(r"[zZ]$", "+00:00", iso)
    try:
        when = datetime.fromisoformat(iso)
        if when.tzinfo is None:
            when = when.replace(tzinfo=timezone.utc)
        if is_end and _DATE.fullmatch(value):
            when += timedelta(days=1)
        return int(when.timestamp())
    except (ValueError, OverflowError) as exc:
        raise _odd(name, "a date such as 2026-01-31, or UTC seconds") from exc


def encode(values: Mapping[str, object]) -> str:
    """`?a=1&b=2` of the values that are not empty, for a link."""
    kept = {
        name: str(value) for name, value in values.items() if value not in ("", None)
    }
    return f"?{urlencode(kept)}" if kept else ""


def _odd(name: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{name} must be {expected}", status=422)
