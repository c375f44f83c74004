"""Guessing passwords gets slow, for the guesser alone."""

import threading

import pytest

from aiproxy.errors import RateLimited
from aiproxy.security.login_guard import LoginGuard, name_key, network_of

DAY = 86400
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def guard(clock):
    return LoginGuard(clock, wall_clock=lambda: clock.now + 1_000_000)


def guess(guard, name="admin", address=HERE, *, right=False):
    """Seconds to wait, or 0 where the password was checked."""
    try:
        with guard.attempt(name, address) as attempt:
            attempt.is_success = right
    except RateLimited as exc:
        return int(exc.headers["retry-after"])
    return 0


def test_five_wrong_guesses_are_free(guard):
    assert [guess(guard) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_the_wait_doubles_up_to_fifteen_minutes(guard, clock):
    for _ in range(5):
        guess(guard)
    waits = []
    for _ in range(12):
        waits.append(guess(guard))
        clock.now += waits[-1]
        assert guess(guard) == 0

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_locked_attempt_neither_counts_nor_prolongs_the_wait(guard, clock):
    for _ in range(5):
        guess(guard)
    for _ in range(50):
        assert guess(guard) == 1

    clock.now += 1
    assert guess(guard) == 0


def test_the_right_password_is_not_checked_while_locked(guard):
    for _ in range(5):
        guess(guard)

    assert guess(guard, right=True) == 1


def test_a_success_clears_the_name_at_that_address(guard):
    for _ in range(4):
        guess(guard)
    guess(guard, right=True)

    assert [guess(guard) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_successes_are_not_limited(guard):
    assert [guess(guard, right=True) for _ in range(100)] == [0] * 100


def test_nobody_can_lock_the_admin_out_from_elsewhere(guard, clock):
    for _ in range(100):
        guess(guard, address=THERE)
        clock.now += 1

    assert guess(guard, address=HERE, right=True) == 0


def test_twenty_guesses_at_different_names_lock_the_address(guard):
    waits = [guess(guard, f"user{number}") for number in range(21)]

    assert waits == [0] * 20 + [1]
    assert guess(guard, "other", THERE) == 0


def test_a_success_does_not_free_the_address(guard):
    for number in range(19):
        guess(guard, f"user{number}")
    guess(guard, "own account", right=True)

    assert [guess(guard, "x"), guess(guard, "y")] == [0, 1]


def test_an_address_is_a_whole_ipv6_network(guard):
    for number in range(20):
        guess(guard, f"user{number}", f"2001:db8:1:2::{number}")

    assert guess(guard, "x", "2001:db8:1:2:ffff::1") == 1
    assert guess(guard, "x", "2001:db8:1:3::1") == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_addresses_are_grouped_by_what_one_person_has(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize("typed", ["Admin", " admin ", "ADMIN"])
def test_ways_to_type_a_name_are_counted_together(guard, typed):
    for _ in range(5):
        guess(guard)

    assert guess(guard, typed) == 1


def test_a_giant_name_is_cut():
    assert len(name_key("x" * 100_000)) == 200


def test_wrong_guesses_are_forgotten_after_a_day(guard, clock):
    for _ in range(5):
        guess(guard)
    clock.now += DAY

    assert [guess(guard) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_they_are_not_forgotten_earlier(guard, clock):
    for _ in range(5):
        guess(guard)
    clock.now += DAY - 1
    guess(guard)

    assert guess(guard) == 2


def test_an_attempt_that_could_not_be_checked_counts_as_nothing(guard):
    for _ in range(50):
        with pytest.raises(RateLimited), guard.attempt("admin", HERE):
            raise RateLimited("too many hashes")

    assert guess(guard) == 0


def test_a_lock_is_shown_with_its_end_and_the_number_of_guesses(guard, clock):
    assert guard.locked_until("admin") is None
    for _ in range(5):
        guess(guard)
    clock.now += 1
    guess(guard)

    assert guard.locked_until("Admin") == int(clock.now + 1_000_000 + 2)
    assert guard.failures("Admin") == 6
    assert guard.locked_until("other") is None


def test_the_lock_of_an_address_shows_at_the_names_tried_from_it(guard):
    for number in range(20):
        guess(guard, f"user{number}")

    assert guard.locked_until("user3") is not None


def test_an_unlocked_user_may_try_again_at_once(guard):
    for number in range(15):
        guess(guard, f"user{number}")
    for _ in range(5):
        guess(guard)
    assert guess(guard, right=True) > 0

    guard.unlock("ADMIN")

    assert guard.locked_until("admin") is None
    assert guess(guard, right=True) == 0


def test_unlocking_one_leaves_the_others_locked(guard):
    for name in ("admin", "eve"):
        for _ in range(5):
            guess(guard, name)

    guard.unlock("admin")

    assert guess(guard, "eve") == 1


def test_unlocking_everybody_does_that(guard):
    for name in ("admin", "eve"):
        for _ in range(5):
            guess(guard, name)

    guard.unlock()

    assert guess(guard, "admin") == guess(guard, "eve") == 0


def test_counters_are_bounded_and_the_oldest_give_way(clock):
    guard = LoginGuard(clock, max_counters=3)
    for number in range(10):
        guess(guard, "admin", f"192.0.2.{number}")

    assert guard.failures("admin") == 1
    assert len(guard._pairs) <= 3  # noqa: SLF001 - the bound is what is tested
    assert len(guard._addresses) <= 3  # noqa: SLF001


def run_together(work, number):
    """What `work` gives on that many threads at once."""
    results = []
    barrier = threading.Barrier(number)

    def run():
        barrier.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_guesses_at_the_same_time_get_no_more_than_the_free_ones():
    guard = LoginGuard()

    results = run_together(lambda: guess(guard), 30)

    assert sorted(results) == [0] * 5 + [1] * 25


def test_successes_at_the_same_time_all_pass():
    guard = LoginGuard()

    assert run_together(lambda: guess(guard, right=True), 30) == [0] * 30


def test_whoever_waits_too_long_for_others_is_told_to_come_back():
    guard = LoginGuard(wait_seconds=0.05)
    started, release = threading.Barrier(6), threading.Event()

    def slow():
        with guard.attempt("admin", HERE):
            started.wait()
            release.wait()

    threads = [threading.Thread(target=slow) for _ in range(5)]
    for thread in threads:
        thread.start()
    started.wait()

    assert guess(guard, right=True) == 1
    release.set()
    for thread in threads:
        thread.join()
