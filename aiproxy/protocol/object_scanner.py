"""A JSON object that arrives in pieces, passed on as it comes.

What has been given out is always the start of a valid object, with every key
followed by the start of its value. At the first offence against JSON the scanner
stops; a lenient one goes on over the slips that models make (`arguments.py` says
when). Each character is looked at once or twice, however small the pieces are.
"""

from __future__ import annotations

import re
from typing import Any, Callable, ClassVar, Iterable, Mapping

MAX_DEPTH = 200
MAX_DIGITS = 1000  # what json_codec accepts

# States; `_IN_STRING` and `_IN_LITERAL` are inside a token, the others between two.
_START, _FIRST_KEY, _KEY, _COLON, _FIRST_VALUE, _VALUE, _AFTER = range(7)
_IN_STRING, _IN_LITERAL, _CLOSED = range(7, 10)

_CLOSER = {"{": "}", "[": "]"}
_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = {
    '"': re.compile(r'[^"\\\x00-\x1f]+'),
    "'": re.compile(r"""[^"'\\\x00-\x1f]+"""),
}
_LITERAL = re.compile(r"[A-Za-z0-9+.-]*")
_WORDS = ("true", "false", "null")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
# Python's words, and what JSON has no word for.
_LENIENT_WORDS: Mapping[str, str] = {
    "True": "true",
    "False": "false",
    "None": "null",
    "NaN": "null",
    "Infinity": "null",
    "-Infinity": "null",
}
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_ESCAPE_HEAD = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_PYTHON_ESCAPE = re.compile(r"\\(?:(')|x([0-9a-fA-F]{2}))")
_HIGH = re.compile(r"\\u[dD][89abAB]")
_LOW = re.compile(r"\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_LOW_HEAD = re.compile(r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z")


class _Offence(Exception):
    """What follows `at` is not JSON."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class ObjectScanner:
    """Feed it text, it returns what may be passed on; one object, then nothing."""

    def __init__(self) -> None:
        self.lenient = False
        self.unread: str | None = None  # from the first offence on
        self.too_deep = False
        self.was_empty = False  # an empty object came; a real one may still follow
        self._state = _START
        self._stack: list[str] = []
        self._held: list[str] = []  # read, but only sent along with a value
        self._partial = ""  # half an escape sequence
        self._literal: list[str] = []
        self._before_literal = _VALUE
        self._quote = '"'
        self._in_key = False
        self._key: list[str] = []  # the latest key at the top, as it was written
        self._begun: dict[str, None] = {}  # keys at the top whose values were sent
        self._sent = False
        self._out: list[str] = []

    # -- what is known so far

    @property
    def closed(self) -> bool:
        """The object is complete; what still comes does not count."""
        return self._state == _CLOSED

    @property
    def sent(self) -> bool:
        """Something has been given out."""
        return self._sent

    @property
    def at_start(self) -> bool:
        """No object has begun, or only an empty one has been."""
        return self._state == _START

    @property
    def is_open(self) -> bool:
        """Brackets are open."""
        return bool(self._stack)

    @property
    def is_inside(self) -> bool:
        """Within a string, number or word, or after a key that has no value."""
        if self._state == _VALUE:
            return self._stack[-1] == "{"
        return self._state in {_IN_STRING, _IN_LITERAL, _COLON}

    # -- reading

    def feed(self, text: str) -> str:
        """What these characters let through."""
        if self.unread is not None or self._state == _CLOSED:
            return ""
        text = self._partial + text
        self._partial = ""
        self._out = []
        at = 0
        try:
            while at < len(text) and self._state != _CLOSED:
                at = self._take(text, at)
        except _Offence as offence:
            self.unread = "".join(self._literal) + text[offence.at :]
            self._literal = []
        if self._out:
            self._sent = True
        return "".join(self._out)

    def go_on_leniently(self, text: str) -> str:
        """Read on from the offence, over the slips that can be mended."""
        self.lenient = True
        self.unread = None
        return self.feed(text)

    def end_of_text(self) -> str:
        """A word such as `true` ends with the text; a number may have gone on."""
        word = "".join(self._literal)
        if self._state != _IN_LITERAL or (
            word not in _WORDS and not (self.lenient and word in _LENIENT_WORDS)
        ):
            return ""
        return self.feed(" ")

    def _take(self, text: str, at: int) -> int:
        if self._state == _IN_STRING:
            return self._take_string(text, at)
        if self._state == _IN_LITERAL:
            return self._take_literal(text, at)
        space = _SPACE.match(text, at)
        if space and space.end() > at:
            if self._state != _START:
                self._held.append(space.group())
            return space.end()
        self._BETWEEN_TOKENS[self._state](self, text[at], at)
        return at if self._state == _IN_LITERAL else at + 1

    def _take_start(self, char: str, at: int) -> None:
        if char == "{":
            self._push(char)
            self._held = [char]
        elif self.was_empty:
            self._state = _CLOSED  # what follows the object is dropped
        else:
            raise _Offence(at)

    def _take_key(self, char: str, at: int) -> None:
        if char == '"' or (self.lenient and char == "'"):
            self._begin_string(char)
            self._in_key = True
            self._held.append('"')
            if len(self._stack) == 1:
                self._key = []
        else:
            self._take_closer(char, at, after_comma=self._state == _KEY)

    def _take_colon(self, char: str, at: int) -> None:
        if char != ":":
            raise _Offence(at)
        self._held.append(char)
        self._state = _VALUE

    def _take_value(self, char: str, at: int) -> None:
        if char == '"' or (self.lenient and char == "'"):
            self._begin_value('"')
            self._begin_string(char)
            self._in_key = False
        elif char in "{[":
            if len(self._stack) >= MAX_DEPTH:
                self.too_deep = True
                raise _Offence(at)
            self._begin_value(char)
            self._push(char)
        elif char.isascii() and (char.isalnum() or char in "+-."):
            self._before_literal = self._state
            self._state = _IN_LITERAL
        elif self._stack[-1] == "{":
            raise _Offence(at)  # a key without a value
        else:
            self._take_closer(char, at, after_comma=self._state == _VALUE)

    def _take_after(self, char: str, at: int) -> None:
        if char == ",":
            self._held.append(char)
            self._state = _KEY if self._stack[-1] == "{" else _VALUE
        else:
            self._take_closer(char, at, after_comma=False)

    def _take_closer(self, char: str, at: int, *, after_comma: bool) -> None:
        matches = _CLOSER[self._stack[-1]] == char
        if not matches or after_comma:
            # Lenient: a trailing comma goes, a missing bracket is put in.
            opener = {"}": "{", "]": "["}.get(char)
            if not self.lenient or opener not in self._stack:
                raise _Offence(at)
        if after_comma:
            self._held = []
        if self._stack == ["{"] and not self._sent and self._state == _FIRST_KEY:
            # `{}` waits: some send it at once and the real object later.
            self.was_empty = True
            self._stack, self._held, self._state = [], [], _START
            return
        self._flush()
        while True:
            closer = _CLOSER[self._stack.pop()]
            self._out.append(closer)
            if closer == char:
                break
        self._state = _AFTER if self._stack else _CLOSED

    _BETWEEN_TOKENS: ClassVar[Mapping[int, Callable[[Any, str, int], None]]] = {
        _START: _take_start,
        _FIRST_KEY: _take_key,
        _KEY: _take_key,
        _COLON: _take_colon,
        _FIRST_VALUE: _take_value,
        _VALUE: _take_value,
        _AFTER: _take_after,
    }

    def _push(self, char: str) -> None:
        self._stack.append(char)
        self._state = _FIRST_KEY if char == "{" else _FIRST_VALUE

    def _begin_value(self, text: str) -> None:
        if len(self._stack) == 1:
            key = "".join(self._key)
            self._begun.pop(key, None)  # a repeated key moves to the end
            self._begun[key] = None
        self._flush()
        self._out.append(text)

    def _flush(self) -> None:
        self._out.extend(self._held)
        self._held = []

    # -- strings

    def _begin_string(self, char: str) -> None:
        self._quote = char
        self._state = _IN_STRING

    def _take_string(self, text: str, at: int) -> int:
        plain = _PLAIN[self._quote].match(text, at)
        if plain:
            self._put(plain.group())
            return plain.end()
        char = text[at]
        if char == "\\":
            return self._take_escape(text, at)
        if char == self._quote:
            self._end_string()
        elif char == '"':  # within single quotes
            self._put('\\"')
        elif self.lenient:
            self._put(f"\\u{ord(char):04x}")
        else:
            raise _Offence(at)  # a raw control character
        return at + 1

    def _take_escape(self, text: str, at: int) -> int:
        found = _ESCAPE.match(text, at)
        if not found:
            return self._take_odd_escape(text, at)
        escape, end = found.group(), found.end()
        if _LOW.match(escape):
            escape = "\\ufffd"  # a low surrogate alone
        elif _HIGH.match(escape):
            low = text[end : end + 6]
            if _LOW.match(low):
                escape += low
                end += 6
            elif _LOW_HEAD.match(low):
                self._partial = text[at:]
                return len(text)
            else:
                escape = "\\ufffd"
        self._put(escape)
        return end

    def _take_odd_escape(self, text: str, at: int) -> int:
        if _ESCAPE_HEAD.match(text, at):
            self._partial = text[at:]
            return len(text)
        odd = _PYTHON_ESCAPE.match(text, at) if self._quote == "'" else None
        if not odd:
            raise _Offence(at)
        self._put("'" if odd.group(1) else f"\\u00{odd.group(2)}")
        return odd.end()

    def _put(self, text: str) -> None:
        if not self._in_key:
            self._out.append(text)
            return
        self._held.append(text)
        if len(self._stack) == 1:
            self._key.append(text)

    def _end_string(self) -> None:
        if self._in_key:
            self._held.append('"')
            self._state = _COLON
        else:
            self._out.append('"')
            self._state = _AFTER

    # -- numbers and words

    def _take_literal(self, text: str, at: int) -> int:
        found = _LITERAL.match(text, at)
        end = found.end() if found else at
        self._literal.append(text[at:end])
        if end < len(text):
            self._end_literal(end)
        return end

    def _end_literal(self, end: int) -> None:
        literal = "".join(self._literal)
        meant = _meaning(literal, lenient=self.lenient)
        if meant is None:
            self._state = self._before_literal
            raise _Offence(end)
        self._literal = []
        self._begin_value(meant)
        self._state = _AFTER

    # -- ends that the text itself did not bring

    def complete(self) -> str:
        """The brackets that are missing between two values."""
        text = "" if self._sent else "{"
        return text + self._closers(0)

    def cut_short(self) -> str | None:
        """An end that nobody can run: the last member becomes null.

        A repeated key is valid JSON, and the last one wins. None if there is no
        member yet.
        """
        has_key = len(self._stack) == 1 and (
            self._state in {_COLON, _IN_LITERAL, _VALUE}
        )
        if has_key:
            last = "".join(self._key)
        elif self._begun:
            last = next(reversed(self._begun))
        else:
            return None
        return self._end_with([(last, "null")])

    def abandon(self, name: str, value: str) -> str:
        """An end in which `name`: `value` (JSON texts) is all that means anything."""
        members = [(key, "null") for key in self._begun if f'"{key}"' != name]
        return self._end_with([*members, (name[1:-1], value)])

    def _end_with(self, members: Iterable[tuple[str, str]]) -> str:
        is_in_value = self._state == _IN_STRING and not self._in_key
        text = '"' if is_in_value else ""
        text += self._closers(1) + ("," if self._sent else "{")
        return text + ",".join(f'"{key}":{value}' for key, value in members) + "}"

    def _closers(self, keep: int) -> str:
        return "".join(_CLOSER[opener] for opener in reversed(self._stack[keep:]))


def _meaning(literal: str, *, lenient: bool) -> str | None:
    if literal in _WORDS:
        return literal
    if _NUMBER.match(literal):
        if len(literal) <= MAX_DIGITS and not _is_infinite(literal):
            return literal
        return "null" if lenient else None
    return _LENIENT_WORDS.get(literal) if lenient else None


def _is_infinite(number: str) -> bool:
    # An integer stays exact; 1e999 is Infinity spelled otherwise.
    return not number.lstrip("-").isdigit() and abs(float(number)) == float("inf")
