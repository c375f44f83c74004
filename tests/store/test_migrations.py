"""The schema grows step by step, from every version that there has been."""

import sqlite3
from contextlib import closing

import pytest

from aiproxy.store import migrations
from aiproxy.store.migrations import MIGRATIONS

LATER = (
    "ALTER TABLE settings ADD COLUMN note TEXT",
    "UPDATE settings SET note = 'old'",
)


@pytest.fixture
def empty():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        yield db


def at_version(db, version):
    """A database as the program of that version left it."""
    for step in MIGRATIONS[:version]:
        for statement in step:
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {version}")


def schema(db):
    rows = db.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"
    ).fetchall()
    return sorted(tuple(row) for row in rows)


def test_an_empty_file_gets_the_whole_schema_and_our_mark(empty):
    migrations.migrate(empty)

    assert migrations.version_of(empty) == len(MIGRATIONS)
    mark = empty.execute("PRAGMA application_id").fetchone()[0]
    assert mark == migrations.APPLICATION_ID
    assert {"providers", "users", "request_log"} <= {row[1] for row in schema(empty)}


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_every_earlier_version_arrives_at_the_same_schema(empty, version):
    at_version(empty, version)

    migrations.migrate(empty)

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrations.migrate(fresh)
        assert schema(empty) == schema(fresh)
    assert migrations.version_of(empty) == len(MIGRATIONS)


def test_a_current_one_is_left_alone(empty):
    migrations.migrate(empty)
    changes = empty.total_changes

    migrations.migrate(empty)

    assert empty.total_changes == changes


def test_rows_survive_a_later_step(empty, monkeypatch):
    migrations.migrate(empty)
    empty.execute("INSERT INTO settings VALUES ('a', '1')")
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, LATER))

    migrations.migrate(empty)

    assert tuple(empty.execute("SELECT * FROM settings").fetchone()) == (
        "a",
        "1",
        "old",
    )


def test_a_step_that_fails_leaves_the_old_schema(empty, monkeypatch):
    migrations.migrate(empty)
    before = schema(empty)
    broken = (*LATER, "CREATE TABLE settings (x INTEGER)")
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))

    with pytest.raises(sqlite3.OperationalError):
        migrations.migrate(empty)

    assert schema(empty) == before
    assert migrations.version_of(empty) == len(MIGRATIONS)
