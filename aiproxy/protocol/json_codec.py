"""JSON as the two APIs need it: bytes in, objects out, and back, always the same.

Refuses what other parsers disagree on (NaN, Infinity, invalid UTF-8, absurd depth
or numbers); keeps order and every character of what it accepts.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from aiproxy.errors import InvalidRequest

MAX_DEPTH = 200
MAX_DIGITS = 1000

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False
)


def decode(data: bytes) -> Any:
    """Parse UTF-8 JSON; raises InvalidRequest with a sentence for the client."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("the request body is not valid UTF-8") from None
    return decode_text(text)


def decode_text(text: str) -> Any:
    """Parse JSON text within the limits on depth and digits."""
    try:
        check_depth(text)
    except ValueError as exc:
        raise InvalidRequest(str(exc)) from None
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidRequest(f"the body is not valid JSON: {exc}") from None


def decode_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object; anything else is refused."""
    value = decode(data)
    if not isinstance(value, dict):
        raise InvalidRequest("the request body must be a JSON object")
    return value


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON; lone surrogates become U+FFFD, key order is kept."""
    return encode_text(value).encode("utf-8")


def encode_text(value: Any) -> str:
    """Compact JSON text; lone surrogates become U+FFFD, key order is kept."""
    text = _ENCODER.encode(value)
    # Asking costs nothing; looking through an agent's request costs half a millisecond.
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _integer(digits: str) -> int:
    # int() itself refuses 4,300 digits on newer Pythons and is quadratic on older.
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:40]} is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    parse_int=_integer, parse_float=_float, parse_constant=_constant
)
_NOT_BRACKETS = re.compile(r"[^\[\]{}]+")


def check_depth(text: str, max_depth: int = MAX_DEPTH) -> None:
    """Raise ValueError for JSON nested too deeply; in linear time, before parsing."""
    # Only a text with that many brackets can be that deep: most stop here.
    if text.count("{") + text.count("[") <= max_depth:
        return
    # Every second part between plain quotes stands outside strings. No regular
    # expression: on an unfinished string one would be quadratic.
    bare = text.replace("\\\\", "").replace('\\"', "")
    outside = "".join(bare.split('"')[::2])
    depth = 0
    for bracket in _NOT_BRACKETS.sub("", outside):
        depth += 1 if bracket in "{[" else -1
        if depth > max_depth:
            raise ValueError(f"the JSON is nested deeper than {max_depth} levels")
