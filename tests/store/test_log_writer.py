"""The writer: nobody waits for it, and what it loses it counts."""

import threading
import time
from contextlib import closing

import pytest

from aiproxy.store import api_keys, request_log, sessions, users
from aiproxy.store.database import Database
from aiproxy.store.log_writer import BATCH_SECONDS, BATCH_SIZE, LogWriter
from aiproxy.store.request_log import LogEntry
from tests.patience import SECONDS, wait_until


@pytest.fixture
def writer(database):
    made = LogWriter(database, batch_seconds=0.01)
    yield made
    made.close()


def ids(database):
    rows = database.connection().execute("SELECT id FROM request_log ORDER BY seq")
    return [row["id"] for row in rows.fetchall()]


def test_entries_are_written_in_their_order(database, writer):
    for number in range(500):
        writer.add(LogEntry(id=f"r{number}", time=number))

    assert writer.flush()
    assert ids(database) == [f"r{number}" for number in range(500)]
    assert writer.dropped == 0


def test_an_entry_is_written_soon_though_nobody_asks(database):
    assert BATCH_SECONDS < 0.5  # the rest of a second is for a slow disk
    with closing(LogWriter(database)) as writer:
        writer.add(LogEntry(id="r", time=1))
        wait_until(lambda: ids(database) == ["r"])


def test_a_full_batch_is_written_at_once(database):
    with closing(LogWriter(database, batch_seconds=SECONDS * 2)) as writer:
        for number in range(BATCH_SIZE):
            writer.add(LogEntry(id=f"r{number}", time=number))
        wait_until(lambda: len(ids(database)) == BATCH_SIZE)


def test_closing_writes_what_is_queued(database):
    writer = LogWriter(database, batch_seconds=0.05)
    for number in range(300):
        writer.add(LogEntry(id=f"r{number}", time=number))

    writer.close()

    assert len(ids(database)) == 300


@pytest.mark.parametrize("end", [LogWriter.close, LogWriter.flush])
def test_who_waits_for_it_does_not_wait_for_a_full_batch(database, end):
    with closing(LogWriter(database, batch_seconds=100)) as writer:
        began = time.monotonic()
        writer.add(LogEntry(id="r", time=1))
        end(writer)

    assert time.monotonic() - began < SECONDS
    assert ids(database) == ["r"]


def test_what_comes_after_the_end_is_counted_as_lost(database):
    writer = LogWriter(database)
    writer.close()

    writer.add(LogEntry(id="r", time=1))

    assert writer.dropped == 1


def test_a_full_queue_loses_entries_and_delays_nobody(database):
    db = database.connection()
    with closing(LogWriter(database, max_queued=10, batch_seconds=0.01)) as writer:
        with database.writing(db):  # the writer waits for this one
            started = time.monotonic()
            for number in range(1000):
                writer.add(LogEntry(id=f"r{number}", time=number))
            assert time.monotonic() - started < SECONDS
        assert writer.flush()

    assert len(ids(database)) + writer.dropped == 1000
    assert writer.dropped >= 500


def test_beyond_the_memory_for_bodies_rows_go_without_them(database):
    db = database.connection()
    writer = LogWriter(database, max_queued_bytes=100, batch_seconds=0.01)
    with closing(writer):
        with database.writing(db):
            for number in range(3):
                writer.add(LogEntry(id=f"r{number}", time=1, bodies=(b"x" * 60,)))
        assert writer.flush()
        writer.add(LogEntry(id="later", time=1, bodies=(b"x" * 60,)))
        assert writer.flush()

    assert ids(database) == ["r0", "r1", "r2", "later"]
    assert request_log.bodies(db, "later")
    assert writer.dropped_bodies in (1, 2)


def test_a_full_disk_loses_rows_counts_them_and_heals(database, writer, caplog):
    db = database.connection()
    db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON request_log BEGIN"
        " SELECT RAISE(ABORT, 'database or disk is full'); END"
    )
    for number in range(3):
        writer.add(LogEntry(id=f"r{number}", time=1))
        writer.flush()

    db.execute("DROP TRIGGER full")
    writer.add(LogEntry(id="after", time=1))
    writer.flush()

    assert writer.dropped == 3
    assert ids(database) == ["after"]
    told = [record for record in caplog.records if "rows are lost" in record.message]
    assert len(told) == 1


def test_last_uses_are_written_once_the_latest_counts(database, writer):
    with database.transaction() as db:
        user_id = users.insert(db, username="ada")
        key_id = api_keys.insert(
            db, user_id=user_id, name="k", prefix="aip_", digest="d"
        )
        sessions.create(db, "s", user_id=user_id, now=10)

    for at in (100, 200, 300):
        writer.touch_key(key_id, at)
        writer.touch_session("s", at)
    writer.flush()

    assert api_keys.get(db, key_id).last_used_at == 300
    assert sessions.find(db, "s", now=301).last_seen == 300


def test_writing_the_log_does_not_move_the_configurations_version(database, writer):
    before = database.data_version()

    writer.add(LogEntry(id="r", time=1))
    writer.flush()

    assert database.data_version() == before


def test_flushing_with_nothing_queued_returns_at_once(writer):
    assert writer.flush(timeout_seconds=0)


def test_flushing_gives_up_after_its_timeout(database, writer):
    with database.writing(database.connection()):
        writer.add(LogEntry(id="r", time=1))

        assert not writer.flush(timeout_seconds=0.05)


def test_many_threads_may_add(database, writer):
    def add(start):
        for number in range(50):
            writer.add(LogEntry(id=f"r{start + number}", time=1))

    threads = [threading.Thread(target=add, args=(n * 50,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.flush()

    assert len(ids(database)) == 400


def test_the_database_may_be_closed_before_the_writer(path, caplog):
    database = Database(path).open()
    writer = LogWriter(database, batch_seconds=0.01)
    database.close()

    writer.add(LogEntry(id="r", time=1))
    writer.close()

    assert writer.dropped == 1
