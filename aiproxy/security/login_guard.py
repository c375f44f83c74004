"""Wrong passwords, counted per typed name and address, and per address.

No count spans addresses, so nobody can lock the admin out from elsewhere. Attempts that
run at the same time take up free guesses until they are decided, and further ones
wait for that: many at once get no more guesses than one after the other.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
import unicodedata
from collections import OrderedDict
from contextlib import contextmanager
from typing import Callable, Iterator, TypeVar

from aiproxy.errors import RateLimited
from aiproxy.records import dataclass

FREE_PER_NAME = 5
FREE_PER_ADDRESS = 20
FIRST_DELAY_SECONDS = 1  # doubles with every further failure
MAX_DELAY_SECONDS = 15 * 60
FORGOTTEN_SECONDS = 24 * 3600
MAX_COUNTERS = 10_000
WAIT_SECONDS = 10.0  # for attempts that are being decided
_MAX_NAME_LENGTH = 200

_Key = TypeVar("_Key")


@dataclass
class _Counter:
    free: int
    failures: int = 0
    pending: int = 0  # begun and not decided
    last: float = 0.0
    locked_until: float = 0.0

    @property
    def has_room(self) -> bool:
        """Whether one more guess may begin; beyond the free ones, one at a time."""
        return self.pending == 0 or self.failures + self.pending < self.free

    def fail(self, now: float) -> None:
        self.failures += 1
        self.last = now
        beyond = self.failures - self.free
        if beyond >= 0:
            # 2 ** 10 s is past the longest delay; larger powers only grow.
            delay = FIRST_DELAY_SECONDS * 2 ** min(beyond, 10)
            self.locked_until = now + min(MAX_DELAY_SECONDS, delay)


@dataclass
class Attempt:
    """What the caller found out; a failure unless it says otherwise."""

    is_success: bool = False


class LoginGuard:
    """Counters in memory; `clock` is monotonic, `wall_clock` for what is shown."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        *,
        max_counters: int = MAX_COUNTERS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self._max_counters = max_counters
        self._wait_seconds = wait_seconds
        self._lock = threading.Condition()
        self._pairs: OrderedDict[tuple[str, str], _Counter] = OrderedDict()
        self._addresses: OrderedDict[str, _Counter] = OrderedDict()

    @contextmanager
    def attempt(self, username: str, address: str) -> Iterator[Attempt]:
        """Around the check of a password; set `is_success` where it was right.

        Raises RateLimited where it must not be checked. An exception from within
        decides nothing, and counts as nothing.
        """
        pair = self._begin(username, address)
        attempt = Attempt()
        try:
            yield attempt
        except BaseException:
            self._end(pair, is_success=None)
            raise
        self._end(pair, is_success=attempt.is_success)

    def _begin(self, username: str, address: str) -> tuple[str, str]:
        group = network_of(address)
        pair = (name_key(username), group)
        with self._lock:
            is_decided = self._lock.wait_for(
                lambda: self._take_place(pair), self._wait_seconds
            )
        if not is_decided:
            raise _locked(1)
        return pair

    def _take_place(self, pair: tuple[str, str]) -> bool:
        now = self._clock()
        counters = self._find(pair, now)
        wait = max(counter.locked_until for counter in counters) - now
        if wait > 0:
            raise _locked(math.ceil(wait))
        if not all(counter.has_room for counter in counters):
            return False
        for counter in counters:
            counter.pending += 1
        return True

    def _end(self, pair: tuple[str, str], *, is_success: bool | None) -> None:
        with self._lock:
            now = self._clock()
            counters = self._find(pair, now)
            for counter in counters:
                counter.pending = max(0, counter.pending - 1)
                if is_success is False:
                    counter.fail(now)
            if is_success:
                counters[0].failures = 0
                counters[0].locked_until = 0.0
            self._lock.notify_all()

    def locked_until(self, username: str) -> int | None:
        """UTC seconds at which the longest lock of this name ends; None: no lock."""
        wait = 0.0
        with self._lock:
            now = self._clock()
            for counter in self._counters_of(name_key(username), now):
                wait = max(wait, counter.locked_until - now)
        return int(self._wall_clock() + math.ceil(wait)) if wait > 0 else None

    def failures(self, username: str) -> int:
        """The most wrong passwords that one address has typed for this name."""
        key = name_key(username)
        with self._lock:
            return max(
                (c.failures for pair, c in self._pairs.items() if pair[0] == key),
                default=0,
            )

    def unlock(self, username: str = "") -> None:
        """Forget a name's wrong passwords, and those of the addresses they came from.

        An empty name forgets everybody's.
        """
        key = name_key(username)
        with self._lock:
            if not key:
                self._pairs.clear()
                self._addresses.clear()
                return
            for pair in [pair for pair in self._pairs if pair[0] == key]:
                del self._pairs[pair]
                self._addresses.pop(pair[1], None)

    def _counters_of(self, key: str, now: float) -> list[_Counter]:
        found = []
        for pair, counter in self._pairs.items():
            if pair[0] == key and now - counter.last < FORGOTTEN_SECONDS:
                found.append(counter)
                if pair[1] in self._addresses:
                    found.append(self._addresses[pair[1]])
        return found

    def _find(self, pair: tuple[str, str], now: float) -> tuple[_Counter, _Counter]:
        return (
            self._fresh(self._pairs, pair, FREE_PER_NAME, now),
            self._fresh(self._addresses, pair[1], FREE_PER_ADDRESS, now),
        )

    def _fresh(
        self, counters: OrderedDict[_Key, _Counter], key: _Key, free: int, now: float
    ) -> _Counter:
        counter = counters.get(key)
        if counter is None:
            counter = counters[key] = _Counter(free)
            if len(counters) > self._max_counters:
                counters.popitem(last=False)
        elif now - counter.last >= FORGOTTEN_SECONDS:
            counter.failures, counter.locked_until = 0, 0.0
        counters.move_to_end(key)
        return counter


def name_key(username: str) -> str:
    """What typed names are counted by: case and accents' spellings do not matter."""
    folded = unicodedata.normalize("NFC", username.strip()[:_MAX_NAME_LENGTH])
    return unicodedata.normalize("NFC", folded.casefold())


def network_of(address: str) -> str:
    """An IPv4 address, or an IPv6 address's /64: what one person can have plenty of."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))


def _locked(seconds: int) -> RateLimited:
    minutes = math.ceil(seconds / 60)
    wait = f"{seconds} seconds" if seconds < 120 else f"{minutes} minutes"
    wait = "1 second" if seconds == 1 else wait
    return RateLimited(
        f"Too many attempts. Try again in {wait}.",
        headers={"retry-after": str(seconds)},
    )
