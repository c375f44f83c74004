"""Halves of a character: providers that count in UTF-16 may cut one in two."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def has_any(text: str) -> bool:
    """Whether a half of a character is in it."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def whole(text: str) -> str:
    """Two halves become their character, a half alone becomes U+FFFD."""
    if not has_any(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Joiner:
    """Holds back the first half of a character until the next piece of text."""

    def __init__(self) -> None:
        self.held = ""

    def feed(self, text: str) -> str:
        """The text that is whole so far."""
        if self.held:
            text, self.held = self.held + text, ""
        if text.isascii():
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            text, self.held = text[:-1], text[-1]
        return whole(text)

    def flush(self) -> str:
        """What is left of a half whose other half never came."""
        held, self.held = self.held, ""
        return "\ufffd" if held else ""
