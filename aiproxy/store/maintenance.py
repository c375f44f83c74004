"""What the command line does with the database beside a running server, or without.

`restore` needs the server to be stopped; everything else is seen by a running one
within a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import time
from typing import Iterator

from aiproxy.errors import ConfigError, InvalidRequest
from aiproxy.protocol import json_codec
from aiproxy.store import file_check, files, transfer, unlocks, users
from aiproxy.store.database import Database, copy
from aiproxy.store.instance_lock import InstanceLock

MAX_IMPORT_BYTES = 16 * 1024 * 1024


def backup(database_path: str, target: str) -> None:
    """Copy the database to `target`, complete in one file, while it is in use."""
    _check_exists(database_path)
    path = os.path.abspath(database_path)
    _check_target(path, target)
    with file_check.config_errors(path):
        file_check.check(path)
        # As it is: an older one is copied without being brought up to date.
        db = sqlite3.connect(path, timeout=10.0, isolation_level=None)
    try:
        with file_check.config_errors(target):
            copy(db, target)
    finally:
        db.close()


def restore(database_path: str, source: str) -> str:
    """Put a backup in the database's place; returns where the old one was kept."""
    path = os.path.abspath(database_path)
    _check_backup(path, source)
    lock = InstanceLock(path)
    with file_check.config_errors(path):
        files.make_folder(os.path.dirname(path))
        lock.acquire()
        try:
            return _replace(path, source)
        finally:
            lock.release()


def export(database_path: str, target: str, *, with_keys: bool = False) -> None:
    """Write the configuration as JSON; keys only where they are asked for."""
    with _changing(database_path) as database:
        exported = transfer.export_object(database.connection(), with_keys=with_keys)
    content = json.dumps(exported, indent=2, ensure_ascii=False) + "\n"
    with file_check.config_errors(target):
        files.write(target, content.encode("utf-8", "replace"))


def import_file(database_path: str, source: str) -> list[str]:
    """Add or change what the file names, all of it or nothing; returns notes."""
    try:
        with open(source, "rb") as file:
            content = file.read(MAX_IMPORT_BYTES + 1)
    except OSError as exc:
        raise ConfigError(f"cannot read {source}: {_words(exc)}") from exc
    if len(content) > MAX_IMPORT_BYTES:
        raise ConfigError(f"{source} is too large for an export: nothing was imported")
    with _changing(database_path) as database:
        try:
            exported = json_codec.decode(content)
            with database.transaction() as db:
                return transfer.import_object(db, exported, now=int(time.time()))
        except InvalidRequest as exc:
            raise ConfigError(f"{source}: {exc.message}. Nothing was imported") from exc


def reset_password(database_path: str, username: str, password_hash: str) -> str:
    """Set a password, end the user's sessions, lift locks; returns the exact name."""
    now = int(time.time())
    with _changing(database_path) as database, database.transaction() as db:
        user = users.find_by_username(db, username)
        if user is None:
            raise ConfigError(f"there is no user {username!r}: {_known_users(db)}")
        users.update(
            db,
            user.id,
            password_hash=password_hash,
            must_change_password=False,
            now=now,
        )
        db.execute("DELETE FROM sessions WHERE user_id = ?", (user.id,))
        unlocks.mark(db, user.username, now=now)
        return user.username


def unlock(database_path: str, username: str = "") -> None:
    """Have the server forget wrong passwords: one user's, or everybody's."""
    with _changing(database_path) as database, database.transaction() as db:
        if username and users.find_by_username(db, username) is None:
            raise ConfigError(f"there is no user {username!r}: {_known_users(db)}")
        unlocks.mark(db, username, now=int(time.time()))


@contextlib.contextmanager
def _changing(database_path: str) -> Iterator[Database]:
    """The database, whether or not a server runs; it must exist."""
    _check_exists(database_path)
    database = Database(database_path, is_server=False).open()
    try:
        yield database
    finally:
        database.close()


def _check_exists(database_path: str) -> None:
    if not os.path.exists(database_path):
        raise ConfigError(
            f"there is no database {database_path}: start the server once, or set"
            " DATABASE_PATH to an existing one"
        )


def _check_target(path: str, target: str) -> None:
    """An earlier backup may be replaced, anything else may not."""
    if not os.path.exists(target) or os.path.getsize(target) == 0:
        return
    if os.path.samefile(target, path):
        raise ConfigError(f"{target} is the database itself: choose another file")
    try:
        file_check.check(target)
    except ConfigError:
        raise ConfigError(
            f"{target} exists and is no backup: choose another name, or delete it"
        ) from None


def _check_backup(path: str, source: str) -> None:
    if not os.path.isfile(source):
        raise ConfigError(f"there is no file {source}: name a backup")
    if os.path.exists(path) and os.path.samefile(path, source):
        raise ConfigError(f"{source} is the database itself: name a backup")
    with file_check.config_errors(source):
        file_check.check(source, advice="choose another backup", is_thorough=True)
    if os.path.getsize(source) == 0:
        raise ConfigError(f"{source} is empty: choose another backup")


def _replace(path: str, source: str) -> str:
    """Under the lock: complete the new file beside, keep the old one, then swap."""
    temporary = path + ".restore.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    original = sqlite3.connect(source, isolation_level=None)
    try:
        copy(original, temporary)
    finally:
        original.close()
    _end_sessions(temporary)
    kept = _keep_old(path)
    files.replace(temporary, path)
    return kept


def _end_sessions(path: str) -> None:
    # What was logged out since the backup must not be logged in again.
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("DELETE FROM sessions")
    finally:
        db.close()


def _keep_old(path: str) -> str:
    """Move the present database aside with all that belongs to it."""
    if not os.path.exists(path):
        return ""
    kept = path + ".before-restore"
    with contextlib.suppress(sqlite3.Error):
        # Puts the WAL into the file and deletes it, unless the file is damaged.
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            db.close()
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(kept + suffix)
    # A leftover WAL would be written into the restored file at the next start.
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path + suffix, kept + suffix)
    shutil.copyfile(path, kept)
    files.make_private(kept)
    return kept


def _known_users(db: sqlite3.Connection) -> str:
    names = [user.username for user in users.list_all(db)]
    return "choose one of " + ", ".join(names[:20])


def _words(error: OSError) -> str:
    return (error.strerror or "unknown error").lower()
