"""What providers taught us: parameters that a model refuses, and its token ratio.

In memory, for hours: a restart asks anew, and a provider that changes is asked again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any, Callable, Tuple

from aiproxy.protocol.healing import Lesson
from aiproxy.protocol.reply import Outcome

LESSON_SECONDS = 6 * 3600.0
MAX_MODELS = 1000
MAX_LESSONS = 20  # of a model: each is applied to every request
MIN_RATIO, MAX_RATIO = 0.7, 1.5
RATIO_WEIGHT = 0.2  # of the newest answer
# Below it a provider's own template weighs more than what the request says.
MIN_OBSERVED = 500
# Further off, it was not the words that made the difference: pictures, say.
LEAST_PLAUSIBLE, MOST_PLAUSIBLE = 0.4, 2.5

Key = Tuple[int, str]  # provider id, upstream model


class LessonBook:
    """Lessons and ratios by provider and model; safe to use from every thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lessons: OrderedDict[Key, dict[Lesson, float]] = OrderedDict()
        self._ratios: OrderedDict[Key, float] = OrderedDict()

    def known(self, provider_id: int, model: str) -> tuple[Lesson, ...]:
        """The lessons that still hold, in the order in which they were learnt."""
        now = self._clock()
        with self._lock:
            learnt = self._lessons.get((provider_id, model), {})
            return tuple(lesson for lesson, end in learnt.items() if end > now)

    def remember(self, provider_id: int, model: str, lesson: Lesson) -> None:
        """Keep a lesson for some hours."""
        now = self._clock()
        with self._lock:
            learnt = self._lessons.setdefault((provider_id, model), {})
            for old in [kept for kept, end in learnt.items() if end <= now]:
                del learnt[old]
            learnt[lesson] = now + LESSON_SECONDS
            if len(learnt) > MAX_LESSONS:
                del learnt[next(iter(learnt))]  # the oldest
            _shorten(self._lessons)

    def forget(self, provider_id: int) -> None:
        """A provider was changed: nothing learnt of it may hold any more."""
        with self._lock:
            for key in [key for key in self._lessons if key[0] == provider_id]:
                del self._lessons[key]
            for key in [key for key in self._ratios if key[0] == provider_id]:
                del self._ratios[key]

    def ratio(self, provider_id: int, model: str) -> float:
        """Real over estimated input tokens, within 0.7 and 1.5; 1.0 if unknown."""
        with self._lock:
            return self._ratios.get((provider_id, model), 1.0)

    def observer(
        self, provider_id: int, model: str, estimated: int
    ) -> Callable[[Outcome], None]:
        """Learns from an answer how far the estimate of its tokens was off."""

        def observe(outcome: Outcome) -> None:
            usage = outcome.usage
            if usage.estimated:
                return
            read = usage.input_tokens + usage.cache_read_input_tokens
            real = read + usage.cache_creation_input_tokens
            self.observe(provider_id, model, real=real, estimated=estimated)

        return observe

    def observe(self, provider_id: int, model: str, real: int, estimated: int) -> None:
        """Learn from an answer whose provider counted its input (uncorrected ones)."""
        if real <= 0 or estimated < MIN_OBSERVED:
            return
        if not LEAST_PLAUSIBLE <= real / estimated <= MOST_PLAUSIBLE:
            return
        newest = min(max(real / estimated, MIN_RATIO), MAX_RATIO)
        with self._lock:
            old = self._ratios.get((provider_id, model), newest)
            mixed = old + (newest - old) * RATIO_WEIGHT
            self._ratios[(provider_id, model)] = mixed
            _shorten(self._ratios)


def _shorten(book: OrderedDict[Key, Any]) -> None:
    while len(book) > MAX_MODELS:
        book.popitem(last=False)
