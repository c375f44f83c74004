"""What the address of a page asks for, read and checked; odd values are 422."""

from __future__ import annotations

from typing import Mapping, Sequence
from urllib.parse import urlencode

from bottle import request

from aiproxy.errors import InvalidRequest

MAX_TEXT = 200
MAX_DIGITS = 18  # of a number that fits into 64 bits


def text(name: str) -> str:
    """One line of text; "" where it is absent."""
    value: str = (request.query.getunicode(name) or "").strip()
    if len(value) > MAX_TEXT or not value.isprintable():
        raise _odd(name, f"a line of at most {MAX_TEXT} characters")
    return value


def texts(name: str) -> list[str]:
    """Every value of a name that may stand several times."""
    return [value for key, value in _pairs() if key == name]


def fields() -> dict[str, str]:
    """Every name with its last value."""
    return dict(_pairs())


def number(name: str) -> int:
    """A whole number that the database can hold; 0 for anything else."""
    value = text(name)
    is_number = value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS
    return int(value) if is_number else 0


def choice(name: str, choices: Sequence[str], default: str) -> str:
    """One of `choices`, or `default` where it is absent."""
    value = text(name) or default
    if value not in choices:
        raise _odd(name, f"one of {', '.join(filter(None, choices))}")
    return value


def encode(values: Mapping[str, object]) -> str:
    """`?a=1&b=2` of the values that are not empty, for a link."""
    kept = {
        name: str(value) for name, value in values.items() if value not in ("", None)
    }
    return f"?{urlencode(kept)}" if kept else ""


def _pairs() -> list[tuple[str, str]]:
    try:
        return [(str(k), str(v)) for k, v in request.query.decode().allitems()]
    except UnicodeDecodeError:
        raise InvalidRequest("the address is not valid UTF-8", status=422) from None


def _odd(name: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{name} must be {expected}", status=422)
