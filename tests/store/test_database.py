"""One file for all threads: opened or refused, written as a whole or not at all."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from aiproxy.errors import ConfigError, StoreError
from aiproxy.store import database as module
from aiproxy.store import file_check, migrations, settings, snapshot
from aiproxy.store.database import Database

posix = pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
not_root = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere"
)


def put(db, name, value="1"):
    db.execute("INSERT INTO settings VALUES (?, ?)", (name, value))


def names(db):
    return {row["name"] for row in db.execute("SELECT name FROM settings").fetchall()}


def in_thread(work):
    """What `work` gives on another thread, which has a connection of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def in_thread_raising(work):
    """The same where an error is what the test is about."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_a_transaction_is_saved_as_a_whole(database):
    with database.transaction() as db:
        put(db, "a")
        put(db, "b")

    assert names(database.connection()) == {"a", "b"}


def test_a_failed_transaction_leaves_nothing(database):
    with pytest.raises(StoreError), database.transaction() as db:
        db.executemany("INSERT INTO settings VALUES (?, '1')", [("a",), ("a",)])

    assert names(database.connection()) == set()
    with database.transaction() as db:
        put(db, "b")


def test_a_save_survives_the_database_being_opened_anew(path):
    with closing(Database(path).open()) as database, database.transaction() as db:
        put(db, "a")

    with closing(Database(path).open()) as database:
        assert names(database.connection()) == {"a"}


def test_commits_are_synced_and_log_rows_are_not(database):
    own = database.connection().execute("PRAGMA synchronous").fetchone()[0]
    log = in_thread(
        lambda: database.connect_for_log().execute("PRAGMA synchronous").fetchone()[0]
    )

    assert (own, log) == (2, 1)  # FULL, NORMAL


def test_the_journal_is_a_write_ahead_log(database):
    mode = database.connection().execute("PRAGMA journal_mode").fetchone()[0]

    assert mode == "wal"


def test_foreign_keys_hold(database):
    with pytest.raises(StoreError), database.transaction() as db:
        db.execute("INSERT INTO sessions VALUES ('d', 99, 0, 0)")


def test_each_thread_has_a_connection_of_its_own(database):
    mine = database.connection()

    assert database.connection() is mine
    assert in_thread(database.connection) is not mine


def test_a_threads_connection_is_closed_with_it(database):
    connection = in_thread(database.connection)

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_reads_go_on_while_another_thread_writes(database):
    with database.transaction() as db:
        put(db, "a")

        assert in_thread(lambda: names(database.connection())) == set()


def test_a_save_that_waits_too_long_for_another_says_so(database, monkeypatch):
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)

    def save():
        try:
            with database.transaction() as db:
                put(db, "b")
        except StoreError as exc:
            return exc
        return None

    with database.transaction() as db:
        put(db, "a")
        error = in_thread(save)

    assert error.status == 503
    assert "busy" in error.message


def test_saves_wait_ten_seconds_for_a_lock():
    assert module.LOCK_SECONDS == 10.0


def test_a_full_disk_is_said_and_reading_goes_on(database):
    with database.transaction() as db:
        put(db, "a")
    db = database.connection()
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreError, match="disk is full"), database.transaction() as db:
        put(db, "b", "x" * 1_000_000)

    assert names(db) == {"a"}


@posix
def test_every_file_is_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        database = Database(str(tmp_path / "new" / "app.db")).open()
        with closing(database), database.transaction() as db:
            put(db, "a")
            database_files = os.listdir(tmp_path / "new")
            modes = {
                name: stat.S_IMODE(os.stat(tmp_path / "new" / name).st_mode)
                for name in database_files
            }
    finally:
        os.umask(before)

    assert set(modes) == {"app.db", "app.db-wal", "app.db-shm", "app.db.lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700


@posix
def test_a_database_that_others_could_read_is_made_private(path):
    Database(path).open().close()
    os.chmod(path, 0o644)

    Database(path).open().close()

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_second_server_is_refused_and_a_command_is_not(path, database):
    with pytest.raises(ConfigError, match="in use"):
        Database(path).open()

    with closing(Database(path, is_server=False).open()) as command:
        with command.transaction() as db:
            put(db, "a")
        assert names(database.connection()) == {"a"}


def test_a_failed_start_gives_the_lock_up(path):
    with open(path, "w") as file:
        file.write("notes" * 100)
    with pytest.raises(ConfigError):
        Database(path).open()
    os.unlink(path)

    Database(path).open().close()


@not_root
def test_an_unwritable_folder_is_refused_in_one_line(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="make it writable") as caught:
            Database(str(tmp_path / "app.db")).open()
    finally:
        tmp_path.chmod(0o700)
    assert "\n" not in caught.value.message


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="make it writable") as caught:
        Database(str(tmp_path / "file" / "app.db")).open()
    assert "\n" not in caught.value.message


def test_a_locked_database_is_refused_in_one_line(path, monkeypatch):
    Database(path).open().close()
    monkeypatch.setattr(file_check, "WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(ConfigError, match="another program"):
            Database(path).open()


def test_an_older_schema_is_copied_before_it_is_brought_up_to_date(path, monkeypatch):
    Database(path).open().close()
    old = len(migrations.MIGRATIONS)
    step = ("CREATE TABLE later (x INTEGER)",)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))

    Database(path).open().close()

    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == old + 1
    copy = file_check.copy_name(path, old)
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == old
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600


def test_a_new_database_needs_no_copy(tmp_path, database):
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".bak")]


def test_a_command_does_not_change_the_schema_under_a_running_server(
    path, database, monkeypatch
):
    step = ("CREATE TABLE later (x INTEGER)",)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))

    with pytest.raises(ConfigError, match=f"pid {os.getpid()}"):
        Database(path, is_server=False).open()


def test_a_backup_is_complete_while_writers_go_on(path, database):
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            with database.transaction() as db:
                put(db, f"n{number}")
                put(db, f"m{number}")
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    for number in range(5):
        database.backup(f"{path}.backup{number}")
    stop.set()
    thread.join()

    for number in range(5):
        with closing(sqlite3.connect(f"{path}.backup{number}")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            kept = {row[0] for row in db.execute("SELECT name FROM settings")}
        assert {"m" + name[1:] for name in kept if name[0] == "n"} <= kept
        assert not os.path.exists(f"{path}.backup{number}-wal")
        assert stat.S_IMODE(os.stat(f"{path}.backup{number}").st_mode) == 0o600


def test_a_copy_is_made_in_one_step_as_commits_would_start_it_anew(tmp_path):
    class Source:
        pages = 0

        def backup(self, target, *, pages):
            self.pages = pages

    source = Source()
    module.copy(source, str(tmp_path / "backup"))

    assert source.pages == -1


def test_a_failed_copy_leaves_no_file(tmp_path, database):
    with pytest.raises(OSError, match="No such file"):
        database.backup(str(tmp_path / "missing" / "backup"))

    assert not [name for name in os.listdir(tmp_path) if "backup" in name]


def test_the_version_moves_with_changes_here_and_elsewhere_and_stays_otherwise(
    path, database
):
    first = database.data_version()
    assert first == snapshot.load(database.connection()).revision
    assert database.data_version() == first

    with database.transaction() as db:
        put(db, "a")
    second = database.data_version()
    with closing(Database(path, is_server=False).open()) as other:
        with other.transaction() as db:
            settings.save(db, {"request_timeout": 5})
        third = database.data_version()

    assert first < second < third
    assert third == snapshot.load(database.connection()).revision


def test_the_version_does_not_move_with_log_rows_or_empty_changes(database):
    first = database.data_version()
    db = database.connection()

    with database.writing(db):
        db.execute("INSERT INTO usage_hours VALUES (0,'','',0,'','','',1,0,0,0,0,0)")
    with database.transaction():
        pass

    assert database.data_version() == first


def test_a_closed_database_gives_no_connection(path):
    database = Database(path).open()
    database.close()

    with pytest.raises(StoreError, match="stopping"):
        database.connection()


def test_the_used_size_leaves_free_pages_out(database):
    with database.transaction() as db:
        put(db, "a", "x" * 1_000_000)
    full = database.used_bytes()
    with database.transaction() as db:
        db.execute("DELETE FROM settings")

    assert full - database.used_bytes() > 900_000


WRITER = textwrap.dedent(
    """
    import sys
    from aiproxy.store.database import Database
    database = Database(sys.argv[1]).open()
    number = 0
    while True:
        with database.transaction() as db:
            db.execute("INSERT INTO settings VALUES (?, '1')", (f"n{number}",))
        print(number, flush=True)
        number += 1
    """
)


def test_kill_9_loses_nothing_that_was_acknowledged(path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE
    )
    for _ in range(50):
        writer.stdout.readline()
    writer.kill()
    rest, _ = writer.communicate()
    acknowledged = 50 + len([line for line in rest.split(b"\n")[:-1] if line])

    with closing(Database(path).open()) as database:
        kept = names(database.connection())
    assert {f"n{number}" for number in range(acknowledged)} <= kept
    assert len(kept) <= acknowledged + 1


FILES = ["", "-wal", "-shm"]


@posix
@pytest.mark.parametrize("fault", ["moved", "deleted", "replaced"])
@pytest.mark.parametrize("which", FILES)
def test_nothing_is_acknowledged_into_a_file_that_is_gone(database, path, which, fault):
    with database.transaction() as db:
        put(db, "before")
    file = path + which
    os.rename(file, file + ".moved")
    if fault == "deleted":
        os.unlink(file + ".moved")
    if fault == "replaced":
        shutil.copy(file + ".moved", file)

    saved = pytest.raises(StoreError, match="nothing was saved")
    with saved, database.transaction() as db:
        put(db, "after")
    with pytest.raises(StoreError, match="nothing was saved"):
        in_thread_raising(database.connection)

    assert not database.is_in_place()
    assert names(database.connection()) == {"before"}
    assert os.path.exists(file) == (fault == "replaced")


@posix
@pytest.mark.parametrize("which", FILES)
def test_a_file_put_back_takes_saves_again(database, path, which):
    file = path + which
    os.rename(file, file + ".moved")
    assert not database.is_in_place()
    os.rename(file + ".moved", file)

    with database.transaction() as db:
        put(db, "after")

    assert names(database.connection()) == {"after"}


@posix
@pytest.mark.parametrize("which", FILES[1:])
def test_what_was_saved_before_its_journal_was_deleted_survives_a_stop(path, which):
    with closing(Database(path).open()) as database:
        with database.transaction() as db:
            put(db, "before")
        os.unlink(path + which)
        with pytest.raises(StoreError), database.transaction() as db:
            put(db, "after")

    with closing(Database(path).open()) as database:
        assert names(database.connection()) == {"before"}


def test_the_files_of_a_database_stay_in_place_while_it_is_used(path, database):
    """Other processes come and go, the journal is emptied: no alarm for that."""
    for _ in range(3):
        with closing(Database(path, is_server=False).open()) as command:
            with command.transaction() as db:
                db.execute("DELETE FROM settings")
            database.backup(path + ".backup")
        database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        with database.transaction() as db:
            put(db, "a")
        assert in_thread(lambda: names(database.connection())) == {"a"}
        assert database.is_in_place()
