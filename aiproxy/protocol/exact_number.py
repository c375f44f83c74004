"""Numbers that a double cannot hold, carried from one JSON text to another.

Almost every fraction in JSON was written from a double and is read as one. What was
not (30 digits of pi, 1e-400) would come out changed; it is kept as its text instead.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

_SAFE_CHARS = 16  # fifteen digits and a point: any double gives them back
_MARK = "\ufdd0"  # no text has a use for this code point


class ExactNumber:
    """A JSON number as it was written; to the translation it is an opaque value."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"ExactNumber({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactNumber) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def parse(text: str) -> float | ExactNumber:
    """A fraction as a float if that says the same; infinity where it is too large."""
    value = float(text)
    if len(text) <= _SAFE_CHARS and "e" not in text and "E" not in text:
        return value
    if math.isinf(value) or _digits(text) == _digits(repr(value)):
        return value
    return ExactNumber(text)


def _digits(text: str) -> tuple[str, int]:
    """Significant digits and the power of ten that they are multiplied with."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("-0")
    kept = digits.rstrip("0")
    power = int(exponent or 0) - len(fraction) + len(digits) - len(kept)
    return kept, power if kept else 0


class Encoder(json.JSONEncoder):
    """An encoder for values with such numbers in them.

    The C encoder writes only numbers of its own, so a marked string stands in for each.
    """

    def encode(self, value: Any) -> str:
        self._mark = text = ""
        while not self._mark or text.count(self._mark) != len(self._held):
            self._mark += _MARK  # once more where the value's own strings have it
            self._held: list[str] = []
            text = super().encode(value)
        numbers = iter(self._held)
        return re.sub(f'"{self._mark}"', lambda _: next(numbers), text)

    def default(self, value: Any) -> str:
        if not isinstance(value, ExactNumber):
            raise TypeError(f"{type(value).__name__} is not JSON")
        self._held.append(value.text)
        return self._mark
