"""Threads that answer requests; a pool grows when requests wait and shrinks again.

Two pools: requests under /v1 wait for providers, for minutes perhaps, and must never
be what a page, /health or /ready waits for.
"""

from __future__ import annotations

import collections
import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator, Protocol

if TYPE_CHECKING:
    from aiproxy.serving.channel import Channel

log = logging.getLogger("aiproxy.serving")

IDLE_SECONDS = 60.0


class Runnable(Protocol):
    """What a worker runs."""

    def service(self) -> None:
        """Must not raise."""


class _Place:
    """Where one idle thread waits; who gives it a task wakes it and nobody else."""

    __slots__ = ("task", "wake")

    def __init__(self) -> None:
        self.task: Runnable | None = None
        self.wake = threading.Lock()
        self.wake.acquire()


class WorkerPool:
    """Threads from none to `maximum`; those above `minimum` end when long idle.

    The thread that worked last works next: what it needs is still in the processor's
    caches, and the others grow idle enough to end.
    """

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
        self._lock = threading.Lock()  # of all that follows
        self._threads: set[threading.Thread] = set()
        self._tasks: collections.deque[Runnable] = collections.deque()  # none took them
        self._idle: list[_Place] = []
        self._is_stopping = False

    @property
    def size(self) -> int:
        return len(self._threads)

    @property
    def idle(self) -> int:
        return len(self._idle)

    def add_task(self, task: Runnable) -> None:
        with self._lock:
            if self._idle:
                place = self._idle.pop()
                place.task = task
                place.wake.release()
                return
            self._tasks.append(task)
            if self.size < self._maximum:
                self._start_thread()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more: the others must do
            self._threads.discard(thread)
            log.exception("no further worker can be started beside %d", self.size)

    def _run(self) -> None:
        place = _Place()
        while True:
            task = self._next_task(place)
            if task is None:
                return
            try:
                task.service()
            except Exception:
                log.exception("a worker failed")

    def _next_task(self, place: _Place) -> Runnable | None:
        """A task; None when this thread has to end."""
        with self._lock:
            if self._tasks:
                return self._tasks.popleft()
            if self._is_stopping:
                self._leave()
                return None
            self._idle.append(place)
        while not place.wake.acquire(timeout=self._idle_seconds):
            with self._lock:
                # Who has just been given a task is no longer among the idle.
                if place in self._idle and self.size > self._minimum:
                    self._idle.remove(place)
                    self._leave()
                    return None
        task, place.task = place.task, None
        if task is None:
            with self._lock:
                self._leave()
        return task

    def _leave(self) -> None:
        self._threads.discard(threading.current_thread())

    def stop(self, seconds: float) -> None:
        """Let idle threads end; busy ones get `seconds`, then end with the process."""
        with self._lock:
            self._is_stopping = True
            threads = list(self._threads)
            for place in self._idle:
                place.wake.release()
            self._idle.clear()
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


class Workers:
    """The two pools, and which of them a channel's next request is for."""

    def __init__(self, *, api_workers: int, page_workers: int) -> None:
        self.api = WorkerPool("api", minimum=8, maximum=api_workers)
        self.pages = WorkerPool("page", minimum=4, maximum=page_workers)
        # The other half answers whoever reads.
        self._may_wait = threading.Semaphore(max(1, page_workers // 2))

    def add_task(self, channel: Channel) -> None:
        (self.api if _is_for_api(channel) else self.pages).add_task(channel)

    @contextmanager
    def waiting_for(self, channel: Channel) -> Iterator[bool]:
        """Around a worker's wait for a client to read; false if it must not wait."""
        may_wait = _is_for_api(channel) or self._may_wait.acquire(blocking=False)
        try:
            yield may_wait
        finally:
            if may_wait and not _is_for_api(channel):
                self._may_wait.release()

    def stop(self, seconds: float) -> None:
        self.api.stop(seconds)
        self.pages.stop(seconds)


def _is_for_api(channel: Channel) -> bool:
    request = channel.requests[0]
    return request.is_api and request.error is None
