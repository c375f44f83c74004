"""JSON as the two APIs need it: bytes in, objects out, and back, always the same.

Refuses what other parsers disagree on (NaN, Infinity, invalid UTF-8, absurd depth
or numbers); keeps order and every character of what it accepts.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from aiproxy.errors import InvalidRequest
from aiproxy.protocol import exact_number
from aiproxy.protocol.exact_number import ExactNumber

MAX_DEPTH = 200
MAX_DIGITS = 1000

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_OPTIONS: dict[str, Any] = {
    "ensure_ascii": False,
    "allow_nan": False,
    "separators": (",", ":"),
    "check_circular": False,
}
_ENCODER = json.JSONEncoder(**_OPTIONS)


def decode(data: bytes) -> Any:
    """Parse UTF-8 JSON; raises InvalidRequest with a sentence for the client."""
    return decode_text(text_of(data))


def text_of(data: bytes) -> str:
    """UTF-8 as text, without a byte order mark; anything else is refused."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest("the request body is not valid UTF-8") from None


def decode_text(text: str) -> Any:
    """Parse JSON text within the limits on depth and digits."""
    try:
        value = _DECODER.decode(text)
        check_depth(value)
    except (ValueError, RecursionError) as exc:
        raise InvalidRequest(f"the body is not valid JSON: {exc}") from None
    return value


def decode_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object; anything else is refused."""
    return object_of(decode(data))


def object_of(value: Any) -> dict[str, Any]:
    """The value if it is an object; anything else is refused."""
    if not isinstance(value, dict):
        raise InvalidRequest("the request body must be a JSON object")
    return value


def end_of(text: str, start: int) -> int:
    """Where the value ends that starts there, in text that has been parsed before."""
    return _DECODER.raw_decode(text, start)[1]


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON; lone surrogates become U+FFFD, key order is kept."""
    return encode_text(value).encode("utf-8")


def encode_text(value: Any) -> str:
    """Compact JSON text; lone surrogates become U+FFFD, key order is kept."""
    try:
        text = _ENCODER.encode(value)
    except TypeError:  # the rare value with an ExactNumber in it
        text = exact_number.Encoder(**_OPTIONS).encode(value)
    # Asking costs nothing; looking through an agent's request costs half a millisecond.
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _integer(digits: str) -> int:
    # int() itself refuses 4,300 digits on newer Pythons and is quadratic on older.
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float | ExactNumber:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    value = exact_number.parse(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:40]} is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    parse_int=_integer, parse_float=_float, parse_constant=_constant
)
_CONTAINERS = frozenset({dict, list})


def check_depth(value: Any, max_depth: int = MAX_DEPTH) -> None:
    """Raise ValueError for JSON nested too deeply.

    The parser itself stops at some thousand levels. Level by level through what it
    made is seven times as fast as looking through the text, where brackets in strings
    must be told from others.
    """
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(max_depth):
        if not level:
            return
        level = [
            each
            for container in level
            for each in (container.values() if type(container) is dict else container)
            if type(each) in _CONTAINERS
        ]
    if level:
        raise ValueError(f"the JSON is nested deeper than {max_depth} levels")
