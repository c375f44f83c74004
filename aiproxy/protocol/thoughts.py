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


class Thoughts:
    """The thoughts so far, and those of the open thinking block."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._shown = bytearray()  # the text of all thoughts from fields, UTF-8
        self._at: dict[str, int] = {}  # how far each field has come in it
        self._joiners: dict[str, Joiner] = {}
        self._block_start = self._block_end = 0  # the open block's part of it
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
        if len(self._shown) > MAX_THOUGHT_BYTES:
            raise UpstreamBroken("the provider's thoughts exceed 16 MiB")
        self._at[field] = len(self._shown)
        return data.decode()

    def is_beside(self, field: str) -> None:
        """This field only repeats what came with it, in its own words perhaps."""
        self._at[field] = len(self._shown)

    def flush(self) -> str:
        """What is left of half a character at the end of a thought."""
        halves = [name for name, joiner in self._joiners.items() if joiner.flush()]
        if not halves:
            return ""
        self._shown += "\ufffd".encode()
        self._at.update((name, len(self._shown)) for name in halves)
        return "\ufffd"

    def begin_block(self, text: str = "") -> None:
        """A thinking block opens with this text, the last that was new."""
        self._block_end = len(self._shown)
        self._block_start = self._block_end - len(text.encode())
        self._fields = {}

    def grow_block(self, text: str) -> None:
        """The open block got this text, the next in the order of what is new."""
        self._block_end += len(text.encode())

    def stood_in(self, field: str) -> None:
        """The open block's text came in this field, too."""
        self._fields[field] = None

    def keep(self, detail: Mapping[str, Any], *, sealed: bool, is_whole: bool) -> None:
        """An entry of `reasoning_details`, or a piece of one; sealed: of no block."""
        self._detail_chars += sum(
            len(value) for value in detail.values() if isinstance(value, str)
        )
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
        shown = self._shown[self._block_start : self._block_end] if details else b""
        fields = tuple(self._fields)
        return reasoning.pack(self._key, fields, details, text=shown.decode())

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
