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
from typing import TYPE_CHECKING, Callable, Iterator, Protocol

if TYPE_CHECKING:
    from aiproxy.serving.channel import Channel

log = logging.getLogger("aiproxy.serving")

IDLE_SECONDS = 60.0
# Where the processor is what requests wait for, more threads only take turns: a tenth
# more CPU a request at 16 connections and 11 MiB. A pool grows where its threads wait.
STUCK_SECONDS = 0.01  # no thread took a task: all wait for somebody
PATIENCE_SECONDS = 0.2  # what a task may wait though tasks are taken
GROWTH = 32  # threads at once, so that no task waits behind the start of hundreds
NO_THREAD_SECONDS = 1.0  # until it is tried again


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

    Up to `minimum` each task that finds none idle gets a thread at once, beyond it when
    all threads are stuck, or the task has waited for long.

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
        # Tasks that found no idle thread, and since when they wait.
        self._tasks: collections.deque[tuple[float, Runnable]] = collections.deque()
        self._taken = 0  # of those
        self._idle: list[_Place] = []
        self._stopping = threading.Event()
        self._is_crowded = threading.Event()  # tasks wait: the grower looks after them
        self._grower: threading.Thread | None = None

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
            self._tasks.append((time.monotonic(), task))
            if self.size < max(self._minimum, 1):
                self._start_thread()
            elif self.size < self._maximum:
                self._is_crowded.set()
                if self._grower is None:
                    self._grower = self._started(self._grow, "grower")

    def _start_thread(self) -> bool:
        thread = self._started(self._run, self._name)
        if thread:
            self._threads.add(thread)
        return thread is not None

    def _started(
        self, target: Callable[[], None], name: str
    ) -> threading.Thread | None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more: the others must do
            log.exception("no further thread can be started beside %d", self.size)
            return None
        return thread

    def _grow(self) -> None:
        """Start threads for the tasks that wait, but not for the processor."""
        seconds = STUCK_SECONDS
        while self._is_crowded.wait():
            taken = self._taken
            if self._stopping.wait(seconds):
                return
            seconds = STUCK_SECONDS
            with self._lock:
                wanted = min(self._late(taken), self._maximum - self.size, GROWTH)
                if not self._tasks:
                    self._is_crowded.clear()
                elif not all(self._start_thread() for _ in range(wanted)):
                    seconds = NO_THREAD_SECONDS

    def _late(self, taken: int) -> int:
        """How many tasks wait for a thread; `taken`: what was taken a moment ago."""
        if taken == self._taken:
            return len(self._tasks)
        late = time.monotonic() - PATIENCE_SECONDS
        return sum(since < late for since, _ in self._tasks)

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
                self._taken += 1
                return self._tasks.popleft()[1]
            if self._stopping.is_set():
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
            self._stopping.set()
            threads = [*self._threads, *([self._grower] if self._grower else [])]
            self._is_crowded.set()
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
