"""What the server remembers for one browser session, for minutes and in memory only.

A key typed into a form that must be shown again, a new key on its way to the one page
that shows it, the sentence after a redirect: none of it belongs into a database, a
cookie or a page. Nothing here survives a restart or its ten minutes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Callable

LIFETIME_SECONDS = 600
MAX_ENTRIES = 1000  # the oldest give way, so that nobody fills the memory


class SessionMemory:
    """Values by session and name; the clock is passed in."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        lifetime_seconds: float = LIFETIME_SECONDS,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds
        self._max_entries = max_entries
        self._lock = threading.Lock()
        # Oldest first, as every put moves its entry to the end.
        self._entries: OrderedDict[tuple[str, str], tuple[float, Any]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<SessionMemory of {len(self._entries)} entries>"  # values stay unseen

    def put(self, session_id: str, name: str, value: Any) -> None:
        """Remember a value; without a session nothing is remembered."""
        if not session_id:
            return
        with self._lock:
            self._forget_expired()
            self._entries.pop((session_id, name), None)
            self._entries[session_id, name] = (
                self._clock() + self._lifetime_seconds,
                value,
            )
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def find(self, session_id: str, name: str) -> Any:
        """The value, or None once it is too old."""
        with self._lock:
            self._forget_expired()
            return self._value(self._entries.get((session_id, name)))

    def take(self, session_id: str, name: str) -> Any:
        """The value, for the last time."""
        with self._lock:
            self._forget_expired()
            return self._value(self._entries.pop((session_id, name), None))

    def move_session(self, session_id: str, new_id: str) -> None:
        """A session has been given a new id; what it waits for goes along."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == session_id]:
                # Back at the end, though it ends earlier: it is then dropped a little
                # late, but never found, as `find` judges each entry by itself.
                self._entries[new_id, key[1]] = self._entries.pop(key)

    def forget_session(self, session_id: str) -> None:
        """At logout nothing of the session stays."""
        with self._lock:
            for entry in [key for key in self._entries if key[0] == session_id]:
                del self._entries[entry]

    def _value(self, entry: tuple[float, Any] | None) -> Any:
        return entry[1] if entry is not None and entry[0] > self._clock() else None

    def _forget_expired(self) -> None:
        now = self._clock()
        while self._entries:
            key, (expires_at, _) = next(iter(self._entries.items()))
            if expires_at > now:
                return
            del self._entries[key]
