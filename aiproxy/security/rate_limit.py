"""How many requests a key or address may send in any stretch of time.

Every admitted request is remembered for the length of the window, so the limit holds
in each window and not only in those that begin on the minute.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from typing import Callable

from aiproxy.errors import RateLimited

MAX_COUNTERS = 10_000
MAX_RETRY_SECONDS = 60


class RateLimiter:
    """Counters in memory, by whatever text names the sender; the clock is passed in."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        max_counters: int = MAX_COUNTERS,
    ) -> None:
        self._clock = clock
        self._max_counters = max_counters
        self._lock = threading.Lock()
        self._admitted: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, who: str, *, limit: int, window: int) -> None:
        """Admit one request, or raise RateLimited; a refused one does not count."""
        now = self._clock()
        with self._lock:
            times = self._counter(who)
            while times and times[0] <= now - window:
                times.popleft()
            if len(times) < limit:
                times.append(now)
                return
            # The limit may have been lowered: as many as are too many must pass.
            wait = times[len(times) - limit] + window - now
        seconds = max(1, min(MAX_RETRY_SECONDS, math.ceil(wait)))
        raise RateLimited(
            f"more than {limit} requests in {window} seconds. Wait"
            f" {seconds} s, or raise the limit in Settings.",
            headers={"retry-after": str(seconds)},
        )

    def _counter(self, who: str) -> deque[float]:
        times = self._admitted.get(who)
        if times is None:
            times = self._admitted[who] = deque()
            if len(self._admitted) > self._max_counters:
                self._admitted.popitem(last=False)
        self._admitted.move_to_end(who)
        return times
