"""What the server does for itself while it runs: look for changes, unlock, tidy up."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time

from aiproxy import memory
from aiproxy.errors import AIProxyError
from aiproxy.services import Services
from aiproxy.store import unlocks
from aiproxy.store.log_pruning import Pruner

WATCH_SECONDS = 1.0  # until a change by another process (`import`, `unlock`) holds here
PRUNE_SECONDS = 600.0
IDLE_SECONDS = 30.0

log = logging.getLogger("aiproxy.housekeeping")


class Housekeeping:
    """One thread beside the requests; `stop` ends it."""

    def __init__(
        self,
        services: Services,
        *,
        watch_seconds: float = WATCH_SECONDS,
        prune_seconds: float = PRUNE_SECONDS,
    ) -> None:
        self._services = services
        self._watch_seconds = watch_seconds
        self._prune_seconds = prune_seconds
        self._stopping = threading.Event()
        self._pruner = Pruner(services.database, pause=self._stopping.wait)
        self._last_unlock = unlocks.last_id(services.database.connection())
        self._thread = threading.Thread(
            target=self._run, name="housekeeping", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends within the step that is under way; steps are short."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        next_prune = next_tidy = time.monotonic()
        while not self._stopping.wait(self._watch_seconds):
            try:
                self._watch()
                now = time.monotonic()
                if now >= next_tidy:
                    next_tidy = now + IDLE_SECONDS
                    self._services.transport.close_idle()
                    memory.give_back()
                if now >= next_prune:
                    next_prune = now + self._prune_seconds
                    self._pruner.prune(self._services.settings)
            except (sqlite3.Error, OSError, AIProxyError) as exc:
                # A full or locked database passes; requests go on meanwhile.
                log.warning("housekeeping has to wait: %s", exc)

    def _watch(self) -> None:
        services = self._services
        if services.database.data_version() != services.snapshot.revision:
            services.reload()
        db = services.database.connection()
        for mark, username in unlocks.list_after(db, self._last_unlock):
            services.login_guard.unlock(username)
            self._last_unlock = mark
