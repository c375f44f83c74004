"""What a POST sent: a form or a JSON object, read by the same names.

`Fields` hands out checked values and collects a sentence for each field that is not
right, so that a form comes back with all of its problems at once. In JSON a field that
is not named keeps its present value; in a form an absent checkbox is off.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from bottle import request

from aiproxy.errors import AIProxyError, InvalidRequest, RequestTooLarge
from aiproxy.protocol import json_codec
from aiproxy.web import incoming

MAX_FIELDS = 200
MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_NAME = 200  # names and models, in characters
MAX_URL = 2048
MAX_KEY_BYTES = 8 * 1024
MAX_JSON_BYTES = 64 * 1024

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CACHE = "aiproxy.fields"
_YES = ("1", "true", "on", "yes")
_NO = ("", "0", "false", "off", "no")


class UnknownContent(AIProxyError):
    """Neither a form nor JSON."""

    status = 415


class Fields:
    """Named values as they were sent, and what is wrong with them."""

    def __init__(self, sent: Mapping[str, Any], *, is_json: bool = False) -> None:
        self._sent = sent
        self.is_json = is_json
        self.errors: dict[str, str] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._sent

    def names(self) -> list[str]:
        """The fields that were sent, but for the token of the form itself."""
        return [name for name in self._sent if name != "csrf_token"]

    def raw(self, name: str) -> Any:
        """The value as it was sent, unchecked."""
        return self._sent.get(name)

    def replace(self, name: str, text: str) -> None:
        """Read another text for a field than the one that was sent."""
        self._sent = {**self._sent, name: text}

    def reject(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first sentence stays."""
        self.errors.setdefault(name, sentence[:1].upper() + sentence[1:])

    def typed(self, name: str) -> str:
        """The text as typed, unchecked, to show it again."""
        value = self._sent.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False)

    def text(
        self, name: str, present: str = "", *, limit: int = MAX_NAME, label: str = ""
    ) -> str:
        """One line of text, without spaces around it; `present` where none is sent."""
        text = self.lines(name, present, limit=limit, label=label).strip()
        if "\n" in text or "\r" in text or "\t" in text:
            self.reject(name, f"{label or 'This'} must be one line.")
        return text

    def lines(
        self, name: str, present: str = "", *, limit: int, label: str = ""
    ) -> str:
        """Text of several lines, kept as it is but for its line ends."""
        value = self._sent.get(name, present)
        if value is None:
            return ""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self.reject(name, f"{label or 'This'} must be text.")
            return present
        if len(value) > limit:
            self.reject(name, f"{label or 'This'} is longer than {limit} characters.")
        if _CONTROLS.search(value) or not _is_encodable(value):
            self.reject(name, f"{label or 'This'} holds a control character.")
        return value.replace("\r\n", "\n").replace("\r", "\n")

    def key(self, name: str) -> str:
        """A secret as pasted: spaces around it and a leading `Bearer` are cut."""
        text = self.text(name, limit=MAX_KEY_BYTES, label="The key")
        if text[:7].lower() == "bearer ":
            text = text[7:].strip()
        if any(not 0x20 < ord(character) < 0x7F for character in text) and not (
            text.startswith(("file:", "env:"))
        ):
            self.reject(name, "The key holds a space or a character no key may have.")
        return text

    def switch(self, name: str, *, present: bool) -> bool:
        """A checkbox: in a form there or not, in JSON true or false."""
        if not self.is_json:
            return name in self._sent
        value = self._sent.get(name, present)
        word = str(value).strip().lower()
        if isinstance(value, (bool, int, str)) and word in (*_YES, *_NO):
            return word in _YES
        self.reject(name, "This must be true or false.")
        return present

    def choice(
        self,
        name: str,
        choices: Sequence[str],
        present: str,
        *,
        label: str = "",
        spelling: Callable[[str], str] = str.lower,
    ) -> str:
        """One of a list; empty or unsent means the present one."""
        text = spelling(self.text(name, present, label=label)) or present
        if text not in choices:
            self.reject(
                name, f"{label or 'This'} must be one of: {', '.join(choices)}."
            )
            return present
        return text

    def number(
        self,
        name: str,
        present: int | None = None,
        *,
        low: int = 0,
        high: int = 10**9,
        label: str = "",
    ) -> int | None:
        """A whole number, also as text (`32k` and spaces inside too); empty is None."""
        if name not in self._sent:
            return present
        value = self._sent[name]
        word = "" if value is None else str(value)
        compact = re.sub(r"[\s_,']", "", word).lower()
        if not compact:
            return None
        if compact.endswith("k") and compact[:-1].isdecimal():
            compact = compact[:-1] + "000"
        if compact.endswith(".0"):
            compact = compact[:-2]
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,18}", compact):
            self.reject(name, f"{label or 'This'} must be a whole number.")
            return present
        if not low <= int(compact) <= high:
            self.reject(name, f"{label or 'This'} must be from {low} to {high}.")
        return int(compact)

    def json_object(
        self, name: str, present: Mapping[str, Any], *, label: str = ""
    ) -> dict[str, Any]:
        """A JSON object, also as text; empty is an empty one."""
        if name not in self._sent:
            return dict(present)
        value = self._sent[name]
        if value is None or (isinstance(value, str) and not value.strip()):
            return {}
        size = len(self.typed(name).encode("utf-8", "replace"))
        if size > MAX_JSON_BYTES:
            self.reject(name, f"{label or 'This'} is larger than 64 KiB.")
            return dict(present)
        if isinstance(value, str):
            try:
                value = json_codec.decode_text(value)
            except InvalidRequest as exc:
                why = exc.message.rpartition("valid JSON: ")[2]
                self.reject(name, f"{label or 'This'} is not valid JSON: {why}.")
                return dict(present)
        if not isinstance(value, dict):
            self.reject(
                name, f'{label or "This"} must be a JSON object, like {{"a": "b"}}.'
            )
            return dict(present)
        return dict(value)


def pretty_json(value: Mapping[str, Any]) -> str:
    """An object as a person edits it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def read() -> Fields:
    """The fields of the present request; cheap to call again."""
    cached = request.environ.get(_CACHE)
    if cached is None:
        cached = request.environ[_CACHE] = _parse()
    sent, is_json = cached
    return Fields(sent, is_json=is_json)


def csrf_token() -> str:
    """The token that a POST carries, in its header or its form; "" for none."""
    header = incoming.find_header("X-CSRF-Token")
    if header is not None:
        return header
    try:
        return read().typed("csrf_token")
    except AIProxyError:
        return ""  # whatever else is wrong, the missing token is said first


def _parse() -> Any:
    content_type = incoming.header("Content-Type").partition(";")[0]
    content_type = content_type.strip().lower()
    body = _read_body()
    if content_type == "application/json":
        return _parse_json(body), True
    if content_type in ("", "application/x-www-form-urlencoded"):
        return _parse_form(body), False
    raise UnknownContent("send a form (application/x-www-form-urlencoded) or JSON")


def _read_body() -> bytes:
    # Not request.body: it puts what is over 100 kB into a file.
    length = request.environ.get("CONTENT_LENGTH") or "0"
    size = int(length) if length.isdecimal() else 0
    if size > MAX_BODY_BYTES:
        raise RequestTooLarge(f"at most {MAX_BODY_BYTES} bytes are taken here")
    return bytes(request.environ["wsgi.input"].read(size))


def _parse_json(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    sent = json_codec.decode_object(body)
    if len(sent) > MAX_FIELDS:
        raise _too_many()
    return sent


def _parse_form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeError as exc:
        raise InvalidRequest("the form is not valid UTF-8") from exc
    except ValueError as exc:
        raise _too_many() from exc
    return dict(pairs)


def _too_many() -> AIProxyError:
    return InvalidRequest(f"more than {MAX_FIELDS} fields", status=422)


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeError:
        return False
    return True
