"""Threads that answer requests; a pool grows when requests wait and shrinks again.

Two pools: requests under /v1 wait for providers, for minutes perhaps, and must never
be what a page, /health or /ready waits for.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aiproxy.serving.channel import Channel

log = logging.getLogger("aiproxy.serving")

IDLE_SECONDS = 60.0


class Runnable(Protocol):
    """What a worker runs."""

    def service(self) -> None:
        """Must not raise."""


class WorkerPool:
    """Threads from none to `maximum`; those above `minimum` end when long idle."""

    def __init__(
        self,
        name: str,
        *,
        minimum: int,
        maximum: int,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._name = name
        self._minimum = minimum
        self._maximum = maximum
        self._idle_seconds = idle_seconds
        self._tasks: queue.SimpleQueue[Runnable | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._waiting = 0  # tasks that no thread has taken
        self._idle = 0  # threads that wait for one

    @property
    def size(self) -> int:
        return len(self._threads)

    @property
    def idle(self) -> int:
        return self._idle

    def add_task(self, task: Runnable) -> None:
        with self._lock:
            self._waiting += 1
            is_short = self._waiting > self._idle and self.size < self._maximum
            if is_short:
                self._start_thread()
        self._tasks.put(task)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more: the others must do
            self._threads.discard(thread)
            log.exception("no further worker can be started beside %d", self.size)

    def _run(self) -> None:
        while True:
            task = self._next_task()
            if task is None:
                return
            try:
                task.service()
            except Exception:
                log.exception("a worker failed")

    def _next_task(self) -> Runnable | None:
        """A task; None when this thread has to end."""
        with self._lock:
            self._idle += 1
        while True:
            try:
                task = self._tasks.get(timeout=self._idle_seconds)
            except queue.Empty:
                with self._lock:
                    if self._waiting or self.size <= self._minimum:
                        continue
                    self._leave()
                    return None
            with self._lock:
                if task is None:
                    self._leave()
                else:
                    self._waiting -= 1
                    self._idle -= 1
            return task

    def _leave(self) -> None:
        self._idle -= 1
        self._threads.discard(threading.current_thread())

    def stop(self, seconds: float) -> None:
        """Let idle threads end; busy ones get `seconds`, then end with the process."""
        with self._lock:
            threads = list(self._threads)
        for _ in threads:
            self._tasks.put(None)
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


class Workers:
    """The two pools, and which of them a channel's next request is for."""

    def __init__(self, *, api_workers: int, page_workers: int) -> None:
        self.api = WorkerPool("api", minimum=8, maximum=api_workers)
        self.pages = WorkerPool("page", minimum=4, maximum=page_workers)

    def add_task(self, channel: Channel) -> None:
        request = channel.requests[0]
        is_api = request.is_api and request.error is None
        (self.api if is_api else self.pages).add_task(channel)

    def stop(self, seconds: float) -> None:
        self.api.stop(seconds)
        self.pages.stop(seconds)
