"""Sums that are written with the rows, and outlive them as long as they should."""

import pytest

from aiproxy.store import log_sums, request_log
from aiproxy.store.database import Database
from tests.entries import log_entry

START = 1_700_006_400  # on a full hour


@pytest.fixture
def db(tmp_path):
    database = Database(str(tmp_path / "app.db")).open()
    yield database.connection()
    database.close()


def add(db, *entries):
    request_log.add_many(db, entries)


def totals(db):
    return [
        tuple(row)
        for row in db.execute(
            "SELECT start, provider, requests, failed, input_tokens, cached_tokens"
            " FROM request_totals ORDER BY start, provider"
        )
    ]


def hours(db):
    rows = db.execute("SELECT hour, requests, errors FROM usage_hours ORDER BY hour")
    return [tuple(row) for row in rows]


def test_rows_are_added_up_by_hour_and_half_hour(db):
    add(
        db,
        log_entry(id="a", time=START, provider="p", cache_read_tokens=7),
        log_entry(id="b", time=START + 1799, provider="p", status=500),
        log_entry(id="c", time=START + 1800, provider="p"),
    )

    assert totals(db) == [(START, "p", 2, 1, 27, 7), (START + 1800, "p", 1, 0, 10, 0)]
    assert hours(db) == [(START, 3, 1)]


def test_a_request_that_its_client_gave_up_is_an_error_but_nobodys_failure(db):
    add(db, log_entry(id="a", time=START, provider="p", status=499))

    assert totals(db) == [(START, "p", 1, 0, 10, 0)]
    assert hours(db) == [(START, 1, 1)]


def test_sums_stay_when_rows_go(db):
    add(db, log_entry(id="a", time=START, provider="p"))
    db.execute("DELETE FROM request_log")

    assert len(totals(db)) == len(hours(db)) == 1


def test_whole_hours_are_deleted_by_age_a_few_at_a_time(db):
    for number in range(10):
        time = START + number * log_sums.HOUR
        add(db, log_entry(id=str(number), time=time, provider="p"))
    before = START + 8 * log_sums.HOUR + 1

    steps = []
    while True:
        steps.append(log_sums.delete_before(db, before))
        if not steps[-1]:
            break

    assert steps == [log_sums.STEPS_A_DELETION, 2, 0]
    assert [hour for hour, _, _ in hours(db)] == [
        START + 8 * log_sums.HOUR,
        START + 9 * log_sums.HOUR,
    ]
    assert [row[0] for row in totals(db)] == [hour for hour, _, _ in hours(db)]
