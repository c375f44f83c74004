"""Backup, restore, export, import, reset-password and unlock, as commands do them."""

import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from aiproxy.errors import ConfigError
from aiproxy.store import maintenance, providers, sessions, unlocks, users
from aiproxy.store.database import Database


@pytest.fixture
def stopped(path):
    """A database whose server has stopped."""
    with closing(Database(path).open()) as database, database.transaction() as db:
        fill(db)
    return path


def fill(db):
    admin = users.insert(db, username="admin", role="admin", password_hash="old")
    sessions.create(db, "digest", user_id=admin, now=1 << 33)
    providers.insert(
        db,
        name="One",
        slug="one",
        endpoint="https://one.example",
        api_key="sk-key-0001",
    )


def read(path, sql):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def change(path, sql):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


def test_a_backup_is_made_while_the_server_runs(path, database, tmp_path):
    with database.transaction() as db:
        fill(db)
    target = str(tmp_path / "backup.db")

    maintenance.backup(path, target)

    assert read(target, "SELECT slug FROM providers") == [("one",)]
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600


def test_a_backup_replaces_an_earlier_one(stopped, tmp_path):
    target = str(tmp_path / "backup.db")
    maintenance.backup(stopped, target)
    change(stopped, "UPDATE providers SET name = 'Two'")

    maintenance.backup(stopped, target)

    assert read(target, "SELECT name FROM providers") == [("Two",)]


def test_a_backup_replaces_no_other_file(stopped, tmp_path):
    target = tmp_path / "notes.txt"
    target.write_text("my notes")

    with pytest.raises(ConfigError, match="is no backup"):
        maintenance.backup(stopped, str(target))
    assert target.read_text() == "my notes"


def test_a_backup_does_not_replace_the_database_itself(stopped):
    with pytest.raises(ConfigError, match="the database itself"):
        maintenance.backup(stopped, stopped)


def test_a_backup_into_a_folder_that_is_not_there_says_so(stopped, tmp_path):
    with pytest.raises(ConfigError, match="cannot write in"):
        maintenance.backup(stopped, str(tmp_path / "missing" / "backup.db"))


@pytest.mark.parametrize(
    "command",
    [
        lambda path: maintenance.backup(path, path + ".b"),
        lambda path: maintenance.export(path, path + ".e"),
        lambda path: maintenance.reset_password(path, "admin", "hash"),
        maintenance.unlock,
    ],
)
def test_without_a_database_nothing_is_made(path, command):
    with pytest.raises(ConfigError, match="there is no database"):
        command(path)
    assert os.listdir(os.path.dirname(path)) == []


def test_a_restored_backup_is_what_the_next_start_finds(stopped, tmp_path):
    backup = str(tmp_path / "backup.db")
    maintenance.backup(stopped, backup)
    change(stopped, "UPDATE providers SET name = 'Later'")

    kept = maintenance.restore(stopped, backup)

    with closing(Database(stopped).open()) as database:
        assert providers.list_all(database.connection())[0].name == "One"
    assert read(kept, "SELECT name FROM providers") == [("Later",)]
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(stopped).st_mode) == 0o600


def left_by_a_killed_server(path):
    """Main file and WAL, as they are when the last change is in the WAL alone."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0").fetchone()
        db.execute("UPDATE providers SET name = 'Later'")
        db.commit()
        return [Path(path + end).read_bytes() for end in ("", "-wal")]


def test_changes_that_only_the_log_beside_held_are_kept_with_the_old_one(
    stopped, tmp_path
):
    backup = str(tmp_path / "backup.db")
    maintenance.backup(stopped, backup)
    main, wal = left_by_a_killed_server(stopped)
    Path(stopped).write_bytes(main)
    Path(stopped + "-wal").write_bytes(wal)

    kept = maintenance.restore(stopped, backup)

    assert read(kept, "SELECT name FROM providers") == [("Later",)]
    assert read(stopped, "SELECT name FROM providers") == [("One",)]


def test_the_log_beside_a_damaged_database_does_not_get_into_the_restored_one(
    stopped, tmp_path
):
    backup = str(tmp_path / "backup.db")
    maintenance.backup(stopped, backup)
    _, wal = left_by_a_killed_server(stopped)
    Path(stopped).write_bytes(b"garbage" * 1000)
    Path(stopped + "-wal").write_bytes(wal)

    maintenance.restore(stopped, backup)

    assert read(stopped, "SELECT name FROM providers") == [("One",)]
    assert Path(stopped + ".before-restore-wal").read_bytes() == wal


def test_a_backup_can_be_restored_where_there_is_no_database(stopped, tmp_path):
    backup = str(tmp_path / "backup.db")
    maintenance.backup(stopped, backup)
    new = str(tmp_path / "new" / "app.db")

    assert maintenance.restore(new, backup) == ""

    assert read(new, "SELECT name FROM providers") == [("One",)]


def test_sessions_of_a_backup_do_not_come_back(stopped, tmp_path):
    backup = str(tmp_path / "backup.db")
    maintenance.backup(stopped, backup)

    maintenance.restore(stopped, backup)

    assert read(stopped, "SELECT * FROM sessions") == []


def test_a_running_server_is_not_restored_under(path, database, tmp_path):
    backup = str(tmp_path / "backup.db")
    maintenance.backup(path, backup)

    with pytest.raises(ConfigError, match=f"pid {os.getpid()}"):
        maintenance.restore(path, backup)


def test_what_is_no_sound_backup_is_not_restored(stopped, tmp_path):
    text = tmp_path / "text"
    text.write_text("x" * 5000)
    empty = tmp_path / "empty"
    empty.write_text("")
    foreign = str(tmp_path / "foreign")
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE t (x)")
    damaged = tmp_path / "damaged"
    maintenance.backup(stopped, str(damaged))
    content = bytearray(damaged.read_bytes())
    content[8192:12288] = b"\xa5" * 4096
    damaged.write_bytes(content)

    for source in (text, empty, foreign, damaged, tmp_path / "missing", stopped):
        with pytest.raises(ConfigError):
            maintenance.restore(stopped, str(source))
    assert read(stopped, "SELECT name FROM providers") == [("One",)]


def test_an_export_is_private_json_without_keys(stopped, tmp_path):
    target = tmp_path / "config.json"

    maintenance.export(stopped, str(target))

    assert "sk-key" not in target.read_text()
    assert json.loads(target.read_text())["providers"][0]["slug"] == "one"
    assert stat.S_IMODE(os.stat(target).st_mode) == 0o600


def test_an_export_with_keys_can_be_imported_elsewhere(stopped, tmp_path):
    target, new = str(tmp_path / "config.json"), str(tmp_path / "new.db")
    maintenance.export(stopped, target, with_keys=True)
    Database(new).open().close()

    maintenance.import_file(new, target)

    assert read(new, "SELECT slug, api_key FROM providers") == [("one", "sk-key-0001")]


def test_a_running_server_sees_an_import(path, database, tmp_path):
    with database.transaction() as db:
        fill(db)
    target = str(tmp_path / "config.json")
    maintenance.export(path, target)
    before = database.data_version()

    maintenance.import_file(path, target)

    assert database.data_version() > before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"format": 1}'])
def test_an_unusable_import_is_refused_in_one_line(stopped, tmp_path, content):
    source = tmp_path / "config.json"
    source.write_bytes(content)

    with pytest.raises(ConfigError, match="Nothing was imported") as caught:
        maintenance.import_file(stopped, str(source))
    assert "\n" not in caught.value.message


def test_an_import_file_that_is_missing_is_named(stopped, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*missing"):
        maintenance.import_file(stopped, str(tmp_path / "missing"))


def test_a_reset_password_ends_sessions_and_unlocks(path, database):
    with database.transaction() as db:
        fill(db)
        db.execute("UPDATE users SET must_change_password = 1")

    assert maintenance.reset_password(path, "ADMIN", "new") == "admin"

    db = database.connection()
    [admin] = users.list_all(db)
    assert (admin.password_hash, admin.must_change_password) == ("new", False)
    assert db.execute("SELECT COUNT(*) FROM sessions").fetchone()[0] == 0
    assert [key for _, key in unlocks.list_after(db, 0)] == ["admin"]


def test_an_unlock_leaves_a_mark_that_a_running_server_sees(path, database):
    with database.transaction() as db:
        fill(db)
    before = database.data_version()

    maintenance.unlock(path, "Admin")
    maintenance.unlock(path)

    assert database.data_version() > before
    marks = unlocks.list_after(database.connection(), 0)
    assert [key for _, key in marks] == ["admin", ""]


def test_an_unknown_user_is_refused_and_the_known_ones_named(stopped):
    with pytest.raises(ConfigError, match="choose one of admin"):
        maintenance.reset_password(stopped, "root", "new")
    with pytest.raises(ConfigError, match="choose one of admin"):
        maintenance.unlock(stopped, "root")
