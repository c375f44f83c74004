"""A provider's state in two words, from its last test and its latest requests.

Whichever is newer counts: a provider that answers real requests works, whatever an old
test said of it, and a refused key shows without anybody testing.
"""

from __future__ import annotations

from aiproxy.protocol import endpoint, headers
from aiproxy.records import dataclass
from aiproxy.services import Services
from aiproxy.store import statistics
from aiproxy.store.providers import Provider
from aiproxy.store.statistics import Streak
from aiproxy.web import figures

# A test's verdict as a word; the sentence is beside it.
_TEST_WORDS = {
    "auth": "Key refused",
    "connect": "No connection",
    "dns": "Not found",
    "format": "No API there",
    "http": "Failing",
    "model": "No such model",
    "path": "No API there",
    "quota": "No credit",
    "timeout": "No answer",
    "tls": "Not secure",
}
_STATUS_WORDS = {
    401: "Key refused",
    402: "No credit",
    403: "Key refused",
    404: "No such model",
    429: "Asks to wait",
    504: "No answer",
    529: "Overloaded",
}


# One failure of these kinds stays until somebody acts; others may pass by themselves.
_LASTING = (401, 402, 403)


@dataclass(frozen=True)
class State:
    """`kind` is "" (all well, or nothing known), warn or err."""

    word: str
    kind: str = ""
    detail: str = ""  # one sentence
    needs_key: bool = False

    @property
    def is_failing(self) -> bool:
        return self.kind == "err"


def state_of(provider: Provider, streak: Streak | None) -> State:
    """What the list says of a provider."""
    if not provider.enabled:
        return State("Off")
    if lacks_key(provider):
        return State("Needs a key", needs_key=True)
    # What was saved after the last request has not been tried by it.
    known_since = max(provider.tested_at or 0, provider.updated_at)
    if streak is not None and streak.last_used >= known_since:
        return _from_requests(streak)
    if provider.tested_at is None:
        return State("Not tested")
    if provider.test_kind == "ok":
        took = provider.test_latency_ms
        return State("Working" + (f", {figures.duration(took)}" if took else ""))
    word = _TEST_WORDS.get(provider.test_kind, "Failing")
    return State(word, "err", provider.test_message)


def count_failing(services: Services) -> int:
    """How many providers have something that an admin should look at."""
    listed = services.snapshot.providers.values()
    streaks = statistics.streaks(
        services.database.connection(), [provider.slug for provider in listed]
    )
    return sum(state_of(p, streaks.get(p.slug)).is_failing for p in listed)


def lacks_key(provider: Provider) -> bool:
    """No key at all, and not a server nearby, which may need none."""
    if provider.api_key or any(map(headers.is_secret, provider.custom_headers)):
        return False
    return not endpoint.is_private_host(endpoint.host_of(provider.endpoint))


def _from_requests(streak: Streak) -> State:
    if not streak.failures or (
        streak.failures < 2 and streak.last_status not in _LASTING
    ):
        return State("Working")
    word = _STATUS_WORDS.get(streak.last_status, "Failing")
    number = figures.plural(streak.failures, "request")
    return State(word, "err", f"{number} failed in a row: {streak.last_error[:300]}")
