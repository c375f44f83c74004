"""What the address of a page asks for, read and checked; odd values are 422."""

from __future__ import annotations

from typing import Mapping, Sequence
from urllib.parse import urlencode

from bottle import request

from aiproxy.errors import InvalidRequest

MAX_TEXT = 200


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


def encode(values: Mapping[str, object]) -> str:
    """`?a=1&b=2` of the values that are not empty, for a link."""
    kept = {
        name: str(value) for name, value in values.items() if value not in ("", None)
    }
    return f"?{urlencode(kept)}" if kept else ""


def _odd(name: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{name} must be {expected}", status=422)
