"""What is known of the thoughts of one answer: shown once, packed to come back.

Providers put one thought into several fields, at once or one after the other. It is
shown once; where it stood and what came along with it go into the envelope.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from aiproxy.errors import UpstreamBroken
from aiproxy.protocol import chat, reasoning
from aiproxy.protocol.surrogates import Joiner

MAX_THOUGHT_BYTES = 16 << 20
_ENTRY_CHARS = 16  # what an entry without any text counts for


class Thoughts:
    """The thoughts so far, and those of the open thinking block."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._shown = bytearray()  # the text of all thoughts from fields, UTF-8
        self._at: dict[str, int] = {}  # how far each field has come in it
        self._joiners: dict[str, Joiner] = {}
        self._block: list[str] = []  # the text of the open block
        self._fields: dict[str, None] = {}
        self._details = reasoning.DetailMerger()  # of the open block
        self._sealed = reasoning.DetailMerger()  # of no block: nothing to show
        self._detail_chars = 0

    @property
    def has_sealed(self) -> bool:
        """Opaque items wait for a block of their own."""
        return bool(self._sealed)

    def new_text(self, field: str, text: str) -> str:
        """What of this text has not been shown from another field already."""
        joiner = self._joiners.setdefault(field, Joiner())
        data = joiner.feed(text).encode()
        at = self._at.get(field, 0)
        known = min(len(self._shown) - at, len(data))
        if known and self._shown[at : at + known] == data[:known]:
            self._at[field] = at + known
            data = data[known:]
        if not data:
            return ""
        self._shown += data
        self._check_size()
        self._at[field] = len(self._shown)
        return data.decode()

    def _check_size(self) -> None:
        if len(self._shown) > MAX_THOUGHT_BYTES:
            raise UpstreamBroken("the provider's thoughts exceed 16 MiB")

    @property
    def only_field(self) -> str:
        """The one field that all text has come in; empty for none or several."""
        if len(self._at) != 1 or any(joiner.held for joiner in self._joiners.values()):
            return ""
        return next(iter(self._at))

    def append(self, field: str, text: str) -> None:
        """More of the open block, in the only field; whole characters."""
        self._shown += text.encode()
        self._at[field] = len(self._shown)
        self._block.append(text)
        self._check_size()

    def is_beside(self, field: str) -> None:
        """This field only repeats what came with it, in its own words perhaps."""
        self._at[field] = len(self._shown)

    def flush(self) -> str:
        """What is left of half a character at the end of a thought."""
        halves = [joiner.flush() for joiner in self._joiners.values()]
        return "\ufffd" if any(halves) else ""

    def begin_block(self) -> None:
        """A thinking block opens."""
        self._block = []
        self._fields = {}

    def grow_block(self, text: str) -> None:
        """The open block shows this text, too."""
        self._block.append(text)

    def stood_in(self, field: str) -> None:
        """The open block's text came in this field, too."""
        self._fields[field] = None

    def keep(self, detail: Mapping[str, Any], *, sealed: bool, is_whole: bool) -> None:
        """An entry of `reasoning_details`, or a piece of one; sealed: of no block."""
        texts = [value for value in detail.values() if isinstance(value, str)]
        self._detail_chars += _ENTRY_CHARS + sum(map(len, texts))
        if self._detail_chars > MAX_THOUGHT_BYTES:
            raise UpstreamBroken("the provider's reasoning details exceed 16 MiB")
        merger = self._sealed if sealed else self._details
        if is_whole:
            merger.add_whole(detail)
        else:
            merger.add(detail)

    def signature(self) -> str:
        """The envelope of the block that closes now."""
        details = self._details.take()
        text = "".join(self._block) if details else ""
        fields = tuple(self._fields)
        return reasoning.pack(self._key, fields, details, text=text)

    def unshown(self) -> None:
        """No block was opened after all: its details are without one."""
        for detail in self._details.take():
            self._sealed.add_whole(detail)

    def sealed_envelope(self, calls: Mapping[str, Mapping[str, Any]]) -> str:
        """The opaque items so far, and what belongs to these calls."""
        return reasoning.pack(self._key, (), self._sealed.take(), calls)


def split_leading_sealed(
    details: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Those before the first that has a text, and the rest."""
    for at, detail in enumerate(details):
        if chat.detail_text(detail):
            return list(details[:at]), list(details[at:])
    return list(details), []
