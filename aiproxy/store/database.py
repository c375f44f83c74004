"""The database file: opened, checked, brought up to date, and its connections.

A connection a thread, in autocommit: a SELECT is its own transaction, and a change is
made inside `transaction()`, which takes the write lock first. Opening either succeeds
or raises ConfigError with one line, and then has touched nothing.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from typing import Iterator

from aiproxy.errors import ConfigError, StoreError
from aiproxy.store import file_check, files, migrations
from aiproxy.store.instance_lock import InstanceLock
from aiproxy.store.snapshot import revision

LOCK_SECONDS = 10.0  # that a save waits for another writer
WAL_LIMIT_BYTES = 64 * 1024 * 1024  # to which the WAL file is cut back


class Database:
    """One file, for all threads; `is_server` holds the lock against a second one."""

    def __init__(self, path: str, *, is_server: bool = True) -> None:
        self.path = os.path.abspath(path)
        self._is_server = is_server
        self._lock = InstanceLock(self.path)
        self._local = threading.local()
        self._open: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._is_closed = False
        self._mutex = threading.Lock()  # over the set of connections
        self._watch_lock = threading.Lock()  # over the one that watches
        self._watcher: _Handle | None = None
        self._seen_version = -1
        self._seen_revision = 0
        self._files: dict[str, tuple[int, int]] = {}  # that were opened

    def open(self) -> Database:
        """Check the file, create or migrate it; raises ConfigError."""
        try:
            self._open_file()
        except BaseException:
            self.close()
            raise
        return self

    def connection(self) -> sqlite3.Connection:
        """This thread's connection; rows are read by name."""
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is None or self._is_closed:
            handle = self._connect(synchronous="FULL")
            self._local.handle = handle
        return handle.connection

    def connect_for_log(self) -> sqlite3.Connection:
        """This thread's connection for rows that a power cut may take."""
        if getattr(self._local, "handle", None) is None:
            self._local.handle = self._connect(synchronous="NORMAL")
        return self.connection()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One change: committed as a whole, or undone. Raises StoreError."""
        db = self.connection()
        with self.writing(db):
            changes = db.total_changes
            yield db
            if db.total_changes != changes:
                db.execute("UPDATE revision SET number = number + 1")

    @contextlib.contextmanager
    def writing(self, db: sqlite3.Connection) -> Iterator[None]:
        """BEGIN IMMEDIATE to COMMIT, for what no snapshot holds, such as log rows."""
        with _store_errors():
            db.execute("BEGIN IMMEDIATE")
        try:
            with _store_errors():
                yield
                self._check_place()
                db.execute("COMMIT")
        except BaseException:
            # A full disk may have ended the transaction already.
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def data_version(self) -> int:
        """Grows with every commit, here or in another process, that changes what a
        snapshot holds: equal to `Snapshot.revision` while that is up to date.
        """
        with self._watch_lock:
            if self._watcher is None:
                self._watcher = self._connect(synchronous="FULL")
            db = self._watcher.connection
            # Moves with others' commits only, hence a connection that never writes.
            version = db.execute("PRAGMA data_version").fetchone()[0]
            if version != self._seen_version:
                self._seen_revision = revision(db)
                self._seen_version = version
            return self._seen_revision

    def is_in_place(self) -> bool:
        """Whether the files are still where they were opened; one moved or deleted
        takes every commit, and loses it at the end of the process.
        """
        return all(
            file_check.identity(path) == one for path, one in self._files.items()
        )

    def _check_place(self) -> None:
        if not self.is_in_place():
            raise StoreError(
                "the database's file, or its -wal or -shm, was moved, deleted or"
                " replaced under the running server: nothing was saved. Put it back, or"
                " restart the server"
            )

    def used_bytes(self) -> int:
        """The size of what is in the file, free pages apart."""
        db = self.connection()
        size = db.execute("PRAGMA page_size").fetchone()[0]
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        free = db.execute("PRAGMA freelist_count").fetchone()[0]
        return int(size * (pages - free))

    def backup(self, target_path: str) -> None:
        """Copy the database as it is at this moment, while it is in use."""
        copy(self.connection(), target_path)

    def close(self) -> None:
        """Close every connection and give up the lock."""
        self._is_closed = True
        with self._mutex:
            handles = list(self._open)
        for handle in handles:
            handle.close()
        self._lock.release()

    def _open_file(self) -> None:
        with file_check.config_errors(self.path):
            files.make_folder(os.path.dirname(self.path))
            if self._is_server:
                self._lock.acquire()
            file_check.check(self.path)
            files.make_file(self.path)
        with file_check.config_errors(self.path):
            db = self.connection()
            version = migrations.version_of(db)
            is_current = version == len(migrations.MIGRATIONS)
            if not (self._is_server or is_current):
                # A server that runs with the old schema must not lose it.
                self._lock.acquire()
            if self._is_server or not is_current:
                self._prepare(db)
            if version and not is_current:
                copy(db, file_check.copy_name(self.path, version))
            migrations.migrate(db)
            # Only now: while a connection is open, no system gives it another number.
            self._files = file_check.identities(self.path)

    def _prepare(self, db: sqlite3.Connection) -> None:
        if migrations.version_of(db) == 0:
            # Must come before the first table: lets the file shrink in small steps.
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL").fetchone()

    def _connect(self, *, synchronous: str) -> _Handle:
        if self._is_closed:
            raise StoreError("the database has been closed: the server is stopping")
        self._check_place()  # SQLite would make a new file, without a table
        handle = _Handle(self.path)
        db = handle.connection
        db.execute("PRAGMA foreign_keys = ON")
        # A pragma takes no parameters; the words are this module's own.
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES:d}").fetchone()
        with self._mutex:
            self._open.add(handle)
        return handle


class _Handle:
    """Closes its connection when the thread that holds it ends."""

    def __init__(self, path: str) -> None:
        # Closed by another thread at the end, hence check_same_thread.
        self.connection = sqlite3.connect(
            path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        self.connection.row_factory = sqlite3.Row

    def close(self) -> None:
        self.connection.close()

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self.close()


def copy(source: sqlite3.Connection, target_path: str) -> None:
    """A consistent copy in one file of mode 0600, complete or absent."""
    temporary = f"{target_path}.{os.getpid()}.tmp"
    files.make_file(temporary)
    try:
        target = sqlite3.connect(temporary, isolation_level=None)
        try:
            # In one step: in several, every commit in between starts it anew.
            source.backup(target, pages=-1)
            # The copy must not need a WAL beside it.
            target.execute("PRAGMA journal_mode = DELETE").fetchone()
        finally:
            target.close()
        files.replace(temporary, target_path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreError(_reason(exc)) from exc


def _reason(error: sqlite3.Error) -> str:
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return "the database is busy: nothing was saved, try again"
    if "full" in text:
        return "the disk is full: nothing was saved. Free some space and try again"
    if "readonly" in text or "read-only" in text:
        return "the database cannot be written: nothing was saved. Check its file mode"
    if "i/o" in text:
        return "the disk failed: nothing was saved. Check the disk and the log"
    if "malformed" in text or "not a database" in text:
        return "the database is damaged: nothing was saved. Restore a backup"
    return "the database refused the change: nothing was saved. See the log"


__all__ = ["ConfigError", "Database", "copy"]
