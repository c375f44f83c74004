"""A request's tools, recognised when they come again.

An agent sends the same tools with every turn, 50 to 100 KB of them. Their text is
compared with the last few; what was found out about such a list, or made of it (its
objects, tokens, definitions for a provider, the JSON of those), is kept with it. So
nothing in such a list may ever be changed: who wants it otherwise makes another.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from aiproxy.protocol import json_codec

MIN_CHARS = 2 * 1024  # shorter ones are parsed as fast as compared
MAX_CHARS = 256 * 1024
MAX_KNOWN = 8

_NAME = '"tools"'


class Written(Dict[str, Any]):
    """An object with its own JSON, made once."""

    _json = ""

    @property
    def json(self) -> str:
        """Compact, as `json_codec` writes it."""
        self._json = self._json or json_codec.encode_text(self)
        return self._json


class ToolList(List[Any]):
    """The value of `tools`; `memo` is for what its readers make of it."""

    def __init__(self, tools: list[Any]) -> None:
        super().__init__(tools)
        self.memo: dict[Any, Any] = {}
        self._json = ""

    @property
    def json(self) -> str:
        """Compact, as `json_codec` writes it."""
        self._json = self._json or json_codec.encode_text(self)
        return self._json


class ToolLists:
    """The last few, by their text; for any thread."""

    def __init__(self) -> None:
        self._known: tuple[tuple[str, ToolList], ...] = ()

    def decode(self, data: bytes) -> dict[str, Any]:
        """A request's JSON object; raises InvalidRequest.

        The same as `json_codec.decode_object` gives, but that `tools` may be a
        ToolList.
        """
        text = json_codec.text_of(data)
        start = _start_of_tools(text)
        if start < 0:
            return json_codec.object_of(json_codec.decode_text(text))
        return self._find(text, start) or self._learn(text, start)

    def _find(self, text: str, start: int) -> dict[str, Any] | None:
        for entry in self._known:
            known, tools = entry
            if text.startswith(known, start):
                rest = text[:start] + "null" + text[start + len(known) :]
                request = json_codec.object_of(json_codec.decode_text(rest))
                if request.get("tools", "") is not None:
                    return None  # they stand deeper
                request["tools"] = tools
                self._put_first(entry)
                return request
        return None

    def _learn(self, text: str, start: int) -> dict[str, Any]:
        request = json_codec.object_of(json_codec.decode_text(text))
        tools = request.get("tools")
        if isinstance(tools, list):
            end = json_codec.end_of(text, start)
            if MIN_CHARS <= end - start <= MAX_CHARS:
                request["tools"] = known = ToolList(tools)
                self._put_first((text[start:end], known))
        return request

    def _put_first(self, entry: tuple[str, ToolList]) -> None:
        known = self._known
        if not known or known[0] is not entry:
            others = [each for each in known if each is not entry]
            self._known = (entry, *others)[:MAX_KNOWN]


def _start_of_tools(text: str) -> int:
    """Where their list begins, or -1 if they cannot be told from something else."""
    key = text.find(_NAME)
    # A quote within a string has a backslash before it. The name a second time,
    # wherever it stands, could be the one that counts.
    if key < 1 or text[key - 1] == "\\" or text.find(_NAME, key + 1) >= 0:
        return -1
    start = key + len(_NAME)
    if text[start : start + 1] != ":":
        return -1
    start += 1 + text.startswith(" ", start + 1)
    return start if text.startswith("[", start) else -1


_lists = ToolLists()


def decode_request(data: bytes) -> dict[str, Any]:
    """A request's JSON object, its tools recognised; raises InvalidRequest."""
    return _lists.decode(data)


def encode_request(body: Mapping[str, Any]) -> bytes:
    """Compact JSON of a request, whose tools may have their own already."""
    members = [
        f"{json_codec.encode_text(name)}:{_written(value)}"
        for name, value in body.items()
    ]
    return ("{" + ",".join(members) + "}").encode("utf-8")


def _written(value: Any) -> str:
    if isinstance(value, ToolList):
        return value.json
    if isinstance(value, list) and any(isinstance(each, Written) for each in value):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, Written):
        return value.json
    return json_codec.encode_text(value)
