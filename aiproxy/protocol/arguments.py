"""The arguments of a tool call: a string that should hold a JSON object.

Models slip. What can only have meant one object is mended; what was cut off never
runs as if it were whole; what cannot be read goes to the tool under a name that every
tool refuses, so that the model reads its own text in the answer.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol import exact_number
from aiproxy.protocol.object_scanner import ObjectScanner

INVALID = "_invalid_arguments"
MAX_ARGUMENT_CHARS = 16 << 20

_DUMP = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), check_circular=False
).encode
# Raw control characters are among the slips that are mended.
_JSON_STRING = json.JSONDecoder(strict=False)
_EXACT = json.JSONDecoder(parse_float=exact_number.parse)
_FENCE = re.compile(r"```[A-Za-z0-9_-]*")
_PARTIAL_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_BLANK = " \t\r\n\ufeff\xa0"
_NOTHING = ("null", "None")
_MAX_WRAPPINGS = 4
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class ArgumentStream:
    """One call's arguments as they come: what is given out starts a valid object."""

    def __init__(self, max_chars: int = MAX_ARGUMENT_CHARS) -> None:
        self.incomplete = False  # after finish: the text ended before its object
        self._scanner = ObjectScanner()
        self._raw: list[str] = []  # all of it, for the model to read if it is no use
        self._unscanned: list[str] = []  # what came after the first offence
        self._chars = 0
        self._blank = True
        self._max_chars = max_chars
        self._is_half_string = False  # a string around it all was cut off

    @property
    def closed(self) -> bool:
        """A whole object has come; what follows it is dropped."""
        return self._scanner.closed

    @property
    def has_object(self) -> bool:
        """A whole object has come, though an empty one may give way to another."""
        return self._scanner.closed or self._scanner.was_empty

    @property
    def is_blank(self) -> bool:
        """Nothing but whitespace so far."""
        return self._blank

    def feed(self, text: str) -> str:
        """What may be passed on now; raises UpstreamBroken beyond the limit."""
        if self.closed:
            return ""
        self._raw.append(text)
        self._chars += len(text)
        if self._blank:
            text = text.lstrip(_BLANK)
            self._blank = not text
        if self._chars > self._max_chars:
            raise UpstreamBroken(
                f"the arguments of a tool call exceed {self._max_chars} characters"
            )
        if self._scanner.unread is not None:
            self._unscanned.append(text)
            return ""
        ready = self._scanner.feed(text)
        if self._scanner.closed and self._scanner.sent:
            self._raw.clear()
        return ready

    def finish(self, *, cut: bool) -> str:
        """What makes one object of all that was given out.

        `cut`: the token limit ended the answer, so nothing unfinished is mended.
        """
        scanner = self._scanner
        if scanner.closed and scanner.sent:
            return ""
        text = self._mend()
        if scanner.unread is not None:
            return text + self._refused()
        if scanner.is_open:
            self.incomplete = True
            return text + self._ended(cut=cut)
        if cut and self.is_blank:
            return self._refused()
        return text if scanner.sent else "{}"

    def _ended(self, *, cut: bool) -> str:
        """The end of an object that the text left open."""
        scanner = self._scanner
        if not (cut or self._is_half_string or scanner.is_inside):
            return scanner.complete()
        return scanner.cut_short() or self._refused()

    def _mend(self) -> str:
        """Read on from the first offence, over what models get wrong."""
        scanner = self._scanner
        text = ""
        if scanner.unread is not None and not scanner.too_deep:
            unread = scanner.unread + "".join(self._unscanned)
            if scanner.at_start:
                unread, self._is_half_string = _unwrapped(unread)
            text = scanner.go_on_leniently(unread)
        if scanner.unread is None:
            scanner.lenient = True
            text += scanner.end_of_text()
        return text

    def _refused(self) -> str:
        return self._scanner.abandon(_DUMP(INVALID), _DUMP("".join(self._raw)))


def to_text(value: Any) -> str:
    """Arguments as text: most send a string, some the object itself, some nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return _DUMP(value)
    except (RecursionError, ValueError):
        return "(unreadable)"


def to_object(value: Any, *, cut: bool = False) -> dict[str, Any]:
    """Whole arguments as the input of a tool use; raises UpstreamBroken if too long."""
    text = _LONE_SURROGATE.sub("\ufffd", to_text(value))
    stream = ArgumentStream()
    return decode(stream.feed(text) + stream.finish(cut=cut))


def decode(text: str) -> dict[str, Any]:
    """All that an ArgumentStream gave out, as an object."""
    value = _EXACT.decode(text)
    if INVALID in value:
        # Members that had been sent before the text proved useless are null.
        return {INVALID: value[INVALID]}
    return dict(value)


def _unwrapped(text: str) -> tuple[str, bool]:
    """The text within a code fence or a JSON string, and whether that was cut off."""
    for _ in range(_MAX_WRAPPINGS):
        text = text.strip(_BLANK)
        fence = _FENCE.match(text)
        if fence:
            text = text[fence.end() :]
            end = text.rfind("```")
            text = text if end < 0 else text[:end]
        elif text.startswith('"'):
            try:
                text = _JSON_STRING.raw_decode(text)[0]
            except ValueError:
                return _half_string(text), True
        else:
            break
    text = _LONE_SURROGATE.sub("\ufffd", text)
    return ("" if text in _NOTHING else text), False


def _half_string(text: str) -> str:
    try:
        half = str(_JSON_STRING.decode(_PARTIAL_ESCAPE.sub("", text) + '"'))
    except ValueError:
        return text
    return _LONE_SURROGATE.sub("\ufffd", half)
