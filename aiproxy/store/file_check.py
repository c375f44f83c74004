"""Whether a file is a database that we may open, before anything is written to it.

Every refusal is a ConfigError: one line with what, where and what to do.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
import stat
from typing import Iterator
from urllib.parse import quote

from aiproxy.errors import ConfigError
from aiproxy.store import migrations

_MAGIC = b"SQLite format 3\x00"
# Beyond it a full check would delay the start; what is read is checked anyway.
FULL_CHECK_BYTES = 64 * 1024 * 1024
WAIT_SECONDS = 2.0  # for another program that is writing

_USE_ANOTHER = "set DATABASE_PATH to another file"


def check(path: str, *, advice: str = _USE_ANOTHER, is_thorough: bool = False) -> None:
    """Raise ConfigError unless the file is absent, empty or ours and sound.

    A large file is only checked in full where it is asked for.
    """
    try:
        info = os.stat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(info.st_mode):
        raise ConfigError(f"{path} is not a file: {advice}")
    if info.st_size == 0:
        return
    _check_magic(path, advice)
    db = sqlite3.connect(
        f"{_as_uri(path)}?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=WAIT_SECONDS,
    )
    try:
        _check_owner(db, path, advice)
        if is_thorough or info.st_size <= FULL_CHECK_BYTES:
            _check_pages(db, path, advice)
    except sqlite3.DatabaseError as exc:
        if isinstance(exc, sqlite3.OperationalError) and "malformed" not in str(exc):
            raise
        raise _damaged(path, advice) from None
    finally:
        db.close()


def identity(path: str) -> tuple[int, int] | None:
    """What tells a file from another of the same name; None: there is none."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_dev, info.st_ino


def identities(path: str) -> dict[str, tuple[int, int]]:
    """The same for a database that is open, with the two files that SQLite keeps
    beside it as long as that is so; by path.
    """
    places = [path, f"{path}-wal", f"{path}-shm"]
    found = {place: identity(place) for place in places}
    return {place: one for place, one in found.items() if one is not None}


def copy_name(path: str, version: int) -> str:
    """What the copy made before a migration from `version` is called."""
    return f"{path}.schema-{version}.bak"


@contextlib.contextmanager
def config_errors(path: str) -> Iterator[None]:
    """Turn what the system or SQLite says while opening into one line."""
    try:
        yield
    except sqlite3.Error as exc:
        raise ConfigError(f"cannot open {path}: {_reason(exc)}") from exc
    except OSError as exc:
        remedy = "make it writable for this account"
        if exc.errno == errno.ENOSPC:
            remedy = "free some space"
        raise ConfigError(
            f"cannot write in {os.path.dirname(path) or '.'}"
            f" ({(exc.strerror or 'unknown error').lower()}): {remedy}, or"
            f" {_USE_ANOTHER}"
        ) from exc


def _check_magic(path: str, advice: str) -> None:
    # Nobody in this process has the file open in SQLite yet: closing it here would
    # drop POSIX locks (https://sqlite.org/howtocorrupt.html, 2.2).
    with open(path, "rb") as file:
        magic = file.read(len(_MAGIC))
    if magic != _MAGIC:
        raise ConfigError(
            f"{path} is not an AI Proxy database, or is damaged: restore a backup, or"
            f" {advice}"
        )


def _check_owner(db: sqlite3.Connection, path: str, advice: str) -> None:
    tables = db.execute("SELECT name FROM sqlite_master").fetchall()
    mark = db.execute("PRAGMA application_id").fetchone()[0]
    version = migrations.version_of(db)
    if mark != migrations.APPLICATION_ID and (tables or mark or version):
        raise ConfigError(f"{path} belongs to another program: {advice}")
    if version > len(migrations.MIGRATIONS):
        raise ConfigError(
            f"{path} was made by a newer AI Proxy (schema {version}, this one knows"
            f" {len(migrations.MIGRATIONS)}): start the newer one, or"
            f" {_older_copy(path)}"
        )


def _check_pages(db: sqlite3.Connection, path: str, advice: str) -> None:
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise _damaged(path, advice)


def _older_copy(path: str) -> str:
    """Advice naming the newest copy that this version can read."""
    folder, name = os.path.split(path)
    pattern = re.compile(re.escape(name) + r"\.schema-([0-9]{1,6})\.bak")
    found = [
        int(match.group(1))
        for match in map(pattern.fullmatch, os.listdir(folder or "."))
        if match and int(match.group(1)) <= len(migrations.MIGRATIONS)
    ]
    if not found:
        return "restore a backup made by this one"
    return f"go back to the copy made before the upgrade: {copy_name(path, max(found))}"


def _as_uri(path: str) -> str:
    """The path as SQLite's `file:` address; with a drive it has a slash before it."""
    path = os.path.abspath(path).replace(os.sep, "/")
    return "file:" + quote("/" + path if path[1:2] == ":" else path, safe="/:")


def _damaged(path: str, advice: str) -> ConfigError:
    return ConfigError(
        f"{path} is damaged: restore a backup (aiproxy restore FILE), or {advice}"
    )


def _reason(error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "another program is writing to it. Stop that and start again"
    if "full" in text:
        return "the disk is full. Free some space and start again"
    if "readonly" in text or "unable to open" in text:
        return (
            "it cannot be written. Make the file and its folder writable for this"
            f" account, or {_USE_ANOTHER}"
        )
    if "malformed" in text or "not a database" in text:
        return f"it is damaged. Restore a backup, or {_USE_ANOTHER}"
    return f"{text}. Check the disk, or {_USE_ANOTHER}"
