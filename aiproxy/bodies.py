"""The bodies of requests that run, as far as they are kept for the request log."""

from __future__ import annotations

import threading
from typing import Sequence

from aiproxy.protocol.masking import mask_bytes
from aiproxy.store.request_log import BODY_PARTS, MAX_BODY_BYTES, Body

MAX_KEPT_BYTES = 64 * 1024 * 1024  # of all requests together


class BodyRoom:
    """Memory that all of them share; what finds none of it is not kept."""

    def __init__(self, limit: int = MAX_KEPT_BYTES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.used = 0

    def take(self, wanted: int) -> int:
        """As many bytes as there are of those that are wanted."""
        with self._lock:
            taken = max(0, min(wanted, self._limit - self.used))
            self.used += taken
        return taken

    def give(self, size: int) -> None:
        with self._lock:
            self.used -= size


class Bodies:
    """The four of one request; each is kept from its begin up to a limit."""

    def __init__(self, room: BodyRoom) -> None:
        self._room = room
        self._kept = {part: _Kept() for part in BODY_PARTS}

    def put(self, part: str, data: bytes) -> None:
        """A whole body, in the place of an earlier one."""
        self._room.give(len(self._kept[part].content))
        self._kept[part] = _Kept()
        self.add(part, data)

    def add(self, part: str, data: bytes) -> None:
        """More of a body."""
        kept = self._kept[part]
        kept.size += len(data)
        if kept.is_cut or not data:
            return
        wanted = min(len(data), MAX_BODY_BYTES - len(kept.content))
        taken = self._room.take(wanted)
        kept.is_cut = taken < len(data)
        if not kept.content:
            kept.content = data[:taken]  # no copy of one that is whole
            return
        if isinstance(kept.content, bytes):
            kept.content = bytearray(kept.content)
        kept.content += data[:taken]

    def without(self, secrets: Sequence[str]) -> tuple[Body, ...]:
        """What goes to the log."""
        return tuple(kept.masked(part, secrets) for part, kept in self._kept.items())

    def close(self) -> None:
        """Free the memory; nothing is kept after this."""
        for kept in self._kept.values():
            self._room.give(len(kept.content))
            kept.content, kept.is_cut = b"", True


class _Kept:
    __slots__ = ("content", "is_cut", "size")

    def __init__(self) -> None:
        self.content: bytes | bytearray = b""
        self.size = 0
        self.is_cut = False

    def masked(self, part: str, secrets: Sequence[str]) -> Body:
        content = mask_bytes(bytes(self.content), secrets)
        if not self.is_cut:
            return Body(part, len(content), content)
        # The cut may have left the begin of a secret, which is no secret's whole.
        longest = max((len(secret.encode()) for secret in secrets), default=0)
        content = content[: max(0, len(content) - longest)]
        return Body(part, max(self.size, len(content) + 1), content)
