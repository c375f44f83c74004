"""The limiter never allows more than its limit, in any stretch of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.errors import RateLimited
from aiproxy.security.rate_limit import RateLimiter


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def is_admitted(limiter, who="key:1", limit=3, window=60):
    try:
        limiter.check(who, limit=limit, window=window)
    except RateLimited:
        return False
    return True


def test_as_many_as_the_limit_pass_and_then_one_waits(clock):
    limiter = RateLimiter(clock)

    assert [is_admitted(limiter) for _ in range(4)] == [True, True, True, False]
    clock.now += 59.9
    assert not is_admitted(limiter)
    clock.now += 0.1
    assert is_admitted(limiter)


def test_senders_do_not_share_a_limit(clock):
    limiter = RateLimiter(clock)
    for _ in range(3):
        is_admitted(limiter, "key:1")

    assert is_admitted(limiter, "key:2")


@pytest.mark.parametrize(
    ("passed", "wait"), [(0, "60"), (0.5, "60"), (12.2, "48"), (59.9, "1")]
)
def test_a_refusal_says_after_how_many_whole_seconds_to_come_back(clock, passed, wait):
    limiter = RateLimiter(clock)
    limiter.check("k", limit=1, window=60)
    clock.now += passed

    with pytest.raises(RateLimited) as caught:
        limiter.check("k", limit=1, window=60)

    assert caught.value.status == 429
    assert caught.value.headers == {"retry-after": wait}
    clock.now += int(wait)
    limiter.check("k", limit=1, window=60)


def test_nobody_is_told_to_wait_longer_than_a_minute(clock):
    limiter = RateLimiter(clock)
    limiter.check("k", limit=1, window=3600)

    with pytest.raises(RateLimited) as caught:
        limiter.check("k", limit=1, window=3600)
    assert caught.value.headers == {"retry-after": "60"}


def test_a_lowered_limit_holds_at_once(clock):
    limiter = RateLimiter(clock)
    for _ in range(10):
        is_admitted(limiter, limit=10)

    assert not is_admitted(limiter, limit=2)
    clock.now += 60
    assert is_admitted(limiter, limit=2)


def test_the_oldest_counters_give_way(clock):
    limiter = RateLimiter(clock, max_counters=2)
    for who in ("a", "b", "a", "c"):
        is_admitted(limiter, who, limit=2)

    # b was the one that was used longest ago.
    assert is_admitted(limiter, "b", limit=1)
    assert not is_admitted(limiter, "c", limit=1)


@given(
    st.lists(st.floats(0, 30), max_size=60),
    st.integers(1, 5),
    st.integers(1, 60),
)
def test_no_window_holds_more_than_the_limit(pauses, limit, window):
    clock = Clock()
    limiter = RateLimiter(clock)
    admitted = []
    for pause in pauses:
        clock.now += pause
        if is_admitted(limiter, limit=limit, window=window):
            admitted.append(clock.now)

    for start in admitted:
        assert sum(start <= t < start + window for t in admitted) <= limit


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.integers(1, 5))
def test_whoever_stays_under_the_limit_is_never_refused(pauses, limit):
    clock = Clock()
    limiter = RateLimiter(clock)
    admitted = []
    for pause in pauses:
        clock.now += pause
        recent = [t for t in admitted if t > clock.now - 60]
        if len(recent) < limit:
            assert is_admitted(limiter, limit=limit)
            admitted.append(clock.now)
