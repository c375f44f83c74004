"""What a request needs besides itself: built once at start, passed by hand."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Mapping

from aiproxy import __version__
from aiproxy.bodies import BodyRoom
from aiproxy.errors import Overloaded
from aiproxy.head import Frontier, RequestHead
from aiproxy.lessons import LessonBook
from aiproxy.metrics import Metrics
from aiproxy.security.known_sessions import MAX_SESSIONS, KnownSessions
from aiproxy.security.login_guard import LoginGuard
from aiproxy.security.passwords import Passwords
from aiproxy.security.rate_limit import RateLimiter
from aiproxy.security.session_memory import SessionMemory
from aiproxy.store import sessions
from aiproxy.store import snapshot as snapshots
from aiproxy.store.database import Database
from aiproxy.store.log_writer import LogWriter
from aiproxy.store.request_log import LogEntry
from aiproxy.store.settings import Fixed, Settings, restart_fields
from aiproxy.store.snapshot import Snapshot
from aiproxy.upstream.transport import Transport

MAX_IN_FLIGHT = 1024  # proxied requests; beyond it 529
RETRY_SECONDS = 5

_requests_log = logging.getLogger("aiproxy.requests")


class Running:
    """How many proxied requests are in flight, and how many may be."""

    def __init__(self, limit: int = MAX_IN_FLIGHT) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self.requests = 0
        self.streams = 0

    def enter(self) -> None:
        """Take a place, or raise Overloaded at once: nobody queues."""
        with self._lock:
            if self.requests >= self.limit:
                raise Overloaded(
                    f"{self.limit} requests are running, which is all this server"
                    " carries. Try again shortly.",
                    headers={"retry-after": str(RETRY_SECONDS)},
                )
            self.requests += 1

    def leave(self) -> None:
        with self._lock:
            self.requests -= 1

    def add_stream(self) -> None:
        with self._lock:
            self.streams += 1

    def remove_stream(self) -> None:
        with self._lock:
            self.streams -= 1


class Services:
    """Everything with a life of its own; `close` ends it in order."""

    def __init__(
        self,
        *,
        database: Database,
        fixed: Mapping[str, Fixed] | None = None,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self._fixed = dict(fixed or {})  # by flag or environment, from start to stop
        self._clock = clock
        self._snapshot_lock = threading.Lock()
        self._snapshot = self._load_snapshot()
        # What holds from start to stop, whatever is saved meanwhile.
        self.started_with = self._snapshot.settings
        self.base_path = self.started_with.base_path.rstrip("/")
        self.bind_host = self.started_with.server_host
        self._frontier = self._new_frontier()
        self.transport = transport or Transport()
        self.log_writer = LogWriter(database)
        self.rate_limiter = RateLimiter()
        self.login_guard = LoginGuard()
        self.passwords = Passwords()
        self.known_sessions = KnownSessions(
            sessions.newest(database.connection(), MAX_SESSIONS)
        )
        self.session_memory = SessionMemory(time.monotonic)
        self.lessons = LessonBook()
        self.metrics = Metrics()
        self.running = Running()
        self.body_room = BodyRoom()
        self.started_at = self.now()
        self._started_monotonic = time.monotonic()
        self.is_draining = False
        # Set by the server where it can start itself anew; pages offer it then.
        self.restart: Callable[[], None] | None = None
        # Told of each new configuration; the log learns its secrets so.
        self.on_reload: Callable[[Snapshot], None] | None = None

    # Time

    def now(self) -> int:
        """UTC seconds, the one clock of everything that is stored."""
        return int(self._clock())

    def uptime_seconds(self) -> int:
        return int(time.monotonic() - self._started_monotonic)

    # Configuration

    @property
    def snapshot(self) -> Snapshot:
        """All configuration at one moment; immutable, replaced after each save."""
        return self._snapshot

    @property
    def settings(self) -> Settings:
        return self._snapshot.settings

    @property
    def user_agent(self) -> str:
        return f"aiproxy/{__version__}"

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One change, committed before this returns and in effect from then on."""
        with self.database.transaction() as db:
            yield db
        self.reload()

    def reload(self) -> None:
        """Read the configuration anew, as after a commit of our own or another's."""
        with self._snapshot_lock:
            self._snapshot = self._load_snapshot()
            self._frontier = self._new_frontier()
            if self.on_reload is not None:
                self.on_reload(self._snapshot)

    def _load_snapshot(self) -> Snapshot:
        return snapshots.load(self.database.connection(), self._fixed)

    def _new_frontier(self) -> Frontier:
        return Frontier.of(
            self._snapshot.settings,
            bind_host=self.bind_host,
            base_path=self.base_path,
        )

    def is_restart_required(self) -> bool:
        """A setting was saved that holds only from the next start on."""
        return bool(restart_fields(self.started_with, self.settings))

    # Requests

    def frontier(self) -> Frontier:
        """Which hosts, origins and proxies are believed, by the present settings."""
        return self._frontier

    def is_local(self, head: RequestHead) -> bool:
        return self._frontier.is_local(head)

    def touch_key(self, key_id: int) -> None:
        """A key was used; written later, as it delays no request."""
        self.log_writer.touch_key(key_id, self.now())

    def touch_session(self, digest: str) -> None:
        """A browser was active; written later."""
        self.log_writer.touch_session(digest, self.now())

    def log_request(self, entry: LogEntry, error: BaseException | None) -> None:
        """One line in the text log for a request; no body, no key."""
        level = logging.WARNING if entry.status >= 400 else logging.INFO
        fields: dict[str, Any] = {
            "request_id": entry.id,
            "status": entry.status,
            "provider": entry.provider,
            "model": entry.model,
            "duration_ms": entry.duration_ms,
            "input_tokens": entry.input_tokens,
            "output_tokens": entry.output_tokens,
        }
        _requests_log.log(
            level,
            "%s %s %s %s -> %s %d ms, %d in, %d out%s",
            entry.id,
            entry.status,
            entry.provider or "-",
            entry.model_requested or "-",
            entry.model or "-",
            entry.duration_ms,
            entry.input_tokens,
            entry.output_tokens,
            f": {entry.error_message}" if entry.error_message else "",
            extra={"fields": fields},
        )

    def close(self) -> None:
        """Write what is queued, then let go of everything."""
        self.log_writer.close()
        self.transport.close()
        self.database.close()
