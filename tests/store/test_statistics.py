"""The dashboard's sums agree with the rows they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiproxy.store import request_log, statistics
from aiproxy.store.statistics import Counts
from tests.entries import log_entry

START = 1_700_006_400  # the start of a half hour, and of three hours


def add(db, *entries):
    request_log.add_many(db, entries)


def row(number, **fields):
    return log_entry(id=f"req_{number}", time=START + number, **fields)


def test_requests_are_counted_by_bucket_and_provider(db):
    add(
        db,
        row(1, provider="a", input_tokens=5, cache_read_tokens=3, output_tokens=2),
        row(2, provider="a", status=502),
        row(3, provider="b", status=499, cache_write_tokens=7),
        row(1_801, provider="a"),
    )

    found = statistics.counts(db, since=START, step=1800)

    assert found[START, "a"] == Counts(2, 1, 5 + 3 + 10, 3, 7)
    assert found[START, "b"] == Counts(1, 0, 17, 0, 5)
    assert found[START + 1800, "a"].requests == 1


def test_a_client_that_left_is_no_failure(db):
    add(db, row(1, status=499), row(2, status=500))

    (found,) = statistics.counts(db, since=START, step=1800).values()
    assert (found.requests, found.failed) == (2, 1)


@pytest.mark.parametrize("step", [60, 1800, 10_800])
def test_stored_sums_and_single_rows_say_the_same(db, step):
    add(
        db,
        *(
            row(
                number * 97,
                provider="ab"[number % 2],
                user_id=number % 3 or None,
                status=(200, 429, 499)[number % 3],
            )
            for number in range(150)
        ),
    )

    total = sum(statistics.counts(db, since=START, step=step).values(), Counts())
    own = statistics.counts(db, since=START, step=step, user_id=1).values()

    assert total.requests == 150
    assert total.failed == 50
    assert sum(own, Counts()).requests == 50


def test_a_row_that_comes_twice_counts_once(db):
    add(db, row(1), row(1))

    (found,) = statistics.counts(db, since=START, step=1800).values()
    assert found.requests == 1


def test_latencies_are_those_of_answered_requests(db):
    add(db, row(1, duration_ms=10), row(2, status=500), row(3, first_token_ms=None))

    found = statistics.latencies(db, since=START)

    assert [line.duration_ms for line in found] == [10, 900]
    assert [line.first_token_ms for line in found] == [300, None]


def test_a_long_log_is_sampled_evenly(db, monkeypatch):
    monkeypatch.setattr(statistics, "SAMPLES", 10)
    add(db, *(row(number, duration_ms=number) for number in range(1, 101)))

    found = [line.duration_ms for line in statistics.latencies(db, since=START)]

    assert found == list(range(1, 101, 10))


def test_latencies_begin_at_the_moment_asked_for(db):
    add(db, row(1), row(50, duration_ms=7), row(60, user_id=3, duration_ms=8))

    recent = statistics.latencies(db, since=START + 50)
    own = statistics.latencies(db, since=START, user_id=3)
    assert [line.duration_ms for line in recent] == [7, 8]
    assert [line.duration_ms for line in own] == [8]
    assert statistics.latencies(db, since=START + 61) == []


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=60).map(sorted),
    st.sampled_from([0.5, 0.95, 1.0]),
)
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(ordered, share):
    found = statistics.percentile(ordered, share)

    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered)
    assert sum(value < found for value in ordered) < share * len(ordered)


def test_the_percentile_of_nothing_is_none():
    assert statistics.percentile([], 0.5) is None


def test_a_streak_begins_after_the_last_answer(db):
    add(
        db,
        row(1, provider="a", status=401),
        row(2, provider="a"),
        row(3, provider="a", status=401, error_message="no"),
        row(4, provider="a", status=499),
        row(5, provider="a", status=401, error_message="still no"),
        row(6, provider="b"),
    )

    found = statistics.streaks(db, ["a", "b", "unused"])

    assert set(found) == {"a", "b"}
    assert found["a"].failures == 2
    assert found["a"].since == START + 3
    assert found["a"].last_status == 401
    assert found["a"].last_error == "still no"
    assert found["b"].failures == 0


@pytest.mark.parametrize("status", statistics.CLIENT_FAULTS)
def test_what_the_client_did_wrong_is_no_streak(db, status):
    add(db, row(1, provider="a"), row(2, provider="a", status=status))

    found = statistics.streaks(db, ["a"])["a"]
    assert found.failures == 0
    assert found.last_used == START + 2


def test_the_newest_number_grows_with_every_row(db):
    assert statistics.newest(db) == 0
    add(db, row(1, user_id=1), row(2, user_id=2))

    assert statistics.newest(db) == 2
    assert statistics.newest(db, user_id=1) == 1
    assert statistics.newest(db, user_id=9) == 0


def test_the_latest_rows_come_newest_first(db):
    add(db, row(1, user_id=1), row(2, status=500), row(3, user_id=1, status=500))

    def latest(**options):
        return [entry.id for entry in statistics.latest(db, limit=2, **options)]

    assert latest() == ["req_3", "req_2"]
    assert latest(answered=True) == ["req_1"]
    assert latest(user_id=1) == ["req_3", "req_1"]
    assert latest(user_id=1, answered=True) == ["req_1"]


def test_the_first_time_is_the_oldest_row_that_is_kept(db):
    assert statistics.first_time(db) is None
    add(db, row(1), row(2, user_id=4))

    assert statistics.first_time(db) == START + 1
    assert statistics.first_time(db, user_id=4) == START + 2
