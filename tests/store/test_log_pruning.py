"""Old rows go, then what is too much, in short steps and by a clock that is right."""

import os
import time
from contextlib import closing

import pytest

from aiproxy.store import log_pruning, request_log, sessions, users
from aiproxy.store.log_pruning import DAY, Pruner
from aiproxy.store.request_log import LogEntry
from aiproxy.store.settings import Settings

NOW = 1_800_000_000


class Clock:
    """A wall clock and a steady one that can be moved apart."""

    def __init__(self):
        self.wall, self.steady = float(NOW), 5000.0

    def pass_time(self, seconds):
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pruner(database, clock):
    return Pruner(
        database,
        wall_clock=lambda: clock.wall,
        clock=lambda: clock.steady,
        pause=lambda _: None,
    )


def entry_of(name, age_days, **fields):
    return LogEntry(id=name, time=int(NOW - age_days * DAY), **fields)


def add(db, name, age_days, **fields):
    add_all(db, [entry_of(name, age_days, **fields)])


def add_all(db, entries):
    db.execute("BEGIN")
    request_log.add_many(db, entries)
    db.execute("COMMIT")


def ids(db):
    return [row["id"] for row in db.execute("SELECT id FROM request_log ORDER BY seq")]


def test_rows_go_after_the_days_that_are_set(db, pruner):
    add(db, "old", 31)
    add(db, "young", 29)

    assert pruner.prune(Settings(log_retention_days=30)) == 1
    assert ids(db) == ["young"]
    assert pruner.prune(Settings(log_retention_days=28)) == 1
    assert ids(db) == []


def test_bodies_go_after_seven_days_and_their_rows_stay(db, pruner):
    add(db, "old", 8, bodies=(b"old",))
    add(db, "young", 6, bodies=(b"young",))

    pruner.prune(Settings())

    assert request_log.bodies(db, "old") == []
    assert [body.content for body in request_log.bodies(db, "young")] == [b"young"]
    assert ids(db) == ["old", "young"]


def test_no_body_is_left_without_its_row(db, pruner):
    add(db, "old", 31, bodies=(b"old",))

    pruner.prune(Settings())

    assert db.execute("SELECT COUNT(*) FROM request_bodies").fetchone()[0] == 0


def test_usage_goes_with_the_days_of_the_log(db, pruner):
    add(db, "old", 31)
    add(db, "young", 29)

    pruner.prune(Settings())

    assert db.execute("SELECT SUM(requests) FROM usage_hours").fetchone()[0] == 1


def test_what_is_too_much_goes_bodies_first_and_oldest_first(db, database, pruner):
    for number in range(20):
        add(db, f"r{number:02d}", 5 - number / 10, bodies=(os.urandom(200_000),))
    assert database.used_bytes() > 4_000_000

    pruner.prune(Settings(log_max_mb=2))

    assert database.used_bytes() <= 2 * 1024 * 1024
    assert len(ids(db)) == 20
    kept = [name for name in ids(db) if request_log.bodies(db, name)]
    assert kept == ids(db)[-len(kept) :] != []


def test_without_bodies_the_oldest_rows_go(db, database, pruner, monkeypatch):
    monkeypatch.setattr(log_pruning, "ROWS_A_STEP", 50)
    add_all(
        db,
        [
            entry_of(f"r{n:03d}", 5 - n / 1000, error_message=str(n) * 1000)
            for n in range(1000)
        ],
    )

    pruner.prune(Settings(log_max_mb=2))

    left = ids(db)
    assert database.used_bytes() <= 2 * 1024 * 1024
    assert left == [f"r{number:03d}" for number in range(1000 - len(left), 1000)] != []


def test_each_step_is_short(database, db, clock, monkeypatch):
    monkeypatch.setattr(log_pruning, "BODY_BYTES_A_STEP", 200_000)
    for number in range(12):
        add(db, f"r{number}", 31, bodies=(os.urandom(50_000),) * 2)
    add_all(
        db, [LogEntry(id=f"s{number}", time=NOW - 32 * DAY) for number in range(2000)]
    )
    steps = []

    def pause(_):
        changes = db.execute("SELECT COUNT(*) FROM request_log").fetchone()[0]
        bodies = db.execute("SELECT COUNT(*) FROM request_bodies").fetchone()[0]
        steps.append((changes, bodies))

    Pruner(database, wall_clock=lambda: clock.wall, pause=pause).prune(Settings())

    rows = [before[0] - after[0] for before, after in zip(steps, steps[1:])]
    bodies = [before[1] - after[1] for before, after in zip(steps, steps[1:])]
    assert max(rows) <= log_pruning.ROWS_A_STEP
    assert 0 < max(bodies) * 50_000 <= log_pruning.BODY_BYTES_A_STEP + 50_000
    assert ids(db) == []


def test_another_writer_gets_its_turn_between_steps(database, db, clock):
    add_all(
        db, [LogEntry(id=f"s{number}", time=NOW - 32 * DAY) for number in range(1500)]
    )
    written = []

    def pause(_):
        with database.transaction() as own:
            own.execute("INSERT INTO settings VALUES (?, '1')", (f"n{len(written)}",))
        written.append(1)

    Pruner(database, wall_clock=lambda: clock.wall, pause=pause).prune(Settings())

    assert len(written) >= 3


def test_a_stop_ends_the_work_after_the_step_under_way(database, db, clock):
    add_all(
        db, [LogEntry(id=f"s{number}", time=NOW - 32 * DAY) for number in range(2000)]
    )
    pruner = Pruner(database, wall_clock=lambda: clock.wall, pause=lambda _: True)

    pruner.prune(Settings())

    assert len(ids(db)) == 2000 - log_pruning.ROWS_A_STEP


def test_the_file_shrinks_once_much_of_it_is_empty(db, pruner, path, monkeypatch):
    monkeypatch.setattr(log_pruning, "MIN_FREED_PAGES", 100)
    for number in range(20):
        add(db, f"r{number}", 8, bodies=(os.urandom(100_000),))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    full = os.path.getsize(path)

    pruner.prune(Settings())

    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert os.path.getsize(path) < full / 4


def test_expired_sessions_go(db, pruner):
    user_id = users.insert(db, username="ada")
    sessions.create(db, "old", user_id=user_id, now=NOW - 2 * DAY)
    sessions.create(db, "young", user_id=user_id, now=NOW)

    pruner.prune(Settings())

    rows = db.execute("SELECT digest FROM sessions").fetchall()
    assert [row["digest"] for row in rows] == ["young"]


@pytest.mark.parametrize("jump", [2 * DAY, 400 * DAY, -2 * DAY])
def test_after_a_jump_of_the_clock_nothing_goes_until_the_next_start(
    database, db, pruner, clock, jump
):
    add(db, "old", 31)
    clock.wall += jump

    assert pruner.prune(Settings()) == 0
    clock.wall -= jump
    assert pruner.prune(Settings()) == 0
    assert ids(db) == ["old"]

    anew = Pruner(database, wall_clock=lambda: clock.wall, clock=lambda: clock.steady)
    assert anew.prune(Settings()) == 1


def test_a_jump_says_so_once(pruner, clock, caplog):
    clock.wall += 2 * DAY
    pruner.prune(Settings())
    pruner.prune(Settings())

    assert len([r for r in caplog.records if "clock has jumped" in r.message]) == 1


def test_time_that_passes_and_small_corrections_are_no_jump(db, pruner, clock):
    clock.pass_time(40 * DAY)
    clock.wall += 3600
    add(db, "old", 1)

    assert pruner.prune(Settings()) == 1


def test_the_steady_clock_goes_on():
    before = log_pruning.steady_clock()
    time.sleep(0.01)

    assert log_pruning.steady_clock() > before


def test_nothing_to_delete_is_no_error(database):
    with closing(database):
        assert Pruner(database).prune(Settings()) == 0
