"""Whose session an id is, in memory: for what is judged before a body is read.

That happens where nothing may wait, so the database is not asked. A session that has
ended may still stand here: whatever its request wants is judged again, as ever.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Iterable

MAX_SESSIONS = 1000  # those that were not used for longest are forgotten


class KnownSessions:
    """Users by the digest of a session's id."""

    def __init__(
        self,
        owners: Iterable[tuple[str, int]] = (),
        *,
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        """`owners`: those that an earlier process began, the last used at the end."""
        self._max_sessions = max_sessions
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, int] = OrderedDict()
        for digest, user_id in owners:
            self.add(digest, user_id)

    def __repr__(self) -> str:
        return f"<KnownSessions: {len(self._owners)}>"

    def add(self, digest: str, user_id: int) -> None:
        """The session was used just now, and holds."""
        with self._lock:
            self._owners[digest] = user_id
            self._owners.move_to_end(digest)
            if len(self._owners) > self._max_sessions:
                self._owners.popitem(last=False)

    def find_owner(self, digest: str) -> int | None:
        """The user's id, if the session is remembered."""
        return self._owners.get(digest)
