"""What must not be opened is refused in one line, and left as it was."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aiproxy.errors import ConfigError
from aiproxy.store import file_check, migrations
from aiproxy.store.database import Database


def make(path):
    with closing(Database(path).open()) as database, database.transaction() as db:
        db.execute("INSERT INTO settings VALUES ('x', 'y')")


def write_sql(path, *statements):
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def refusal(path, **options):
    """The message of the refusal; checks that nothing was touched."""
    folder = Path(path).parent
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(ConfigError) as caught:
        file_check.check(path, **options)
    assert {file: file.read_bytes() for file in before} == before
    assert "\n" not in caught.value.message
    return caught.value.message


def test_no_file_and_an_empty_one_are_fine(path):
    file_check.check(path)
    open(path, "w").close()
    file_check.check(path)


def test_our_own_is_fine(path):
    make(path)

    file_check.check(path, is_thorough=True)


def test_a_file_that_is_no_database_is_refused(path):
    with open(path, "w") as file:
        file.write("my notes, " * 1000)

    assert "not an AI Proxy database" in refusal(path)


def test_another_programs_database_is_refused(path):
    write_sql(path, "CREATE TABLE bookmarks (url TEXT)")

    assert "belongs to another program" in refusal(path)


def test_another_programs_marked_database_is_refused(path):
    write_sql(path, "PRAGMA application_id = 7", "VACUUM")

    assert "belongs to another program" in refusal(path)


def test_a_newer_one_is_refused_and_the_copy_before_the_upgrade_named(path):
    make(path)
    newer = len(migrations.MIGRATIONS) + 3
    write_sql(path, f"PRAGMA user_version = {newer}")
    for version in (len(migrations.MIGRATIONS), newer - 1):
        open(file_check.copy_name(path, version), "w").close()

    message = refusal(path)

    assert f"newer AI Proxy (schema {newer}" in message
    copy = file_check.copy_name(path, len(migrations.MIGRATIONS))
    assert copy in message


def test_a_newer_one_without_a_copy_is_refused_too(path):
    make(path)
    write_sql(path, "PRAGMA user_version = 99")

    assert "restore a backup" in refusal(path)


@pytest.mark.parametrize("page", [1, 3, 8])
def test_a_damaged_page_is_found(path, page):
    make(path)
    with open(path, "r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)

    assert "is damaged" in refusal(path)


def test_a_cut_file_is_found(path):
    make(path)
    os.truncate(path, os.path.getsize(path) // 2)

    assert "is damaged" in refusal(path)


def test_a_damaged_head_is_found(path):
    make(path)
    with open(path, "r+b") as file:
        file.write(b"\0" * 100)

    assert "damaged" in refusal(path)


def test_a_folder_is_refused(path):
    os.mkdir(path)

    with pytest.raises(ConfigError, match="is not a file"):
        file_check.check(path)


def test_advice_fits_what_was_asked(path):
    with open(path, "w") as file:
        file.write("x" * 5000)

    assert "choose another backup" in refusal(path, advice="choose another backup")


def test_a_full_disk_is_told_from_a_folder_that_may_not_be_written(path):
    for code, remedy in ((errno.ENOSPC, "free some space"), (errno.EROFS, "writable")):
        with pytest.raises(ConfigError, match=remedy), file_check.config_errors(path):
            raise OSError(code, os.strerror(code))


def test_another_file_of_the_same_name_is_told_from_the_first(tmp_path):
    path, other = tmp_path / "app.db", tmp_path / "other"
    path.write_bytes(b"one")
    first = file_check.identity(str(path))
    path.write_bytes(b"the same file")
    assert file_check.identity(str(path)) == first
    other.write_bytes(b"two")
    other.replace(path)
    assert file_check.identity(str(path)) not in (first, None)
    path.unlink()
    assert file_check.identity(str(path)) is None
